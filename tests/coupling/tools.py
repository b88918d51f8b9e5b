"""Runs about couplings in the world of a test."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from engine.model.mapping import Direction
from engine.model.snapshot import RunSnapshot, Wish
from engine.runs import control, coupling, snapshots
from engine.runs.coupling import CouplingRun
from engine.runs.requests import Request
from engine.sync.context import Context
from tests.sync.faults import Plan, no_faults
from tests.sync.world import Engine, Time, World

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


class CouplingEngine(CouplingRun):
    """The engine of such runs, on a clock that does not wait."""

    time: Time
    adjust: Callable[[Context], Context]

    async def _context(self, *, plan: bool) -> Context:
        return self.adjust(replace(await super()._context(plan=plan), sleep=self.time.sleep))


async def ask(world: World, request: Request, plan: Plan = no_faults, wish: Wish = Wish.RUN) -> RunSnapshot:
    """Starts a run for a request and works on it to its end, with a wish of an operator from its beginning."""
    number = coupling.start(world.store, world.settings, request, by="test")
    control.wish(world.store, number, wish)

    async def work(engine: Engine) -> None:
        mine = CouplingEngine(world.store, world.settings, number, *engine._sides, clock=world.time.now)
        mine.time, mine.adjust = world.time, world.adjust
        await mine.work()

    await world.with_engine(number, work, plan=plan)
    return snapshots.run(world.store, number)


def change(world: World, name: str, **changes: Any) -> None:
    """Changes a mapping, as config.toml does: for the start of runs and for their engines."""
    mappings = tuple(replace(one, **changes) if one.name == name else one for one in world.settings.mappings)
    world.settings = replace(world.settings, mappings=mappings)


def sums(run: RunSnapshot) -> dict[str, int]:
    """The counters of a whole run that are not zero, without the number of records read."""
    names = [name for name in type(run.counters).__slots__ if name != "read"]
    return {name: value for name in names if (value := getattr(run.counters, name))}


def nav_id(world: World, page: str, no: str) -> str:
    """The id of a NAV record."""
    return str(world.sandbox.nav.tables[page].rows[no]["SystemId"]).lower()


def messages(world: World, run: RunSnapshot) -> list[str]:
    """What is said about the records of a run."""
    return [one.message for one in world.outcomes(run)]
