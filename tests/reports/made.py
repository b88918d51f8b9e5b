"""Reports that were made by hand: small, whole, and the same every time."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from engine.model.decision import Decision, Deed
from engine.model.report import Bar, Group, Report
from engine.model.snapshot import RecordOutcome, RunState
from tests.tui.made.runs import NOW, made_run
from tests.tui.made.troubles import made_causes, made_conflicts, made_outcome

BEGUN = NOW - timedelta(minutes=7)


def at(seconds: float) -> datetime:
    return BEGUN + timedelta(seconds=seconds)


def made_bars() -> tuple[Bar, ...]:
    """Five jobs, a wait, and a night without work."""
    read = (30, 90, 120, 80, 110, 300, 340, 0, 0, 250, 280, 310, 90, 60, 200)
    seqs = (1, 2, 2, 3, 3, 4, 4, 4, 4, 4, 5, 5, 6, 7, 7)
    bars = [
        Bar(at(10 * number), 10, seq, one, 12 if number in (5, 9) else 0)
        for number, (one, seq) in enumerate(zip(read, seqs, strict=True))
    ]
    return (*bars[:10], *(replace(bar, at=bar.at + timedelta(hours=11)) for bar in bars[10:14]), last(bars[14]))


def last(bar: Bar) -> Bar:
    return replace(bar, at=bar.at + timedelta(hours=11), seconds=4)


def made_decisions() -> tuple[Decision, ...]:
    return (
        Decision(at(0), "ops@bastion", Deed.START, text="keep cleared: no"),
        Decision(at(40), "kim@bastion", Deed.PAUSE),
        Decision(at(70), "kim@bastion", Deed.GO_ON),
        Decision(at(90), "kim@bastion", Deed.FLAG, "CONTACTS", text="off"),
        Decision(at(100), "kim@bastion", Deed.STOP),
        Decision(at(39_600), "ops@bastion", Deed.RESUME),
        Decision(at(39_900), "ops@bastion", Deed.CHOOSE, "CUSTOMER", "01450001", "City=nav: Bonn, not Berlin"),
        Decision(at(40_000), "ops@bastion", Deed.ANSWER, text="keep cleared: no"),
    )


def made_groups() -> tuple[Group, ...]:
    causes = made_causes()
    return tuple(
        Group(cause, tuple(made_outcome(one, cause) for one in range(min(cause.count, 20)))) for cause in causes
    )


def made_report(state: RunState = RunState.FINISHED) -> Report:
    """Of run 16, whose counters and jobs are those that the screens are tested with."""
    run = made_run(state)
    if state is RunState.FINISHED:
        flags = tuple(replace(one, edited=one.mapping == "CONTACTS") for one in run.flags)
        answered = {"answer": "no", "answered_by": "ops@bastion", "answered_at": at(40_000)}
        run = replace(run, flags=flags, left_alone=3, **answered)  # type: ignore[arg-type]
    conflicts = tuple(made_conflicts())
    return Report(run, made_bars(), made_groups(), 2, 79, conflicts, len(conflicts), made_decisions(), 8)


def made_records(report: Report) -> list[RecordOutcome]:
    return [record for group in report.groups for record in group.records]


def whole(pieces: Iterable[str]) -> str:
    return "".join(pieces)
