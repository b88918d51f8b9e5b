"""Renamed records of a NAV whose records have no id but their primary key (reference/domain.md sections 3.6 and 8.1).

A coupled record that is gone while another one appeared with the same values was renamed: its coupling goes on with
it. Where that cannot be told, the new record is not created on the other side, so that there are no two of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from engine.connectors.protocol import Query, Row
from engine.mapping.transfer import FROM, TO, Partners, match_value, target_value, transfer
from engine.mapping.values import blank, folded
from engine.model.mapping import FieldMapping, TableMapping
from engine.model.outcome import Problem
from engine.store import couplings
from engine.store.couplings import Coupling
from engine.store.runs import add_event
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.lookups import choices, partners
from engine.sync.matching import rule_field
from engine.sync.writing import source_columns

_KEYS_AT_ONCE = 20_000
_PAIRS_AT_ONCE = 5_000


async def follow_renames(context: Context, scope: Scope, mapping: TableMapping) -> frozenset[str]:
    """Let the couplings of renamed records go on with them. Returns the ids, of both sides, of records of which it
    cannot be told whether they were renamed; none where records have ids of their own.
    """
    if not context.nav.ids_from_keys:
        return frozenset()
    table = mapping.nav
    query = Query(table.entity, table.key, (table.number,), page_size=_KEYS_AT_ONCE)
    present = {str(row[table.key]): str(row[table.number]) async for rows in context.nav.pages(query) for row in rows}
    pairs = await context.store.read(partial(_pairs, mapping=mapping.name))
    vanished = [pair for pair in pairs if pair.nav_id not in present]
    coupled = {pair.nav_id for pair in pairs}
    appeared = [id for id in present if id not in coupled] if vanished else []
    elsewhere = await context.store.read(
        lambda connection: context.couplings.taken(connection, mapping.name, FROM, appeared)
    )
    appeared = [id for id in appeared if id not in elsewhere]
    if not appeared:
        return frozenset()
    ours = await context.nav.fetch(table.entity, table.key, appeared, source_columns(mapping, TO))
    theirs = await context.crm.fetch(
        mapping.crm.entity, mapping.crm.key, [pair.crm_id for pair in vanished], source_columns(mapping, FROM)
    )
    compare = _Comparison(mapping, await _lookups(context, mapping, ours, theirs))
    likely = {
        pair.crm_id: [id for id in ours if compare.may_be_one(ours[id], theirs[pair.crm_id])]
        for pair in vanished
        if pair.crm_id in theirs
    }
    unsure: set[str] = set()
    for pair in vanished:
        found = likely.get(pair.crm_id, [])
        rivals = [other for other, ids in likely.items() if set(ids) & set(found)]
        if compare.possible and len(found) == 1 and len(rivals) == 1:
            await _rename(context, scope, pair, found[0], present[found[0]])
        elif found:
            unsure.update((pair.crm_id, *found))
    return frozenset(unsure)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Whether a NAV record and a CRM row have the same values, apart from the primary key."""

    mapping: TableMapping
    lookups: Partners

    @property
    def possible(self) -> bool:
        """Whether the mapping has a value by which records differ besides their key."""
        return any(self._compared(field) for field in self.mapping.fields)

    def may_be_one(self, ours: Row, theirs: Row) -> bool:
        """True also where nothing can be compared."""
        return not self.possible or self._same(ours, theirs) or self._match(ours, theirs)

    def _same(self, ours: Row, theirs: Row) -> bool:
        one_way = self.mapping.direction.passes[0]
        source, target = (ours, theirs) if one_way is TO else (theirs, ours)
        wanted = transfer(self.mapping, one_way, source, self.lookups, {})
        compared = [(field, value) for field, value in wanted.values.items() if self._compared(field)]
        current = [target_value(field, one_way, target) for field, _ in compared]
        equal = all(value == now for (_, value), now in zip(compared, current, strict=True))
        told = any(isinstance(value, str) and not blank(value) for _, value in compared)
        return wanted.problem is None and equal and told

    def _match(self, ours: Row, theirs: Row) -> bool:
        return any(
            all(self._equal(rule_field(self.mapping, nav, crm), ours, theirs) for nav, crm in rule.pairs)
            for rule in self.mapping.match
        )

    def _equal(self, field: FieldMapping, ours: Row, theirs: Row) -> bool:
        value = match_value(field, TO, ours, self.lookups)
        return not blank(value) and folded(value) == folded(target_value(field, TO, theirs))

    def _compared(self, field: FieldMapping) -> bool:
        own = bool(field.nav and field.crm) and field.nav != self.mapping.nav.number
        return own and not (field.derived or field.create_only or field.seed)


def _pairs(connection: sa.Connection, mapping: str) -> list[Coupling]:
    found: list[Coupling] = []
    after: tuple[str, str] | None = None
    while rows := couplings.listing(connection, mapping, after, _PAIRS_AT_ONCE):
        found += [pair for _, pair in rows]
        after = (mapping, found[-1].nav_id)
    return found


async def _lookups(
    context: Context, mapping: TableMapping, ours: Mapping[str, Row], theirs: Mapping[str, Row]
) -> Partners:
    one_way = mapping.direction.passes[0]
    rows: Sequence[Row] = list((ours if one_way is TO else theirs).values())
    found = await partners(context, mapping, one_way, rows)
    return {**found, **await choices(context, mapping, one_way)}


async def _rename(context: Context, scope: Scope, pair: Coupling, id: str, number: str) -> None:
    def write(connection: sa.Connection) -> None:
        if scope.plan:
            planned = [Coupling(id, pair.crm_id, number)]
            couplings.save(connection, scope.mapping, planned, run=scope.run, at=at, plan=True)
        else:
            couplings.rename(connection, scope.mapping, pair, id, number)
        add_event(connection, scope.run, scope.mapping, f"{pair.nav_no} is now {number}: it was renamed", at)

    at = context.clock()
    await context.store.write(write)


MAY_BE_RENAMED = Problem(
    "may_be_renamed",
    "it may be a record that was renamed",
    "Coupled records are gone from NAV while this one appeared, and their values do not tell which one it was before; "
    "it was not created.",
    "Couple it by hand if it was renamed; else remove the couplings of the records that are gone (`coupler broken`).",
)
