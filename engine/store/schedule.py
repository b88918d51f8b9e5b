"""The schedule's entries and the process that keeps them, as rows."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from engine.model.schedule import Entry, EntryState, Keeper
from engine.store.schema import keeper, schedule
from engine.store.upsert import insert, upsert

_ONE = 1


def entries(connection: sa.Connection, *, change: bool = False) -> dict[str, Entry]:
    """All entries by mapping; with `change`, nobody else changes them until the transaction ends."""
    query = sa.select(schedule).order_by(schedule.c.mapping)
    rows = connection.execute(query.with_for_update() if change else query)
    return {row.mapping: Entry(**{**row._asdict(), "state": EntryState(row.state)}) for row in rows}


def in_error(connection: sa.Connection) -> set[str]:
    """The mappings that have no turn any more until somebody resumes them, as they failed too often."""
    c = schedule.c
    return set(connection.scalars(sa.select(c.mapping).where(c.state == EntryState.ERROR.value)))


def put(connection: sa.Connection, changed: Iterable[Entry]) -> None:
    """Store entries."""
    upsert(connection, schedule, [{**asdict(one), "state": one.state.value} for one in changed])


def drop(connection: sa.Connection, mappings: Collection[str]) -> None:
    """Forget the entries of mappings that are scheduled no more."""
    connection.execute(sa.delete(schedule).where(schedule.c.mapping.in_(mappings)))


def kept_by(connection: sa.Connection) -> Keeper | None:
    """The process that keeps the schedule, or kept it last; None when none ever did."""
    row = connection.execute(sa.select(keeper).where(keeper.c.id == _ONE)).one_or_none()
    return None if row is None else Keeper(row.owner, row.started_at, row.waiting, row.stop_by)


def keep(connection: sa.Connection, owner: str, at: datetime) -> None:
    """Note who keeps it from now on."""
    values = {"owner": owner, "started_at": at, "waiting": "", "stop_by": None}
    statement = insert(connection, keeper).values(id=_ONE, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[keeper.c.id], set_=values))


def wait(connection: sa.Connection, waiting: str) -> None:
    """Note why nothing starts; blank when nothing hinders it."""
    connection.execute(sa.update(keeper).values(waiting=waiting))


def ask_to_stop(connection: sa.Connection, by: str) -> None:
    """Note that it is to end."""
    connection.execute(sa.update(keeper).values(stop_by=by))
