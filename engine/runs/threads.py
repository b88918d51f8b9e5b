"""Threads that die unseen, as where memory is short: whoever waits for what one of them does would wait for ever."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_PREFIXES = ("store", "asyncio")
"""Of the names of threads that live as long as the event loop: those of the store, and of `asyncio.to_thread`."""


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Have the process killed when a block takes longer. A thread that dies while it starts leaves the one that started
    it waiting, out of which nothing else leads.
    """
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


async def end_with_threads(tell: Callable[[], object], seconds: float = 5.0) -> None:
    """Watch the threads that work for this event loop, and end the process when one of them has died.

    It ends at once, as if it were killed, after `tell` was called: what still waits could not end in any other way.
    """
    alive: set[threading.Thread] = set()
    with suppress(MemoryError):
        while True:
            known, alive = alive, {one for one in threading.enumerate() if one.name.startswith(_PREFIXES)}
            if not known <= alive:
                break
            await asyncio.sleep(seconds)
    with suppress(Exception):
        tell()
    os._exit(os.EX_SOFTWARE)
