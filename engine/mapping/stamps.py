"""When records were last modified, as both systems say it (reference/domain.md sections 3.1 and 3.4)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from engine.model.mapping import Condition, Table, TableMapping

OVERLAP = timedelta(milliseconds=999)
"""CRM keeps whole seconds: what was changed within the second of the watermark is looked at again."""

_DAY = timedelta(days=1)
_BLANK_YEAR = 1


def moment(raw: Any) -> datetime | None:
    """An aware moment, or the start of a day in UTC; None when the text says none."""
    try:
        found = datetime.fromisoformat(str(raw))
    except ValueError:
        return None
    if found.year <= _BLANK_YEAR:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def newest(table: Table, rows: Iterable[Mapping[str, Any]]) -> datetime | None:
    """The newest change among some records."""
    found = (modified_at(table, row) for row in rows)
    return max((one for one in found if one is not None), default=None)


def changed_since(table: Table, watermark: datetime | None, *, seconds: bool) -> tuple[Condition, ...]:
    """What a record must meet to be looked at again, besides its filter; `seconds`: the source keeps whole seconds.

    A day is looked at whole, and the day before it too: nobody says in which time zone it ended.
    """
    if watermark is None or not table.modified:
        return ()
    if table.dated:
        return (Condition(table.modified, "ge", watermark.date() - _DAY),)
    return (Condition(table.modified, "gt", watermark - OVERLAP if seconds else watermark),)


def modified_at(table: Table, row: Mapping[str, Any]) -> datetime | None:
    """When a record was modified last, as it says; None when it does not say so."""
    return moment(row.get(table.modified)) if table.modified else None


def newer_side(mapping: TableMapping, nav: datetime | None, crm: datetime | None) -> str | None:
    """Which side was modified last, "nav" or "crm"; None when that cannot be told.

    CRM keeps whole seconds, so that two changes within one second are equally new; a day is only newer than what was
    before the day before it.
    """
    if nav is None or crm is None:
        return None
    ours, theirs = nav.replace(microsecond=0), crm.replace(microsecond=0)
    unsure = _DAY if mapping.nav.dated or mapping.crm.dated else timedelta()
    if unsure:
        ours, theirs = _midnight(ours), _midnight(theirs)
    if abs(ours - theirs) <= unsure:
        return None
    return "nav" if ours > theirs else "crm"


def _midnight(at: datetime) -> datetime:
    return datetime.combine(date(at.year, at.month, at.day), datetime.min.time(), UTC)
