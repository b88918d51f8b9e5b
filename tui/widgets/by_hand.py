"""What is said when two records are coupled by hand, or one gets a new partner; pure."""

from collections.abc import Sequence
from typing import Literal

from engine.model.coupled import Partner
from engine.model.mapping import Direction
from engine.model.snapshot import MappingSnapshot, RecordOutcome, RunSnapshot, RunState
from tui.door import Side
from tui.text import safe

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
TITLE = "Couple by hand"
NAMES: dict[Side, str] = {"nav": "NAV", "crm": "CRM"}
WANTED: dict[Side, str] = {"nav": "NAV number or id", "crm": "CRM id, number or name"}
"""What names a record of a side."""
Way = Literal["couple", "new in CRM", "new in NAV"]
FIRST: dict[Way, Side] = {"couple": "nav", "new in CRM": "nav", "new in NAV": "crm"}
"""The side of the record that is asked for first, or alone."""
LEADS: dict[str, Side | None] = {"later": None, "NAV": "nav", "CRM": "crm"}
"""Whose values are written to the other side at once."""


def mappings(found: Sequence[MappingSnapshot]) -> list[tuple[str, str]]:
    """The mappings to choose from."""
    return [(one.name, f"{one.nav_table} {one.direction.arrow} {one.crm_table}") for one in found]


def ways(direction: Direction) -> list[tuple[str, str]]:
    """What can be done in a mapping of that direction."""
    made = [("couple", "Couple a NAV record and a CRM row that are both there")]
    if direction.includes(TO):
        made.append(("new in CRM", "Make the CRM row of a NAV record, and couple them"))
    if direction.includes(FROM):
        made.append(("new in NAV", "Make the NAV record of a CRM row, and couple them"))
    return made


def leads(direction: Direction) -> list[tuple[str, str]]:
    """Whose values can be written first in a mapping of that direction."""
    made = [("later", "Only couple them; the next synchronization writes values")]
    if direction.includes(TO):
        made.append(("NAV", "Write the values of NAV to CRM now"))
    if direction.includes(FROM):
        made.append(("CRM", "Write the values of CRM to NAV now"))
    return made


def called(side: str, one: Partner) -> str:
    """What a record is called: `CRM AC-17 New Concepts Ltd. (id 8f0c…)`."""
    return " ".join(filter(None, (side, safe(one.number, 40), safe(one.name, 100), f"(id {one.id})")))


def coupling(mapping: str, nav: Partner, crm: Partner, lead: Side | None) -> list[str]:
    """What it means to couple the two."""
    words = {
        "nav": "They are coupled, and the values of NAV are written to CRM now.",
        "crm": "They are coupled, and the values of CRM are written to NAV now.",
        None: "Only the coupling is made; no value is written now.",
    }
    return [mapping, called("NAV", nav), called("CRM", crm), "", words[lead]]


def creating(mapping: str, side: Side, one: Partner) -> list[str]:
    """What it means to make the partner of a record of that side."""
    there = "CRM" if side == "nav" else "NAV"
    return [
        mapping,
        called(NAMES[side], one),
        "",
        f"A new record is made in {there} from its values, and the two are coupled.",
        f"Where exactly one uncoupled record in {there} matches it, that one is coupled instead.",
        "The filter of the mapping is not asked: this record is meant.",
    ]


def told(run: RunSnapshot, noted: Sequence[RecordOutcome]) -> list[str]:
    """What came of it."""
    if failed := [one for one in noted if one.kind != "warning"]:
        return [text for one in failed for text in (one.message, f"Next step: {one.hint}" if one.hint else "") if text]
    if run.state is not RunState.FINISHED:
        return [text for text in (f"Run {run.id} is {run.state}. {run.message}".rstrip(), run.hint) if text]
    sums = run.counters
    if sums.inserted:
        return [f"Run {run.id} made its partner, and coupled the two."]
    if sums.modified:
        return [f"Run {run.id} coupled the two, and wrote the values of one to the other."]
    return [f"Run {run.id} coupled the two; no value was written."]
