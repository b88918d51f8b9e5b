"""What would be written for one record, field by field: worked on as in a plan, with sides that only note it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from engine.connectors.protocol import Reference, Result, Row, Side, Write
from engine.mapping.transfer import FROM, TO
from engine.model.conflict import Shown
from engine.model.mapping import Direction, FieldKind, FieldMapping, TableMapping
from engine.model.outcome import Action, Outcome
from engine.model.plan import Difference, Effect, FieldChange
from engine.store.couplings import Couplings
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.naming import Labelled, Names, called, names
from engine.sync.page import Pass, work_page
from engine.sync.twins import marked_columns

_GONE = "The record is not there any more, or the filter of the mapping leaves it out now."


class Noticing(Labelled):
    """A side that pretends to write, and keeps the rows that were looked at and what would be written."""

    def __init__(self, side: Side, mappings: Iterable[TableMapping] = ()) -> None:
        super().__init__(side, mappings)
        self.rows: dict[str, Row] = {}
        self.writes: list[Write] = []

    async def fetch(self, entity: str, key: str, ids: Sequence[str], fields: tuple[str, ...]) -> dict[str, Row]:
        """The real rows."""
        found = await super().fetch(entity, key, ids, fields)
        for id, row in found.items():
            self.rows[id] = {**self.rows.get(id, {}), **row}
        return found

    async def write(self, writes: Sequence[Write]) -> dict[str, Result]:
        """Nothing is sent."""
        self.writes += writes
        return await super().write(writes)


async def difference(context: Context, scope: Scope, source_id: str, *, effect: Effect) -> Difference:
    """What would be written for a record of a pass of a plan, both sides as they are now. The plan said `effect`.

    The target of the context is a `Noticing`. Nothing is written, neither there nor in the store.
    """
    if effect is not Effect.MODIFIED:
        context = replace(context, couplings=Couplings(scope.run, context.mappings.values(), without=source_id))
    mapping, one_way = context.mappings[scope.mapping], scope.direction
    table, target = mapping.table(one_way), context.target(one_way)
    columns = marked_columns(context, mapping, one_way)
    rows = await context.source(one_way).find(table.entity, table.key, [source_id], columns, table.filter)
    if not rows:
        return Difference(context.clock(), None, message=_GONE)
    one = replace(await Pass.of(context, scope), looks_only=True)
    result = await work_page(one, rows, None)
    at = context.clock()
    outcome = next((found for found in result.outcomes if found.source_id == source_id), None)
    if outcome is None:
        return Difference(at, None, message="The mapping leaves the record out.")
    writes = [each for each in target.writes if each.key == source_id] if isinstance(target, Noticing) else []
    before = target.rows if isinstance(target, Noticing) else {}
    changes = [change for write in writes for change in _changes(mapping, one_way, rows[0], before, write)]
    problem = outcome.problem or next(iter(outcome.warnings), None)
    made = outcome.action is Action.INSERTED
    return Difference(
        at=at,
        effect=_effect(outcome),
        changes=tuple(_called(names(context, mapping), one_way, await _named(context, one_way, changes))),
        message="" if problem is None else problem.message,
        hint="" if problem is None else problem.hint,
        nav_no=outcome.nav_no,
        name=outcome.name,
        nav_id=None if made and one_way is FROM else outcome.nav_id,
        crm_id=None if made and one_way is TO else outcome.crm_id,
        elsewhere=outcome.action is Action.MODIFIED and not changes,
    )


def _effect(outcome: Outcome) -> Effect:
    if outcome.ambiguous:
        return Effect.AMBIGUOUS
    if outcome.coupled and outcome.action is not Action.MODIFIED:
        return Effect.COUPLED
    return Effect(outcome.action.value)


def _changes(
    mapping: TableMapping, one_way: Direction, source: Row, before: Mapping[str, Row], write: Write
) -> Iterator[tuple[FieldMapping | None, FieldChange]]:
    """The fields of a write in its order; those whose value would not be another one are left out."""
    by_name = {(f.crm if one_way is TO else f.nav): f for f in mapping.fields if f.direction.includes(one_way)}
    row = before.get(str(write.id), {})
    for name, value in write.values.items():
        lookup = isinstance(value, Reference)
        now = shown(row.get(f"_{name}_value" if lookup else name))
        then = shown(value.id if lookup else value)
        if now in (None, "") and then in (None, ""):
            continue
        field = by_name.get(name)
        if field is None:
            nav, crm = ("", name) if one_way is TO else (name, "")
            yield None, FieldChange(nav, crm, None, now, then)
        else:
            given = source.get(field.nav if one_way is TO else field.column) if _reads(field, one_way) else None
            yield field, FieldChange(field.nav, field.crm, shown(given), now, then)


def _reads(field: FieldMapping, one_way: Direction) -> bool:
    """Whether the value of a field comes from a field of the source."""
    return field.constant is None and bool(field.nav if one_way is TO else field.crm)


async def _named(
    context: Context, one_way: Direction, changes: Sequence[tuple[FieldMapping | None, FieldChange]]
) -> list[FieldChange]:
    """The changes with NAV numbers in the place of CRM ids, where the couplings know them; the local currency, which is
    coupled with nothing, by its code.
    """
    local = {context.organization.local_currency_id: context.organization.local_currency}
    made = []
    for field, change in changes:
        if field is None or field.kind is not FieldKind.LOOKUP or not field.lookup:
            made.append(change)
            continue
        values = (change.now, change.then) if one_way is TO else (change.source,)
        ids = [one for one in values if isinstance(one, str) and one]
        partners = partial(context.couplings.partners, mapping=field.lookup, one_way=FROM, values=ids)
        known: dict[str, str] = {**local, **await context.store.read(partners)}
        named = [known.get(str(one)) or one for one in values]
        made.append(replace(change, now=named[0], then=named[1]) if one_way is TO else replace(change, source=named[0]))
    return made


def _called(found: Names, one_way: Direction, changes: Sequence[FieldChange]) -> Iterator[FieldChange]:
    """The changes with what CRM's values are called."""
    for one in changes:
        own = found.get(one.crm, {})
        if one_way is TO:
            yield replace(one, now=called(one.now, own), then=called(one.then, own))
        else:
            yield replace(one, source=called(one.source, own))


def shown(value: Any) -> Shown:
    """A value as it is kept and told: numbers that are not whole as text."""
    return value if value is None or isinstance(value, str | bool | int) else _text(value)


def _text(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
