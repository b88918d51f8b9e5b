"""Couplings of which one record or both are gone (reference/domain.md sections 3.5 and 4.6)."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa

from engine.mapping.identity import created_id
from engine.mapping.transfer import FROM, TO
from engine.model.errors import Refused
from engine.model.mapping import DeletionPolicy, Direction, TableMapping
from engine.model.outcome import Action, Outcome, Problem
from engine.store import couplings, troubles
from engine.store.chunks import chunks
from engine.store.couplings import Coupling
from engine.store.pages import PageResult
from engine.store.work import Scope
from engine.sync.brake import mass_loss, told, too_many
from engine.sync.columns import source_columns
from engine.sync.context import Context
from engine.sync.coupling import commit, work_records
from engine.sync.page import Pass
from engine.sync.renames import follow_renames
from engine.sync.uncoupling import all_couplings, remove

_DRAWS = 10
_DRAWN = 30


@dataclass(frozen=True, slots=True)
class Broken:
    """A coupling with a lost partner."""

    pair: Coupling
    nav_gone: bool
    crm_gone: bool

    @property
    def survivor(self) -> Direction | None:
        """The direction whose source is left; None when neither record is."""
        if self.nav_gone and self.crm_gone:
            return None
        return TO if self.crm_gone else FROM


async def look(context: Context, scope: Scope) -> None:
    """Tell of every broken coupling of a mapping, and leave it as it is."""
    mapping = context.mappings[scope.mapping]
    async for pairs in all_couplings(context, scope.mapping):
        found = await broken(context, mapping, pairs)
        outcomes = [_told(one, _gone(mapping, one)) for one in found]
        await commit(context, scope, PageResult(None, pairs[-1].nav_id, len(pairs), outcomes, [], ledger=False))


async def remove_broken(context: Context, scope: Scope, records: Sequence[str] = ()) -> None:
    """Remove the broken couplings of a mapping; of NAV records, by id, or of all when none is named."""
    mapping = context.mappings[scope.mapping]
    await follow_renames(context, scope, mapping)
    async for pairs in _couplings(context, scope.mapping, records):
        if found := await broken(context, mapping, pairs):
            await remove(context, scope, [one.pair for one in found], pairs[-1].nav_id)


async def restore_broken(context: Context, scopes: dict[Direction, Scope], records: Sequence[str] = ()) -> None:
    """Make the lost partners of a mapping again from the survivors, as its deletion policy would.

    `scopes` are the jobs of the directions in which the mapping runs; `records` as for `remove_broken`.
    """
    scope = next(iter(scopes.values()))
    mapping = context.mappings[scope.mapping]
    await follow_renames(context, scope, mapping)
    async for pairs in _couplings(context, scope.mapping, records):
        found = await broken(context, mapping, pairs)
        for one_way in (TO, FROM):
            lost = [one for one in found if one.survivor is one_way]
            if lost and one_way in scopes:
                await _restore(context, scopes[one_way], lost)
        hopeless = [one for one in found if one.survivor is None or one.survivor not in scopes]
        if hopeless:
            outcomes = [_told(one, _cannot(mapping, one)) for one in hopeless]
            key = f"hopeless {pairs[-1].nav_id}"
            await commit(context, scope, PageResult(None, key, len(hopeless), outcomes, [], ledger=False))


async def _couplings(context: Context, mapping: str, records: Sequence[str]) -> AsyncIterator[list[Coupling]]:
    """The couplings of NAV records, by id, or all of a mapping when none is named, in lists."""
    if not records:
        async for pairs in all_couplings(context, mapping):
            yield pairs
    for chunk in chunks(records):
        if pairs := await context.store.read(partial(couplings.named, mapping=mapping, names=chunk)):
            yield pairs


async def _restore(context: Context, scope: Scope, lost: Sequence[Broken]) -> None:
    one_way = scope.direction
    mapping = replace(context.mappings[scope.mapping], deletion=DeletionPolicy.RESTORE_RECORDS)
    table = mapping.table(one_way)
    nav_ids = [one.pair.nav_id for one in lost]
    crm_ids = [one.pair.crm_id for one in lost]
    # what failed because its partner is gone is not left alone any more
    for way, ids in ((TO, nav_ids), (FROM, crm_ids)):
        await context.store.write(
            lambda connection, way=way, ids=ids: troubles.forget(connection, mapping.name, way, ids)  # type: ignore[misc]
        )
    columns = source_columns(mapping, one_way)
    rows = await context.source(one_way).fetch(table.entity, table.key, nav_ids if one_way is TO else crm_ids, columns)
    if rows:
        one = replace(await Pass.after_renames(context, scope, only_coupled=True), mapping=mapping)
        await work_records(one, list(rows.values()), f"restored {list(rows)[-1]}")


async def broken(context: Context, mapping: TableMapping, pairs: Sequence[Coupling]) -> list[Broken]:
    """Those of some couplings that lost a record or both."""
    nav, crm = mapping.nav, mapping.crm
    ours = await context.nav.fetch(nav.entity, nav.key, [pair.nav_id for pair in pairs], (nav.key,))
    theirs = await context.crm.fetch(crm.entity, crm.key, [pair.crm_id for pair in pairs], (crm.key,))
    found = (Broken(pair, pair.nav_id not in ours, pair.crm_id not in theirs) for pair in pairs)
    return [one for one in found if one.nav_gone or one.crm_gone]


async def refuse_mass_loss(context: Context, names: Iterable[str], run: int, *, resumed: bool) -> None:
    """Raise Brake when a mapping has lost too many records on either side that nobody has told of yet.

    It looks at couplings from all over the table, and at each one only where one of these has lost a record, so that
    sides in order cost a few requests. What that misses is a small part; `engine.sync.brake.Losses` stops at it. That
    must not be let through part by part, so a run that is resumed looks at each one but those that it made itself.
    """
    known = await context.store.read(couplings.counts)
    for name in names:
        total = known.get(name, 0)
        mapping = context.mappings[name]
        lost = 0
        try:
            drawn = await _lost(context, mapping, await _draw(context, name, str(run)))
            if drawn or resumed:
                async for pairs in all_couplings(context, name, not_of=None if drawn else run):
                    lost += await _lost(context, mapping, pairs)
        except Refused:
            continue  # its pass will meet it, and say so
        if too_many(lost, total):
            raise mass_loss(mapping, f"{lost:,} of the {total:,} couplings have lost a record")


async def _lost(context: Context, mapping: TableMapping, pairs: Sequence[Coupling]) -> int:
    """How many of some couplings lost one record of the two, and not only its name where ids are keys of NAV."""
    found = [one.pair for one in await broken(context, mapping, pairs) if _is_loss(context, one)] if pairs else []

    def read(connection: sa.Connection) -> set[str]:
        ours = troubles.of(connection, mapping.name, TO, [pair.nav_id for pair in found])
        theirs = troubles.of(connection, mapping.name, FROM, [pair.crm_id for pair in found])
        return {id for id, trouble in (*ours.items(), *theirs.items()) if told(trouble)}

    known = await context.store.read(read) if found else set()
    return sum(pair.nav_id not in known and pair.crm_id not in known for pair in found)


def _is_loss(context: Context, one: Broken) -> bool:
    return one.survivor is not None and (one.crm_gone or not context.nav.ids_from_keys)


async def _draw(context: Context, name: str, seed: str) -> list[Coupling]:
    """Couplings from all over a mapping: all of a small one, else behind places that differ from run to run."""
    first = await context.store.read(partial(couplings.listing, mapping=name, after=None, limit=_DRAWS * _DRAWN))
    if len(first) < _DRAWS * _DRAWN:
        return [pair for _, pair in first]
    found = dict.fromkeys(pair for _, pair in first[:_DRAWN])
    for number in range(_DRAWS - 1):
        place = created_id(seed, name, "draw", str(number))
        some = await context.store.read(partial(couplings.listing, mapping=name, after=(name, place), limit=_DRAWN))
        found.update(dict.fromkeys(pair for _, pair in some))
    return list(found)


def _told(one: Broken, problem: Problem) -> Outcome:
    pair = one.pair
    return Outcome(pair.nav_id, Action.FAILED, pair.nav_no, nav_id=pair.nav_id, crm_id=pair.crm_id, problem=problem)


def _gone(mapping: TableMapping, one: Broken) -> Problem:
    nav, crm = mapping.nav.caption, mapping.crm.caption
    what = f"{nav} {one.pair.nav_no or one.pair.nav_id} is coupled to {crm} {one.pair.crm_id}"
    hint = "`coupler broken --restore` makes lost partners again, `coupler broken --remove` removes the couplings."
    if one.survivor is None:
        return Problem("both_gone", "both records are gone", f"{what}; both are gone.", hint)
    if one.crm_gone:
        return Problem("crm_gone", f"the {crm} row is gone", f"{what}, which is gone.", hint)
    return Problem("nav_gone", f"the {nav} record is gone", f"{what}; the {nav} record is gone.", hint)


def _cannot(mapping: TableMapping, one: Broken) -> Problem:
    told = _gone(mapping, one)
    why = "nothing is left to make it from" if one.survivor is None else "the mapping makes no records on that side"
    return Problem(
        "not_restored",
        f"{told.cause}: {why}",
        f"{told.message} It cannot be restored: {why}.",
        "Remove the coupling with `coupler broken --remove`.",
    )
