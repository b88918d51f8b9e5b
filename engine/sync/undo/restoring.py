"""Write back what a run overwrote, one batch of records; only values that are still the run's own."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from engine.connectors.protocol import Result, Status, Write, WriteKind
from engine.mapping.base import base_with
from engine.mapping.stamps import moment
from engine.mapping.transfer import TO
from engine.model.outcome import Problem
from engine.store import deeds, undoing
from engine.store.couplings import Coupling
from engine.store.undoing import DONE, LEFT, RESTORE, Ended, Step
from engine.sync.context import Context
from engine.sync.undo.folding import Looked, look_at
from engine.sync.undo.undone import RESTLESS, Undone, place_of, refused, touched_in_crm, touched_in_nav

_ROUNDS = 6


class Restoring:
    """Steps of one table and pass. What a pair remembers of a field is put back before the field is: an engine may die
    between the two, and values that are back must not look like somebody's change.
    """

    def __init__(self, context: Context, undone: Undone, steps: Sequence[Step]) -> None:
        self._context = context
        self._undone = undone
        self._first = steps[0]
        self._left = {step.id: step for step in steps}
        self._sent: dict[str, dict[str, None]] = {}
        self._pairs: dict[str, Coupling | None] = {}
        self._clean: set[str] = set()
        self._ended: list[Ended] = []

    async def restore(self) -> list[Ended]:
        """Write back, and look again until there is nothing to write; what came of each step."""
        side, store = self._context.target(self._first.direction), self._context.store
        stamps = await store.read(partial(undoing.stamps, ids=list(self._left)))
        for _ in range(_ROUNDS):
            updates = await store.read(
                partial(deeds.written, run=self._undone.id, entity=self._first.entity, ids=list(self._left))
            )
            open_ = {one.written.id: one for one in await look_at(self._context, updates) if self._is_open(one, stamps)}
            if not open_:
                return await self._stamped()
            bases = [(self._left[id], base) for id, one in open_.items() if (base := self._base(one, self._sent[id]))]
            if bases:
                await store.write(partial(undoing.remember, steps=bases))
            writes = [
                Write(id, WriteKind.UPDATE, self._first.entity, id, one.values, one.etag) for id, one in open_.items()
            ]
            for id, result in (await side.write(writes)).items():
                if result.status is Status.REJECTED:
                    self._reject(open_[id], result)
        self._ended += [Ended(step, LEFT, RESTLESS) for step in self._left.values()]
        return await self._stamped()

    def _is_open(self, one: Looked, stamps: Mapping[str, set[datetime]]) -> bool:
        """Whether a record has values to write; one that has none is done, or left."""
        id = one.written.id
        self._pairs.setdefault(id, one.pair)
        if one.values:
            if id not in self._sent and one.problem is None and self._is_ours(one, stamps.get(id, ())):
                self._clean.add(id)
            self._sent.setdefault(id, {}).update(dict.fromkeys(one.columns))
            return True
        step, sent = self._left.pop(id), self._sent.get(id)
        if one.problem is not None and (sent is None or not one.etag):
            self._ended.append(Ended(step, LEFT, one.problem))
        else:
            back = [column for column in sent or () if column not in one.lost]
            base = None if sent is None else self._base(one, back)
            self._ended.append(Ended(step, DONE, _restored(back), one.problem, base))
        return False

    def _reject(self, one: Looked, result: Result) -> None:
        """What the service refuses is left; what an earlier round wrote is back."""
        step = self._left.pop(one.written.id)
        back = [column for column in self._sent[step.id] if column not in one.columns]
        base, problem = self._base(one, back), refused(result)
        ended = Ended(step, DONE, _restored(back), problem, base) if back else Ended(step, LEFT, problem, base=base)
        self._ended.append(ended)

    def _base(self, one: Looked, columns: Collection[str]) -> bytes | None:
        """What the coupling of a record remembers once these columns are as before the run; None without a coupling."""
        pair, mapping = self._pairs[one.written.id], self._context.mappings.get(self._first.mapping)
        if pair is None or pair.base is None or mapping is None:
            return None
        names = {field: field.column if self._first.direction is TO else field.nav for field in mapping.fields}
        return base_with(pair.base, {field: one.base(name) for field, name in names.items() if name in columns})

    def _is_ours(self, one: Looked, ours: Collection[datetime]) -> bool:
        """Whether the run that is undone, or the undo of a later one, was the last to change a record."""
        if self._first.direction is TO:
            return touched_in_crm(self._undone, one.row, ours) is None
        return touched_in_nav(self._undone, self._context.mappings[self._first.mapping], one.row, None, ours) is None

    async def _stamped(self) -> list[Ended]:
        """With the moment of our last change, so that the undo of an earlier run knows it for ours."""
        done = {one.step.id for one in self._ended if one.step.id in self._clean and one.state == DONE}
        if not done:
            return self._ended
        first = self._first
        place = place_of(self._context.mappings, first.mapping, first.entity, first.direction)
        rows = await self._context.target(first.direction).fetch(first.entity, place.key, list(done), place.stamps)
        return [
            replace(one, stamp=moment(rows[one.step.id].get(place.modified)))
            if one.step.id in done and one.step.id in rows
            else one
            for one in self._ended
        ]


def _restored(columns: Sequence[str]) -> Problem:
    listed = f": {', '.join(columns)}" if columns else ""
    return Problem(RESTORE, "values were written back", f"Values were written back{listed}.")
