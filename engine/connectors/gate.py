"""One gate per host: how many requests are under way, and when the next may go.

The limits: reference/apis.md section 1, Service protection, and section 3, Limits.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine.connectors.protocol import Halted

_LONGEST_PAUSE = 300.0
"""Service protection looks at windows of 300 seconds: a longer wait is a mistake of the server."""
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 15.0


@dataclass(frozen=True, slots=True)
class _Wait:
    reason: str
    until: float
    attempt: int


class Gate:
    """Lets requests to one host pass.

    429 stops all of them for as long as the server says and halves how many are let in at once; successes raise that
    by one at a time, up to `concurrency`. While a stop is in force, waits end with Halted, and nothing is sent before
    its time. `clock`, `sleep` and `chance` (0 to 1) can be replaced.
    """

    def __init__(
        self,
        name: str,
        concurrency: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if concurrency < 1:
            raise ValueError("a gate lets at least one request in")
        self.name = name
        self.clock = clock
        self._sleep = sleep
        self._chance = chance
        self._most = concurrency
        self._limit = concurrency
        self._active = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._epoch = 0
        self._successes = 0
        self._pause = _Wait("", float("-inf"), 0)
        self._waits: dict[object, _Wait] = {}
        self._stop = asyncio.Event()

    @property
    def limit(self) -> int:
        """How many requests may be under way at once now."""
        return self._limit

    @property
    def waiting(self) -> str:
        """What is waited for, such as `CRM again in 4 s (attempt 2): 429`; empty when nothing is."""
        if not self._waits:
            return ""
        wait = max(self._waits.values(), key=lambda one: one.until)
        seconds = max(0, round(wait.until - self.clock()))
        return f"{self.name} again in {seconds} s (attempt {wait.attempt}): {wait.reason}"

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[int]:
        """A place among the requests under way. The number tells `throttled` when the request was let in."""
        await self._enter()
        try:
            yield self._epoch
        finally:
            self._active -= 1
            self._wake()

    def halt(self, *, stop: bool) -> None:
        """Put a stop in force, or take it back."""
        if stop:
            self._stop.set()
        else:
            self._stop.clear()

    def succeeded(self) -> None:
        """A request was served: after as many as are let in at once, one more is."""
        self._successes += 1
        if self._limit < self._most and self._successes >= self._limit:
            self._limit += 1
            self._successes = 0
            self._wake()

    def throttled(self, reason: str, seconds: float | None, attempt: int, epoch: int | None = None) -> None:
        """Stop all requests for a time. Of those that were let in together, only the first halves how many are."""
        if epoch == self._epoch:
            self._limit = max(1, self._limit // 2)
            self._successes = 0
            self._epoch += 1
        pause = self.delay(attempt) if seconds is None else min(seconds, _LONGEST_PAUSE)
        until = self.clock() + pause
        if until > self._pause.until:
            self._pause = _Wait(reason, until, attempt)

    def delay(self, attempt: int) -> float:
        """Seconds before the next attempt: twice as long each time, between half and all of it by chance."""
        longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(attempt - 1, 30))
        return longest * (0.5 + 0.5 * self._chance())

    async def wait(self, reason: str, seconds: float, attempt: int) -> None:
        """Wait where screens can see it; raises Halted when a stop is heard first."""
        mark = object()
        self._waits[mark] = _Wait(reason, self.clock() + seconds, attempt)
        ends = (asyncio.ensure_future(self._sleep(seconds)), asyncio.ensure_future(self._stop.wait()))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._waits[mark]
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
        if self._stop.is_set():
            raise Halted
        ends[0].result()

    async def _enter(self) -> None:
        while True:
            while (rest := self._pause.until - self.clock()) > 0:
                # a little later by chance, so that not all come at the same moment; never earlier
                await self.wait(self._pause.reason, rest + min(rest, 1.0) * 0.25 * self._chance(), self._pause.attempt)
            if self._active < self._limit:
                self._active += 1
                return
            await self._queued()

    async def _queued(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._wake()  # the place was given to a task that is gone
            raise

    def _wake(self) -> None:
        free = self._limit - self._active
        while free > 0 and self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                free -= 1
