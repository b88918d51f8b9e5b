"""What to do with one record whose partner is known (design.md sections 5 and 6; reference/domain.md section 3.2).

For bidirectional fields the values at the last synchronization are remembered, so that a field that only one side
changed goes the way it must, and a field that both changed differently is a conflict and never overwritten unasked. A
blank of a field that goes one way overwrites no value before both sides have been the same once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from engine.mapping.courses import reader
from engine.mapping.lengths import cut, units
from engine.mapping.looks import MARK_SIZE, When, look_at, mark, mark_of
from engine.mapping.stamps import newer_side
from engine.mapping.transfer import FROM, TO, Transferred, source_of, source_value, target_value
from engine.mapping.values import HASH_SIZE, UNKNOWN, Value, blank, hashed
from engine.model.conflict import Choice, Clash, Shown
from engine.model.mapping import ConflictPolicy, Direction, FieldKind, FieldMapping, TableMapping
from engine.model.outcome import Problem

_ENTRY = MARK_SIZE + 2 * HASH_SIZE


Ways = Mapping[Direction, Sequence[Mapping[str, Any]]]
"""Columns that were sent, by way, as each update had them."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The fields to write, in normal form; a problem when nothing may be written; the base once that is done.

    `clashes` are fields that wait: for a choice, or for the pass in the other direction to carry out what was chosen,
    or what a policy that asks no more says. `left`: whether a field is left to that pass of which it is not settled
    what we sent.
    """

    values: Mapping[FieldMapping, Value]
    base: bytes
    problem: Problem | None = None
    clashes: tuple[Clash, ...] = ()
    left: bool = False


def decide(
    mapping: TableMapping,
    one_way: Direction,
    source: Mapping[str, Any],
    target: Mapping[str, Any],
    wanted: Transferred,
    *,
    base: bytes | None,
    first: bool,
    known: Sequence[Clash] = (),
    lead: bool = False,
    unsettled: Ways = MappingProxyType({}),
    moved: Ways = MappingProxyType({}),
) -> Decision:
    """Compare a record with its partner. `first` says that they have never been synchronized, `known` are the
    conflicts that an operator was shown, with what was chosen. With `lead` the source's values stand. `unsettled` are
    columns that were sent, by way, and never committed: a side that holds them was not changed by others. `moved` are
    those of them that were sent to a row which has been written since, by whomever.
    """
    if base and not wanted.lost and _agreed(one_way, source, target, wanted, first=first) == base:
        return Decision({}, base)
    remembered = _Base(base)
    values: dict[FieldMapping, Value] = {}
    conflicts: list[str] = []
    clashes: list[Clash] = []
    left = False
    for field in wanted.lost:
        remembered.emptied(field, one_way, source_value(field, one_way, source), target_value(field, one_way, target))
    for field, desired in wanted.values.items():
        when = look_at(field, one_way).when
        if when is not When.ALWAYS and not (first and when is When.FIRST):
            continue
        current = target_value(field, one_way, target)
        given = source_of(wanted, field, one_way, source)
        if field.overwrites is not None and current not in (field.overwrites, desired):
            continue
        if alike(field, one_way, given, desired, current):
            remembered.agree(field, one_way, given, current)
            continue
        if lead:
            values[field] = desired
            continue
        if field.direction is not Direction.BIDIRECTIONAL:
            if not (blank(given) and blank(desired) and remembered.never_agreed(field)):
                values[field] = desired
            continue
        winner = _winner(remembered, field, one_way, given, current)
        if unsettled:
            winner = _but_for_ours(winner, remembered, (unsettled, moved), field, one_way, given, current)
        match winner:
            case "source":
                values[field] = desired
            case "target":
                left = left or _of_ours(unsettled, field)
            case "conflict":
                clash = _clash(field, one_way, given, current, known)
                match _settled(mapping, one_way, source, target, clash):
                    case Settled.WRITE:
                        values[field] = desired
                    case Settled.ASK:
                        clashes.append(clash)
                    case Settled.LEAVE if known:
                        clashes.append(clash)
                    case Settled.FAIL:
                        conflicts.append(field.nav)
    if conflicts:
        return Decision({}, remembered.blob(), _conflict(conflicts))
    for field, desired in values.items():
        remembered.agree(field, one_way, source_of(wanted, field, one_way, source), desired)
    return Decision(values, remembered.blob(), clashes=tuple(clashes), left=left)


def alike(field: FieldMapping, one_way: Direction, given: Value, desired: Value, current: Value) -> bool:
    """Whether a field of a partner means the same as that of its record: `given` is what the source has, `desired` what
    its partner should have, `current` what that has.
    """
    return current == desired or _cut_on_the_way(field, one_way, (given, desired), current)


def created_base(one_way: Direction, source: Mapping[str, Any], wanted: Transferred) -> bytes:
    """The base of a pair whose partner has just been made from the record."""
    remembered = _Base(None)
    known = wanted.sources
    for field, value in wanted.values.items():
        look = look_at(field, one_way)
        if look.mark is not None and look.goes:
            given = known[field] if field in known else look.read(source.get(look.name))
            remembered.pairs[look.mark] = _pair(one_way, given, value, look.hashed)
    return remembered.blob()


def changed_since_agreed(mapping: TableMapping, nav: Mapping[str, Any], base: bytes | None) -> list[str]:
    """The bidirectional fields of a NAV record that are not what they were when both sides were last the same."""
    remembered = _Base(base)
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
    remembered = _Base(base)
    for field, blob in before.items():
        remembered.take(field, _Base(blob))
    return remembered.blob()


class Settled(Enum):
    """What a pass does with a field in conflict."""

    WRITE = auto()
    LEAVE = auto()
    ASK = auto()
    FAIL = auto()


def settled(policy: ConflictPolicy, one_way: Direction, newer: str | None, choice: Choice | None) -> Settled:
    """The decision table of conflicts. `newer` is the side that was modified last, None when that is not known."""
    if policy is ConflictPolicy.ASK and choice is None:
        return Settled.ASK
    winner: str | None = {
        ConflictPolicy.NONE: None,
        ConflictPolicy.SEND_UPDATE: "nav",
        ConflictPolicy.GET_UPDATE: "crm",
        ConflictPolicy.LATEST: newer,
        ConflictPolicy.ASK: choice,
    }[policy]
    if winner is None:
        return Settled.FAIL
    return Settled.WRITE if (winner == "nav") == (one_way is TO) else Settled.LEAVE


def _settled(
    mapping: TableMapping, one_way: Direction, source: Mapping[str, Any], target: Mapping[str, Any], clash: Clash
) -> Settled:
    nav, crm = (source, target) if one_way is TO else (target, source)
    newer = newer_side(mapping, nav, crm) if mapping.conflict is ConflictPolicy.LATEST else None
    return settled(mapping.conflict, one_way, newer, clash.choice)


def _clash(field: FieldMapping, one_way: Direction, given: Value, current: Value, known: Sequence[Clash]) -> Clash:
    """Both values as they are kept, with the choice that was made about exactly these."""
    nav, crm = (given, current) if one_way is TO else (current, given)
    clash = Clash(field.nav, field.crm, _kept(nav), _kept(crm))
    chosen = next((one.choice for one in known if one.same == clash.same), None)
    return replace(clash, choice=chosen)


def _kept(value: Value) -> Shown:
    return str(value) if isinstance(value, Decimal) else value


def _winner(base: "_Base", field: FieldMapping, one_way: Direction, given: Value, current: Value) -> str:
    """Who changed a bidirectional field. Without a base NAV wins, but a blank never overwrites a value.

    Where neither changed, they differ because a rule or a length made it so, and mean the same: nothing bounces back;
    or because a lookup waited for its partner, or lost it, and is filled in now.
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
    fills_in = one_way is TO or (field.clear_on_fail and blank(current))
    if fills_in and field.kind is FieldKind.LOOKUP and not (blank(given) or target_changed):
        return "source"
    return "target" if target_changed else "neither"


def _but_for_ours(
    winner: str,
    base: "_Base",
    ours: tuple[Ways, Ways],
    field: FieldMapping,
    one_way: Direction,
    given: Value,
    current: Value,
) -> str:
    """Who changed a field of which one side holds what we sent to it: the other one, also where it is again as
    remembered. Where both hold ours, nobody can tell who came last. Where what we sent was to be written to the side
    that is as remembered, and its row was written since, nobody can tell whether ours arrived and was put back.
    """
    unsettled, moved = ours
    back = FROM if one_way is TO else TO
    source_hash, target_hash = base.of(field, one_way)
    source_changed, target_changed = hashed(given) != source_hash, hashed(current) != target_hash
    to_target = target_changed and current in _sent(unsettled.get(one_way, ()), field, back)
    to_source = source_changed and given in _sent(unsettled.get(back, ()), field, one_way)
    if to_target != to_source:
        return "source" if to_target else "target"
    if source_changed != target_changed and source_hash != UNKNOWN:
        put_back = _sent(moved.get(one_way if source_changed else back, ()), field, back if source_changed else one_way)
        return "conflict" if put_back else winner
    return winner


def _of_ours(unsettled: Ways, field: FieldMapping) -> bool:
    """Whether we sent the field, either way, and nobody knows what came of it."""
    return bool(_sent(unsettled.get(TO, ()), field, FROM) or _sent(unsettled.get(FROM, ()), field, TO))


def _sent(rows: Sequence[Mapping[str, Any]], field: FieldMapping, read_by: Direction) -> list[Value]:
    """The values of a field in rows as they were sent, as a pass of a direction reads them."""
    name, read = reader(field, read_by)
    return [read(row[name]) for row in rows if name in row]


def _cut_on_the_way(field: FieldMapping, one_way: Direction, held: tuple[Value, Value], current: Value) -> bool:
    """Whether the target has a longer text of which the source, as it is or after its rules, holds all it can
    (reference/domain.md 3.7.4).
    """
    limit = field.nav_length if one_way is TO else field.crm_length
    if field.kind is not FieldKind.TEXT or not limit or not isinstance(current, str) or units(current) <= limit:
        return False
    return cut(current, limit) in held


class _Base:
    """The remembered values: for each field that is remembered its mark, a hash for NAV and one for CRM.

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

    def take(self, field: FieldMapping, other: "_Base") -> None:
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
        return b"".join(own + pair for own, pair in self.pairs.items())


def _agreed(
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


def _pair(one_way: Direction, given: Value, current: Value, kept: Callable[[Value], bytes] = hashed) -> bytes:
    """Both sides' values as they are remembered, NAV's first."""
    source = kept(given)
    target = source if type(given) is type(current) is str and given == current else kept(current)
    return source + target if one_way is TO else target + source


def _conflict(names: list[str]) -> Problem:
    listed = ", ".join(names)
    return Problem(
        "conflict",
        f"both sides changed {listed}",
        f"{listed} changed in NAV and in CRM, differently, since the last synchronization; nothing was overwritten.",
        "Make both sides the same, or give the mapping a conflict policy, and run again.",
    )
