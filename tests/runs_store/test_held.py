"""An engine tells when others had the store, so that its pace is not judged by that."""

import asyncio
from contextlib import suppress
from datetime import datetime
from time import sleep
from types import SimpleNamespace
from typing import Any, cast

from engine.config import Settings
from engine.model.states import RunState, Wish
from engine.model.traffic import Traffic
from engine.runs import control
from engine.runs.pulse import Pulse
from engine.store import runs
from engine.store.database import Store
from engine.sync.context import system_clock
from tests.runs_store.tools import row_of


async def test_a_wait_for_the_store_is_told_and_is_no_work(store: Store, settings: Settings) -> None:
    number = control.start(store, settings, by="me@here")
    begun = system_clock()
    beating = asyncio.create_task(pulse_of(store, number).beat())
    try:
        await until(lambda: row_of(store, number)["beat_at"] is not None)
        await asyncio.to_thread(keep, store, number, 1.6)
        await until(lambda: row_of(store, number)["traffic"]["held"])
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
    assert_told_and_no_work(row_of(store, number), begun)


async def test_a_pause_is_told_and_is_no_work(store: Store, settings: Settings) -> None:
    number = control.start(store, settings, by="me@here")
    begun, pulse = system_clock(), pulse_of(store, number)
    beating = asyncio.create_task(pulse.beat())
    try:
        await asyncio.to_thread(control.wish, store, number, Wish.PAUSE)
        await until(lambda: pulse.wish is Wish.PAUSE)
        paused = asyncio.create_task(pulse.checkpoint())
        await asyncio.sleep(1.2)
        before = row_of(store, number)
        passed = (before["beat_at"] - begun).total_seconds()
        assert before["paused"]
        assert before["worked"] < passed - 0.3, "while it lasts"
        await asyncio.to_thread(control.wish, store, number, Wish.RUN)
        await paused
        await until(lambda: row_of(store, number)["traffic"]["held"])
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
    assert_told_and_no_work(row_of(store, number), begun)


def assert_told_and_no_work(row: Any, begun: datetime) -> None:
    ((begin, end),) = row["traffic"]["held"]
    assert end - begin >= 1
    worked, passed = row["worked"], (row["beat_at"] - begun).total_seconds()
    assert abs(passed - worked - (end - begin)) < 0.3, "what held it up is not worked"


def pulse_of(store: Store, number: int) -> Pulse:
    side = cast("Any", SimpleNamespace(waiting="", traffic=Traffic("NAV", 0, 8), now=None, halt=lambda *, stop: None))
    return Pulse(store, number, (side, side), system_clock)


def keep(store: Store, number: int, seconds: float) -> None:
    """Somebody else writes for so long."""
    with store.writing() as connection:
        runs.change(connection, number, list(RunState), {"hint": "kept"})
        sleep(seconds)


async def until(what: Any) -> None:
    for _ in range(2_000):
        if await asyncio.to_thread(what):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")
