"""Removing couplings: the data stay on both sides, and nothing is deleted (reference/domain.md section 5.4)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from uuid import NAMESPACE_OID, uuid5

import sqlalchemy as sa

from engine.mapping.transfer import FROM, TO
from engine.model.mapping import FieldMapping, TableMapping
from engine.model.outcome import Action, Outcome, Problem
from engine.store import couplings
from engine.store.chunks import CHUNK, chunks
from engine.store.couplings import Coupling
from engine.store.pages import PageResult
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.coupling import commit

_PARENT = "parentcustomerid"
"""The column in which CRM has whose part a contact is; its currency and its owner are others."""


def dependants(mappings: Mapping[str, TableMapping], name: str) -> list[tuple[TableMapping, FieldMapping]]:
    """The mappings whose records are parts of those of a mapping, as contacts are of customers, with their lookups."""
    return [
        (one, field)
        for one in mappings.values()
        if one.handling == "contact"
        for field in one.fields
        if field.lookup == name and field.crm == _PARENT and field.nav and not field.clear_on_fail
    ]


async def uncouple(context: Context, scope: Scope, records: Sequence[str], parts: Mapping[str, Scope]) -> None:
    """Uncouple NAV records, by number or id, or all of a mapping when none is named, and what is part of them.

    `parts` are the jobs of the dependants, by mapping.
    """
    if not records:
        async for pairs in all_couplings(context, scope.mapping):
            await _uncouple(context, scope, pairs, parts)
        return
    for chunk in chunks(records):
        pairs = await context.store.read(partial(couplings.named, mapping=scope.mapping, names=chunk))
        known = {name.casefold() for pair in pairs for name in (pair.nav_id, pair.nav_no)}
        unknown = [name for name in chunk if name.casefold() not in known]
        await _uncouple(context, scope, pairs, parts, unknown)


async def all_couplings(context: Context, mapping: str, *, not_of: int | None = None) -> AsyncIterator[list[Coupling]]:
    """All couplings of a mapping, or only those `not_of` a run, in lists; a list may be removed before the next one is
    asked for.
    """
    after: tuple[str, str] | None = None
    while True:
        await context.checkpoint()
        some = partial(couplings.listing, mapping=mapping, after=after, limit=CHUNK, not_of=not_of)
        found = await context.store.read(some)
        if not found:
            return
        after = (mapping, found[-1][1].nav_id)
        yield [pair for _, pair in found]


async def remove(context: Context, scope: Scope, pairs: Sequence[Coupling], key: str) -> None:
    """Remove couplings, and what is remembered of conflicts and failures of the pairs."""
    outcomes = [
        Outcome(pair.nav_id, Action.UNCOUPLED, pair.nav_no, nav_id=pair.nav_id, crm_id=pair.crm_id) for pair in pairs
    ]
    ids = [pair.nav_id for pair in pairs]
    result = PageResult(None, key, len(pairs), outcomes, [], removed=ids, cleared=ids, ledger=False)
    await commit(context, scope, result, both=True)


async def _uncouple(
    context: Context,
    scope: Scope,
    pairs: Sequence[Coupling],
    parts: Mapping[str, Scope],
    unknown: Sequence[str] = (),
) -> None:
    key = pairs[-1].nav_id if pairs else "unknown"
    if pairs:
        for mapping, field in dependants(context.mappings, scope.mapping):
            if mapping.name in parts and (found := await _parts(context, mapping, field, pairs)):
                await remove(context, parts[mapping.name], found, f"of {key}")
        await remove(context, scope, pairs, key)
    if unknown:
        outcomes = [
            Outcome(str(uuid5(NAMESPACE_OID, name)), Action.FAILED, name, problem=_not_coupled(scope.mapping, name))
            for name in unknown
        ]
        result = PageResult(None, f"unknown {unknown[0]}"[:200], len(unknown), outcomes, [], ledger=False)
        await commit(context, scope, result)


async def _parts(
    context: Context, mapping: TableMapping, field: FieldMapping, pairs: Sequence[Coupling]
) -> list[Coupling]:
    """The coupled records that belong to these ones on either side."""
    nav, crm = mapping.nav, mapping.crm
    numbers = [pair.nav_no for pair in pairs if pair.nav_no]
    ours = await context.nav.find(nav.entity, field.nav, numbers, (nav.key,)) if numbers else []
    theirs = await context.crm.find(crm.entity, field.column, [pair.crm_id for pair in pairs], (crm.key,))
    nav_ids = [str(row[nav.key]).lower() for row in ours]
    crm_ids = [str(row[crm.key]).lower() for row in theirs]

    def read(connection: sa.Connection) -> dict[str, Coupling]:
        found = context.couplings.of(connection, mapping.name, TO, nav_ids).values()
        also = context.couplings.of(connection, mapping.name, FROM, crm_ids).values()
        return {pair.nav_id: pair for pair in (*found, *also)}

    return list((await context.store.read(read)).values())


def _not_coupled(mapping: str, name: str) -> Problem:
    return Problem(
        "not_coupled",
        "there is no such coupling",
        f"{mapping} has no coupling of {name}.",
        "`coupler couplings` lists what is coupled.",
    )
