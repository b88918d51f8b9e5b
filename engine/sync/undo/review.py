"""Look at all that a run did, and decide what can be taken back; nothing is written on either side."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import groupby

import sqlalchemy as sa

from engine.connectors.protocol import Row
from engine.mapping.transfer import FROM, TO
from engine.model.mapping import Direction
from engine.model.outcome import Problem
from engine.store import deeds, undoing
from engine.store.deeds import Made, Pair, Written
from engine.store.undoing import LEFT, REMOVE, RESTORE, UNCOUPLE, Ended, Step
from engine.sync.context import Context
from engine.sync.deletions import COUPLING_REMOVED
from engine.sync.handling.contacts import COMPANIES
from engine.sync.undo.folding import look_at
from engine.sync.undo.undone import (
    OWNER_LEFT,
    UNCOUPLED,
    Place,
    Undone,
    changed,
    digest,
    place_of,
    touched_in_crm,
    touched_in_nav,
)


class Review:
    """The steps of one run that undoes another one."""

    def __init__(self, context: Context, undone: Undone, run: int, tell: Callable[[str], Awaitable[None]]) -> None:
        """`tell` says what is being looked at."""
        self._context = context
        self._tell = tell
        self._left = 0
        self._undone = undone
        self._run = run

    async def look(self) -> None:
        """Keep a step for each record that the run created, overwrote or coupled; those that must stay are left."""
        store, run = self._context.store, self._undone.id
        after: tuple[str, str] | None = None
        await self._tell(f"looks at what run {run} created and coupled")
        while pairs := await store.read(partial(deeds.pairs_of, run=run, after=after)):
            await self._context.checkpoint()
            for (mapping, born), group in groupby(sorted(pairs, key=_by_birth), key=_by_birth):
                alike = list(group)
                await self._keep(await self._of_pairs(mapping, born, alike))
                await self._looked(mapping, f"pair {alike[0].nav_id} {born}", len(alike))
            after = (pairs[-1].mapping, pairs[-1].nav_id)
        after = None
        await self._tell(f"looks at the rows that came with what run {run} created")
        while rows := await store.read(partial(deeds.made_by, run=run, after=after)):
            await self._context.checkpoint()
            for (mapping, entity), extras in groupby(rows, key=lambda one: (one.mapping, one.entity)):
                lines = list(extras)
                await self._keep(await self._of_extras(mapping, entity, lines))
                await self._looked(mapping, f"extra {entity} {lines[0].id}", len(lines))
            after = (rows[-1].entity, rows[-1].id)
        after = None
        await self._tell(f"looks at what run {run} changed")
        while updates := await store.read(partial(deeds.written_by, run=run, after=after)):
            await self._context.checkpoint()
            for _, written in groupby(updates, key=lambda one: (one.entity, one.mapping, one.direction)):
                old = list(written)
                await self._of_updates(old)
                await self._looked(old[0].mapping, f"update {old[0].entity} {old[0].id}", len(old))
            after = (updates[-1].entity, updates[-1].id)
        await self._tell_removed()

    async def _looked(self, mapping: str, key: str, number: int) -> None:
        """Count how far it is; what is left of these is counted beside it."""
        seq, at = self._undone.seq(mapping), self._context.clock()
        left, self._left = self._left, 0
        work = partial(undoing.looked, run=self._run, seq=seq, key=key, number=max(0, number - left), at=at)
        await self._context.store.write(work)

    async def _tell_removed(self) -> None:
        """Say of the couplings that the run removed, as their partner was deleted, that they stay removed."""
        last: tuple[int, str, str] | None = None
        told = partial(deeds.told_of, run=self._undone.id, code=COUPLING_REMOVED)
        while rows := await self._context.store.read(partial(told, after=last)):
            await self._context.checkpoint()
            left = []
            for row in rows:
                step = Step(
                    0,
                    "",
                    row.source_id,
                    UNCOUPLE,
                    row.seq,
                    Direction(row.direction),
                    row.mapping,
                    nav_id=row.nav_id,
                    crm_id=row.crm_id,
                    nav_no=row.nav_no,
                    name=row.name,
                )
                left.append((step, UNCOUPLED))
            await self._keep((), left)
            for mapping in dict.fromkeys(row.mapping for row in rows):
                some = [row for row in rows if row.mapping == mapping]
                await self._looked(mapping, f"told {some[0].source_id}", len(some))
            last = (rows[-1].seq, rows[-1].direction, rows[-1].source_id)

    async def _of_pairs(self, mapping: str, born: str, pairs: Sequence[Pair]) -> list[tuple[Step, Problem | None]]:
        if not born:
            return [(self._step(pair, UNCOUPLE), None) for pair in pairs]
        one = self._context.mappings[mapping]
        one_way = TO if born == "crm" else FROM
        place = place_of(self._context.mappings, mapping, one.crm.entity if one_way is TO else one.nav.entity, one_way)
        ids = {pair.crm_id if one_way is TO else pair.nav_id: pair for pair in pairs}
        rows = await self._context.target(one_way).fetch(place.entity, place.key, list(ids), place.columns)
        both = [id for pair in pairs for id in (pair.nav_id, pair.crm_id)]
        later = await self._context.store.read(partial(deeds.later_writers, run=self._undone.id, ids=both))
        stamps = await self._context.store.read(partial(undoing.stamps, ids=list(ids)))
        notes = await self._companies(mapping, one_way, rows)
        steps: list[tuple[Step, Problem | None]] = []
        for id, pair in ids.items():
            if (row := rows.get(id)) is None:
                steps.append((self._step(pair, UNCOUPLE, one_way), None))
                continue
            problem = (
                touched_in_crm(self._undone, row, stamps.get(id, ()))
                if one_way is TO
                else touched_in_nav(self._undone, one, row, pair.base, stamps.get(id, ()))
            )
            if problem is not None and id in later:
                problem = _changed_later(*later[id])
            if problem is None and one_way is FROM and pair.crm_id in later:
                problem = _taken_over(later[pair.crm_id][0])
            steps.append((self._step(pair, REMOVE, one_way, place, row, notes.get(id, "")), problem))
        return steps

    def _step(
        self,
        pair: Pair,
        kind: str,
        one_way: Direction = TO,
        place: Place | None = None,
        row: Row | None = None,
        note: str = "",
    ) -> Step:
        mapping = self._context.mappings[pair.mapping]
        rank = self._undone.rank(pair.mapping) + (kind == UNCOUPLE)
        return Step(
            rank,
            (mapping.crm if one_way is TO else mapping.nav).entity,
            pair.crm_id if one_way is TO else pair.nav_id,
            kind,
            self._undone.seq(pair.mapping),
            one_way,
            pair.mapping,
            nav_id=pair.nav_id,
            crm_id=pair.crm_id,
            nav_no=pair.nav_no,
            name="" if row is None or place is None else str(row.get(place.name) or ""),
            digest=None if row is None or place is None else digest(place, row),
            note=note,
        )

    async def _companies(self, mapping: str, one_way: Direction, rows: Mapping[str, Row]) -> dict[str, str]:
        """Of customers that the run created in NAV, the company contacts that NAV made with them."""
        mappings = self._context.mappings
        published = any(one.nav.entity == "Contact" for one in mappings.values())  # API v2.0 has no such table for us
        if one_way is TO or mappings[mapping].handling != "customer" or not rows or not published:
            return {}
        numbers = {str(row["No"]): id for id, row in rows.items()}
        found = await self._context.nav.find("Contact", "Customer_No", list(numbers), ("No", "Customer_No"), COMPANIES)
        return {numbers[str(row["Customer_No"])]: _by_nav(str(row["No"])) for row in found}

    async def _of_extras(self, mapping: str, entity: str, extras: Sequence[Made]) -> list[tuple[Step, Problem | None]]:
        name = mapping or next(iter(self._undone.seqs))
        place = place_of(self._context.mappings, name, entity, TO)
        rows = await self._context.crm.fetch(entity, place.key, [one.id for one in extras], place.columns)
        sources = [one.source for one in extras if len(one.source) == len(one.id)]
        states = await self._context.store.read(partial(undoing.known, run=self._run, ids=sources))
        stamps = await self._context.store.read(partial(undoing.stamps, ids=list(rows)))
        steps: list[tuple[Step, Problem | None]] = []
        for one in extras:
            if (row := rows.get(one.id)) is None:
                continue
            problem = touched_in_crm(self._undone, row, stamps.get(one.id, ()))
            if states.get(one.source) == LEFT:
                problem = OWNER_LEFT
            step = Step(
                self._undone.rank_of_extra(entity, mapping),
                entity,
                one.id,
                REMOVE,
                self._undone.seq(mapping),
                TO,
                name,
                crm_id=one.id,
                name=str(row.get(place.number) or ""),
                digest=digest(place, row),
            )
            steps.append((step, problem))
        return steps

    async def _of_updates(self, updates: Sequence[Written]) -> None:
        """Values that were overwritten in records that the run did not create."""
        ids = [one.id for one in updates]
        created = await self._context.store.read(partial(undoing.known, run=self._run, ids=ids))
        undoers = self._undone.undoers
        before = await self._context.store.read(partial(undoing.done_before, undoers=undoers, ids=ids))
        looked = await look_at(self._context, [one for one in updates if one.id not in {*created, *before}])
        steps: list[tuple[Step, Problem | None]] = []
        partly: list[tuple[Step, Problem]] = []
        for one in looked:
            if not (one.values or one.problem):
                continue
            step = Step(
                0,
                one.written.entity,
                one.written.id,
                RESTORE,
                self._undone.seq(one.written.mapping),
                one.written.direction,
                one.written.mapping,
                nav_id=one.written.id if one.written.direction is FROM else None,
                crm_id=one.written.id if one.written.direction is TO else None,
                nav_no=one.number,
                name=one.name,
            )
            steps.append((step, None if one.values else one.problem))
            if one.values and one.problem is not None:
                partly.append((step, one.problem))
        await self._keep(steps, partly)

    async def _keep(
        self, steps: Sequence[tuple[Step, Problem | None]], partly: Sequence[tuple[Step, Problem]] = ()
    ) -> None:
        """Keep steps, each with why its record must be left, if it must; `partly` with why some of its values must."""
        at = self._context.clock()

        def write(connection: sa.Connection) -> None:
            undoing.add(connection, self._run, [step for step, _ in steps])
            left = [Ended(step, LEFT, problem) for step, problem in steps if problem is not None]
            undoing.end(connection, self._run, left, at)
            undoing.foresee(connection, self._run, partly, at)

        self._left += sum(problem is not None for _, problem in steps)
        await self._context.store.write(write)


def _by_birth(pair: Pair) -> tuple[str, str]:
    return pair.mapping, pair.born or ""


def _changed_later(run: int, kind: str) -> Problem:
    """Only full synchronizations can be undone."""
    cause = "a later run changed it"
    if kind == "run":
        return changed(cause, f"Run {run} changed it too. Undo that run first.")
    return changed(cause, f"Run {run} ({kind}) changed it too, and cannot be undone, so what it wrote stays.")


def _taken_over(run: int) -> Problem:
    """As it may be when somebody changed it in NAV while the run went on: then it is no younger than the run."""
    return changed("a later run changed its partner", f"Run {run} wrote to its partner in CRM, as NAV had changed.")


def _by_nav(number: str) -> str:
    return f"NAV made contact {number} with it, which stays in NAV."
