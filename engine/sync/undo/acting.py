"""Carry out the steps, batch by batch; each batch is one commit, and a step that is repeated does nothing twice."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from engine.connectors.protocol import ETAG, Row, Status, Write, WriteKind
from engine.mapping.transfer import FROM, TO
from engine.model.outcome import Problem
from engine.store import deeds, undoing
from engine.store.undoing import DONE, LEFT, REMOVE, RESTORE, UNCOUPLE, Ended, Step
from engine.sync.context import Context
from engine.sync.undo.restoring import Restoring
from engine.sync.undo.undone import (
    MODIFIED_BY,
    OWNER_LEFT,
    RESTLESS,
    Place,
    Undone,
    changed,
    differs,
    digest,
    place_of,
    refused,
    touched_in_crm,
    touched_in_nav,
    unlinked,
)

BATCH = 200
"""Steps in one commit."""
_ROUNDS = 6
_DEPENDENTS: Mapping[str, tuple[tuple[str, str, int], ...]] = {
    "accounts": (("contacts", "_parentcustomerid_value", 0), ("accounts", "_parentaccountid_value", 0)),
    "contacts": (("contacts", "_parentcustomerid_value", 0),),
    "products": (("productpricelevels", "_productid_value", 0), ("products", "_parentproductid_value", 0)),
    "pricelevels": (
        ("productpricelevels", "_pricelevelid_value", 0),
        ("accounts", "_defaultpricelevelid_value", 0),
    ),
    "uomschedules": (("uoms", "_uomscheduleid_value", 1),),
}
"""By table, what CRM would delete or unlink together with a row: table, lookup, how many rows are its own."""


class Acting:
    """The steps of one run that undoes another one, from where they were left."""

    def __init__(
        self, context: Context, undone: Undone, run: int, sign_of_life: Callable[[sa.Connection], None]
    ) -> None:
        """`sign_of_life` goes into each commit, so that the last one is not older than what was done."""
        self._context = context
        self._sign_of_life = sign_of_life
        self._undone = undone
        self._run = run

    async def look_again(self, nav_at: datetime | None, crm_at: datetime | None) -> None:
        """What was changed since it was looked at is left, and so is what comes with it.

        The engine before this one may have taken lookups out of records together with what they named; its last sign of
        life was at these moments, by the clocks of both services, and nobody else may have come after that.
        """
        store, before = self._context.store, replace(self._undone, nav_end=nav_at, crm_end=crm_at)
        last: Step | None = None
        while steps := await store.read(partial(undoing.removals, run=self._run, limit=BATCH, before=last)):
            await self._context.checkpoint()
            last = steps[-1]
            ended = await self._since(steps, before)
            await store.write(partial(undoing.end, run=self._run, ended=ended, at=self._context.clock()))

    async def _since(self, steps: Sequence[Step], before: Undone) -> list[Ended]:
        first, ids, store = steps[0], [step.id for step in steps], self._context.store
        place = place_of(self._context.mappings, first.mapping, first.entity, first.direction)
        rows = await self._context.target(first.direction).fetch(first.entity, place.key, ids, place.columns)
        stamps = await store.read(partial(undoing.stamps, ids=ids))
        sources = await store.read(partial(deeds.sources, run=self._undone.id, ids=ids))
        owners = await store.read(partial(undoing.known, run=self._run, ids=list(sources.values())))
        ended = []
        for step in steps:
            row = rows.get(step.id)
            if owners.get(sources.get(step.id, "")) == LEFT:
                ended.append(Ended(step, LEFT, OWNER_LEFT))
            elif row is not None:
                since = self._changed(step, place, row, stamps.get(step.id, ()), before)
                ended += [] if since is None else [Ended(step, LEFT, since)]
        return ended

    async def act(self) -> None:
        """Carry out all steps."""
        store = self._context.store
        while steps := await store.read(partial(undoing.upcoming, run=self._run, limit=BATCH)):
            await self._context.checkpoint()
            await store.write(partial(self._commit, await self._ended(steps)))

    def _commit(self, ended: Sequence[Ended], connection: sa.Connection) -> None:
        self._sign_of_life(connection)
        undoing.end(connection, self._run, ended, self._context.clock())

    async def _ended(self, steps: Sequence[Step]) -> list[Ended]:
        match steps[0].kind:
            case undoing.RESTORE:
                return await Restoring(self._context, self._undone, steps).restore()
            case undoing.REMOVE:
                return await self._remove(steps)
            case _:
                return [Ended(step, DONE, said(step)) for step in steps]

    async def _remove(self, steps: Sequence[Step]) -> list[Ended]:
        first = steps[0]
        side, one_way = self._context.target(first.direction), first.direction
        place = place_of(self._context.mappings, first.mapping, first.entity, one_way)
        left = {step.id: step for step in steps}
        stamps = await self._context.store.read(partial(undoing.stamps, ids=list(left)))
        ended: list[Ended] = []
        for _ in range(_ROUNDS):
            rows = await side.fetch(first.entity, place.key, list(left), place.columns)
            needed = await self._dependents(first.entity, list(rows)) if one_way is TO else {}
            writes = []
            for id, step in list(left.items()):
                row = rows.get(id)
                if row is None:
                    ended.append(Ended(left.pop(id), DONE, said(step)))
                elif (since := self._changed(step, place, row, stamps.get(id, ()))) is not None:
                    ended.append(Ended(left.pop(id), LEFT, since))
                elif id in needed:
                    ended.append(Ended(left.pop(id), LEFT, needed[id]))
                else:
                    writes.append(Write(id, WriteKind.DELETE, first.entity, id, {}, str(row.get(ETAG) or "*")))
            if not writes:
                return ended
            for id, result in (await side.write(writes)).items():
                if result.status in (Status.DONE, Status.MISSING):
                    step = left.pop(id)
                    ended.append(Ended(step, DONE, said(step)))
                elif result.status is Status.REJECTED:
                    ended.append(Ended(left.pop(id), LEFT, refused(result)))
        return ended + [Ended(step, LEFT, RESTLESS) for step in left.values()]

    def _changed(
        self, step: Step, place: Place, row: Row, ours: Collection[datetime], before: Undone | None = None
    ) -> Problem | None:
        """Why a row is not as the run left it any more, however long ago it was looked at.

        That a lookup ended with the record that it named is no change; `before` tells until when that counts as ours.
        """
        seen, now = step.digest or b"", digest(place, row)
        if differs(seen, now):
            return _SINCE
        undone = self._undone
        if unlinked(seen, now):
            if before is None and (step.direction is FROM or str(row.get(MODIFIED_BY) or "").lower() == undone.user):
                return None
            undone = before or undone
        if step.direction is TO:
            return touched_in_crm(undone, row, ours)
        return touched_in_nav(undone, self._context.mappings[step.mapping], row, None, ours)

    async def _dependents(self, entity: str, ids: Sequence[str]) -> dict[str, Problem]:
        """The rows that others, which the run did not create, belong to."""
        found: dict[str, Problem] = {}
        for other, column, own in _DEPENDENTS.get(entity, ()) if ids else ():
            number: dict[str, int] = {}
            for row in await self._context.crm.find(other, column, list(ids), (column,)):
                id = str(row[column]).lower()
                number[id] = number.get(id, 0) + 1
            found.update({id: _needed(count - own, other) for id, count in number.items() if count > own})
        return found


def said(step: Step) -> Problem:
    """What was done in a step."""
    what = {
        RESTORE: "values were written back",
        REMOVE: "it was removed",
        UNCOUPLE: "its coupling was removed",
    }[step.kind]
    return Problem(step.kind, what, f"{what[0].upper()}{what[1:]}. {step.note}".strip())


def _needed(number: int, entity: str) -> Problem:
    return Problem(
        "in_use",
        f"{entity} belong to it",
        f"{number} of {entity} belong to it, which the run did not create or which are left.",
        "Remove or move these first, then undo again.",
    )


_SINCE = changed("it was changed while the run was undone", "It was changed while the run was undone.")
