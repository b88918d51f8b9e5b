"""Send what was decided and find out what became of it (design.md section 6).

Nothing is sent that is not recorded first, a create is only repeated under the same id, and an answer that did not
come is settled by looking.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from engine.connectors.protocol import ETAG, Reference, Result, Side, Status, Write, WriteKind
from engine.mapping.decide import created_base, decide
from engine.mapping.transfer import FROM, TO
from engine.mapping.values import Value, blank
from engine.model.errors import ConnectionLost
from engine.model.mapping import Direction, FieldKind, FieldMapping, TableMapping
from engine.model.outcome import Problem
from engine.store.work import Create, Scope, intend
from engine.sync.context import Context
from engine.sync.item import Item, Mode

_ROUNDS = 6
_HINT = "Look at the record on both sides, then run again."


class Writer:
    """Writes the records of one page; `intents` are the ones that its commit will close."""

    def __init__(self, context: Context, scope: Scope, mapping: TableMapping) -> None:
        self._context = context
        self._scope = scope
        self._mapping = mapping
        self._side: Side = context.target(scope.direction)
        self._table = mapping.crm if scope.direction is TO else mapping.nav
        self._columns = target_columns(mapping, scope.direction)
        self.intents: list[int] = []

    async def write(self, items: Sequence[Item]) -> None:
        """Bring the other side of each record to what it should be; records that fail get an outcome."""
        left = list(items)
        for number in range(_ROUNDS):
            await self._look([item for item in left if item.mode is not Mode.CREATE or item.sent or item.exists])
            creates = [item for item in left if item.open and not item.settled and item.target is None]
            updates = [(item, write) for item in left if item.open and (write := self._update(item)) is not None]
            if number == 0:
                await self._record(creates, [item for item, _ in updates])
            elif updates:
                await self._record((), [item for item, _ in updates])
            if creates:
                results = await self._side.write([self._create(item) for item in creates])
                for item in creates:
                    self._created(item, results[item.id])
            if updates:
                results = await self._side.write([write for _, write in updates])
                for item, _ in updates:
                    self._updated(item, results[item.id])
            left = [item for item in left if item.open and not item.settled]
            if not left:
                return
        for item in left:
            if not item.overtaken:
                raise ConnectionLost(
                    f"The {self._table.caption} service does not say what became of what was sent to it.",
                    "Resume the run; what was sent is recorded and is settled first.",
                )
            item.fail(_RESTLESS, one_way=self._scope.direction)

    async def _look(self, items: Sequence[Item]) -> None:
        """Read the partners as they are now; what is gone, or was refused as a duplicate of another row, fails."""
        if not items:
            return
        ids = [str(item.target_id) for item in items]
        rows = await self._side.fetch(self._table.entity, self._table.key, ids, self._columns)
        for item in items:
            item.target = rows.get(str(item.target_id))
            if item.target is not None:
                item.target_number = str(item.target.get(self._table.number) or "")
            elif item.exists:
                item.fail(_duplicate(item.exists), one_way=self._scope.direction)
            elif item.coupling is not None and item.coupling.planned:
                item.settled = True  # an earlier pass of this plan would have made it
            elif item.mode is not Mode.CREATE:
                item.fail(_deleted(self._table.caption), one_way=self._scope.direction)

    def _update(self, item: Item) -> Write | None:
        """The write that a partner needs, None when it needs none; settles or fails the record where that is clear."""
        if item.target is None or item.settled:
            return None
        first = item.mode is not Mode.COUPLED
        base = item.coupling.base if item.coupling is not None else None
        decision = decide(
            self._mapping, self._scope.direction, item.row, item.target, item.wanted, base=base, first=first
        )
        if decision.problem is not None:
            item.fail(decision.problem, one_way=self._scope.direction)
            return None
        item.base = decision.base
        if item.exists and not item.sent:
            item.warnings.append(_ADOPTED)
            item.exists = ""
        if not decision.values:
            item.settled = True
            item.created = item.sent and item.mode is Mode.CREATE
            return None
        values = self._values(decision.values)
        etag = str(item.target.get(ETAG) or "*")
        return Write(item.id, WriteKind.UPDATE, self._table.entity, str(item.target[self._table.key]), values, etag)

    def _create(self, item: Item) -> Write:
        values = self._values({field: value for field, value in item.wanted.values.items() if not blank(value)})
        values.update(item.extra)
        if self._side.marker:
            values[self._side.marker] = item.id
        return Write(item.id, WriteKind.CREATE, self._table.entity, item.target_id, values)

    def _values(self, values: dict[FieldMapping, Value] | Any) -> dict[str, Any]:
        if self._scope.direction is not TO:
            return {field.nav: value for field, value in values.items()}
        return {
            field.crm: Reference(field.target, None if value is None else str(value), field.navigation)
            if field.kind is FieldKind.LOOKUP
            else _crm(value)
            for field, value in values.items()
        }

    async def _record(self, creates: Sequence[Item], updates: Sequence[Item]) -> None:
        """Make it durable what is about to be sent, and what is about to be overwritten."""
        if self._context.plan or not (creates or updates):
            return
        rows = [self._intended(item) for item in creates]
        old = [(str(item.target_id), self._old_values(item)) for item in updates]
        at = self._context.clock()
        intent = await self._context.store.write(lambda connection: intend(connection, self._scope, rows, old, at))
        if intent is not None:
            self.intents.append(intent)

    def _intended(self, item: Item) -> Create:
        item.base = created_base(self._mapping, self._scope.direction, item.row, item.wanted)
        return Create(item.id, item.number, item.target_id, item.name, self._side.marker or "", item.base)

    def _old_values(self, item: Item) -> bytes:
        target = item.target or {}
        columns = (field.column if self._scope.direction is TO else field.nav for field in item.wanted.values)
        return msgspec.json.encode({name: target.get(name) for name in columns})

    def _created(self, item: Item, result: Result) -> None:
        match result.status:
            case Status.DONE:
                self._made(item, result)
            case Status.EXISTS if not self._side.client_ids:
                item.fail(_duplicate(result.message), one_way=self._scope.direction)
            case Status.EXISTS:
                item.exists = "" if item.sent else result.message or "A record with this key exists already."
            case Status.UNKNOWN if self._side.client_ids:
                item.sent = True
            case Status.UNKNOWN:
                item.doubt = True
            case Status.REJECTED if any(field.seed for field in item.wanted.values) and not self._side.client_ids:
                item.warnings.append(_unseeded(result))
                values = {field: value for field, value in item.wanted.values.items() if not field.seed}
                item.wanted = replace(item.wanted, values=values)
            case _:
                item.fail(_refused(result), one_way=self._scope.direction)

    def _made(self, item: Item, result: Result) -> None:
        item.created = item.settled = True
        item.target_id = result.id or item.target_id
        if result.row is not None:
            item.target_number = str(result.row.get(self._table.number) or "")
        wanted = item.wanted
        if self._scope.direction is TO:
            # CRM has nothing in a lookup that waits: who fills it in before we do has the last word
            waiting = dict.fromkeys((one.field for one in wanted.waiting), None)
            wanted = replace(wanted, values={**wanted.values, **waiting})
        item.base = created_base(self._mapping, self._scope.direction, item.row, wanted)

    def _updated(self, item: Item, result: Result) -> None:
        match result.status:
            case Status.DONE:
                item.written = item.settled = True
                item.created = item.sent and item.mode is Mode.CREATE
            case Status.STALE | Status.UNKNOWN:
                item.target = None  # look again and decide again
                item.overtaken = result.status is Status.STALE
                item.written = item.written or result.status is Status.UNKNOWN
            case Status.MISSING:
                item.fail(_deleted(self._table.caption), one_way=self._scope.direction)
            case _:
                item.fail(_refused(result), one_way=self._scope.direction)


def target_columns(mapping: TableMapping, one_way: Direction) -> tuple[str, ...]:
    """The columns of a partner that are compared or shown."""
    return source_columns(mapping, FROM if one_way is TO else TO)


def source_columns(mapping: TableMapping, one_way: Direction) -> tuple[str, ...]:
    """The columns of a record that are mapped, matched or shown."""
    table = mapping.table(one_way)
    mapped = [field.nav if one_way is TO else field.column for field in mapping.fields]
    return tuple(dict.fromkeys(name for name in (table.key, table.number, table.name, *mapped, *table.extra) if name))


def _crm(value: Value) -> Value:
    """A blank text is no value in CRM."""
    return None if value == "" else value


def _refused(result: Result) -> Problem:
    return Problem(
        result.code or "rejected",
        cause_of(result.message) or result.code or "the record was refused",
        result.message or "The service refused the record without a reason.",
        "Mend the record as the message says and run again.",
    )


def _duplicate(message: str) -> Problem:
    return Problem("duplicate", "another record has this key", message, _HINT)


def cause_of(message: str) -> str:
    """A message without what differs from record to record, so that equal failures group together."""
    words = [
        "..." if any(char.isdigit() for char in word) or word.startswith(("'", '"')) else word
        for word in message.split()[:40]
    ]
    return " ".join(words)[:300]


def _deleted(caption: str) -> Problem:
    return Problem(
        "deleted",
        f"the coupled {caption} record is gone",
        f"The record cannot be updated because it is coupled to a {caption} record that was deleted.",
        "Restore the partner or remove the coupling, then run again.",
    )


def _unseeded(result: Result) -> Problem:
    return Problem(
        "unseeded",
        "made without the values that NAV is to lead in",
        f"NAV refused values for fields that it leads in, so the record was made without them: {result.message}",
        "Fill them in in NAV before the next full synchronization, which brings NAV's values to CRM.",
    )


_RESTLESS = Problem(
    "restless",
    "the partner keeps changing",
    "The partner was changed by others each time before our update arrived; nothing was overwritten.",
    "Run again when nobody works on the record.",
)
_ADOPTED = Problem(
    "adopted",
    "the record was there already under our id",
    "The partner existed under the id that this record is created with, so it was coupled and not made again.",
    "Nothing to do; the state store is older than the other side, or was lost.",
)
