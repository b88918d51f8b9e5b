"""How often the store is read for a screen."""

import asyncio
from time import monotonic, thread_time
from typing import Any

import pytest

from tests.tui.script import ScriptedDoor
from tests.tui.test_long_lists import LISTS
from tui.look import Look
from tui.poll import SHARE, Poll
from tui.screens import page
from tui.screens.setup import Setup

SECONDS = 2.0


def busy(took: float) -> float:
    """Keeps a processor busy for so long; when that was over."""
    begun = thread_time()
    while thread_time() - begun < took:
        pass
    return monotonic()


async def reads(took: float, hz: float) -> int:
    """How often it is read in two seconds, after the first time, when a read takes so long."""
    shown = asyncio.Queue[float]()
    poll = Poll(lambda: busy(took), shown.put_nowait, lambda _: None, seen=lambda: True, hz=hz)
    task = asyncio.create_task(poll.forever())
    await shown.get()
    await asyncio.sleep(SECONDS)
    task.cancel()
    return shown.qsize()


async def test_reads_that_take_long_come_less_often() -> None:
    took = 0.02
    assert 1 <= await reads(took, 20) <= SECONDS * SHARE / took + 1
    assert await reads(0.0, 20) > SECONDS * SHARE / took + 1


async def test_what_was_just_done_is_read_at_once_also_where_reads_take_long() -> None:
    took, shown = 0.1, asyncio.Queue[float]()
    poll = Poll(lambda: busy(took), shown.put_nowait, lambda _: None, seen=lambda: True, hz=20)
    task = asyncio.create_task(poll.forever())
    for _ in range(2):
        await shown.get()
    woken = monotonic()
    poll.wake()
    assert await shown.get() - woken < took / SHARE / 2
    task.cancel()


SCREENS = {name: make for name, (make, _) in LISTS.items() if not name.startswith("planned")} | {"setup": Setup}
"""All screens that read again and again; what a plan would do is read once."""


@pytest.mark.parametrize("name", SCREENS)
def test_each_screen_reads_as_often_as_the_operator_wants(
    door: ScriptedDoor, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made: list[float] = []

    def poll(*arguments: Any, hz: float, **named: Any) -> Poll[Any]:
        made.append(hz)
        return Poll(*arguments, hz=hz, **named)

    monkeypatch.setattr(page, "Poll", poll)
    for hz in (4.0, 1.0):
        SCREENS[name](door, Look(hz=hz))
    usual, slow = made
    assert 0 < usual <= 4
    assert slow == usual / 4
