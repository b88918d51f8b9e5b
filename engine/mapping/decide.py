"""What to do with one record whose partner is known (design.md sections 5 and 6; reference/domain.md section 3.2).

For bidirectional fields the values at the last synchronization are remembered, so that a field that only one side
changed goes the way it must, and a field that both changed differently is a conflict and never overwritten unasked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from engine.mapping.transfer import FROM, TO, Transferred, source_value, target_value
from engine.mapping.values import HASH_SIZE, UNKNOWN, Value, blank, hashed
from engine.model.mapping import ConflictPolicy, Direction, FieldKind, FieldMapping, TableMapping
from engine.model.outcome import Problem

_MARK_SIZE = 4
_PAIR = 2 * HASH_SIZE


@dataclass(frozen=True, slots=True)
class Decision:
    """The fields to write, in normal form; a problem when nothing may be written; the base once that is done."""

    values: Mapping[FieldMapping, Value]
    base: bytes
    problem: Problem | None = None


def decide(
    mapping: TableMapping,
    one_way: Direction,
    source: Mapping[str, Any],
    target: Mapping[str, Any],
    wanted: Transferred,
    *,
    base: bytes | None,
    first: bool,
) -> Decision:
    """Compare a record with its partner. `first` says that they are being coupled just now."""
    remembered = _Base(mapping, base)
    values: dict[FieldMapping, Value] = {}
    conflicts: list[str] = []
    for field, desired in wanted.values.items():
        if field.create_only or (field.initial and not first) or (field.seed and one_way is FROM):
            continue
        current = target_value(field, one_way, target)
        given = source_value(field, one_way, source)
        if current == desired or _cut_on_the_way(field, one_way, given, current):
            remembered.agree(field, one_way, given, current)
            continue
        if field.direction is not Direction.BIDIRECTIONAL:
            values[field] = desired
            continue
        match _winner(remembered, field, one_way, given, current):
            case "source":
                values[field] = desired
            case "conflict" if mapping.conflict is ConflictPolicy.NONE:
                conflicts.append(field.nav)
            case "conflict" if (mapping.conflict is ConflictPolicy.SEND_UPDATE) == (one_way is TO):
                values[field] = desired
    if conflicts:
        return Decision({}, remembered.blob(), _conflict(conflicts))
    for field, desired in values.items():
        remembered.agree(field, one_way, source_value(field, one_way, source), desired)
    return Decision(values, remembered.blob())


def created_base(mapping: TableMapping, one_way: Direction, source: Mapping[str, Any], wanted: Transferred) -> bytes:
    """The base of a pair whose partner has just been made from the record."""
    remembered = _Base(mapping, None)
    for field, value in wanted.values.items():
        if field.direction is Direction.BIDIRECTIONAL:
            remembered.agree(field, one_way, source_value(field, one_way, source), value)
    return remembered.blob()


def _winner(base: "_Base", field: FieldMapping, one_way: Direction, given: Value, current: Value) -> str:
    """Who changed a bidirectional field. Without a base NAV wins, but a blank never overwrites a value.

    Values that nobody changed were taken for the same, and stay so; only a lookup may mean another partner since.
    """
    source_hash, target_hash = base.of(field, one_way)
    if source_hash == UNKNOWN:
        if one_way is TO:
            return "target" if blank(given) and not blank(current) else "source"
        return "source" if blank(current) else "target"
    source_changed, target_changed = hashed(given) != source_hash, hashed(current) != target_hash
    if source_changed and target_changed:
        return "conflict"
    if source_changed:
        return "source"
    if one_way is TO and field.kind is FieldKind.LOOKUP and not (blank(given) or target_changed):
        return "source"
    return "target"


def _cut_on_the_way(field: FieldMapping, one_way: Direction, given: Value, current: Value) -> bool:
    """Whether the target has a longer text of which the source holds all it can (reference/domain.md 3.7.4)."""
    limit = field.nav_length if one_way is TO else field.crm_length
    if field.kind is not FieldKind.TEXT or not limit or not isinstance(current, str) or len(current) <= limit:
        return False
    return current[:limit].rstrip() == given


class _Base:
    """The remembered values: a mark of the field list, then a hash for NAV and one for CRM per bidirectional field."""

    def __init__(self, mapping: TableMapping, blob: bytes | None) -> None:
        fields = mapping.bidirectional
        self._index = {field: number for number, field in enumerate(fields)}
        names = "|".join(f"{field.nav}={field.crm}" for field in fields)
        self._mark = blake2b(names.encode(), digest_size=_MARK_SIZE).digest()
        if blob is not None and blob[:_MARK_SIZE] == self._mark and len(blob) == _MARK_SIZE + _PAIR * len(fields):
            self._pairs = [blob[at : at + _PAIR] for at in range(_MARK_SIZE, len(blob), _PAIR)]
        else:
            self._pairs = [UNKNOWN * 2] * len(fields)

    def of(self, field: FieldMapping, one_way: Direction) -> tuple[bytes, bytes]:
        """The hashes of the source's and the target's value."""
        pair = self._pairs[self._index[field]]
        nav, crm = pair[:HASH_SIZE], pair[HASH_SIZE:]
        return (crm, nav) if one_way is FROM else (nav, crm)

    def agree(self, field: FieldMapping, one_way: Direction, given: Value, current: Value) -> None:
        """Remember that both sides mean the same now."""
        number = self._index.get(field)
        if number is not None:
            nav, crm = (given, current) if one_way is TO else (current, given)
            self._pairs[number] = hashed(nav) + hashed(crm)

    def blob(self) -> bytes:
        return self._mark + b"".join(self._pairs)


def _conflict(names: list[str]) -> Problem:
    listed = ", ".join(names)
    return Problem(
        "conflict",
        f"both sides changed {listed}",
        f"{listed} changed in NAV and in CRM, differently, since the last synchronization; nothing was overwritten.",
        "Make both sides the same, or give the mapping a conflict policy, and run again.",
    )
