"""Reading the store for a screen: in a thread, one read at a time, a few times a second.

The loop that paints never waits for the store, and a slow store makes for fewer reads, not for a queue of them.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, NoReturn, TypeVar

from engine.model.errors import CouplerError

T = TypeVar("T")


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
        while True:
            if self._seen():
                try:
                    value = await asyncio.to_thread(self._read)
                except CouplerError as error:
                    if self._seen():
                        self._complain(error)
                else:
                    # While the thread read, the screen may have been closed.
                    if self._seen():
                        self._complain(None)
                        self._show(value)
            try:
                await asyncio.wait_for(self._woken.wait(), self._pause)
            except TimeoutError:
                continue
            self._woken.clear()
