"""What a page did, in one transaction when all of it is known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from engine.model.conflict import Conflict
from engine.model.outcome import Outcome
from engine.model.snapshot import Counters
from engine.store import conflicts, couplings, foreseen, traces, troubles
from engine.store.couplings import Coupling
from engine.store.schema import intent, link, page, slice_
from engine.store.types import Moment
from engine.store.upsert import insert
from engine.store.work import Create, Fenced, Link, Scope, of_pass, save_outcomes


@dataclass(frozen=True, slots=True)
class PageResult:
    """All that one page did. `after` is the cursor that it started from, `last_key` where the next page goes on.

    `answered` are rows of both sides of which it is known what came of all that was sent to them.
    `newest` is the newest change among its records, `removed` are NAV ids whose couplings go before `pairs` come,
    `cleared` NAV ids whose conflicts are over.
    """

    after: str | None
    last_key: str
    read: int
    outcomes: Sequence[Outcome]
    pairs: Sequence[Coupling]
    links: Sequence[Link] = ()
    intents: Sequence[int] = ()
    left_open: Sequence[Create] = ()
    newest: datetime | None = None
    removed: Sequence[str] = ()
    conflicts: Sequence[Conflict] = ()
    cleared: Sequence[str] = ()
    answered: traces.Answered = field(default_factory=dict)
    ledger: bool = True


def commit_page(connection: sa.Connection, scope: Scope, epoch: int, result: PageResult, at: datetime) -> None:
    """Everything a page did, in one transaction; raises Fenced when the slice is not ours or not where we left it."""
    moved = connection.execute(
        sa.update(slice_)
        .where(
            *of_pass(slice_, scope),
            slice_.c.no == 0,
            slice_.c.epoch == epoch,
            slice_.c.cursor.is_(None) if result.after is None else slice_.c.cursor == result.after,
        )
        .values(cursor=result.last_key, newest=_newer(result.newest))
    )
    if moved.rowcount != 1:
        raise Fenced
    add_page(connection, scope, result, at)


def add_page(connection: sa.Connection, scope: Scope, result: PageResult, at: datetime) -> None:
    """The row, couplings, outcomes, links and intents of a page, without moving the cursor."""
    counters = _counters(result)
    columns = {name: getattr(counters, name) for name in Counters.__slots__}
    values = {**scope.key, "slice_no": 0, "last_key": result.last_key, "committed_at": at, **columns}
    connection.execute(insert(connection, page).values(values).on_conflict_do_nothing())
    if not scope.plan:
        couplings.remove(connection, scope.mapping, result.removed)
    couplings.save(connection, scope.mapping, result.pairs, run=scope.run, at=at, plan=scope.plan)
    save_outcomes(connection, scope, result.outcomes, at)
    if scope.plan:
        foreseen.note(connection, scope, result.outcomes)
    if not scope.plan:
        traces.settle(connection, scope.mapping, result.answered)
    if not scope.plan and result.ledger:
        troubles.note(connection, scope.mapping, scope.direction, result.outcomes, scope.run, at)
    if not scope.plan:
        conflicts.clear(connection, scope.mapping, result.cleared)
        conflicts.save(connection, result.conflicts)
    if result.links and not scope.plan:
        rows = [
            {
                "mapping": one.mapping,
                "direction": one.direction.value,
                "source_id": one.source_id,
                "partner_mapping": one.partner_mapping,
                "field": one.field,
            }
            for one in result.links
        ]
        connection.execute(insert(connection, link).on_conflict_do_nothing(), rows)
    if result.intents:
        if result.left_open:
            first, *rest = result.intents
            creates = msgspec.msgpack.encode(result.left_open)
            # they may have left until just now, however long ago they were recorded
            connection.execute(sa.update(intent).where(intent.c.id == first).values(creates=creates, sent_at=at))
        else:
            rest = list(result.intents)
        connection.execute(sa.delete(intent).where(intent.c.id.in_(rest)))


def _counters(result: PageResult) -> Counters:
    number = dict.fromkeys(Counters.__slots__, 0)
    number["read"] = result.read
    for one in result.outcomes:
        number[one.action.value] += 1
        number["coupled"] += one.coupled
        number["ambiguous"] += one.ambiguous
        number["warnings"] += bool(one.warnings)
    return Counters(**number)


def _newer(moment: datetime | None) -> Any:
    """The newest of what a slice has seen and a moment, as a value of its row."""
    seen = slice_.c.newest
    return seen if moment is None else sa.case((seen > moment, seen), else_=sa.literal(moment, Moment))
