"""Couplings with a lost record as rows, and as what is said about one or all of them; pure."""

from collections.abc import Sequence

from engine.model.snapshot import RecordOutcome, RunSnapshot, RunState
from tui import format as fmt
from tui.door import Mending
from tui.text import safe
from tui.widgets import problems
from tui.widgets.line import hanging
from tui.widgets.table import Column, Row

TITLE = "Broken couplings"
COLUMNS: Sequence[Column] = (
    Column("Mapping", 17),
    Column("NAV No.", 16),
    Column("Gone", 16),
    Column("NAV id", 10),
    Column("CRM id", 10),
    Column("", 9),
)
_GONE = {"nav_gone": "NAV record", "crm_gone": "CRM record", "both_gone": "both records"}
MENDED: dict[Mending, str] = {"restore": "restored", "remove": "removed"}
"""What a coupling is once it was mended."""
_MEANS: dict[Mending, tuple[str, ...]] = {
    "restore": (
        "What is lost is made again from the record that is left, with its values; NAV and CRM are written to.",
        "Where both records are gone, or the mapping does not run in that direction, nothing is made.",
    ),
    "remove": (
        "Nothing is written to NAV or CRM: records that are left stay as they are.",
        "A later synchronization takes them for uncoupled: it finds them a partner by match, or makes one.",
    ),
}


def key(one: RecordOutcome) -> str:
    """What tells a coupling from all others."""
    return f"{one.mapping}/{one.nav_id}"


def row(one: RecordOutcome, mended: str) -> Row:
    """A row of the list; of ids their first digits."""
    ids = ((one.nav_id or "")[:8], (one.crm_id or "")[:8])
    return Row(key(one), (one.mapping, one.nav_no or fmt.NONE, gone(one), *ids, mended))


def gone(one: RecordOutcome) -> str:
    """Which of its records are gone."""
    return _GONE.get(one.code, one.cause)


def about(one: RecordOutcome, width: int) -> list[str]:
    """Five lines about one: which it is, and what is gone."""
    who = safe(f"{one.mapping} {one.nav_no or fmt.NONE}   {gone(one)} gone", width)
    return [who, f"NAV id {one.nav_id}", f"CRM id {one.crm_id}", *hanging(one.message, width, 2)]


def everything(one: RecordOutcome) -> list[str]:
    """All that is known about one."""
    return [
        f"Coupling    {one.mapping} {one.nav_no or fmt.NONE}",
        f"NAV id      {one.nav_id}",
        f"CRM id      {one.crm_id}",
        f"Looked at   {fmt.iso(one.at)}, run {one.run}",
        "",
        one.message,
    ]


def looking(mapping: str | None, number: int | None) -> list[str]:
    """What it means to look for them."""
    many = "All couplings" if number is None else f"All {fmt.many(number, 'coupling')}"
    return [
        f"{many} of {'all mappings' if mapping is None else mapping}",
        "",
        "NAV and CRM are asked for each record of each coupling.",
        "Nothing is written. What is found can be restored or removed then.",
    ]


def mending(action: Mending, one: RecordOutcome | None, number: int, mapping: str | None) -> list[str]:
    """What it means to mend one coupling, or all of a number that were found."""
    if one is not None:
        what = [f"{problems.named(one)}   {gone(one)} gone", f"NAV {one.nav_id}", f"CRM {one.crm_id}"]
    else:
        of = "all mappings" if mapping is None else mapping
        what = [
            f"{fmt.many(number, 'coupling')} of {of} had a lost record when they were looked at.",
            "All couplings are looked at once more: those that have lost one by then are meant.",
        ]
    return [*what, "", *_MEANS[action]]


def told(run: RunSnapshot, found: Sequence[RecordOutcome]) -> list[str]:
    """Why a run has not mended a coupling; nothing where it has, or where that was not broken any more."""
    if failed := [one for one in found if one.kind != "warning"]:
        return [text for one in failed for text in (one.message, one.hint) if text]
    if run.state is RunState.FINISHED:
        return []
    return [f"Run {run.id} is {run.state}; nothing was mended as far as is known.", run.message, run.hint]
