"""What a run overwrote in a record, put together from all its updates, and what of it can be written back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.connectors.protocol import ETAG, Reference, Row
from engine.mapping.transfer import FROM, TO
from engine.model.outcome import Problem
from engine.store.couplings import Coupling
from engine.store.deeds import Written
from engine.store.traces import Bound, Values
from engine.sync.context import Context
from engine.sync.handling.states import DRAFT, RETIRED
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
    """A record as it is now: the values to write, by name, and why others, the `lost` columns, stay as they are."""

    written: Written
    number: str
    name: str
    etag: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    problem: Problem | None = None
    row: Row = field(default_factory=dict)
    pair: Coupling | None = None

    def base(self, column: str) -> bytes | None:
        """What the record's coupling remembered before the run wrote to a column."""
        return next((one.base for one in self.written.values if column in one.new), None)


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
    place = place_of(context.mappings, first.mapping, first.entity, first.direction)
    changes = {one.id: fold(one.values) for one in updates}
    wanted = dict.fromkeys(name for each in changes.values() for name in each)
    columns = tuple(dict.fromkeys((place.key, place.number, place.name, *wanted, *place.stamps)))
    rows = await context.target(first.direction).fetch(first.entity, place.key, list(changes), columns)
    other_way = FROM if first.direction is TO else TO
    pairs = await context.store.read(
        lambda connection: context.couplings.of(connection, first.mapping, other_way, list(changes))
    )
    looked = []
    for one in updates:
        row, pair = rows.get(one.id), pairs.get(one.id)
        number = "" if pair is None else pair.nav_no
        if row is None:
            written = changes[one.id].get(place.name)
            name = str(written.new or "") if written is not None else ""
            looked.append(Looked(one, number, name or ("" if number else one.id), problem=_GONE, pair=pair))
            continue
        if first.direction is not TO:
            number = number or str(row.get(place.number) or "")
        looked.append(replace(_compared(one, changes[one.id], row, number, str(row.get(place.name) or "")), pair=pair))
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
    problem = _changed(others) if others else None
    if one.entity == "products" and _STATE in ours:
        if ours[_STATE].old == DRAFT:
            del ours[_STATE]
            others.append(_STATE)
            problem = _published(problem)
        elif row.get(_STATE) == RETIRED:
            ours = {_STATE: ours[_STATE]}  # CRM takes no values for it before it is active
        elif len(ours) > 1:
            del ours[_STATE]  # and none after it is retired; a state that CRM refuses holds nothing else up
    values: dict[str, Any] = {}
    for column, each in ours.items():
        if each.bound is None:
            values[column] = each.old
        else:
            values[each.bound.name] = Reference(each.bound.entity, each.old, each.bound.navigation)
    if _STATE in values and one.entity == "products":
        values[_STATUS] = _STATUS_OF.get(values[_STATE])
    return Looked(one, number, name, str(row.get(ETAG) or "*"), values, tuple(ours), tuple(others), problem, row)


def _changed(columns: Sequence[str]) -> Problem:
    listed = ", ".join(columns)
    return Problem(
        "changed",
        "values were changed after the run",
        f"{listed} changed after the run wrote there, and stay as they are.",
        "See whether that is right.",
    )


def _published(other: Problem | None) -> Problem:
    """A product that was a draft stays active or retired, besides what else is left of it."""
    message = "A product that was published cannot be a draft again, so its state stays as it is."
    if other is not None:
        return replace(other, message=f"{other.message} {message}")
    return Problem("published", "a published product cannot be a draft again", message, "")


_GONE = Problem("gone", "the record is gone", "The record that the run updated is not there any more.", "")
