"""Renamed records of a NAV whose records have no id but their primary key (reference/domain.md sections 3.6 and 8.1).

A coupled record that is gone while another one appeared with the same values was renamed: its coupling goes on with
it. Where that cannot be told, and they have the name or most texts in common, the new record is not created on the
other side, so that there are no two of it. One of which name and texts changed at once is taken for new. Once such a
NAV has become Business Central, couplings lead to the ids that records have there.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa

from engine.connectors.protocol import Query, Row
from engine.mapping.transfer import FROM, TO, Partners, match_value, source_value, target_value, transfer
from engine.mapping.values import blank, folded
from engine.model.mapping import Direction, FieldKind, FieldMapping, MatchRule, TableMapping
from engine.model.outcome import Problem
from engine.model.records import record_id
from engine.store import couplings
from engine.store.couplings import Coupling
from engine.store.runs import add_event
from engine.store.work import Scope
from engine.sync.columns import source_columns
from engine.sync.context import Context
from engine.sync.lookups import choices, partners
from engine.sync.matching import Key, rule_field, rule_key

_KEYS_AT_ONCE = 20_000
_PAIRS_AT_ONCE = 5_000
_FEW = 10


@dataclass(frozen=True, slots=True)
class Renames:
    """What was found before a pass. `unsure` are ids, of both sides, of records of which it cannot be told whether they
    were renamed. `gone` are NAV ids of coupled records that are not there, `present` those of all records; None where
    a record that is gone is gone.
    """

    unsure: frozenset[str] = frozenset()
    gone: frozenset[str] | None = None
    present: frozenset[str] | None = None

    def doubtful(self, lost: Coupling | None) -> bool:
        """Whether the NAV record of a pair that is found to be gone may have been renamed a moment ago."""
        return self.gone is not None and lost is not None and lost.nav_id not in self.gone

    def hinders(self, one_way: Direction, id: str) -> Problem | None:
        """Why an uncoupled record may not get a new partner: a coupled one may have become this one."""
        if id in self.unsure:
            return MAY_BE_RENAMED
        appeared = one_way is TO and self.present is not None and id not in self.present
        return APPEARED if appeared else None


async def follow_renames(context: Context, scope: Scope, mapping: TableMapping) -> Renames:
    """Let the couplings of renamed records go on with them."""
    if not context.nav.ids_from_keys:
        return Renames()
    table = mapping.nav
    present, requests = await _numbers(context, mapping)
    pairs = await context.store.read(partial(_pairs, mapping=mapping.name))
    coupled = {pair.nav_id for pair in pairs}
    appeared = [id for id in present if id not in coupled]
    # what is renamed between two requests is there twice, or not at all: a second look knows what is gone
    there = (await _numbers(context, mapping))[0] if pairs and appeared and requests > 1 else present
    vanished = [pair for pair in pairs if pair.nav_id not in there]
    appeared = appeared if vanished else []
    elsewhere = await context.taken(mapping.name, FROM, appeared)
    appeared = [id for id in appeared if id not in elsewhere]
    found = Renames(gone=frozenset(pair.nav_id for pair in vanished), present=frozenset(present))
    if not appeared:
        return found
    ours = await context.nav.fetch(table.entity, table.key, appeared, source_columns(mapping, TO))
    theirs = await context.crm.fetch(
        mapping.crm.entity, mapping.crm.key, [pair.crm_id for pair in vanished], source_columns(mapping, FROM)
    )
    compare = _Comparison(mapping, await _lookups(context, mapping, ours, theirs))
    likely = compare.likely(ours, {pair.crm_id: theirs[pair.crm_id] for pair in vanished if pair.crm_id in theirs})
    claims = Counter(id for ids in likely.values() for id in ids)
    unsure: set[str] = set()
    for pair in vanished:
        same = sorted(likely.get(pair.crm_id, ()))
        if compare.possible and len(same) == 1 and claims[same[0]] == 1:
            await _rename(context, scope, pair, same[0], present[same[0]])
            del ours[same[0]], theirs[pair.crm_id]
        elif same:
            unsure.update((pair.crm_id, *same))
    for crm_id, ids in compare.alike(ours, theirs).items():
        unsure.update((crm_id, *ids))
    return replace(found, unsure=frozenset(unsure))


async def _numbers(context: Context, mapping: TableMapping) -> tuple[dict[str, str], int]:
    """The numbers of all NAV records by id, and how many requests it took to read them."""
    table = mapping.nav
    query = Query(table.entity, table.key, (table.number,), page_size=_KEYS_AT_ONCE)
    pages = [rows async for rows in context.nav.pages(query) if rows]
    return {str(row[table.key]): str(row[table.number]) for rows in pages for row in rows}, len(pages)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Whether a NAV record and a CRM row have the same values, apart from the primary key."""

    mapping: TableMapping
    lookups: Partners

    @property
    def possible(self) -> bool:
        """Whether the mapping has a value by which records differ besides their key."""
        return any(self._compared(field) for field in self.mapping.fields)

    def likely(self, ours: Mapping[str, Row], theirs: Mapping[str, Row]) -> dict[str, set[str]]:
        """By CRM id, the NAV records that may be the same; all of them where nothing can be compared."""
        if not self.possible:
            return {id: set(ours) for id in theirs}
        found: dict[str, set[str]] = {id: set() for id in theirs}
        by_texts = _by_key(ours, lambda row: self._texts(row, TO))
        for crm_id, row in theirs.items():
            ids = by_texts.get(self._texts(row, FROM), ())
            found[crm_id].update(id for id in ids if self._same(ours[id], row))
        for rule in self.mapping.match:
            by_rule = _by_key(ours, partial(self._match, rule, TO))
            for crm_id, row in theirs.items():
                found[crm_id].update(by_rule.get(self._match(rule, FROM, row), ()))
        return found

    def alike(self, ours: Mapping[str, Row], theirs: Mapping[str, Row]) -> dict[str, set[str]]:
        """By CRM id, the NAV records with its name, or with most of its texts: too few to be sure, too many to pass."""
        found: dict[str, set[str]] = {}
        by_name = _by_key(ours, lambda row: self._name(row, TO))
        texts = {id: _filled(self._values(row, TO)) for id, row in ours.items()}
        by_text: dict[tuple[int, object], list[str]] = {}
        for id, filled in texts.items():
            for one in filled:
                by_text.setdefault(one, []).append(id)
        for crm_id, row in theirs.items():
            mine = _filled(self._values(row, FROM))
            equal = Counter(id for one in mine for id in by_text.get(one, ()))
            ids = {id for id, number in equal.items() if 2 * number > max(len(mine), len(texts[id]))}
            if ids := ids.union(by_name.get(self._name(row, FROM), ())):
                found[crm_id] = ids
        return found

    def _name(self, row: Row, side: Direction) -> Key | None:
        """The name of a record, where it has one besides its key."""
        name = folded(row.get(self.mapping.table(side).name))
        return None if blank(name) or self.mapping.nav.name == self.mapping.nav.number else (name,)

    def _texts(self, row: Row, side: Direction) -> Key | None:
        """What equal records have in common at least; None when it says nothing."""
        values = self._values(row, side)
        return None if all(map(blank, values)) else values

    def _values(self, row: Row, side: Direction) -> Key:
        one_way = self.mapping.direction.passes[0]
        return tuple(
            folded(source_value(one, side, row))
            for one in self.mapping.fields
            if self._compared(one) and one.kind is FieldKind.TEXT and not one.transforms
            if one.direction.includes(one_way)
        )

    def _match(self, rule: MatchRule, side: Direction, row: Row) -> Key | None:
        fields = [rule_field(self.mapping, nav, crm) for nav, crm in rule.pairs]
        if side is TO:
            values = [match_value(one, TO, row, self.lookups) for one in fields]
        else:
            values = [target_value(one, TO, row) for one in fields]
        return None if any(map(blank, values)) else rule_key(fields, values)

    def _same(self, ours: Row, theirs: Row) -> bool:
        one_way = self.mapping.direction.passes[0]
        source, target = (ours, theirs) if one_way is TO else (theirs, ours)
        wanted = transfer(self.mapping, one_way, source, self.lookups, {})
        compared = [(field, value) for field, value in wanted.values.items() if self._compared(field)]
        current = [target_value(field, one_way, target) for field, _ in compared]
        equal = all(value == now for (_, value), now in zip(compared, current, strict=True))
        told = any(isinstance(value, str) and not blank(value) for _, value in compared)
        return wanted.problem is None and equal and told

    def _compared(self, field: FieldMapping) -> bool:
        own = bool(field.nav and field.crm) and field.nav != self.mapping.nav.number
        return own and not (field.derived or field.create_only or field.seed)


def _filled(values: Key) -> list[tuple[int, object]]:
    """The values that say something, each with its place."""
    return [(place, value) for place, value in enumerate(values) if not blank(value)]


def _by_key(rows: Mapping[str, Row], key_of: Callable[[Row], Key | None]) -> dict[Key | None, list[str]]:
    """The ids of the records with each key; those without one are left out."""
    found: dict[Key | None, list[str]] = {}
    for id, row in rows.items():
        if (key := key_of(row)) is not None:
            found.setdefault(key, []).append(id)
    return found


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


async def follow_upgrade(context: Context, run: int) -> None:
    """Let couplings that were made with a NAV without ids lead to the ids that its records have by now, so that none
    of them is taken for a new record.
    """
    for mapping in context.mappings.values():
        table = mapping.nav
        if context.nav.ids_from_keys:
            return
        few = await context.store.read(partial(couplings.listing, mapping=mapping.name, after=None, limit=_FEW))
        if not any(pair.nav_id == record_id(table.entity, pair.nav_no) for _, pair in few):
            continue
        query = Query(table.entity, table.key, (table.number,), page_size=_KEYS_AT_ONCE)
        ids = {str(row[table.number]): str(row[table.key]) async for rows in context.nav.pages(query) for row in rows}
        old = [
            pair
            for pair in await context.store.read(partial(_pairs, mapping=mapping.name))
            if pair.nav_no in ids and pair.nav_id == record_id(table.entity, pair.nav_no)
        ]
        await context.store.write(partial(_lead, run=run, mapping=mapping.name, pairs=old, ids=ids, context=context))


def _lead(
    connection: sa.Connection,
    run: int,
    mapping: str,
    pairs: Sequence[Coupling],
    ids: Mapping[str, str],
    context: Context,
) -> None:
    at = context.clock()
    if context.plan:
        new = [Coupling(ids[pair.nav_no], pair.crm_id, pair.nav_no) for pair in pairs]
        couplings.save(connection, mapping, new, run=run, at=at, plan=True)
        return
    for pair in pairs:
        couplings.rename(connection, mapping, pair, ids[pair.nav_no], pair.nav_no)
    add_event(connection, run, mapping, f"{len(pairs):,} couplings lead to the ids that NAV has now", at)


MAY_BE_RENAMED = Problem(
    "may_be_renamed",
    "it may be a record that was renamed",
    "Coupled records are gone from NAV while this one appeared, and their values do not tell which one it was before; "
    "it was not created.",
    "Couple it by hand if it was renamed; else remove the couplings of the records that are gone (`coupler broken`).",
)
APPEARED = Problem(
    "appeared",
    "it appeared while the run was under way",
    "It was not there when its table was first looked at: it is new, or a coupled record that was just renamed; "
    "it was not created.",
    "Run again: the next run knows which it is.",
)
