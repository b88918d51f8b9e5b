"""Send what was decided and find out what became of it (design.md section 6).

Nothing is sent that is not recorded first, a create is only repeated under the same id, and an answer that did not
come is settled by looking.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine.connectors.protocol import ETAG, CutShort, Reference, Result, Side, Status, Write, WriteKind
from engine.mapping.base import created_base
from engine.mapping.decide import decide
from engine.mapping.transfer import FROM, TO
from engine.mapping.values import Value, nav_json
from engine.model.errors import ConnectionLost
from engine.model.mapping import DeletionPolicy, FieldKind, FieldMapping, TableMapping
from engine.store.couplings import Coupling
from engine.store.work import Create, Intent, Scope, intend, settle_intent
from engine.sync.brake import Losses
from engine.sync.columns import target_columns
from engine.sync.context import Context
from engine.sync.deletions import gone_problem
from engine.sync.item import Item, Mode
from engine.sync.lost import hold_back_lost
from engine.sync.refusals import ADOPTED, RESTLESS, UNSEEDED, belongs_to_another, duplicate, refused, unseeded
from engine.sync.settling import may_repeat
from engine.sync.traces import bases_of, overwrites
from engine.sync.unsettled import recall

_ROUNDS = 6


class Writer:
    """Writes the records of one page; `intents` are the ones that its commit will close.

    With `mend`, records whose partner was deleted are left open when the mapping has a policy for them; with `lead`,
    the source's values stand, whatever the other side has. `losses` stops a pass that meets too many of the deleted.
    """

    def __init__(
        self,
        context: Context,
        scope: Scope,
        mapping: TableMapping,
        *,
        mend: bool = True,
        lead: bool = False,
        losses: Losses | None = None,
    ) -> None:
        self._context = context
        self._scope = scope
        self._mapping = mapping
        self._side: Side = context.target(scope.direction)
        self._table = mapping.crm if scope.direction is TO else mapping.nav
        self._mend = mend and mapping.deletion is not DeletionPolicy.NONE
        self._lead = lead
        self._losses = losses
        self._columns = target_columns(mapping, scope.direction)
        self._any_late = scope.direction is TO and any(field.late for field in mapping.fields)
        self._recorded: set[str] = set()
        self.intents: list[int] = []

    async def write(self, items: Sequence[Item]) -> None:
        """Bring the other side of each record to what it should be; records that fail get an outcome."""
        left = list(items)
        for number in range(_ROUNDS):
            await self._look([one for one in left if one.mode is not Mode.CREATE or one.sent or one.exists or one.used])
            left = [item for item in left if not item.gone]
            if number == 0:
                await recall(self._context, self._mapping, self._scope.direction, left)
                await hold_back_lost(self._context, self._mapping, self._scope.direction, _undecided(left))
            creates = [item for item in left if item.open and not item.settled and item.target is None]
            ours = any(item.sent and item.target is not None for item in left)
            creates = await self._repeatable(creates, kept=ours)
            updates = [(item, write) for item in left if item.open and (write := self._update(item)) is not None]
            await self._record([one for one in creates if one.wanted is not one.based_on], updates)
            if creates:
                results = await self._side.write([self._create(item) for item in creates])
                for item in creates:
                    self._created(item, results[item.id])
            if updates:
                results = await self._side.write([write for _, write in updates])
                for item, _ in updates:
                    self._updated(item, results[item.id])
            left = [item for item in left if item.open and not item.settled and not item.gone]
            if not left:
                return
        for item in left:
            if not item.overtaken:
                raise ConnectionLost(
                    f"The {self._table.caption} service does not say what became of what was sent to it.",
                    "Resume the run; what was sent is recorded and is settled first.",
                )
            item.fail(RESTLESS, one_way=self._scope.direction)

    async def _repeatable(self, creates: Sequence[Item], *, kept: bool) -> list[Item]:
        """The creates without those that may have been made under an id of the service's own. It has `kept` ids of ours
        where a record was just seen under one.
        """
        if not kept and any(item.sent for item in creates) and not await may_repeat(self._context, self._scope):
            for item in creates:
                item.doubt = item.sent
        return [item for item in creates if not item.doubt]

    async def _look(self, items: Sequence[Item]) -> None:
        """Read the partners as they are now; what is gone, or was refused as a duplicate of another row, fails."""
        if not items:
            return
        ids = [str(item.target_id) for item in items]
        rows = await self._side.fetch(self._table.entity, self._table.key, ids, self._columns)
        found = [str(item.target_id) for item in items if item.mode is Mode.CREATE and item.target_id in rows]
        taken = await self._context.taken(self._scope.mapping, self._scope.direction, found)
        for item in items:
            item.target = rows.get(str(item.target_id))
            if item.target_id in taken:
                item.fail(belongs_to_another(self._table.caption), one_way=self._scope.direction)
            elif item.target is not None:
                if item.used and not item.sent:
                    item.exists = item.exists or "It was made when the record was coupled before."
                item.target_number = str(item.target.get(self._table.number) or "")
            elif item.exists:
                item.fail(duplicate(item.exists), one_way=self._scope.direction)
            elif item.coupling is not None and item.coupling.planned:
                item.settled = True  # an earlier pass of this plan would have made it
            elif item.mode is not Mode.CREATE:
                self._missing(item)

    async def let_go(self, items: Sequence[Item], known: CutShort) -> None:
        """Take down what is known of creates when a stop or an error ends the page, so that nobody has to wait to find
        it out: what was made is coupled, what was not sent is forgotten. Where the ids are ours, a look finds the rest.
        """
        if not self.intents:
            return
        creates = [item for item in items if item.id in self._recorded]
        found: list[Coupling] = []
        if self._side.client_ids:
            refused = {id for id, result in known.results.items() if result.status is Status.REJECTED}
            left = [item for item in creates if item.sent or item.settled or item.id not in known.unsent | refused]
        else:
            by_id = {item.id: item for item in items}
            for id, result in known.results.items():
                if (item := by_id.get(id)) is not None and item.open and not item.settled and item.target is None:
                    self._created(item, result)
            found = [_found(item) for item in creates if item.created and item.settled]
            left = [item for item in creates if item.open and not item.settled and item.id not in known.unsent]
            left += [item for item in creates if item.doubt]
        unsure = [self._intended(item) for item in left]
        at = self._context.clock()
        first, *rest = (Intent(id, self._scope, at, ()) for id in self.intents)

        def settle(connection: sa.Connection) -> None:
            settle_intent(connection, first, found, unsure, at)
            for one in rest:
                settle_intent(connection, one, (), (), at)

        await self._context.store.write(settle)

    def _missing(self, item: Item) -> None:
        if self._losses is not None:
            self._losses.meet(item.id, item.trouble)
        if self._mend and item.mode is Mode.COUPLED:
            item.gone = True
        else:
            item.fail(gone_problem(self._table.caption), one_way=self._scope.direction)

    def _update(self, item: Item) -> Write | None:
        """The write that a partner needs, None when it needs none; settles or fails the record where that is clear."""
        if item.target is None or item.settled:
            return None
        base = item.sent_base if item.sent else None
        if item.coupling is not None:
            base = item.coupling.base
        first = base is None or item.mode is Mode.MATCHED
        decision = decide(
            self._mapping,
            self._scope.direction,
            item.row,
            item.target,
            item.wanted,
            base=base,
            first=first,
            known=item.conflict.fields if item.conflict is not None else (),
            lead=self._lead,
            unsettled=item.unsettled,
            moved=item.moved,
            earlier=item.earlier,
            before=item.before,
            tried=item.tried if _written_since(item) else (),
        )
        item.clashes, item.left = decision.clashes, decision.left
        if decision.problem is not None:
            item.fail(decision.problem, one_way=self._scope.direction)
            return None
        item.base, item.based_on = decision.base, None
        if item.exists and not item.sent:
            item.warnings.append(ADOPTED)
            item.exists = ""
        now = self._in_time(item, decision.values)
        if not now:
            item.settled = True
            item.created = item.sent and item.mode is Mode.CREATE
            return None
        item.sending = frozenset(now)
        values = self._values(now)
        etag = str(item.target.get(ETAG) or "*")
        return Write(item.id, WriteKind.UPDATE, self._table.entity, str(item.target[self._table.key]), values, etag)

    def _create(self, item: Item) -> Write:
        given = {field: value for field, value in item.wanted.values.items() if value is not None and value != ""}
        values = {**item.extra, **self._values(self._in_time(item, given)), **item.extra}
        if self._side.marker:
            values[self._side.marker] = item.id
        return Write(item.id, WriteKind.CREATE, self._table.entity, item.target_id, values)

    def _in_time(self, item: Item, values: Mapping[FieldMapping, Value]) -> Mapping[FieldMapping, Value]:
        """The values without those that the special handling writes later."""
        item.late = {field: value for field, value in values.items() if field.late} if self._any_late else {}
        return {field: value for field, value in values.items() if field not in item.late} if item.late else values

    def _values(self, values: Mapping[FieldMapping, Value]) -> dict[str, Any]:
        if self._scope.direction is not TO:
            ordered = sorted(values.items(), key=lambda pair: not pair[0].validate)
            return {field.nav: nav_json(field.kind, value) for field, value in ordered}
        lookup = FieldKind.LOOKUP
        return {
            field.crm: Reference(field.target, None if value is None else str(value), field.navigation)
            if field.kind is lookup
            else (None if value == "" else value)  # a blank text is no value in CRM
            for field, value in values.items()
        }

    async def _record(self, creates: Sequence[Item], updates: Sequence[tuple[Item, Write]]) -> None:
        """Make it durable what is about to be sent, and what is about to be overwritten."""
        if self._context.plan or not (creates or updates):
            return
        rows = [self._intended(item) for item in creates]
        self._recorded |= {item.id for item in creates}
        for item, _ in updates:
            item.updated = True
        bases = bases_of(item for item, _ in updates)
        old = overwrites(((item.target or {}, write) for item, write in updates), bases, self._table.modified)
        at = self._context.clock()
        intent = await self._context.store.write(lambda connection: intend(connection, self._scope, rows, old, at))
        if intent is not None:
            self.intents.append(intent)

    def _intended(self, item: Item) -> Create:
        early = item.wanted
        if self._any_late:
            early = replace(early, values={field: value for field, value in early.values.items() if not field.late})
        item.base = item.sent_base = created_base(self._scope.direction, item.row, early)
        item.based_on = item.wanted
        marker = self._side.marker or ""
        return Create(item.id, item.number, item.target_id, item.generation, item.name, marker, item.base)

    def _created(self, item: Item, result: Result) -> None:
        match result.status:
            case Status.DONE:
                self._made(item, result)
            case Status.EXISTS if not self._side.client_ids:
                item.fail(duplicate(result.message), one_way=self._scope.direction)
            case Status.EXISTS:
                item.exists = "" if item.sent else result.message or "A record with this key exists already."
            case Status.UNKNOWN if self._side.client_ids:
                item.sent = True
            case Status.UNKNOWN:
                item.doubt = True
            case Status.REJECTED if self._scope.direction is FROM and any(f.seed for f in item.wanted.values):
                item.warnings.append(unseeded(result))
                values = {field: value for field, value in item.wanted.values.items() if not field.seed}
                item.wanted = replace(item.wanted, values=values)
            case _:
                item.warnings[:] = [one for one in item.warnings if one.code != UNSEEDED]  # it was not made at all
                item.fail(refused(result), one_way=self._scope.direction)

    def _made(self, item: Item, result: Result) -> None:
        item.created = item.settled = True
        item.target_id = result.id or item.target_id
        if result.row is not None:
            item.target_number = str(result.row.get(self._table.number) or "")
        wanted = item.wanted
        if self._scope.direction is TO and wanted.waiting:
            # CRM has nothing in a lookup that waits: who fills it in before we do has the last word
            waiting = dict.fromkeys((one.field for one in wanted.waiting), None)
            wanted = replace(wanted, values={**wanted.values, **waiting})
        if self._any_late or item.base is None or wanted is not item.based_on:
            item.base = created_base(self._scope.direction, item.row, wanted)

    def _updated(self, item: Item, result: Result) -> None:
        match result.status:
            case Status.DONE:
                item.written = item.settled = True
                item.created = item.sent and item.mode is Mode.CREATE
            case Status.STALE | Status.UNKNOWN:
                if result.status is Status.UNKNOWN:
                    item.before = item.before or item.target
                    item.tried |= item.sending
                item.target = None  # look again and decide again
                item.overtaken = result.status is Status.STALE
                item.written = item.written or result.status is Status.UNKNOWN
            case Status.MISSING:
                self._missing(item)
            case _:
                item.fail(refused(result), one_way=self._scope.direction)


def _written_since(item: Item) -> bool:
    """Whether the partner has another version than an update was sent for of which nobody knows what came."""
    return item.before is not None and item.target is not None and item.before.get(ETAG) != item.target.get(ETAG)


def _undecided(items: Sequence[Item]) -> list[Item]:
    return [item for item in items if item.open and not item.settled]


def _found(item: Item) -> Coupling:
    """The coupling of a record made in NAV that no page has counted."""
    number, made = item.target_number, str(item.target_id)
    return Coupling(made, item.id, number, item.base, uncounted=True, born="nav", generation=item.generation)
