"""Match-based coupling as a job of its own (reference/domain.md section 5.3).

Uncoupled NAV records in the table filter and CRM rows in the mapping's filter are coupled when they match by a rule and
nothing else does. Nothing is written but couplings, unless the mapping makes rows for records without a match or
synchronizes after coupling.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import sqlalchemy as sa

from engine.connectors.protocol import Query, Row
from engine.mapping.transfer import FROM, TO
from engine.model.mapping import ConflictPolicy, Direction, TableMapping
from engine.model.outcome import Action, Outcome, Problem
from engine.store.couplings import Coupling
from engine.store.pages import PageResult
from engine.store.work import Scope
from engine.sync.columns import source_columns
from engine.sync.context import Context
from engine.sync.coupling import commit, work_records
from engine.sync.item import Item
from engine.sync.lookups import partners
from engine.sync.matching import candidates
from engine.sync.page import Pass
from engine.sync.twins import marked_columns

_SHOWN = 5


@dataclass(slots=True)
class _Record:
    """An uncoupled NAV record, with the CRM rows that match it by some rule but not alone."""

    item: Item
    partner: str | None = None
    seen: dict[str, None] = field(default_factory=dict)
    rivals: int = 0


def direction_after(mapping: TableMapping) -> Direction:
    """Which way a pair is synchronized that has just been coupled: as the conflict policy says, else to CRM first."""
    passes = mapping.direction.passes
    if len(passes) > 1 and mapping.conflict is ConflictPolicy.GET_UPDATE:
        return FROM
    return passes[0]


async def match(context: Context, scope: Scope, after: Scope | None, create: Scope | None) -> None:
    """Couple what matches. `after` is the job that synchronizes new pairs, `create` the one that makes rows for records
    without a match; None when that is not wanted.
    """
    mapping = context.mappings[scope.mapping]
    table = mapping.nav
    query = Query(table.entity, table.key, marked_columns(context, mapping, TO), table.filter, None, context.page_size)
    claimed: set[str] = set()
    async for rows in context.nav.pages(query):
        await context.checkpoint()
        records = await _uncoupled(context, scope, mapping, rows)
        await _match(context, scope, mapping, records, claimed)
        lonely = [one for one in records if one.partner is None and not one.seen]
        key = str(rows[-1][table.key])
        told = [_outcome(mapping, one) for one in records if create is None or one not in lonely]
        pairs = [Coupling(one.item.id, one.partner, one.item.number) for one in records if one.partner is not None]
        await commit(context, scope, PageResult(None, key, len(rows), told, pairs, ledger=False))
        if pairs and after is not None:
            await _synchronize(context, after, mapping, records)
        if lonely and create is not None:
            await work_records(
                await Pass.after_renames(context, create), [one.item.row for one in lonely], f"unmatched {key}"
            )


async def _uncoupled(context: Context, scope: Scope, mapping: TableMapping, rows: Sequence[Row]) -> list[_Record]:
    table = mapping.nav
    by_id = {str(row[table.key]).lower(): row for row in rows}

    def read(connection: sa.Connection) -> set[str]:
        of = context.couplings
        coupled = of.of(connection, scope.mapping, TO, list(by_id))
        return set(coupled) | of.elsewhere(connection, scope.mapping, TO, list(by_id))

    taken = await context.store.read(read)
    return [
        _Record(Item(id, row, str(row.get(table.number) or ""), str(row.get(table.name) or "")))
        for id, row in by_id.items()
        if id not in taken
    ]


async def _match(
    context: Context, scope: Scope, mapping: TableMapping, records: Sequence[_Record], claimed: set[str]
) -> None:
    """Rule after rule; what several match by one of them may still match alone by the next."""
    lookups = await partners(context, mapping, TO, [one.item.row for one in records])
    left = list(records)
    for rule in mapping.match:
        items = [one.item for one in left]
        found = await candidates(context, scope, mapping, rule, items, lookups, claimed, mapping.crm.filter)
        for one in left:
            if (match := found.get(one.item.id)) is None:
                continue
            ids = [id for row in match.rows if (id := str(row[mapping.crm.key]).lower()) not in claimed]
            if len(ids) == 1 and match.rivals == 1:
                one.partner = ids[0]
                claimed.add(ids[0])
            else:
                one.seen.update(dict.fromkeys(ids))
                one.rivals = max(one.rivals, match.rivals)
        left = [one for one in left if one.partner is None]


async def _synchronize(context: Context, after: Scope, mapping: TableMapping, records: Sequence[_Record]) -> None:
    lead = mapping.conflict in (ConflictPolicy.SEND_UPDATE, ConflictPolicy.GET_UPDATE)
    rows = [one.item.row for one in records if one.partner is not None]
    if after.direction is FROM:
        ids = [one.partner for one in records if one.partner is not None]
        table = mapping.crm
        columns = source_columns(mapping, FROM)
        rows = list((await context.crm.fetch(table.entity, table.key, ids, columns)).values())
    if rows:
        one = replace(await Pass.of(context, after, only_coupled=True), lead=lead)
        await work_records(one, rows, f"coupled {rows[-1][mapping.table(after.direction).key]}")


def _outcome(mapping: TableMapping, one: _Record) -> Outcome:
    item = one.item
    told = partial(Outcome, item.id, nav_no=item.number, name=item.name, nav_id=item.id)
    if one.partner is not None:
        return told(action=Action.COUPLED, crm_id=one.partner)
    problem = _several(mapping, one) if one.seen else _unmatched(mapping)
    return told(action=Action.FAILED, problem=problem, ambiguous=bool(one.seen))


def _unmatched(mapping: TableMapping) -> Problem:
    by = ", else by ".join(" and ".join(nav for nav, _ in rule.pairs) for rule in mapping.match) or "no rule"
    return Problem(
        "unmatched",
        f"no uncoupled {mapping.crm.caption} row matches",
        f"No uncoupled {mapping.crm.caption} row in the mapping's filter matches by {by}.",
        "Couple it by hand, or let a full synchronization or --create-unmatched make its partner.",
    )


def _several(mapping: TableMapping, one: _Record) -> Problem:
    ids = list(one.seen)
    shown = ", ".join(ids[:_SHOWN]) + (f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else "")
    if one.rivals > 1:
        what = f"{one.rivals} uncoupled {mapping.nav.caption} records match {mapping.crm.caption} {shown}"
    else:
        what = f"{len(ids)} uncoupled {mapping.crm.caption} rows match: {shown}"
    return Problem(
        "ambiguous",
        "several uncoupled records match",
        f"{what}; nothing was coupled.",
        f"Couple the right one with `coupler couple {mapping.name} --nav ... --crm ...`, or merge the duplicates.",
    )
