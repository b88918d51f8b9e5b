"""How often the store is read for a screen."""

import asyncio
from time import monotonic, thread_time

from tui.poll import SHARE, Poll

SECONDS = 2.0


async def reads(took: float, hz: float) -> int:
    """How often it is read in two seconds, after the first time, when each read keeps a processor busy for so long."""
    made: list[int] = []

    def read() -> int:
        begun = thread_time()
        while thread_time() - begun < took:
            pass
        return 1

    poll = Poll(read, made.append, lambda _: None, seen=lambda: True, hz=hz)
    task = asyncio.create_task(poll.forever())
    while not made:
        await asyncio.sleep(0.01)
    await asyncio.sleep(SECONDS)
    task.cancel()
    return len(made) - 1


async def test_reads_that_take_long_come_less_often() -> None:
    took = 0.02
    assert 1 <= await reads(took, 20) <= SECONDS * SHARE / took + 1
    assert await reads(0.0, 20) > SECONDS * SHARE / took + 1


async def test_what_was_just_done_is_read_at_once_also_where_reads_take_long() -> None:
    made: list[float] = []

    def read() -> float:
        begun = thread_time()
        while thread_time() - begun < 0.1:
            pass
        return monotonic()

    poll = Poll(read, made.append, lambda _: None, seen=lambda: True, hz=20)
    task = asyncio.create_task(poll.forever())
    while len(made) < 2:
        await asyncio.sleep(0.01)
    woken = monotonic()
    poll.wake()
    while len(made) < 3:
        await asyncio.sleep(0.01)
    task.cancel()
    assert made[2] - woken < 0.1 / SHARE / 2
