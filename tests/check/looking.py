"""Checks of a test's world."""

from typing import Any

import sqlalchemy as sa

from engine.model.check import Finding
from engine.runs.checking import findings
from engine.store.schema import metadata
from tests.sync.world import Engine, World


async def look(world: World, *only: str) -> list[Finding]:
    """Everything that a check finds; it must write nothing on either side, nor in the store."""
    found: list[Finding] = []
    seen, stored = len(world.log), _stored(world)

    async def work(engine: Engine) -> None:
        found.extend([one async for one in findings(world.store, world.settings, *engine._sides, only)])

    await world.with_engine(0, work)
    assert not [one for one in world.log[seen:] if one.write]
    assert _stored(world) == stored
    return found


def faults(found: list[Finding]) -> list[tuple[str, str, str]]:
    """The faults: mapping, kind, number or name."""
    return [(one.mapping, str(one.what), one.nav_no or one.name) for one in found if one.fault]


def notes(found: list[Finding]) -> list[tuple[str, str, str]]:
    """The notes, likewise."""
    return [(one.mapping, str(one.what), one.nav_no or one.name) for one in found if not one.fault]


def _stored(world: World) -> dict[str, list[Any]]:
    """All that is in the store."""
    with world.store.reading() as connection:
        return {table.name: connection.execute(sa.select(table)).all() for table in metadata.sorted_tables}  # type: ignore[misc]  # rows
