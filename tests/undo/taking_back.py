"""Undoing runs of a test's world, and what there was before them."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.model.snapshot import RunSnapshot
from engine.model.undo import UndoLine
from engine.runs import snapshots, undoing
from engine.runs.undoing import Undoing
from tests.sync.company import CRM, NAV, prepare
from tests.sync.faults import Died, Life, Plan, no_faults
from tests.sync.world import Engine, Make, Row, World

STAMPS = frozenset(
    {"@odata.etag", "versionnumber", "modifiedon", "_modifiedby_value", "SystemModifiedAt", "Last_Date_Modified"}
)
SOMEBODY = "00000000-0000-4000-8000-00000000beef"
"""Another user of CRM."""


class Until(Life):
    """An engine that dies at the first step of which something is true."""

    def __init__(self, ends: Callable[[str], bool]) -> None:
        super().__init__()
        self._ends = ends

    def step(self, name: str) -> None:
        if not self.dead and self._ends(name):
            self._die_at = len(self.steps) + 1
        super().step(name)


def company(make: Make, **options: Any) -> World:
    """A small company with something for each job to do."""
    world = make(NAV, CRM, **options)
    prepare(world)
    return world


async def undo_until(world: World, run: int, ends: Callable[[str], bool]) -> int:
    """An engine dies while it undoes a run; the number of its own run."""
    with pytest.raises(Died):
        await undo(world, run, life=Until(ends))
    found = snapshots.active(world.store)
    assert found is not None
    assert found.undoes == run
    return found.id


async def undo(
    world: World, run: int, *, dry: bool = False, plan: Plan = no_faults, life: Life | None = None
) -> RunSnapshot:
    """An engine undoes a run, or goes on undoing it."""
    number = undoing.start(world.store, world.settings, run, dry=dry, by="test")

    async def work(engine: Engine) -> None:
        taking_back = Undoing(engine._store, engine._settings, number, *engine._sides, clock=engine._clock)
        await taking_back.work()

    await world.with_engine(number, work, plan=plan, life=life)
    found = snapshots.run(world.store, number)
    assert found.state.value == "finished", found.message
    return found


def lines(world: World, run: RunSnapshot) -> dict[str, UndoLine]:
    """What was undone, by mapping; mappings with nothing are left out."""
    found = undoing.report(world.store, run.id)
    return {one.mapping: one for one in found if one.removed or one.restored or one.uncoupled or one.left}


def left(world: World, run: RunSnapshot) -> dict[str, str]:
    """What was left, by number or name, and why."""
    return {one.nav_no or one.name: one.cause for one in world.outcomes(run) if one.kind == "left"}


def contents(world: World) -> dict[str, dict[str, Row]]:
    """All records of both sides by id, without their stamps."""
    found: dict[str, dict[str, Row]] = {}
    for table in (*world.sandbox.crm.tables.values(), *world.sandbox.nav.tables.values()):
        found[table.name] = {key: _plain(row) for key, row in table.rows.items()}
    return found


def assert_as_before(world: World, before: dict[str, Any]) -> None:
    """Both sides are as they were, but for what NAV made by itself: company contacts, and the names in them."""
    after = contents(world)
    for page in (before, after):
        contacts = page["Contact"]
        for key in [key for key, row in contacts.items() if row["Type"] == "Company" and row["Customer_No"] == ""]:
            del contacts[key]
        for row in contacts.values():
            row.pop("Company_Name")
    assert after == before


def changed_by(world: World, table: str, id: str, user: str = SOMEBODY, **values: Any) -> None:
    """Somebody else changes a row in CRM."""
    world.edit_crm(table, id, **values)
    world.sandbox.crm.tables[table].update(id, {"_modifiedby_value": user})


def _plain(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in STAMPS and value is not None}
