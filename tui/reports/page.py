"""A report of a run as one page of HTML, on its own: nothing in it runs, and it loads nothing."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from engine.model.report import Report
from engine.model.snapshot import RunSnapshot, RunState
from tui import format as form
from tui import plain
from tui.reports import sections, words
from tui.reports.markup import Markup, coded, element, joined, moment
from tui.reports.sections import COUNTERS

_TONES = {
    RunState.FINISHED: "good",
    RunState.ASKING: "fair",
    RunState.STOPPED: "fair",
    RunState.RUNNING: "fair",
    RunState.CANCELLED: "bad",
    RunState.INTERRUPTED: "bad",
}


def page(report: Report) -> Iterator[str]:
    """The page, piece by piece."""
    run = report.run
    yield f'<!DOCTYPE html>\n<html lang="en">\n{_head(report)}\n<body>\n'
    yield _line(_header(report))
    yield _line(_tiles(report))
    for heading, content in (
        ("Jobs", sections.jobs(report)),
        ("Throughput", sections.throughput(report)),
        ("Records by cause" if run.kind == "undo" else "Errors by cause", sections.causes(report)),
        ("Conflicts", sections.conflicts(report)),
        ("Decisions", sections.decisions(report)),
        ("Synch. Only Coupled Records", sections.flags(report)),
    ):
        if content:
            yield _line(element("h2", heading))
            yield from map(_line, content)
    foot = f"Made by Coupler at {moment(run.now)} UTC. All times are UTC. This page runs nothing and loads nothing."
    yield _line(element("footer", element("p", foot, class_="soft")))
    yield "</body>\n</html>\n"


def _line(one: Markup) -> str:
    return f"{one}\n"


@cache
def _style() -> tuple[str, str]:
    """The style sheet, and the source that a policy allows it by."""
    text = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return text, f"'sha256-{digest}'"


def _head(report: Report) -> str:
    style, source = _style()
    policy = f"default-src 'none'; style-src {source}; base-uri 'none'; form-action 'none'"
    title = f"{words.title(report.run)} ({report.run.environment})"
    return (
        '<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"{element('title', title)}\n<style>{style}</style>\n</head>"
    )


def _header(report: Report) -> Markup:
    run = report.run
    state = element("span", words.state(run), class_=f"state {_TONES[run.state]}")
    start = report.decisions[0] if report.decisions else None
    facts = (
        ("Environment", run.environment),
        ("NAV", run.nav),
        ("CRM", run.crm),
        ("Started", f"{moment(run.started)}{f' by {start.by}' if start is not None else ''}"),
        ("Ended", moment(run.ended) if run.ended is not None else "not yet"),
        ("Worked", f"{form.duration(run.worked)}, without the time in which no engine worked on it"),
        *([("Answer", _answer(run))] if run.answer is not None or run.state is RunState.ASKING else []),
    )
    pairs = (joined((element("dt", name), element("dd", value))) for name, value in facts)
    return joined(
        (
            element("header", element("h1", words.title(run)), state),
            _note(words.notes(run, f"{moment(run.now)} UTC")),
            element("dl", *pairs, class_="facts"),
        )
    )


def _note(lines: Sequence[str]) -> Markup:
    return element("div", *(element("p", coded(line)) for line in lines), class_="note") if lines else Markup()


def _answer(run: RunSnapshot) -> str:
    if run.answer is None:
        return "not yet: keep Synch. Only Coupled Records cleared?"
    return f"{run.answer}, by {run.answered_by}, {moment(run.answered_at)}: {plain.outcome(run)}"


def _tiles(report: Report) -> Markup:
    sums = report.run.counters
    values = [("records read", sums.read), *((name, getattr(sums, name)) for name in COUNTERS)]
    if sums.uncoupled:
        values.append(("uncoupled", sums.uncoupled))
    if report.all_conflicts:
        values.append(("in conflict", report.all_conflicts))
    tiles = [
        element(
            "li",
            element("b", form.count(value)),
            element("span", name),
            class_="alarm" if name == "failed" and value else None,
        )
        for name, value in values
    ]
    worked = report.run.worked
    speed = form.rate(sums.read / worked) if worked >= 1 else form.NONE
    for value, name in ((form.duration(worked), "worked"), (speed, "records a second")):
        tiles.append(element("li", element("b", value), element("span", name)))
    return element("ul", *tiles, class_="tiles")
