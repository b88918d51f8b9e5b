"""The engine's pulse while it works on a run: a sign of life twice a second, which shows what it waits for and learns
what operators wish.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.connectors.protocol import Side
from engine.model.errors import StoreError
from engine.model.snapshot import RunState, Wish
from engine.runs.held import Held
from engine.store import runs
from engine.store.database import Store, StoreGone
from engine.store.lock import LockLost
from engine.sync.context import Clock, StopRequested

_BEAT_SECONDS = 0.5
_HELD_SECONDS = 1.0
"""A sign of life that takes longer to write waited for others to let go of the store."""


class Pulse:
    """Of one engine on one run, from `begin` on; `wish` is the last that operators wished."""

    def __init__(self, store: Store, run_id: int, sides: Sequence[Side], clock: Clock) -> None:
        self._store = store
        self._run = run_id
        self._sides = sides
        self._clock = clock
        self.wish = Wish.RUN
        self._waiting = ""
        self._wished = asyncio.Event()
        self._begun, self._before = clock(), 0.0
        self._held, self._waited = Held(), 0.0
        self._paused: datetime | None = None

    def begin(self, before: float) -> None:
        """Begin to work on what other engines have worked on for that many seconds."""
        self._begun, self._before = self._clock(), before

    @property
    def resumed(self) -> bool:
        """Whether another engine worked on the run before."""
        return self._before > 0

    def wait_for(self, what: str) -> None:
        """Tell operators what the engine waits for."""
        self._waiting = what

    async def checkpoint(self) -> None:
        """Between pages: wait while paused, raise StopRequested when the run is to end."""
        while self.wish is Wish.PAUSE:
            if self._paused is None:
                self._paused = self._clock()
                await self.change({"paused": True})
            self._wished.clear()
            await self._wished.wait()
        if self._paused is not None:
            now = self._clock()
            self._held.add(self._paused, now)
            self._waited += (now - self._paused).total_seconds()
            self._paused = None
            await self.change({"paused": False})
        if self.wish in (Wish.STOP, Wish.CANCEL):
            raise StopRequested(cancel=self.wish is Wish.CANCEL)

    async def beat(self) -> None:
        """Beat until cancelled. Raises LockLost and StoreGone, and lets nothing more be sent then."""
        while True:
            waiting = self._waiting or " ".join(filter(None, (side.waiting for side in self._sides)))
            traffic = {"services": [asdict(side.traffic) for side in self._sides], "held": self._held.stored()}
            begun = self._clock()
            values = {"beat_at": begun, "waiting": waiting[:400], "traffic": traffic, **self.times()}
            with suppress(StoreError):  # the work itself meets the same trouble and reports it
                try:
                    row = await self.change(values)
                except (LockLost, StoreGone):
                    # nothing of what waits must be sent beside another engine, or without a store that knows of it
                    self._halt(stop=True)
                    raise
                if (waited := (self._clock() - begun).total_seconds()) >= _HELD_SECONDS:
                    # others had the store, and so all work stood still
                    self._waited += waited
                    self._held.add(begun, self._clock())
                wish = runs.wished(row)
                if wish is not self.wish:
                    self.wish = wish
                    self._wished.set()
                    self._halt(stop=wish in (Wish.STOP, Wish.CANCEL))
            await asyncio.sleep(_BEAT_SECONDS)

    def times(self) -> dict[str, Any]:
        """How long engines have worked on the run, but for pauses and waits for the store, and what both services say
        the time is; by that it can be told what was changed after the run.
        """
        now = self._clock()
        waited = self._waited + (0.0 if self._paused is None else (now - self._paused).total_seconds())
        told = zip(("nav_at", "crm_at"), (side.now for side in self._sides), strict=True)
        worked = self._before + (now - self._begun).total_seconds() - waited
        return {"worked": worked, **{name: at for name, at in told if at is not None}}

    async def change(self, values: Mapping[str, Any]) -> Any:
        """Change the run while it is one that is worked on, and return its row."""

        def work(connection: sa.Connection) -> Any:
            runs.change(connection, self._run, (RunState.RUNNING,), values)
            return runs.get(connection, self._run)

        return await self._store.write(work)

    def _halt(self, *, stop: bool) -> None:
        for side in self._sides:
            side.halt(stop=stop)
