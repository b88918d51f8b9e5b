"""What to do with one record whose partner is known (design.md sections 5 and 6; reference/domain.md section 3.2).

For bidirectional fields the values at the last synchronization are remembered, so that a field that only one side
changed goes the way it must, and a field that both changed differently is a conflict and never overwritten unasked. A
blank of a field that goes one way overwrites no value before both sides have been the same once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto
from itertools import product
from types import MappingProxyType
from typing import Any

from engine.mapping.base import Base, agreed_base
from engine.mapping.courses import reader
from engine.mapping.lengths import cut, units
from engine.mapping.looks import When, look_at
from engine.mapping.stamps import modified_at, newer_side
from engine.mapping.transfer import FROM, TO, Transferred, source_of, source_value, target_value
from engine.mapping.values import UNKNOWN, Value, blank, hashed
from engine.model.conflict import Choice, Clash, Shown
from engine.model.mapping import ConflictPolicy, Direction, FieldKind, FieldMapping, Table, TableMapping
from engine.model.outcome import Problem

Ways = Mapping[Direction, Sequence[Mapping[str, Any]]]
"""Columns that were sent, by way, as each update had them."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The fields to write, in normal form; a problem when nothing may be written; the base once that is done.

    `clashes` are fields that wait: for a choice, or for the pass in the other direction to carry out what was chosen,
    or what a policy that asks no more says. `left` are fields of which it stays unsettled what we sent: nobody can tell
    who came last, or that pass is to see it too.
    """

    values: Mapping[FieldMapping, Value]
    base: bytes
    problem: Problem | None = None
    clashes: tuple[Clash, ...] = ()
    left: frozenset[FieldMapping] = frozenset()


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
    earlier: Ways = MappingProxyType({}),
    before: Mapping[str, Any] | None = None,
    tried: Collection[FieldMapping] = (),
) -> Decision:
    """Compare a record with its partner. `first` says that they have never been synchronized, `known` are the
    conflicts that an operator was shown, with what was chosen. With `lead` the source's values stand. `unsettled` are
    columns that were sent, by way, and never committed: a side that holds them was not changed by others. `moved` are
    those of them that were sent to a row which has been written since, by whomever, and `earlier` what stood there
    before, with when the row was modified then. `before` is the target as it was
    when an update was sent to it just now of which nobody knows what came; of the fields `tried` it may have arrived.
    """
    if base and not wanted.lost and agreed_base(one_way, source, target, wanted, first=first) == base:
        return Decision({}, base)
    remembered = Base(base)
    values: dict[FieldMapping, Value] = {}
    conflicts: list[str] = []
    clashes: list[Clash] = []
    left: set[FieldMapping] = set()
    ahead: list[FieldMapping] = []
    there = FROM if one_way is TO else TO
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
        remembered.forget_stamps(field, one_way, given, current)
        winner = _winner(remembered, field, one_way, given, current, desired)
        if winner == "as it is" and field in wanted.cleared:
            winner = "source"
        if unsettled:
            winner = _but_for_ours(winner, remembered, (unsettled, moved), field, one_way, given, current)
        match winner:
            case "source":
                values[field] = desired
            case "as it is":
                remembered.agree(field, one_way, given, current)
            case "target":
                ahead.append(field)
                if _of_ours(unsettled, field):
                    left.add(field)
            case "conflict":
                held = (given, current) if one_way is TO else (current, given)
                doubtful = _doubtful(moved, field) | ({there} if field in tried else set())
                rows = {
                    one_way: [*earlier.get(there, ()), source],
                    there: [*([] if before is None else [before]), *earlier.get(one_way, ()), target],
                }
                clash = _clash(mapping, field, rows, held, known, remembered, doubtful)
                match settled(mapping.conflict, one_way, clash.newer, clash.choice):
                    case Settled.WRITE:
                        values[field] = desired
                        continue
                    case Settled.FAIL:
                        conflicts.append(field.nav)
                    case how:
                        ahead.append(field)
                        if how is Settled.ASK or known:
                            clashes.append(clash)
                if doubtful or _of_ours(unsettled, field):
                    left.add(field)
    if conflicts:
        return Decision({}, remembered.blob(), _conflict(conflicts), left=frozenset(left))
    for field, desired in values.items():
        remembered.agree(field, one_way, source_of(wanted, field, one_way, source), desired)
    if values or before is not None:
        for read_by, row in ((one_way, source), (there, before or {}), (there, target)):
            _keep_stamps(mapping.table(read_by), read_by, ahead, row, remembered)
    return Decision(values, remembered.blob(), clashes=tuple(clashes), left=frozenset(left))


def alike(field: FieldMapping, one_way: Direction, given: Value, desired: Value, current: Value) -> bool:
    """Whether a field of a partner means the same as that of its record: `given` is what the source has, `desired` what
    its partner should have, `current` what that has.
    """
    return current == desired or _cut_on_the_way(field, one_way, (given, desired), current)


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


def _clash(
    mapping: TableMapping,
    field: FieldMapping,
    rows: Ways,
    held: tuple[Value, Value],
    known: Sequence[Clash],
    remembered: Base,
    doubtful: Collection[Direction],
) -> Clash:
    """Both values as they are kept, `held` in NAV and in CRM, with what is known of exactly these: the choice that was
    made, and who was newer, by the stamps that are remembered of them before those of the records. `rows` are what is
    known of the records, by who reads them, that of now last. On a `doubtful` side a value that was there before may be
    as old as then, or as now: who is newer is known where that makes no difference.
    """
    nav, crm = map(_kept, held)
    clash = Clash(field.nav, field.crm, nav, crm)
    seen = next((one for one in known if one.same == clash.same), None)
    if seen is not None and not doubtful:
        return replace(clash, choice=seen.choice, newer=seen.newer)
    stamps: list[set[datetime | None]] = []
    for read_by, value in zip((TO, FROM), held, strict=True):
        name, read = reader(field, read_by)
        *before, now = rows[read_by]
        had = [row for row in before if name in row and read(row[name]) == value]
        ages = [modified_at(mapping.table(read_by), row) for row in (*had, now)]
        kept = remembered.stamp_of(field, read_by, value) or ages[0]
        stamps.append({kept, ages[-1]} if read_by in doubtful else {kept})
    newer = {newer_side(mapping, *both) for both in product(*stamps)}
    if seen is not None:
        clash = replace(clash, choice=seen.choice)
        newer.add(seen.newer)
    only = newer.pop() if len(newer) == 1 else None
    return clash if only is None else replace(clash, newer=Choice(only))


def _keep_stamps(
    table: Table, read_by: Direction, fields: Sequence[FieldMapping], row: Mapping[str, Any], remembered: Base
) -> None:
    """Remember the stamp of a record for values that stay where they are, before it gets a new one by what is written
    to others of its fields.
    """
    at = modified_at(table, row)
    if at is None:
        return
    for field in fields:
        remembered.keep_stamp(field, read_by, source_value(field, read_by, row), at)


def _kept(value: Value) -> Shown:
    return str(value) if isinstance(value, Decimal) else value


def _winner(base: Base, field: FieldMapping, one_way: Direction, given: Value, current: Value, desired: Value) -> str:
    """Who changed a bidirectional field. Without a base NAV wins, but a blank never overwrites a value, and a text of
    which nothing fits leaves both as they are.

    Where neither changed, they differ because a rule or a length made it so, and mean the same: nothing bounces back;
    or because a lookup waited for its partner, or lost it, and is filled in now.
    """
    source_hash, target_hash = base.of(field, one_way)
    if source_hash == UNKNOWN:
        if blank(current):
            return "source"
        if one_way is FROM or blank(given):
            return "target"
        return "as it is" if blank(desired) else "source"
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
    base: Base,
    ours: tuple[Ways, Ways],
    field: FieldMapping,
    one_way: Direction,
    given: Value,
    current: Value,
) -> str:
    """Who changed a field of which one side holds what we sent to it: the other one, also where it is again as
    remembered. Where both hold ours, nobody can tell who came last. Where what we sent was to be written to the side
    that is as remembered, and its row was written since, nobody can tell whether ours arrived and was put back. Where
    it was to be written to the other side, which holds something else by now, the side that is as remembered had what
    we sent: it was put back, and nobody can tell whether ours arrived before.
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
        there, here = (one_way, back) if source_changed else (back, one_way)
        changed, as_before = (source_hash, target_hash) if source_changed else (target_hash, source_hash)
        over_there = [one for one in _sent(moved.get(there, ()), field, here) if hashed(one) != as_before]
        from_there = [one for one in _sent(unsettled.get(here, ()), field, there) if hashed(one) != changed]
        return "conflict" if over_there or from_there else winner
    return winner


def _of_ours(unsettled: Ways, field: FieldMapping) -> bool:
    """Whether we sent the field, either way, and nobody knows what came of it."""
    return bool(_sent(unsettled.get(TO, ()), field, FROM) or _sent(unsettled.get(FROM, ()), field, TO))


def _doubtful(moved: Ways, field: FieldMapping) -> set[Direction]:
    """The sides, named by who reads them, to which the field was sent and whose row was written since: what stands
    there may have been put back over ours, or have been there all the time, when other fields were written.
    """
    return {read_by for read_by, way in ((TO, FROM), (FROM, TO)) if _sent(moved.get(way, ()), field, read_by)}


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


def _conflict(names: list[str]) -> Problem:
    listed = ", ".join(names)
    return Problem(
        "conflict",
        f"both sides changed {listed}",
        f"{listed} changed in NAV and in CRM, differently, since the last synchronization; nothing was overwritten.",
        "Make both sides the same, or give the mapping a conflict policy, and run again.",
    )
