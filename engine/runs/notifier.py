"""A process beside an engine that outlives it and tells people how its run ended.

It waits until the engine is gone, however it went, and reads in the store what became of the run. So the engine knows
nothing of it and never waits for it. What it could not tell, because it was ended itself, the next one tells.
"""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count

import sqlalchemy as sa

from engine.config import Settings
from engine.config.notify import Notification
from engine.model.errors import CouplerError, RunError, StoreError
from engine.model.snapshot import RunSnapshot, RunState
from engine.model.states import STARTING
from engine.runs import snapshots
from engine.runs.sending import Undelivered, send
from engine.runs.telling import Told, told, trial, without_store
from engine.store import notices, runs
from engine.store.database import Store
from engine.sync.context import Clock, system_clock

_FIRST, _LONGEST = 2.0, 120.0
_STORE_TRIES = 5
_GRACE = 60
"""Seconds after which a notifier that has not said how it went is taken for dead."""
_STARTING = STARTING + 5
"""Seconds after which an engine that has not begun will not begin any more, and a lock belongs to another one."""
Log = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Means:
    """What time and chance are, and where it is said what went wrong."""

    log: Log
    clock: Clock = system_clock
    steady: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this process is to end: what is under way is finished, and nothing is waited for any more."""


class _Left(Exception):
    """What did not arrive is left to the next notifier."""


class _Outdated(Exception):
    """What did not arrive has been overtaken by something newer, which is told instead."""


def engine_gone(descriptor: int = 0) -> None:
    """Wait until the other end of a pipe is closed, which its holder's end does at the latest."""
    while os.read(descriptor, 1):
        pass


async def accompany(settings: Settings, run_id: int, gone: Callable[[], object], means: Means) -> None:
    """Tell of a run when its engine is `gone`, and what earlier notifiers left untold; raises StoreError when not even
    the kind of the run can be read.
    """
    store = await _opened(settings, means)
    try:
        kind = await store.read(partial(_kind, run_id=run_id))
        targets = [one for one in settings.notify if kind in one.kinds]
        watch = partial(notices.watch, run_id=run_id, targets=[one.name for one in targets])
        noted = await _noted(store, watch, means)
        left = asyncio.create_task(tell_left(store, settings, means, but=run_id))
        await asyncio.to_thread(gone)
        if not noted:
            await _noted(store, watch, means)
        try:
            found = await _ended(store, run_id, means)
            event = None if found is None else told(settings, found)
        except StoreError as error:
            means.log("the state store cannot be read", message=error.message)
            event = without_store(settings, run_id, kind, means.clock())
        await asyncio.gather(*(_tell(store, settings, run_id, one, event, means) for one in targets if event))
        await left
        await tell_left(store, settings, means, but=run_id)
    finally:
        store.close()


async def tell_left(store: Store, settings: Settings, means: Means, *, but: int | None = None) -> int:
    """Tell what earlier notifiers left untold; how much that was."""
    try:
        watched = await store.read(notices.watched)
        names = {one.name: one for one in settings.notify}
        found = []
        for run_id, targets in watched.items():
            if run_id == but:
                continue
            event = told(settings, await asyncio.to_thread(snapshots.run, store, run_id, clock=means.clock))
            found += [(run_id, names[name], event) for name in targets if event is not None and name in names]
    except CouplerError as error:
        means.log("what was not told before cannot be read", message=error.message)
        return 0
    return sum(await asyncio.gather(*(_tell(store, settings, *one, means) for one in found)))


async def try_out(settings: Settings, to: Notification, means: Means) -> str:
    """Send a test, once; how it was taken. Raises Undelivered."""
    return await send(settings, to, trial(settings, means.clock()).values, seconds=to.timeout)


async def _opened(settings: Settings, means: Means) -> Store:
    for number in range(1, _STORE_TRIES):
        try:
            return await asyncio.to_thread(Store.open, settings.store.url)
        except StoreError:
            await means.sleep(_FIRST * number)
    return await asyncio.to_thread(Store.open, settings.store.url)


async def _noted(store: Store, change: Callable[[sa.Connection], object], means: Means) -> bool:
    """Whether the store could be written; people are told all the same, more than once if need be."""
    try:
        await store.write(change)
    except StoreError as error:
        means.log("what is told cannot be noted", message=error.message)
        return False
    return True


def _kind(connection: sa.Connection, run_id: int) -> str:
    row = runs.get(connection, run_id)
    if row is None:
        raise RunError(f"There is no run {run_id}.", "`coupler jobs` lists the runs there are.")
    return str(row.kind)


async def _ended(store: Store, run_id: int, means: Means) -> RunSnapshot | None:
    """The run once its engine is gone; None when another engine works on it. Raises StoreError.

    A lock may be held for a while after its holder has died: another engine is known by its signs of life.
    """
    first: RunSnapshot | None = None
    failing = 0
    until = means.steady() + _STARTING
    while True:
        try:
            found = await asyncio.to_thread(snapshots.run, store, run_id, clock=means.clock)
            if found.state is not RunState.RUNNING:
                return found
            first = first or found
            if means.steady() > until or found.beat != first.beat:
                return None
        except StoreError:
            failing += 1
            if failing == _STORE_TRIES:
                raise
        await means.sleep(1)


async def _tell(store: Store, settings: Settings, run_id: int, to: Notification, event: Told, means: Means) -> bool:
    """Have somebody told of an event, unless that is done or not wanted; whether it was told now."""
    now = means.clock()
    until = now + timedelta(seconds=to.within + _GRACE)
    noted = True
    try:
        claim = partial(notices.claim, run_id=run_id, target=to.name, event=event.id, last=event.last)
        if not await store.write(partial(claim, now=now, until=until)):
            return False
    except StoreError as error:
        means.log("what is told cannot be noted", message=error.message)
        noted = False
    problem: str | None = None
    if event.event in to.events:
        try:
            problem = await _deliver(store, settings, run_id, to, event, means, noted=noted)
        except _Outdated:
            return False
        except _Left as fault:
            means.log(
                "notification left to the next notifier", target=to.name, notification=event.id, reason=f"{fault}"
            )
            await _noted(store, partial(notices.release, run_id=run_id, target=to.name, event=event.id), means)
            return False
    if problem is not None:
        means.log("notification failed", target=to.name, notification=event.id, reason=problem)

    def settle(connection: sa.Connection) -> None:
        notices.settle(connection, run_id, to.name, event.id, over=event.last)
        if problem is not None:
            text = f"notification {to.name} was not delivered: {problem}"
            runs.add_event(connection, run_id, "", text, means.clock())

    await _noted(store, settle, means)
    return problem is None and event.event in to.events


async def _deliver(
    store: Store, settings: Settings, run_id: int, to: Notification, event: Told, means: Means, *, noted: bool
) -> str | None:
    """Try until it arrives; why it did not. Raises _Left, and _Outdated when something newer is to be told, which only
    the store knows, and only when it is `noted` there that this is told.
    """
    end = means.steady() + to.within
    pause = _FIRST
    for number in count(1):
        try:
            await send(settings, to, event.values, seconds=max(min(to.timeout, end - means.steady()), 1))
        except Undelivered as fault:
            wait = max(fault.wait, pause * (1 + means.jitter() / 4))
            if not fault.again or number == to.tries or means.steady() + wait >= end:
                return f"{fault.reason} ({number} of {to.tries} tries)"
            await _pause(wait, fault.reason, means)
        else:
            break
        pause = min(pause * 2, _LONGEST)
        with suppress(StoreError):
            if noted and not await store.read(partial(notices.claimed, run_id=run_id, target=to.name, event=event.id)):
                raise _Outdated
    return None


async def _pause(seconds: float, reason: str, means: Means) -> None:
    """Wait for the next try; raises _Left when there is no time for one."""
    waits = {asyncio.ensure_future(means.sleep(seconds)), asyncio.create_task(means.hurry.wait())}
    _, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for one in rest:
        one.cancel()
    for one in waits - rest:
        one.result()  # raises what it raised
    if means.hurry.is_set():
        raise _Left(reason)
