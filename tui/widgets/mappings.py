"""Mappings as rows and as the text below them; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from engine.model.states import RunState, Wish
from tui import format as fmt
from tui import plain
from tui.look import Look
from tui.widgets.table import Column, Row

if TYPE_CHECKING:
    from engine.model.snapshot import HomeSnapshot, MappingSnapshot, RunSnapshot

WIDE, WIDEST = 100, 120
"""Columns of a terminal from which on names of tables are whole, and from which on there is what is not coupled."""
_COUPLED = Column("Coupled", 8, right=True)
_FAILED = Column("Failed", 7, right=True)
_ALONE = Column("Not coupled", 12, right=True)


def columns(width: int, *, cleared: bool = False) -> Sequence[Column]:
    """The columns; a flag that a run overrides needs more room than one that says on or off, and at 80 columns leaves
    none for what failed.
    """
    wide = width >= WIDE
    if cleared:
        nav, way, crm = (14, 3, 14) if wide else (10, 3, 10)
        tables = (Column("NAV", nav), Column("", way), Column("CRM", crm), Column("OnlyCpl", 23))
    else:
        nav, way, crm = (22, 4, 20) if wide else (10, 4, 12)
        tables = (Column("NAV table", nav), Column("Dir", way), Column("CRM table", crm), Column("OnlyCpl", 8))
    return (
        Column("#", 2),
        Column("Mapping", 17),
        *tables,
        _COUPLED,
        *((_FAILED,) if _has_failed(width, cleared=cleared) else ()),
        *((_ALONE,) if width >= WIDEST else ()),
        Column("Last", 5 if cleared else 10, states=True),
    )


def rows(home: HomeSnapshot, width: int) -> list[Row]:
    """A row for each mapping, in run order."""
    failed, alone = _has_failed(width, cleared=is_cleared(home)), width >= WIDEST
    return [
        Row(
            one.name,
            (
                *plain.mapping_cells(one),
                *((_number(one.failing),) if failed else ()),
                *((_number(one.not_coupled),) if alone else ()),
                _last(one, home),
            ),
        )
        for one in home.mappings
    ]


def is_cleared(home: HomeSnapshot) -> bool:
    """Whether a run overrides a flag."""
    return any(one.cleared_by is not None for one in home.mappings)


def _has_failed(width: int, *, cleared: bool) -> bool:
    return width >= WIDE or not cleared


def _number(number: int | None) -> str:
    return "" if number is None else fmt.count(number)


def _last(one: MappingSnapshot, home: HomeSnapshot) -> str:
    if is_cleared(home):
        return "-" if one.last_state is None else one.last_state.value
    if one.last is None or one.last_state is None:
        return "never"
    return f"{fmt.ago(one.last.ended or one.last.started, home.now):>3} {one.last_state}"


def detail(one: MappingSnapshot, now: datetime) -> list[str]:
    """Three lines about a mapping, the numbers in front: what is too long is cut behind them, and a narrow table has no
    column of its own for each.
    """
    tables = f"{one.nav_table} {one.direction.arrow} {one.crm_table}"
    alone = "" if one.not_coupled is None else f", {fmt.count(one.not_coupled)} not coupled"
    first = f"{one.name}   {fmt.count(one.coupled)} coupled{alone}   {tables}"
    match = f"{one.fields} fields, match: {one.match or 'none'}"
    if one.last is None or one.last_counters is None:
        return [first, match, "last: never"]
    sums = one.last_counters
    when = fmt.ago(one.last.ended or one.last.started, now)
    counts = f"{fmt.count(sums.read)} read, {fmt.count(sums.inserted)} inserted, {fmt.count(sums.modified)} modified"
    return [first, match, f"last: run {one.last.run}, {when} ago, {fmt.count(sums.failed)} failed, {counts}"]


def flag_change(one: MappingSnapshot) -> list[str]:
    """What turning the stored flag means."""
    if one.only_coupled:
        words = [
            "Turn it OFF: scheduled jobs of this mapping may then CREATE records",
            "for records that are not coupled.",
        ]
    else:
        words = ["Turn it ON: scheduled jobs of this mapping then leave records alone", "that are not coupled."]
    if one.cleared_by is not None:
        words += [
            "",
            f"Run {one.cleared_by} is not finished and has it cleared anyway; your change",
            "stands after it, whatever the answer.",
        ]
    return words


def synchronizing(one: MappingSnapshot) -> list[str]:
    """What a synchronization of modified records means."""
    alone = (
        ["Synch. Only Coupled Records is on: records that are not coupled are", "left alone."]
        if one.only_coupled
        else [
            "Synch. Only Coupled Records is OFF: records that are not coupled and",
            "match none are CREATED on the other side.",
        ]
    )
    return [
        "What failed before, and what was modified since the last time,",
        "is synchronized now, as it is on the schedule.",
        "",
        *alone,
    ]


def run_with_errors(home: HomeSnapshot) -> int | None:
    """The run whose errors are looked for first: the one that is not finished, else the newest of all kinds in which
    records of a mapping failed the last time that it had its turn, else the last one.
    """
    if home.active is not None:
        return home.active.id
    failed = [one.last.run for one in home.mappings if one.last and one.last_counters and one.last_counters.failed]
    return max(failed, default=None if home.last_run is None else home.last_run.id)


def attention(home: HomeSnapshot, look: Look) -> list[str]:
    """What needs the operator's attention: what waits, what the banner tells, and what else is going."""
    return [*_waiting(home), *filter(None, [_banner(home, look), *map(_going, _others(home))])]


def _waiting(home: HomeSnapshot) -> list[str]:
    """What waits for somebody, with the key that leads there."""
    many, several = home.conflicts != 1, home.ambiguous != 1
    conflicts = f"{fmt.count(home.conflicts)} record{'s' * many} with conflicts wait{'s' * (not many)}"
    more = "" if home.ambiguous_exact else " or more"
    rivals = f"{fmt.count(home.ambiguous)}{more} record{'s' * several} match{'es' * (not several)} several others"
    alone = ", ".join(one.name for one in home.mappings if one.left_alone)
    errors = ", ".join(one.name for one in home.mappings if one.in_error)
    return [
        *([f"! {conflicts}.   c = look at them"] if home.conflicts else []),
        *([f"! {rivals}.   m = choose the right ones"] if home.ambiguous else []),
        *([f"! Records of {alone} are left alone.   enter, e = look at them"] if alone else []),
        *([f"! In error on the schedule: {errors}.   S = look at it"] if errors else []),
    ]


def _others(home: HomeSnapshot) -> list[RunSnapshot]:
    """What is going and is neither a full synchronization nor an undo, such as a synchronization on the schedule."""
    run = home.going
    return [] if run is None or (home.active is not None and home.active.id == run.id) else [run]


def _going(run: RunSnapshot) -> str:
    kind = "" if run.kind == "run" else f" ({run.kind})"
    paused = run.paused and run.wish is Wish.PAUSE
    return f"* Run {run.id}{kind} is {'paused' if paused else 'going'}{_place(run)}.  u = watch"


def _banner(home: HomeSnapshot, look: Look) -> str:
    """An unfinished run, a question, a run that is going."""
    run = home.active
    if run is None:
        last = home.last_run
        back = "" if home.taken_back_by is None else f"; taken back by run {home.taken_back_by}"
        return "" if last is None else f"Run {last.id} {last.state}{_answered(last, look)}{back}."
    if run.state is RunState.ASKING:
        return f"! Run {run.id} asks: keep Synch. Only Coupled Records cleared?   a = answer"
    if run.state.resumable:
        what = f"Run {run.id}" if run.undoes is None else f"Undo of run {run.undoes}"
        return f"! {what} {run.state}{_place(run)}.  r = resume  {_look(home)}"
    return _going(run)


def _place(run: RunSnapshot) -> str:
    job = next((job for job in run.jobs if job.state in ("RUN", "PAUSE", "STOP", "FAIL")), None)
    return "" if job is None else f" at {job.mapping} {fmt.progress(job.done, job.total, exact=job.total_exact)}"


def _look(home: HomeSnapshot) -> str:
    """How to open the run that is not finished."""
    return "h, u = look at it" if _others(home) else "u = look at it"


def _answered(run: RunSnapshot, look: Look) -> str:
    if run.ended is None:
        return ""
    at = fmt.stamp(run.ended, run.now, utc=look.utc)
    return f" {at}" + ("" if run.answer is None else f", answer: {run.answer} by {run.answered_by}")
