"""What docs/scale.md says: the figures that go in, the times, and what changes them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from bench.scale.assumptions import Assumptions
from bench.scale.crew import LIMITS, TODAY, Crew, synchronize
from bench.scale.walk import Course
from bench.scale.work import Case

SIZES = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
CREWS = (TODAY, Crew(1, 4), Crew(4, 1), Crew(4, 4), Crew(16, 4), Crew(16, 16))
_EXAMPLE = 1_000_000


class Change(NamedTuple):
    """A figure that is taken otherwise, and what is then said of it."""

    text: str
    figures: dict[str, float]


CHANGES = (
    Change("as above", {}),
    Change("1,000 rows in a request", {"batch": 1000}),
    Change("10 rows in a request", {"batch": 10}),
    Change("no CreateMultiple: all in $batch", {"bulk": 0}),
    Change("a row of a $batch takes 20 ms, as with UpdateMultiple", {"crm_batch": 20}),
    Change("4 web servers", {"web_servers": 4}),
    Change("48 requests at once to CRM", {"crm_places": 48}),
    Change("100 µs of CPU a record", {"cpu": 100}),
    Change("1,000 µs of CPU a record", {"cpu": 1000}),
    Change("CRM reads four times as slowly", {"crm_read": 2}),
    Change("NAV answers four times as slowly", {"nav_request": 120, "nav_read": 4, "nav_write": 80}),
    Change("NAV takes 600 requests a minute of all users", {"nav_environment": 3000}),
    Change("no customer has a primary contact", {"primary": 0}),
    Change("the company of AdventureWorks", {"customers": 92, "contacts": 4, "resources": 1, "items": 2, "primary": 4}),
)


def lines(given: Assumptions, sizes: Sequence[int] = SIZES, crews: Sequence[Crew] = CREWS) -> Iterator[str]:
    """All tables."""
    yield from ("### Times", "")
    yield from times(given, sizes, crews)
    yield from ("", "| What binds | |", "|---|---|")
    for name, text in LIMITS.items():
        yield f"| {name} | {text} |"
    yield from ("", f"### What changes them: {_EXAMPLE:,} records, one worker with one user a side, as today", "")
    yield from changes(given)
    yield from ("", "### What goes in", "", "| Option | Value | | Source |", "|---|---|---|---|")
    for one in given.told():
        option, text = one.name.replace("_", "-"), f"{one.unit} {one.text}".strip()
        yield f"| `--{option}` | {one.value:g} | {text} | {one.source} |"


def times(given: Assumptions, sizes: Sequence[int], crews: Sequence[Crew]) -> Iterator[str]:
    """How long it takes, for each number of records and each crew."""
    yield "".join(f"| {head} " for head in ("Records", "Run", *map(_who, crews))) + "|"
    yield "|---" * (len(crews) + 2) + "|"
    for size in sizes:
        for case in Case:
            cells = (_cell(synchronize(size, case, crew, given)) for crew in crews)
            what = f"{given.changed:g} % changed" if case is Case.CHANGED else case.value
            yield "".join(f"| {text} " for text in (f"{size:,}", what, *cells)) + "|"


def changes(given: Assumptions) -> Iterator[str]:
    """How long it takes when one thing is otherwise."""
    yield from ("| | First run | Unchanged |", "|---|---|---|")
    for one in CHANGES:
        other = replace(given, **one.figures)
        cells = (_cell(synchronize(_EXAMPLE, case, TODAY, other)) for case in (Case.FIRST, Case.AGAIN))
        yield "".join(f"| {text} " for text in (one.text, *cells)) + "|"


def duration(micros: int) -> str:
    """A time with two digits that count."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if micros >= 1.5 * size * 1_000_000:
            return f"{_short(micros / size / 1_000_000)} {unit}"
    return f"{_short(micros / 1_000_000)} s"


def _short(value: float) -> str:
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def _cell(course: Course) -> str:
    return f"{duration(course.now)}: {', '.join(course.binding)}"


def _who(crew: Crew) -> str:
    users = f"{crew.users} user{'s' * (crew.users > 1)}"
    workers = f"{crew.workers} worker{'s' * (crew.workers > 1)}"
    return f"{users}, {workers}: {'today' if crew == TODAY else '*not built*'}"
