"""One gate per host: how many requests are under way, and when the next may go.

The limits: reference/apis.md section 1, Service protection, and section 3, Limits. Why the pace is found in this way:
docs/decisions/0012-the-pace.md.
"""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine.connectors.budget import NOTHING_TOLD, Budget
from engine.connectors.protocol import Halted
from engine.model.traffic import Traffic

WINDOW = 300.0
"""Seconds that service protection looks at: a longer pause is a mistake of the server."""
FIRST = 8
"""How many requests are let in at once as long as nobody says how many are welcome."""
_HINTED = 4
_MOST = 48
"""Of a service that recommends a parallelism: that many times it, to cover the way there and back, and at most so many
at once; Dataverse puts off what is above 52."""
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 1 / 20
"""Of the window."""
_HORIZON = 1 / 30
"""Of the window: what a service says is left is spread over as much time, and that is how long nothing is asked when
nothing is left, as only an answer tells that there is more again."""
_GLANCE = 0.25
DROPPED_AFTER = 2.0
"""Seconds that requests under way have once a stop is in force; then nobody waits for their answers any more."""
_HURRY = 1.0
"""Seconds until the next request may go for which a stop is not put off."""
_NEWEST = 0.2
"""How much the last request counts in what requests are expected to take."""


@dataclass(frozen=True, slots=True)
class _Wait:
    reason: str
    until: float
    attempt: int


class Gate:
    """Lets requests to one host pass.

    429 stops all of them for as long as the server says, and halves how many are let in at once when it is about that,
    or says no time; successes raise that by one at a time, up to `concurrency`, or, where that is None, to what the
    service recommends. What a service tells that is left is not used up at once. `window` is how many seconds its
    limits look at. `clock`, `sleep` and `chance` (0 to 1) can be replaced.

    While a stop is in force, a request ends with Halted instead of waiting for the end of a pause, for its next
    attempt, for a place, or for more than a second to keep the pace. After `DROPPED_AFTER` seconds none is let in, and
    what is under way `within` a time ends. A stop never makes a request go earlier than it may.
    """

    def __init__(
        self,
        name: str,
        concurrency: int | None = None,
        *,
        window: float = WINDOW,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if concurrency is not None and concurrency < 1:
            raise ValueError("a gate lets at least one request in")
        self.name = name
        self.clock = clock
        self._sleep = sleep
        self._chance = chance
        self._chosen = concurrency is not None
        self._most = FIRST if concurrency is None else concurrency
        self._limit = self._most
        self._window = window
        self._left = NOTHING_TOLD
        self._takes = 0.0
        self._active = 0
        self._line = asyncio.Lock()
        self._moved = asyncio.Event()
        self._last = -math.inf
        self._epoch = 0
        self._in_a_row = 0
        self._successes = 0
        self._pause = _Wait("", float("-inf"), 0)
        self._put_off, self._paused = 0, 0.0
        self._waits: dict[object, _Wait] = {}
        self._stop = asyncio.Event()
        self._drop_at = math.inf
        self._ends: dict[asyncio.Timeout, float] = {}

    @property
    def limit(self) -> int:
        """How many requests may be under way at once now."""
        return self._limit

    @property
    def traffic(self) -> Traffic:
        """How the requests go."""
        return Traffic(self.name, self._active, self._limit, self._left.used, self._put_off, round(self._paused, 1))

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
            self._moved.set()

    @asynccontextmanager
    async def within(self, seconds: float, *, to_its_end: bool = False) -> AsyncIterator[None]:
        """At most so many seconds for what the block waits for, then TimeoutError; unless it is to come `to_its_end`,
        fewer once a stop is in force.
        """
        end = _now() + seconds
        if to_its_end:
            async with asyncio.timeout_at(end):
                yield
            return
        async with asyncio.timeout_at(min(end, self._drop_at)) as limit:
            self._ends[limit] = end
            try:
                yield
            finally:
                del self._ends[limit]

    @property
    def stopping(self) -> bool:
        """Whether a stop is in force."""
        return self._stop.is_set()

    def halt(self, *, stop: bool) -> None:
        """Put a stop in force, or take it back."""
        if stop is self.stopping:
            return
        if stop:
            self._stop.set()
            self._moved.set()
            self._drop_at = _now() + DROPPED_AFTER
        else:
            self._stop.clear()
            self._drop_at = math.inf
        for limit, end in self._ends.items():
            if not limit.expired():
                limit.reschedule(min(end, self._drop_at))

    def succeeded(self, seconds: float = 0.0, budget: Budget = NOTHING_TOLD) -> None:
        """A request was served within `seconds`: after as many as are let in at once, one more is."""
        self._takes = seconds if self._takes == 0 else self._takes + _NEWEST * (seconds - self._takes)
        self._left = budget
        if budget.together is not None and not self._chosen:
            self._most = max(1, min(_MOST, budget.together * _HINTED))
            self._limit = min(self._limit, self._most)
        self._in_a_row = 0
        self._successes += 1
        if self._limit < self._most and self._successes >= self._limit:
            self._limit += 1
            self._successes = 0
        self._moved.set()

    def throttled(
        self, reason: str, seconds: float | None, attempt: int, epoch: int | None = None, *, crowded: bool = True
    ) -> None:
        """Stop all requests for a time. When it is `crowded`, fewer are let in at once from then on: half as many, and
        of those that were let in together, only the first has this effect.
        """
        if crowded and epoch == self._epoch:
            self._limit = max(1, self._limit // 2)
            self._successes = 0
            self._epoch += 1
            self._in_a_row += 1
        # who says no time is asked less and less often, whichever request asks
        pause = self.delay(max(attempt, self._in_a_row)) if seconds is None else min(seconds, self._window)
        until = self.clock() + pause
        if until > self._pause.until:
            now = self.clock()
            self._put_off += now >= self._pause.until
            self._paused += until - max(now, self._pause.until)
            self._pause = _Wait(reason, until, attempt)

    def delay(self, attempt: int) -> float:
        """Seconds before the next attempt: twice as long each time, between half and all of it by chance."""
        longest = min(_LONGEST_DELAY * self._window, _FIRST_DELAY * 2.0 ** min(attempt - 1, 30))
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
        async with self._line:  # the others stand behind, in the order in which they came
            while (rest := self._pause.until - self.clock()) > 0 or not await self._may_go():
                if rest > 0:
                    # a little later by chance, as others may use the same service; never earlier
                    later = min(rest, 1.0) * 0.25 * self._chance()
                    await self.wait(self._pause.reason, rest + later, self._pause.attempt)
            self._active += 1
            self._last = self.clock()

    async def _may_go(self) -> bool:
        """Whether there is a place and it is time; when not, some time has passed."""
        if _now() >= self._drop_at:
            raise Halted
        if self._active >= self._limit:
            if self.stopping:
                raise Halted  # let in now, it would be under way when nobody waits any more
            self._moved.clear()
            await self._moved.wait()
            return False
        rest = self._last + self._interval() - self.clock()
        if rest > 0:
            if rest > _HURRY and self._stop.is_set():
                raise Halted
            await self._sleep(min(rest, _GLANCE))  # meanwhile, answers tell anew what is left
            return False
        return True

    def _interval(self) -> float:
        """Seconds from the last request to the next one; 0 when the service does not tell what is left."""
        requests = [] if self._left.requests is None else [self._left.requests]
        if self._left.seconds is not None and self._takes > 0:
            # the service counts the time of a request at its end, so that of those under way is still in it
            requests.append(self._left.seconds / self._takes - self._active)
        if not requests:
            return 0.0
        return self._window * _HORIZON / max(min(requests), 1)


def _now() -> float:
    """By the clock of time limits."""
    return asyncio.get_running_loop().time()
