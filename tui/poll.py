"""Reading the store for a screen: in a thread, one read at a time, a few times a second.

The loop that paints never waits for the store, and a slow store makes for fewer reads, not for a queue of them. So does
one that is so large that a read takes long: reading takes no more than a small part of a processor.
"""

import asyncio
from collections.abc import Callable
from time import thread_time
from typing import Generic, NoReturn, TypeVar

from engine.model.errors import CouplerError

T = TypeVar("T")

RUN, LOG, LISTS, RARELY = 1.0, 0.5, 0.25, 0.125
"""How often screens read, as a part of `refresh_hz` in the configuration: more often what moves faster."""
SHARE = 0.04
"""Of a core, what the reads of a screen may take."""


class Poll(Generic[T]):
    """Reads again and again while the screen is to be seen; `wake` reads at once."""

    def __init__(
        self,
        read: Callable[[], T],
        show: Callable[[T], None],
        complain: Callable[[CouplerError | None], None],
        *,
        seen: Callable[[], bool],
        hz: float,
    ) -> None:
        self._read = read
        self._show = show
        self._complain = complain
        self._seen = seen
        self._pause = 1 / max(hz, 0.1)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Makes the next read happen now, for what the operator just did."""
        self._woken.set()

    async def forever(self) -> NoReturn:
        """Runs until it is cancelled. What goes wrong with the store is shown, and tried again."""
        opened = False
        while True:
            pause = self._pause
            if self._seen():
                try:
                    value, took = await asyncio.to_thread(self._timed)
                except CouplerError as error:
                    if self._seen():
                        self._complain(error)
                else:
                    if opened:  # the first read may open the store, which it does only once
                        pause = max(pause, took / SHARE)
                    opened = True
                    # While the thread read, the screen may have been closed.
                    if self._seen():
                        self._complain(None)
                        self._show(value)
            try:
                await asyncio.wait_for(self._woken.wait(), pause)
            except TimeoutError:
                continue
            self._woken.clear()

    def _timed(self) -> tuple[T, float]:
        """What was read, and the seconds of CPU time that it took."""
        begun = thread_time()
        return self._read(), thread_time() - begun
