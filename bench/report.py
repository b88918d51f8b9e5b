"""The table in docs/performance.md."""

from collections.abc import Iterator
from pathlib import Path

from bench.goals import GOALS, Found, Goal
from bench.results import ROOT, Results, Series
from bench.rounds import figure, ratios

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- the table begins -->", "<!-- the table ends -->"


def write(results: Results, page: Path = PAGE) -> None:
    """Put the results into the page; raises what `put` raises."""
    put("\n".join(table(results)), page)


def put(text: str, page: Path) -> None:
    """Put a text between the two marks of a page; raises ValueError when it lacks one."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{page.name} does not say where the table belongs")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def table(results: Results) -> Iterator[str]:
    """The lines: where it was measured, the goals, and every series."""
    machine = results.machine
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    yield (
        f"Measured {results.at} at {results.commit} on {machine.cores} cores of {machine.processor}, "
        f"{machine.memory / 2**30:.0f} GiB, {machine.system}, Python {machine.python}, {packages}; "
        f"the load was {machine.load:.1f} at the beginning."
    )
    yield from ("", "| Goal | | Must | Aim | Figure | Range | Records | |", "|---|---|---|---|---|---|---|---|")
    for goal in GOALS:
        yield _goal(goal, goal.find(results))
    yield from (
        "",
        "| | What | Records | A request | CPU µs/record | By floor | Range | Records/s | MB | Requests | kB/record |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    )
    for one in results.series:
        yield _series(one)
    for name, number in results.instructions.items():
        yield f"\nInstructions a record, {name}: {number:,.0f}"
    for reason in results.left_out:
        yield f"\nNot measured: {reason}"


def _goal(goal: Goal, found: Found | None) -> str:
    sign = "≥" if goal.least else "≤"
    aim = f"{sign} {goal.aim:g}{goal.unit}" if goal.aim is not None else ""
    asked = f"| {goal.number} | {goal.text} | {sign} {goal.must:g}{goal.unit} | {aim} |"
    if found is None:
        return f"{asked} | | | not measured |"
    middle, least, most = found.figure
    verdict = "met" if goal.met(middle) else "**SHORT**"
    return f"{asked} {_short(middle)}{goal.unit} | {_short(least)} to {_short(most)} | {found.size:,} | {verdict} |"


def _series(one: Series) -> str:
    cpu = figure([run.cpu / one.size * 1e6 for run in one.runs]).median
    wall = figure([one.size / run.wall for run in one.runs]).median
    memory = figure([run.memory / 1e6 for run in one.runs]).median
    requests = figure([run.requests for run in one.runs]).median
    traffic = figure([run.bytes / one.size / 1000 for run in one.runs]).median
    by_floor = span = ""
    if one.floor:
        middle, least, most = figure(ratios([run.cpu for run in one.floor], [run.cpu for run in one.runs]))
        by_floor, span = _short(middle), f"{_short(least)} to {_short(most)}"
    what = f"{one.what}, {one.delay * 1000:.0f} ms a request" if one.delay else one.what
    return (
        f"| {one.contender} | {what} | {one.size:,} | {one.batch:,} | {cpu:,.1f} | {by_floor} | {span} | {wall:,.0f} | "
        f"{memory:,.0f} | {requests:,.0f} | {traffic:.2f} |"
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
