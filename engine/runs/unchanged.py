"""What was read of a store for a screen that asks again and again, while nobody writes to the store."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Generic, TypeVar

from engine.config import Settings
from engine.model.detail import MappingDetail
from engine.model.snapshot import HomeSnapshot, RunSnapshot
from engine.model.states import RunState
from engine.runs import detail, snapshots
from engine.store.database import Store
from engine.store.lock import engine_lives
from engine.sync.context import Clock, system_clock

T = TypeVar("T")


class _Kept(Generic[T]):
    """The last answer, for as long as nobody wrote to the store since, and no engine came or went. One about a run that
    goes on is not kept: that changes with time alone.
    """

    def __init__(self, store: Store, run_of: Callable[[T], RunSnapshot | None]) -> None:
        self._store = store
        self._run_of = run_of
        self._kept: tuple[object, T] | None = None

    def of(self, asked: object, read: Callable[[], T]) -> T:
        about, kept = (asked, self._store.stamp(), engine_lives(self._store)), self._kept
        if kept is not None and kept[0] == about:
            return kept[1]
        found = read()
        run = self._run_of(found)
        self._kept = None if run is not None and run.state is RunState.RUNNING else (about, found)
        return found


class Unchanged:
    """The snapshots that go through all couplings, jobs or failures: in a large store, reading them each second would
    keep a processor busy for nothing.
    """

    def __init__(self, store: Store, *, clock: Clock = system_clock) -> None:
        self._store = store
        self._clock = clock
        self._home = _Kept[HomeSnapshot](store, lambda home: home.active)
        self._mapping = _Kept[MappingDetail](store, lambda mapping: mapping.holds)
        self._run = _Kept[RunSnapshot](store, lambda run: run)

    def home(self, settings: Settings) -> HomeSnapshot:
        """As `snapshots.home`."""
        found = self._home.of(settings, lambda: snapshots.home(self._store, settings, clock=self._clock))
        now = self._clock()
        return replace(found, now=now, active=_at(found.active, now), last_run=_at(found.last_run, now))

    def mapping(self, settings: Settings, name: str) -> MappingDetail:
        """As `detail.detail`."""
        asked = (settings, name)
        found = self._mapping.of(asked, lambda: detail.detail(self._store, settings, name, clock=self._clock))
        now = self._clock()
        return replace(found, now=now, holds=_at(found.holds, now))

    def run(self, number: int) -> RunSnapshot:
        """As `snapshots.run`."""
        found = self._run.of(number, lambda: snapshots.run(self._store, number, clock=self._clock))
        return replace(found, now=self._clock())


def _at(run: RunSnapshot | None, now: datetime) -> RunSnapshot | None:
    return None if run is None else replace(run, now=now)
