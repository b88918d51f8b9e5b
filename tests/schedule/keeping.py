"""Whoever keeps the schedule of a world, step by step, on a clock that tests set; engines work when they are told to."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.config import Settings
from engine.model.schedule import Entry, Timing
from engine.model.snapshot import RunSnapshot
from engine.runs.schedule import wishes
from engine.runs.schedule.scheduler import Scheduler, Told
from engine.runs.sides import connected
from engine.store.lock import schedule_lock
from tests.sync.faults import Plan, no_faults
from tests.sync.world import World

TIMING = Timing(timedelta(minutes=30), timedelta(hours=12), 3, timedelta(seconds=30))


class Kept:
    """A schedule that is kept."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ahead = timedelta()
        self.told: list[Told] = []
        self.spawned: list[int] = []
        self.stop = asyncio.Event()
        self.scheduler = Scheduler(
            world.store, "keeper@test", self.told.append, self.stop, clock=self.now, spawn=self._spawn
        )

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def step(self, ahead: timedelta = timedelta()) -> str | None:
        """One step, so much later."""
        self.ahead += ahead
        return await self.scheduler.step()

    async def turn(self, ahead: timedelta = timedelta(), plan: Plan = no_faults) -> RunSnapshot:
        """A step that starts a synchronization, which comes to its end."""
        before = len(self.spawned)
        await self.step(ahead)
        assert len(self.spawned) == before + 1, self.told[-3:]
        run = await self.world.work(self.spawned[-1], plan=plan)
        await self.step()
        return run

    def entry(self, mapping: str = "CUSTOMER") -> Entry:
        found = wishes.look_up(self.world.store, self.world.settings).entry(mapping)
        assert found is not None
        return found

    def waiting(self) -> str:
        keeper = wishes.look_up(self.world.store, self.world.settings).keeper
        assert keeper is not None
        return keeper.waiting

    def events(self) -> list[str]:
        return [one.event for one in self.told]

    def _spawn(self, settings: Settings, run: int) -> int:
        assert settings is self.world.settings
        self.spawned.append(run)
        return os.getpid()


def schedule(world: World, *mappings: str, **changes: Any) -> None:
    """Only these mappings are scheduled."""
    off = replace(TIMING, enabled=False)
    timings = dict.fromkeys((one.name for one in world.settings.mappings), off)
    timings.update(dict.fromkeys(mappings, replace(TIMING, **changes)))
    world.settings = replace(world.settings, schedule=replace(world.settings.schedule, timings=timings))


@asynccontextmanager
async def kept(world: World, *mappings: str, **changes: Any) -> AsyncIterator[Kept]:
    """Somebody keeps the schedule of some mappings, as it is stored."""
    schedule(world, *mappings, **changes)
    one = Kept(world)
    async with connected(world.settings) as (nav, crm):
        one.scheduler.use(world.settings, nav, crm)
        with schedule_lock(world.store) as guard:
            await one.scheduler.begin(guard)
            yield one
