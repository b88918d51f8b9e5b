"""Which records the last plan would make, couple, change or uncouple; what it could not do with others are outcomes."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.outcome import Action, Outcome
from engine.model.plan import Effect, Foreseen
from engine.model.snapshot import RunState
from engine.store.naming import called
from engine.store.schema import foreseen, outcome, planned, run
from engine.store.upsert import insert
from engine.store.work import Scope

AMBIGUOUS = "ambiguous"
"""The code of the problem of records that several others match."""

COUPLED_ELSEWHERE = "coupled_elsewhere"
"""The code of the warning that the records carry which another mapping has coupled, and which this one skips."""

_KEPT = (Action.INSERTED, Action.MODIFIED, Action.UNCOUPLED)
_TO = Direction.TO_INTEGRATION_TABLE


def note(connection: sa.Connection, scope: Scope, outcomes: Sequence[Outcome]) -> None:
    """A row for each thing that would be done to a record."""
    rows = []
    for one in outcomes:
        partner = one.crm_id if scope.direction is _TO else one.nav_id
        own = {"mapping": scope.mapping, "nav_no": one.nav_no, "name": one.name}
        values = {**scope.key, "source_id": one.source_id, **own}
        if one.coupled:
            rows.append({**values, "kind": Action.COUPLED.value, "partner_id": partner})
        if one.action in _KEPT:
            made = one.action is Action.INSERTED
            rows.append({**values, "kind": one.action.value, "partner_id": None if made else partner})
    if rows:
        connection.execute(insert(connection, foreseen).on_conflict_do_nothing(), rows)


def keep_last(connection: sa.Connection) -> None:
    """Forget what all plans would do but the last one that came to its end."""
    last = last_plan(connection)
    for table in (planned, foreseen):
        statement = sa.delete(table)
        connection.execute(statement if last is None else statement.where(table.c.run_id != last))


def last_plan(connection: sa.Connection) -> int | None:
    """The newest plan that came to its end."""
    ended = (run.c.kind == "plan", run.c.state == RunState.FINISHED.value)
    newest: int | None = connection.scalar(sa.select(sa.func.max(run.c.id)).where(*ended))
    return newest


def listing(
    connection: sa.Connection,
    run_id: int,
    seq: int,
    one_way: Direction,
    effect: Effect,
    limit: int,
    offset: int,
    words: Sequence[str] = (),
) -> list[Foreseen]:
    """The records of a pass with an effect, in the order of NAV numbers; none of the unchanged. With `words`, those
    that are called so.
    """
    if effect is Effect.UNCHANGED:
        return []
    table = outcome if effect in (Effect.AMBIGUOUS, Effect.FAILED, Effect.SKIPPED) else foreseen
    c = table.c
    where = (c.run_id == run_id, c.seq == seq, c.direction == one_way.value, _are(effect), *called(table, words))
    query = sa.select(table).where(*where).order_by(c.nav_no, c.source_id).limit(limit).offset(offset)
    return [_foreseen(row, one_way, effect) for row in connection.execute(query)]


def _are(effect: Effect) -> sa.ColumnElement[bool]:
    failed = outcome.c.kind == Action.FAILED.value
    match effect:
        case Effect.AMBIGUOUS:
            return sa.and_(failed, outcome.c.code == AMBIGUOUS)
        case Effect.FAILED:
            return sa.and_(failed, outcome.c.code != AMBIGUOUS)
        case Effect.SKIPPED:
            elsewhere = sa.and_(outcome.c.kind == "warning", outcome.c.code == COUPLED_ELSEWHERE)
            return sa.or_(outcome.c.kind == Action.SKIPPED.value, elsewhere)
        case _:
            return foreseen.c.kind == effect.value


def _foreseen(row: Any, one_way: Direction, effect: Effect) -> Foreseen:
    values = (row.run_id, row.seq, row.mapping, one_way, effect, row.nav_no, row.name)
    if hasattr(row, "message"):
        return Foreseen(*values, row.nav_id, row.crm_id, row.code, row.message, row.hint)
    ids = (row.source_id, row.partner_id)
    return Foreseen(*values, *(ids if one_way is _TO else reversed(ids)))
