"""Carry out the steps, batch by batch; each batch is one commit, and a step that is repeated does nothing twice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from engine.connectors.protocol import ETAG, Result, Row, Status, Write, WriteKind
from engine.mapping.stamps import moment
from engine.mapping.transfer import TO
from engine.model.outcome import Problem
from engine.store import undoing
from engine.store.undoing import DONE, LEFT, REMOVE, RESTORE, UNCOUPLE, Ended, Step
from engine.sync.context import Context
from engine.sync.undo.folding import Looked, look_at
from engine.sync.undo.undone import MODIFIED_BY, Undone, changed, digest, place_of, touched_in_crm, touched_in_nav
from engine.sync.writing import cause_of

_BATCH = 200
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

    def __init__(self, context: Context, undone: Undone, run: int) -> None:
        self._context = context
        self._undone = undone
        self._run = run

    async def act(self) -> None:
        """Carry out all steps."""
        store = self._context.store
        while steps := await store.read(partial(undoing.upcoming, run=self._run, limit=_BATCH)):
            await self._context.checkpoint()
            ended = await self._ended(steps)
            at = self._context.clock()
            await store.write(partial(undoing.end, run=self._run, ended=ended, at=at))

    async def _ended(self, steps: Sequence[Step]) -> list[Ended]:
        match steps[0].kind:
            case undoing.RESTORE:
                return await self._restore(steps)
            case undoing.REMOVE:
                return await self._remove(steps)
            case _:
                return [Ended(step, DONE, said(step)) for step in steps]

    async def _restore(self, steps: Sequence[Step]) -> list[Ended]:
        side, entity = self._context.target(steps[0].direction), steps[0].entity
        left = {step.id: step for step in steps}
        named: dict[str, tuple[str, ...]] = {}
        clean: set[str] = set()
        stamps = await self._context.store.read(partial(undoing.stamps, ids=list(left)))
        ended: list[Ended] = []
        for _ in range(_ROUNDS):
            updates = await self._context.store.read(
                partial(undoing.written, run=self._undone.id, entity=entity, ids=list(left))
            )
            writes = []
            for one in await look_at(self._context, updates):
                step = left[one.written.id]
                if one.values:
                    if (
                        not named.get(step.id)
                        and one.problem is None
                        and self._is_ours(step, one.row, stamps.get(step.id, set()))
                    ):
                        clean.add(step.id)
                    named[step.id] = one.columns
                    writes.append(Write(step.id, WriteKind.UPDATE, entity, step.id, one.values, one.etag))
                    continue
                del left[step.id]
                if one.problem is not None and (step.id not in named or not one.etag):
                    ended.append(Ended(step, LEFT, one.problem))
                else:
                    said_of = _restored(named.get(step.id, ()))
                    ended.append(Ended(step, DONE, said_of, one.problem, await self._base(step, one)))
            if not writes:
                return await self._stamped(ended, clean)
            for id, result in (await side.write(writes)).items():
                if result.status is Status.REJECTED:
                    ended.append(Ended(left.pop(id), LEFT, _refused(result)))
        return ended + [Ended(step, LEFT, _RESTLESS) for step in left.values()]

    def _is_ours(self, step: Step, row: Row, ours: set[datetime]) -> bool:
        """Whether the run that is undone, or the undo of a later one, was the last to change a record."""
        if step.direction is TO:
            return touched_in_crm(self._undone, row, ours) is None
        return touched_in_nav(self._undone, self._context.mappings[step.mapping], row, None, ours) is None

    async def _base(self, step: Step, one: Looked) -> bytes | None:
        """What the coupling remembered before the run; where the run wrote to both sides, before it wrote to CRM."""
        if step.direction is TO or one.base is None:
            return one.base
        pairs = await self._context.store.read(
            lambda connection: self._context.couplings.of(connection, step.mapping, TO, [step.id])
        )
        pair = pairs.get(step.id)
        entity = self._context.mappings[step.mapping].crm.entity
        if pair is None:
            return None
        also = await self._context.store.read(
            partial(undoing.written, run=self._undone.id, entity=entity, ids=[pair.crm_id])
        )
        return None if also else one.base

    async def _stamped(self, ended: Sequence[Ended], clean: set[str]) -> list[Ended]:
        """With the moment of our last change, so that the undo of an earlier run knows it for ours."""
        steps = [one.step for one in ended if one.step.id in clean and one.state == DONE]
        if not steps:
            return list(ended)
        first = steps[0]
        place = place_of(self._context.mappings.get(first.mapping), first.entity, first.direction)
        side = self._context.target(first.direction)
        rows = await side.fetch(first.entity, place.key, [step.id for step in steps], place.stamps)
        done = {step.id for step in steps}
        return [
            replace(one, stamp=moment(rows[one.step.id].get(place.modified)))
            if one.step.id in done and one.step.id in rows
            else one
            for one in ended
        ]

    async def _remove(self, steps: Sequence[Step]) -> list[Ended]:
        first = steps[0]
        side, one_way = self._context.target(first.direction), first.direction
        place = place_of(self._context.mappings.get(first.mapping), first.entity, one_way)
        left = {step.id: step for step in steps}
        ended: list[Ended] = []
        for _ in range(_ROUNDS):
            rows = await side.fetch(first.entity, place.key, list(left), place.columns)
            needed = await self._dependents(first.entity, list(rows)) if one_way is TO else {}
            writes = []
            for id, step in list(left.items()):
                row = rows.get(id)
                if row is None:
                    ended.append(Ended(left.pop(id), DONE, said(step)))
                elif self._is_other(step, row, digest(place, row)):
                    ended.append(Ended(left.pop(id), LEFT, _SINCE))
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
                    ended.append(Ended(left.pop(id), LEFT, _refused(result)))
        return ended + [Ended(step, LEFT, _RESTLESS) for step in left.values()]

    def _is_other(self, step: Step, row: Row, now: bytes) -> bool:
        """Whether a row changed since it was looked at; links that ended with their partner do not count."""
        by = str(row.get(MODIFIED_BY) or "").lower()
        return now != step.digest or (step.direction is TO and by != self._undone.user)

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


def said(step: Step, *, ahead: bool = False) -> Problem:
    """What is done in a step, or will be."""
    words = {
        RESTORE: ("values are written back", "values were written back"),
        REMOVE: ("it is removed", "it was removed"),
        UNCOUPLE: ("its coupling is removed", "its coupling was removed"),
    }[step.kind]
    what = words[0] if ahead else words[1]
    return Problem(step.kind, what, f"{what[0].upper()}{what[1:]}. {step.note}".strip())


def _restored(columns: Sequence[str]) -> Problem:
    listed = f": {', '.join(columns)}" if columns else ""
    return Problem(RESTORE, "values were written back", f"Values were written back{listed}.")


def _refused(result: Result) -> Problem:
    message = result.message or "The service refused it without a reason."
    return Problem(
        result.code or "rejected",
        cause_of(message),
        message,
        "Mend the cause as the message says and undo again, or keep the record.",
    )


def _needed(number: int, entity: str) -> Problem:
    return Problem(
        "in_use",
        f"{entity} belong to it",
        f"{number} of {entity} belong to it, which the run did not create or which are left.",
        "Remove or move these first, then undo again.",
    )


_SINCE = changed("it was changed while the run was undone", "It was changed while the run was undone.")
_RESTLESS = Problem(
    "restless",
    "the service did not settle on an answer",
    "The record kept changing, or the service did not answer what became of it.",
    "Undo again.",
)
