"""A deterministic event loop: virtual time, one thread, every callback a step at which the engine may be killed.

Callbacks run in the order in which asyncio promises to run them; chance lies in how long things take. Jobs for
threads run on the loop, one after the other, as the store's only writer thread does them.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from tests.sim.agenda import Agenda

_LONGEST_JOB = 0.004
"""Seconds that the store takes for a job, at most."""


class Killed(BaseException):
    """The process is gone."""


class Stuck(Exception):
    """Nothing is going to happen any more, and somebody still waits."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs on the time of an agenda, whose events come between the steps. `kill_at` is the step that is not done, once
    `doomed` is false it is done too.
    """

    def __init__(self, agenda: Agenda, random: Random) -> None:
        super().__init__()
        self._agenda = agenda
        self._random = random
        self._jobs: deque[tuple[asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]] = deque()
        self._worker_free = 0.0
        self.kill_at: int | None = None
        self.doomed = True
        self.steps = 0

    def time(self) -> float:
        """The present moment."""
        return self._agenda.now

    def run_in_executor(  # type: ignore[override]  # any executor is the one worker
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Have the only worker do a job once it has done the others."""
        del executor
        future = self.create_future()
        self._jobs.append((future, func, args))
        self._worker_free = max(self._worker_free, self.time()) + self._random.random() * _LONGEST_JOB
        self.call_at(self._worker_free, self._do_job)
        return future

    def _do_job(self) -> None:
        future, func, args = self._jobs.popleft()
        if future.cancelled():
            return
        try:
            result = func(*args)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits gets it
            future.set_exception(error)
        else:
            future.set_result(result)

    def _run_once(self) -> None:
        ready: deque[asyncio.Handle] = self._ready  # type: ignore[attr-defined]
        while not ready:
            self._advance()
        if not ready[0].cancelled():
            if self.doomed and self.steps + 1 == self.kill_at:
                raise Killed
            self.steps += 1
            ready.popleft()._run()
        else:
            ready.popleft()

    def _advance(self) -> None:
        """Go to the next moment at which something happens, here or in the world."""
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        while timers and timers[0].cancelled():
            heapq.heappop(timers)._scheduled = False  # type: ignore[attr-defined]
        world = self._agenda.next()
        if timers and (world is None or timers[0].when() <= world):
            timer = heapq.heappop(timers)
            timer._scheduled = False  # type: ignore[attr-defined]
            self._agenda.now = max(self._agenda.now, timer.when())
            self._ready.append(timer)  # type: ignore[attr-defined]
        elif world is not None:
            self._agenda.step()
        else:
            raise Stuck

    def _process_events(self, event_list: object) -> None:
        """There are no sockets."""

    def _write_to_self(self) -> None:
        """There is nobody to wake up."""
