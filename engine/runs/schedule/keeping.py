"""Keeping the schedule until it is to end, whatever becomes of the store, the servers and the configuration."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from engine.config import Settings
from engine.model.errors import ConfigError, LockHeld, RunError, StoreError, sentences
from engine.runs.control import who
from engine.runs.schedule.scheduler import Scheduler, Tell, Told
from engine.runs.sides import connected
from engine.store import schedule
from engine.store.database import Store
from engine.store.lock import schedule_lock
from engine.sync.context import Clock, system_clock

_STEP = 0.5
"""Seconds between two steps."""
_LONGEST = 60.0
"""Seconds between two attempts to use the store, or the configuration."""


def owner() -> str:
    """Who keeps the schedule: user, host and process."""
    return f"{who()}, process {os.getpid()}"


async def keep_schedule(
    store: Store,
    settings: Settings,
    *,
    tell: Tell,
    stop: asyncio.Event,
    load: Callable[[Path], Settings],
    leave_run: Callable[[], bool] = lambda: False,
    clock: Clock = system_clock,
) -> None:
    """Keep the schedule until `stop` is set or an operator wants it to end. Then a synchronization that is under way
    is stopped at a checkpoint, unless `leave_run` says that it goes on.

    Raises LockHeld when another process keeps it, RunError when the configuration names another store meanwhile,
    ConfigError when it cannot be used from the start. A store or a server that is away is waited for.
    """
    keeper = Scheduler(store, owner(), tell, stop, clock=clock)
    file = _version(settings.path)
    while True:
        async with connected(settings) as (nav, crm):
            keeper.use(settings, nav, crm)
            again = await _keep(
                store, keeper, settings.path, file, tell=tell, stop=stop, leave_run=leave_run, clock=clock
            )
        if not again:
            return
        found = await _reloaded(settings, load, tell=tell, stop=stop, clock=clock)
        if found is None:
            return
        loaded, file = found
        if loaded.store != settings.store:
            raise RunError("config.toml names another state store now.", "Start `coupler schedule` again.")
        settings = loaded
        tell(Told(clock(), "reloaded", text=str(settings.path)))


async def _keep(
    store: Store,
    keeper: Scheduler,
    path: Path,
    file: object,
    *,
    tell: Tell,
    stop: asyncio.Event,
    leave_run: Callable[[], bool],
    clock: Clock,
) -> bool:
    """Keep it until the configuration changes; False when it is to end."""
    wait = 1.0
    by: str | None = None
    while not stop.is_set():
        try:
            with schedule_lock(store) as guard:
                await keeper.begin(guard)
                while not stop.is_set():
                    if _version(path) != file:  # just before a synchronization may begin, whose engine reads it too
                        return True
                    by = await keeper.step()
                    wait = 1.0
                    if by is not None:
                        stop.set()
                    await _sleep(stop, _STEP)
                if not leave_run():
                    await keeper.end()
        except LockHeld as error:
            raise named(store, error) from error
        except StoreError as error:
            if stop.is_set():
                break
            tell(Told(clock(), "waits", text=f"{error.told} Trying again in {wait:.0f} s."))
            await _sleep(stop, wait)
            wait = min(wait * 2, _LONGEST)
    if by is not None:
        tell(Told(clock(), "stopped", text=f"by {by}"))
    return False


async def _reloaded(
    settings: Settings, load: Callable[[Path], Settings], *, tell: Tell, stop: asyncio.Event, clock: Clock
) -> tuple[Settings, object] | None:
    """The changed configuration and its version, once it can be used; None when the schedule is to end before that."""
    told = ""
    while not stop.is_set():
        file = _version(settings.path)
        try:
            loaded = load(settings.path)
            async with connected(loaded):  # what it names besides, such as certificates, must be there too
                return loaded, file
        except ConfigError as error:
            first = "" if error.problems[0] == error.message else error.problems[0]
            text = sentences(error.message, first, error.hint)
            if text != told:
                tell(Told(clock(), "waits", text=text))
                told = text
            await _sleep(stop, 1.0)
    return None


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def named(store: Store, error: LockHeld) -> LockHeld:
    """Who it is that keeps the schedule."""
    with store.reading() as connection:
        found = schedule.kept_by(connection)
    if found is None:
        return error
    since = f"{found.started_at:%Y-%m-%dT%H:%M:%SZ}"
    return LockHeld(f"The schedule is kept already: {found.owner}, since {since}.", error.hint)


def _version(path: Path) -> object:
    """What changes when a file does; one that is away for a moment, as while it is replaced, has not changed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
