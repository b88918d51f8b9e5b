"""What people decided about runs, in the order in which they did."""

from datetime import datetime

import sqlalchemy as sa

from engine.model.decision import Decision, Deed
from engine.store.schema import decision, run


def note(connection: sa.Connection, run_id: int, one: Decision) -> None:
    """Keep a decision with its run; one about a run that was deleted is not kept."""
    values = (
        sa.literal(value, column.type)
        for column, value in (
            (decision.c.at, one.at),
            (decision.c.by, one.by),
            (decision.c.deed, one.deed.value),
            (decision.c.mapping, one.mapping),
            (decision.c.nav_no, one.nav_no),
            (decision.c.text, one.text),
        )
    )
    there = sa.select(run.c.id, *values).where(run.c.id == run_id)
    names = ("run_id", "at", "by", "deed", "mapping", "nav_no", "text")
    connection.execute(sa.insert(decision).from_select(names, there))


def listing(connection: sa.Connection, run_id: int, limit: int) -> list[Decision]:
    """The last decisions about a run, at most so many, the first of them first."""
    query = sa.select(decision).where(decision.c.run_id == run_id).order_by(decision.c.id.desc()).limit(limit)
    rows = reversed(connection.execute(query).all())
    return [Decision(row.at, row.by, Deed(row.deed), row.mapping, row.nav_no, row.text) for row in rows]


def last(connection: sa.Connection, run_id: int, deed: Deed) -> datetime | None:
    """When that was last decided about a run."""
    where = sa.and_(decision.c.run_id == run_id, decision.c.deed == deed.value)
    found: datetime | None = connection.scalar(sa.select(sa.func.max(decision.c.at)).where(where))
    return found


def count(connection: sa.Connection, run_id: int) -> int:
    """How many were taken about a run."""
    query = sa.select(sa.func.count()).select_from(decision).where(decision.c.run_id == run_id)
    return int(connection.scalar(query) or 0)
