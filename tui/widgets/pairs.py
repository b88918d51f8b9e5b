"""The two records of a coupling as rows, and as what is said about one of their fields; pure."""

from collections.abc import Sequence

from engine.model.conflict import Clash, Shown
from engine.model.coupled import Alike, BothRecords, FieldPair, OneRecord
from tui import format as fmt
from tui.plain import hanging
from tui.text import LONG, safe
from tui.widgets import clashes
from tui.widgets.columns import WIDE, Column, Row

_WORDS = {Alike.SAME: "", Alike.DIFFERS: "differs", Alike.UNKNOWN: "unknown"}


def columns(width: int) -> Sequence[Column]:
    """The columns of the fields; where there is room, CRM's name of each too."""
    if width >= WIDE:
        return (
            Column("NAV field", 22),
            Column("", 3),
            Column("CRM column", 26),
            Column("NAV", 29),
            Column("CRM", 29),
            Column("", 9),
        )
    return (Column("Field", 21), Column("", 3), Column("NAV", 22), Column("CRM", 22), Column("", 9))


def rows(found: BothRecords, width: int, *, differing: bool) -> list[Row]:
    """A row for each field, or only for those that are not the same."""
    chosen = [one for one in found.fields if not differing or one.alike is not Alike.SAME]
    return [Row(one.key, _cells(one, found, wide=width >= WIDE)) for one in chosen]


def _cells(one: FieldPair, found: BothRecords, *, wide: bool) -> tuple[str, ...]:
    nav, crm = value(one.nav_value, found.nav), value(one.crm_value, found.crm)
    word = _WORDS[one.alike]
    if wide:
        return (one.nav or fmt.NONE, one.direction.arrow, one.crm or fmt.NONE, nav, crm, word)
    return (one.nav or one.crm, one.direction.arrow, nav, crm, word)


def value(one: Shown, record: OneRecord) -> str:
    """A value as people read it; of a record that is gone there is none."""
    return clashes.value(one) if record.found else fmt.NONE


def heading(found: BothRecords, width: int) -> list[str]:
    """Three lines: each record, and how many fields differ."""
    return [
        _record("NAV", found.nav, found.nav_no or found.nav.id, width),
        _record("CRM", found.crm, found.crm.id[:8], width),
        _sum(found),
    ]


def _record(side: str, one: OneRecord, name: str, width: int) -> str:
    """Which record it is and when it was modified; what it is called makes way for the time."""
    if not one.found:
        return safe(f"{side} {one.table} {name}   ! is gone", width)
    modified = safe(f"   modified {one.modified}", width // 2) if one.modified else ""
    return safe(f"{side} {one.table} {name}  {one.name}", width - len(modified)) + modified


def _sum(found: BothRecords) -> str:
    if not (found.nav.found and found.crm.found):
        return "There is nothing to compare with."
    number = {alike: sum(one.alike is alike for one in found.fields) for alike in Alike}
    unknown = f", {fmt.count(number[Alike.UNKNOWN])} cannot be compared" if number[Alike.UNKNOWN] else ""
    differ = fmt.count(number[Alike.DIFFERS]) if number[Alike.DIFFERS] else "none"
    return f"{fmt.many(len(found.fields), 'field')}, {differ} differ{'s' * (number[Alike.DIFFERS] <= 1)}{unknown}"


def about(one: FieldPair, found: BothRecords, width: int) -> list[str]:
    """Both values of a field from their beginning, and what there is to say about it."""
    lines = clashes.beginning(_clash(one, found), width)
    return [*lines, *(hanging(safe(one.note, LONG), width, 2) if one.note else [])]


def everything(one: FieldPair, found: BothRecords) -> list[str]:
    """Both values of a field in full."""
    nav, crm = clashes.about(_clash(one, found))
    return [nav, "", crm, *(["", one.note] if one.note else [])]


def _clash(one: FieldPair, found: BothRecords) -> Clash:
    nav = one.nav_value if found.nav.found else "the record is gone"
    crm = one.crm_value if found.crm.found else "the record is gone"
    return Clash(one.nav or "(no field)", one.crm or "(no column)", nav, crm)
