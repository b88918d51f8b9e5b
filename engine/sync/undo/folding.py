"""What a run overwrote in a record, put together from all its updates, and what of it can be written back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.connectors.protocol import ETAG, Reference, Row
from engine.mapping.transfer import TO
from engine.model.outcome import Problem
from engine.store.traces import Bound, Values
from engine.store.undoing import Written
from engine.sync.context import Context
from engine.sync.undo.undone import place_of, same

_STATE, _STATUS = "statecode", "statuscode"
_STATUS_OF = {0: 1, 1: 2, 2: 0, 3: 3}
"""Of a product: the status that goes with a state."""


@dataclass(slots=True)
class Change:
    """A value as it was before the run, and as the run left it."""

    old: Any
    new: Any
    bound: Bound | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """A record as it is now: the values to write, by name, and why others stay as they are."""

    written: Written
    number: str = ""
    name: str = ""
    etag: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    problem: Problem | None = None
    row: Row = field(default_factory=dict)

    @property
    def base(self) -> bytes | None:
        """What the record's coupling remembered before the run."""
        return next((one.base for one in self.written.values if one.base is not None), None)


def fold(updates: Sequence[Values]) -> dict[str, Change]:
    """By column, what was there before and what the run put there.

    An update that did not arrive, or was overtaken by somebody's change, is followed by another one: what was found
    then is what the run overwrote, unless it was the run's own value.
    """
    found: dict[str, Change] = {}
    for update in updates:
        for column, new in update.new.items():
            old, bound = update.old[column], update.bound.get(column)
            before = found.get(column)
            if before is not None and (same(old, before.new) or same(old, before.old)):
                old = before.old
            found[column] = Change(old, new, bound)
    return found


async def look_at(context: Context, updates: Sequence[Written]) -> list[Looked]:
    """Compare records of one table with what the run wrote: only its own values are written back."""
    if not updates:
        return []
    first = updates[0]
    place = place_of(context.mappings.get(first.mapping), first.entity, first.direction)
    changes = {one.id: fold(one.values) for one in updates}
    wanted = dict.fromkeys(name for each in changes.values() for name in each)
    columns = tuple(dict.fromkeys((place.key, place.number, place.name, *wanted, *place.stamps)))
    rows = await context.target(first.direction).fetch(first.entity, place.key, list(changes), columns)
    looked = []
    for one in updates:
        row = rows.get(one.id)
        if row is None:
            looked.append(Looked(one, problem=_GONE))
            continue
        number = str(row.get(place.number) or "") if first.direction is not TO else ""
        looked.append(_compared(one, changes[one.id], row, number, str(row.get(place.name) or "")))
    return looked


def _compared(one: Written, changes: Mapping[str, Change], row: Row, number: str, name: str) -> Looked:
    ours = {
        column: each
        for column, each in changes.items()
        if same(row.get(column), each.new) and not same(each.old, each.new)
    }
    others = [
        column
        for column, each in changes.items()
        if not same(row.get(column), each.new) and not same(row.get(column), each.old)
    ]
    values: dict[str, Any] = {}
    for column, each in ours.items():
        if each.bound is None:
            values[column] = each.old
        else:
            values[each.bound.name] = Reference(each.bound.entity, each.old, each.bound.navigation)
    if _STATE in values and one.entity == "products":
        values[_STATUS] = _STATUS_OF.get(values[_STATE])
    problem = _changed(others) if others else None
    return Looked(one, number, name, str(row.get(ETAG) or "*"), values, tuple(ours), problem, row)


def _changed(columns: Sequence[str]) -> Problem:
    listed = ", ".join(columns)
    return Problem(
        "changed",
        "values were changed after the run",
        f"{listed} changed after the run wrote there, and stay as they are.",
        "See whether that is right.",
    )


_GONE = Problem("gone", "the record is gone", "The record that the run updated is not there any more.", "")
