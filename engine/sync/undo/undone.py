"""The run that is taken back, the places of its records, and what tells that a record is as the run left it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any

from engine.connectors.protocol import ETAG, Result, Row
from engine.mapping.base import changed_since_agreed
from engine.mapping.stamps import moment
from engine.mapping.transfer import TO
from engine.model.errors import ConfigError
from engine.model.mapping import Direction, FieldKind, TableMapping
from engine.model.outcome import Problem
from engine.sync.deletions import COUPLING_REMOVED
from engine.sync.handling.products import LINES, LISTS
from engine.sync.handling.units import UNITS
from engine.sync.organization import CURRENCIES
from engine.sync.refusals import cause_of

MODIFIED_BY, MODIFIED, CREATED = "_modifiedby_value", "modifiedon", "createdon"
_STAMPS = frozenset({ETAG, MODIFIED_BY, MODIFIED, CREATED, "versionnumber"})
_STALE = timedelta(seconds=2)
"""How old the date of an answer may be: it has whole seconds, and web servers look at the clock once a second."""

_PLAIN, _LINK = 16, 6
"""Bytes of a digest: for all plain values, and for each lookup."""

_BLANK = bytes(_LINK)
_EXTRA_KEYS = {
    UNITS: ("uomid", "name"),
    LINES: ("productpricelevelid", "productnumber"),
    LISTS: ("pricelevelid", "name"),
    CURRENCIES: ("transactioncurrencyid", "isocurrencycode"),
}


@dataclass(frozen=True, slots=True)
class Undone:
    """The run that is taken back. `nav_end` and `crm_end` are its end by the clocks of both services, `user` is who we
    are in CRM, `seqs` are the numbers of its jobs, `undoers` the runs that have undone it, or some of it, before.
    """

    id: int
    nav_end: datetime | None
    crm_end: datetime | None
    user: str | None
    seqs: Mapping[str, int]
    mappings: Mapping[str, TableMapping]
    undoers: tuple[int, ...]

    def rank(self, mapping: str) -> int:
        """The place of a mapping's records: what depends on others goes before these."""
        return 10 * (self._last - self.seq(mapping))

    def rank_of_extra(self, entity: str, mapping: str) -> int:
        """The place of a row that comes with others: a line before its product, a list after all products."""
        if entity == LINES:
            return self.rank(mapping) - 5
        if entity == LISTS:
            return 5 + max(self.rank(name) for name, one in self.mappings.items() if one.handling == "product")
        return 10 * self._last + 5

    def seq(self, mapping: str) -> int:
        """The number of a mapping's job; rows of no mapping are told with the first job."""
        return self.seqs.get(mapping, min(self.seqs.values()))

    @property
    def _last(self) -> int:
        return max(self.seqs.values()) + 1


@dataclass(frozen=True, slots=True)
class Place:
    """A table as it is read: `plain` are the columns whose values tell whether a record is still the same, `links` are
    lookups, which end when the record that they name is removed.
    """

    entity: str
    key: str
    number: str
    name: str
    columns: tuple[str, ...]
    plain: tuple[str, ...]
    links: tuple[str, ...]
    stamps: tuple[str, ...]
    modified: str


def place_of(mappings: Mapping[str, TableMapping], name: str, entity: str, one_way: Direction) -> Place:
    """Where records are that a pass writes to: of its mapping, or of a table that comes with it.

    Raises ConfigError when that mapping is not there any more, or is for other tables now.
    """
    mapping = mappings.get(name)
    stamps = (MODIFIED, CREATED, MODIFIED_BY) if one_way is TO else ()
    if mapping is not None and entity == (table := mapping.crm if one_way is TO else mapping.nav).entity:
        fields = [one for one in mapping.fields if (one.crm if one_way is TO else one.nav)]
        names = [one.column if one_way is TO else one.nav for one in fields]
        plain = [name for one, name in zip(fields, names, strict=True) if one.kind is not FieldKind.LOOKUP]
        links = [name for one, name in zip(fields, names, strict=True) if one.kind is FieldKind.LOOKUP]
        columns = (table.key, table.number, table.name, table.modified, *names, *stamps)
        unique = tuple(dict.fromkeys(name for name in columns if name))
        return Place(
            entity,
            table.key,
            table.number,
            table.name,
            unique,
            tuple(dict.fromkeys(plain)),
            tuple(dict.fromkeys(links)),
            stamps or tuple(filter(None, (table.modified,))),
            table.modified,
        )
    if entity not in _EXTRA_KEYS:
        raise ConfigError(
            f"Records of {name} in {entity} are to be undone, and there is no such mapping of that table any more.",
            f"Put [mapping.{name}] back into config.toml as it was, and run again.",
        )
    key, number = _EXTRA_KEYS[entity]
    return Place(entity, key, number, number, (key, number, *stamps), (number,), (), stamps, MODIFIED)


def digest(place: Place, row: Row) -> bytes:
    """The values of a record without its stamps: all of them at once, then each lookup on its own."""
    values = [(name, str(row.get(name))) for name in place.plain if name not in _STAMPS]
    links = (_BLANK if row.get(name) in (None, "") else _hash(str(row[name]), _LINK) for name in place.links)
    return _hash(repr(values), _PLAIN) + b"".join(links)


def differs(before: bytes, now: bytes) -> bool:
    """Whether the digests of a record are those of different values; a lookup that ended makes no difference."""
    pairs = zip(_links(before), _links(now), strict=True)
    return before[:_PLAIN] != now[:_PLAIN] or any(new not in (old, _BLANK) for old, new in pairs)


def unlinked(before: bytes, now: bytes) -> bool:
    """Whether a lookup ended, which stamps a record in CRM although nobody changed it."""
    return any(new == _BLANK != old for old, new in zip(_links(before), _links(now), strict=True))


def _links(of: bytes) -> list[bytes]:
    return [of[at : at + _LINK] for at in range(_PLAIN, len(of), _LINK)]


def _hash(text: str, size: int) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()


def touched_in_crm(undone: Undone, row: Row, ours: Collection[datetime]) -> Problem | None:
    """Why a row in CRM is not as the run left it; None when it is.

    The row's modifier must be us, and its last change by the end of the run, or its creation, or one of `ours`: the
    undo of a later run.
    """
    by = str(row.get(MODIFIED_BY) or "").lower()
    if undone.user is None or by != undone.user:
        return changed("somebody else changed it", "Another user of CRM changed it since the run created it.")
    last, born = moment(row.get(MODIFIED)), moment(row.get(CREATED))
    by_end = last is not None and undone.crm_end is not None and last <= undone.crm_end + _STALE
    if by_end or (last is not None and (last == born or last in ours)):
        return None
    return changed("it was changed after the run", f"It was last modified at {row.get(MODIFIED)}, after the run.")


def touched_in_nav(
    undone: Undone, mapping: TableMapping, row: Row, base: bytes | None, ours: Collection[datetime]
) -> Problem | None:
    """Why a record in NAV is not as the run left it; None when it is. Pages do not say who modified a record."""
    if mapping.nav.dated:
        return changed(
            "NAV keeps only the day of its last change",
            "NAV keeps only the day of a change, so nobody can tell whether it was changed after the run.",
        )
    if not mapping.nav.modified:
        return changed(
            "NAV does not say when it was changed",
            "NAV keeps no date of its changes, so nobody can tell whether it was changed after the run.",
        )
    last = moment(row.get(mapping.nav.modified))
    if last is not None and last in ours:
        return None
    if last is None or undone.nav_end is None or last > undone.nav_end + _STALE:
        at = row.get(mapping.nav.modified)
        return changed("it was changed after the run", f"It was last modified at {at}, after the run.")
    names = changed_since_agreed(mapping, row, base)
    if names:
        return changed("values in it were changed", f"{', '.join(names)} differ from what the run wrote.")
    return None


def changed(cause: str, message: str) -> Problem:
    """A record that is left because of a change."""
    return Problem("changed", cause, message, "Remove it by hand, or keep it: its coupling was kept too.")


def refused(result: Result) -> Problem:
    """A record that is left because the service wants it so."""
    message = result.message or "The service refused it without a reason."
    return Problem(
        result.code or "rejected",
        cause_of(message),
        message,
        "Mend the cause as the message says and undo again, or keep the record.",
    )


def same(one: Any, other: Any) -> bool:
    """Whether two values as JSON mean the same: nothing and blank, and numbers whatever their decimals."""
    if one in (None, "") or other in (None, ""):
        return one in (None, "") and other in (None, "")
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, str) and isinstance(other, str):
        return one.strip() == other.strip() or (len(one) == 36 and one.lower() == other.lower())
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return False


RESTLESS = Problem(
    "restless",
    "the service did not settle on an answer",
    "The record kept changing, or the service did not answer what became of it.",
    "Undo again.",
)
UNCOUPLED = Problem(
    COUPLING_REMOVED,
    "the run removed its coupling",
    "The run removed its coupling, as its partner was deleted; it stays removed, as it led to what is not there.",
    "Couple it by hand where it has another partner; a full synchronization makes it a new one.",
)
OWNER_LEFT = changed("what it belongs to is left", "The record that it belongs to is left, so it stays.")
