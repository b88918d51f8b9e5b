"""What a coupling remembers of both sides: the values at the last synchronization, as hashes, field by field.

They tell which side changed a field since (design.md section 5). Pure; bases are bytes without meaning to anybody else.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.mapping.looks import MARK_SIZE, When, look_at, mark, mark_of, stamp_mark
from engine.mapping.transfer import FROM, TO, Transferred, source_value
from engine.mapping.values import HASH_SIZE, UNKNOWN, Value, blank, hashed
from engine.model.mapping import Direction, FieldMapping, TableMapping

_ENTRY = MARK_SIZE + 2 * HASH_SIZE
_EPOCH, _SECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1)


def created_base(one_way: Direction, source: Mapping[str, Any], wanted: Transferred) -> bytes:
    """The base of a pair whose partner has just been made from the record."""
    entries = []
    known = wanted.sources
    for field, value in wanted.values.items():
        look = look_at(field, one_way)
        if look.mark is not None and look.goes:
            given = known[field] if field in known else look.read(source.get(look.name))
            entries.append(look.mark + _pair(one_way, given, value, look.hashed))
    return b"".join(entries)


def changed_since_agreed(mapping: TableMapping, nav: Mapping[str, Any], base: bytes | None) -> list[str]:
    """The bidirectional fields of a NAV record that are not what they were when both sides were last the same."""
    remembered = Base(base)
    found = []
    for field in mapping.bidirectional:
        agreed, _ = remembered.of(field, TO)
        if agreed not in (UNKNOWN, hashed(source_value(field, TO, nav))):
            found.append(field.nav)
    return found


def base_with(base: bytes | None, before: Mapping[FieldMapping, bytes | None]) -> bytes:
    """What a pair remembers when some fields are again as they were: of these what the given bases say, nothing where
    they say nothing; of all others what it remembers now.
    """
    remembered = Base(base)
    for field, blob in before.items():
        remembered.take(field, Base(blob))
    return remembered.blob()


def agreed_base(
    one_way: Direction, source: Mapping[str, Any], target: Mapping[str, Any], wanted: Transferred, *, first: bool
) -> bytes | None:
    """The base of a record all of whose fields are the same on both sides; None of others. Of an unchanged one it is
    the base that it has.
    """
    entries = []
    known = wanted.sources
    for field, desired in wanted.values.items():
        look = look_at(field, one_way)
        if look.when is not When.ALWAYS and not (first and look.when is When.FIRST):
            continue
        current = look.read_there(target.get(look.there))
        if current != desired:
            return None
        if look.mark is not None:
            given = known[field] if field in known else look.read(source.get(look.name))
            entries.append(look.mark + _pair(one_way, given, current, look.hashed))
    return b"".join(entries)


class Base:
    """The remembered values: for each field that is remembered its mark, a hash for NAV and one for CRM.

    Of a value that is not carried over yet the stamp of its record may be remembered, under a mark of its own: a hash
    of the value, and whole seconds. What is written to other fields of the record later says nothing of it.

    What is remembered of fields that the mapping does not have now is kept: once they are back, it still tells which
    side changed since both were the same.
    """

    __slots__ = ("pairs",)

    def __init__(self, blob: bytes | None) -> None:
        self.pairs: dict[bytes, bytes] = {}
        if blob:
            for at in range(0, len(blob), _ENTRY):
                self.pairs[blob[at : at + MARK_SIZE]] = blob[at + MARK_SIZE : at + _ENTRY]

    def never_agreed(self, field: FieldMapping) -> bool:
        """Whether a field is one to be remembered, and both sides have never been seen to mean the same."""
        own = mark_of(field)
        return own is not None and own not in self.pairs

    def of(self, field: FieldMapping, one_way: Direction) -> tuple[bytes, bytes]:
        """The hashes of the source's and the target's value."""
        pair = self.pairs.get(mark(field), UNKNOWN * 2)
        nav, crm = pair[:HASH_SIZE], pair[HASH_SIZE:]
        return (crm, nav) if one_way is FROM else (nav, crm)

    def agree(self, field: FieldMapping, one_way: Direction, given: Value, current: Value) -> None:
        """Remember that both sides mean the same now."""
        if own := mark_of(field):
            self.pairs[own] = _pair(one_way, given, current)
            for side in Direction.BIDIRECTIONAL.passes:
                self.drop_stamp(field, side)

    def keep_stamp(self, field: FieldMapping, read_by: Direction, value: Value, at: datetime) -> None:
        """Remember of a value, on the side that a pass of a direction reads, when its record has been modified last.
        What is remembered of the same value already stands.
        """
        if self.stamp_of(field, read_by, value) is None:
            seconds = (at - _EPOCH) // _SECOND
            self.pairs[stamp_mark(field, read_by)] = hashed(value) + seconds.to_bytes(HASH_SIZE, signed=True)

    def stamp_of(self, field: FieldMapping, read_by: Direction, value: Value) -> datetime | None:
        """The stamp that is remembered of a value, in whole seconds; None where there is none."""
        kept = self.pairs.get(stamp_mark(field, read_by), UNKNOWN * 2)
        if kept[:HASH_SIZE] != hashed(value):
            return None
        return _EPOCH + int.from_bytes(kept[HASH_SIZE:], signed=True) * _SECOND

    def forget_stamps(self, field: FieldMapping, one_way: Direction, given: Value, current: Value) -> None:
        """Drop what is remembered of values that a pass does not find any more: who sets one again does so later."""
        there = FROM if one_way is TO else TO
        for read_by, value in ((one_way, given), (there, current)):
            if self.stamp_of(field, read_by, value) is None:
                self.drop_stamp(field, read_by)

    def drop_stamp(self, field: FieldMapping, read_by: Direction) -> None:
        """Remember no stamp of what the side has that a pass of a direction reads."""
        self.pairs.pop(stamp_mark(field, read_by), None)

    def take(self, field: FieldMapping, other: "Base") -> None:
        """Remember of a field what another base does."""
        own = mark(field)
        self.pairs.pop(own, None)
        if own in other.pairs:
            self.pairs[own] = other.pairs[own]

    def emptied(self, field: FieldMapping, one_way: Direction, given: Value, current: Value) -> None:
        """Remember a lookup that was emptied on one side, where the other side still has what it had: its partner was
        deleted, which is no change that somebody made. Who fills it in first has the last word.
        """
        source_hash, target_hash = self.of(field, one_way)
        if (blank(current) and hashed(given) == source_hash) or (blank(given) and hashed(current) == target_hash):
            self.agree(field, one_way, given, current)

    def blob(self) -> bytes:
        """What is stored."""
        return b"".join(own + pair for own, pair in self.pairs.items())


def _pair(one_way: Direction, given: Value, current: Value, kept: Callable[[Value], bytes] = hashed) -> bytes:
    """Both sides' values as they are remembered, NAV's first."""
    source = kept(given)
    target = source if type(given) is type(current) is str and given == current else kept(current)
    return source + target if one_way is TO else target + source
