"""Couplings as rows, and as what is said about one of them; pure but for the clock."""

from collections.abc import Sequence

from engine.model.coupled import CoupledRow
from engine.model.snapshot import JobSnapshot, RunSnapshot, RunState
from tui import format as fmt
from tui.look import Look
from tui.plain import hanging
from tui.text import safe
from tui.widgets.columns import WIDE, Column, Row
from tui.widgets.passes import now

HEADING = ("mapping", "nav_no", "nav_id", "crm_id", "state", "run", "coupled", "message")

_MAPPING, _STATE = Column("Mapping", 17), Column("State", 16)
_ID, _WHOLE = 10, 37


def columns(*, one_mapping: bool, width: int) -> Sequence[Column]:
    """The columns of the list."""
    wide = width >= WIDE
    whole, id = Column("CRM id", _WHOLE), Column("CRM id", _ID)
    if one_mapping and wide:
        return (Column("NAV No.", 21), _STATE, Column("NAV id", _WHOLE), whole, Column("Run", 7, right=True))
    number = Column("NAV No.", 21 if one_mapping or wide else 19)
    end = (Column("Run", 6, right=True), Column("Coupled", 11, right=True))
    if one_mapping:
        return (number, _STATE, Column("NAV id", _ID), id, *end)
    return (_MAPPING, number, _STATE, *((Column("NAV id", _ID), whole) if wide else (Column("CRM id", 9),)), *end)


def key(one: CoupledRow) -> str:
    """What tells a coupling from all others."""
    return f"{one.mapping}/{one.nav_id}"


def row(one: CoupledRow, shown: Sequence[Column], look: Look) -> Row:
    """A row with these columns."""
    cells = {
        "Mapping": one.mapping,
        "NAV No.": one.nav_no or fmt.NONE,
        "State": str(one.state),
        "NAV id": one.nav_id,
        "CRM id": one.crm_id,
        "Run": str(one.run),
        "Coupled": fmt.stamp(one.at, now(), utc=look.utc),
    }
    return Row(key(one), tuple(_fitting(cells[column.label], column) for column in shown))


def _fitting(text: str, column: Column) -> str:
    """Of an id that does not fit its first digits, by which it can be searched, without a mark that more is cut."""
    return text[:8] if column.label.endswith(" id") and column.width < _WHOLE else text


def about(one: CoupledRow, width: int, look: Look) -> list[str]:
    """Five lines about a coupling: what is coupled, and what is wrong with it."""
    who = safe(f"{one.mapping} {one.nav_no or fmt.NONE}  {one.name}".rstrip(), width - 30)
    lines = [
        f"{who}   coupled {fmt.stamp(one.at, now(), utc=look.utc)} by run {one.run}",
        f"NAV id {one.nav_id}",
        f"CRM id {one.crm_id}",
    ]
    if not one.message:
        return lines
    told = hanging(f"{one.state}, {fmt.stamp(one.told, now(), utc=look.utc)}: {one.message}", width, 2)
    return [*lines, *told]


def uncoupling(one: CoupledRow, parts: Sequence[str]) -> list[str]:
    """What uncoupling a pair means."""
    with_it = f"Its records of {', '.join(parts)} are uncoupled with it."
    return [
        f"NAV {safe(one.nav_no or one.nav_id, 40)}",
        f"CRM {one.crm_id}",
        "",
        "Both records stay as they are: nothing is written to NAV or CRM.",
        *([with_it] if parts else []),
        "What is remembered of the pair goes: its conflicts, its failures, and",
        "which side changed a field last.",
        "A later full synchronization finds the pair again: by match, or under",
        "the id that it makes records with.",
    ]


def uncoupled(run: RunSnapshot) -> str:
    """What a run that was to uncouple a pair did: `Run 17: 1 uncoupled in CUSTOMER, 3 in CONTACTS.`"""
    counted = [(job, job.counters.uncoupled) for job in run.jobs if job.counters.uncoupled]
    done = ", ".join(_uncoupled(job, number, first=not at) for at, (job, number) in enumerate(counted))
    none = "nothing was uncoupled" + ("" if run.state is RunState.FINISHED else " as far as is known")
    return f"Run {run.id}: {done or none}."


def _uncoupled(job: JobSnapshot, number: int, *, first: bool) -> str:
    return f"{fmt.count(number)} {'uncoupled ' if first else ''}in {job.mapping}"


def export(one: CoupledRow) -> tuple[object, ...]:
    """A row of the CSV file; `coupler couplings import` takes it."""
    return (one.mapping, one.nav_no, one.nav_id, one.crm_id, one.state, one.run, fmt.iso(one.at), one.message)
