"""Of which runs something is to be told to whom. What is told has an id, which names the run's state and when it got
there; it is told once.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from engine.store.schema import notice
from engine.store.upsert import insert


def watch(connection: sa.Connection, run_id: int, targets: Iterable[str]) -> None:
    """Have the targets be told of a run; those that are already stay as they are."""
    for target in targets:
        connection.execute(insert(connection, notice).values(run_id=run_id, target=target).on_conflict_do_nothing())


def watched(connection: sa.Connection) -> dict[int, Sequence[str]]:
    """The runs of which something may be to be told, each with its targets."""
    found: dict[int, list[str]] = {}
    for row in connection.execute(sa.select(notice).where(~notice.c.over).order_by(notice.c.run_id, notice.c.target)):
        found.setdefault(row.run_id, []).append(row.target)
    return dict(found)


def claim(
    connection: sa.Connection, run_id: int, target: str, event: str, *, last: bool, now: datetime, until: datetime
) -> bool:
    """Take it upon oneself to tell something until that moment; False when it was told, or another one is about to.

    Of a run that is over only its `last` event may be told: others were seen before that.
    """
    watch(connection, run_id, [target])
    free = sa.or_(notice.c.trying.is_(None), notice.c.trying != event, notice.c.until < now)
    new = sa.or_(notice.c.told.is_(None), notice.c.told != event)
    going = sa.or_(~notice.c.over, sa.literal(last))
    statement = sa.update(notice).where(_of(run_id, target), free, new, going).values(trying=event, until=until)
    return connection.execute(statement).rowcount == 1


def claimed(connection: sa.Connection, run_id: int, target: str, event: str) -> bool:
    """Whether it is still to be told: something that happened to the run later takes its place."""
    query = sa.select(sa.func.count()).where(_of(run_id, target), notice.c.trying == event)
    return bool(connection.scalar(query))


def settle(connection: sa.Connection, run_id: int, target: str, event: str, *, over: bool) -> None:
    """Note that it was told, or given up; `over` when nothing can happen to the run any more."""
    where = sa.and_(_of(run_id, target), notice.c.trying == event)
    done = sa.update(notice).values(told=event, trying=None, until=None, over=over)
    connection.execute(done.where(where))


def release(connection: sa.Connection, run_id: int, target: str, event: str) -> None:
    """Leave it to another one to tell it."""
    where = sa.and_(_of(run_id, target), notice.c.trying == event)
    connection.execute(sa.update(notice).where(where).values(trying=None, until=None))


def _of(run_id: int, target: str) -> sa.ColumnElement[bool]:
    return sa.and_(notice.c.run_id == run_id, notice.c.target == target)
