"""Who keeps the schedule while the state store is away (feature list C08: a sync must never stop in silence)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from engine.config import Settings, StoreSettings
from engine.model.errors import LockHeld
from engine.runs.schedule import keeping, wishes
from engine.runs.schedule.scheduler import Told
from engine.store import schedule
from engine.store.database import Store
from engine.store.lock import schedule_lock
from tests.runs_store.tools import settings_of
from tests.store.conftest import cluster
from tests.store.postgres import Cluster

__all__ = ["cluster"]


async def happened(told: list[Told], event: str, number: int = 1) -> None:
    async with asyncio.timeout(40):
        while [one.event for one in told].count(event) < number:  # noqa: ASYNC110 - what is told is a list
            await asyncio.sleep(0.05)


@pytest.fixture
def settings(tmp_path: Path, cluster: Cluster) -> Settings:
    found = settings_of(tmp_path)
    off = replace(found.schedule.other, enabled=False, every=timedelta(minutes=1))
    timings = dict.fromkeys(found.schedule.timings, off)
    return replace(
        found, store=StoreSettings(cluster.new_database()), schedule=replace(found.schedule, timings=timings)
    )


async def test_a_server_that_goes_away_is_waited_for_and_the_schedule_goes_on(
    settings: Settings, cluster: Cluster
) -> None:
    store, told, stop = Store.open(settings.store.url), list[Told](), asyncio.Event()
    keeps = asyncio.create_task(
        keeping.keep_schedule(store, settings, tell=told.append, stop=stop, load=lambda _: settings)
    )
    await happened(told, "started")
    await asyncio.to_thread(cluster.restart, "immediate")
    await happened(told, "waits")
    await happened(told, "started", 2)
    assert "Trying again in" in next(one.text for one in told if one.event == "waits")
    assert wishes.look_up(store, settings).running
    wishes.stop(store, by="anna@pc")
    await asyncio.wait_for(keeps, 20)
    assert [one.event for one in told][-1] == "stopped"
    assert not wishes.look_up(store, settings).running
    store.close()


async def test_who_lost_the_lock_to_another_ends_and_says_to_whom(settings: Settings, cluster: Cluster) -> None:
    store, told, stop = Store.open(settings.store.url), list[Told](), asyncio.Event()
    keeps = asyncio.create_task(
        keeping.keep_schedule(store, settings, tell=told.append, stop=stop, load=lambda _: settings)
    )
    await happened(told, "started")
    other = Store.open(settings.store.url)
    cluster.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    with schedule_lock(other), other.writing() as connection:
        schedule.keep(connection, "otto@elsewhere", told[0].at)
        connection.commit()
        with pytest.raises(LockHeld, match="otto@elsewhere"):
            await asyncio.wait_for(keeps, 20)
    other.close()
    store.close()
