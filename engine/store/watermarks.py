"""How far each pass has looked, by the clock of its source (reference/domain.md section 3.1)."""

from datetime import datetime

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.store.schema import watermark
from engine.store.upsert import insert


def get(connection: sa.Connection, mapping: str, one_way: Direction) -> datetime | None:
    """The newest change that was looked at; None when nothing was yet."""
    query = sa.select(watermark.c.at).where(watermark.c.mapping == mapping, watermark.c.direction == one_way.value)
    found: datetime | None = connection.scalar(query)
    return found


def advance(connection: sa.Connection, mapping: str, one_way: Direction, at: datetime) -> None:
    """Move a watermark; never backward."""
    statement = insert(connection, watermark).values(mapping=mapping, direction=one_way.value, at=at)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[watermark.c.mapping, watermark.c.direction],
            set_={"at": statement.excluded.at},
            where=watermark.c.at < statement.excluded.at,
        )
    )
