"""The loop that everything here runs on."""

import asyncio
from random import Random

import pytest

from tests.sim.agenda import Agenda
from tests.sim.loop import Killed, Stuck, VirtualLoop


def loop_of(kill_at: int | None = None) -> VirtualLoop:
    loop = VirtualLoop(Agenda(), Random(0))
    loop.kill_at = kill_at
    return loop


def test_waiting_takes_no_time_and_the_clock_says_that_it_did() -> None:
    loop = loop_of()

    async def wait() -> float:
        await asyncio.sleep(86_400)
        return loop.time()

    assert loop.run_until_complete(wait()) == 86_400
    loop.close()


def test_jobs_for_threads_are_done_in_order_and_in_this_thread() -> None:
    loop = loop_of()
    done: list[int] = []

    async def work() -> None:
        await asyncio.gather(*(asyncio.to_thread(done.append, number) for number in range(20)))

    loop.run_until_complete(work())
    loop.close()
    assert done == list(range(20))


def test_the_world_acts_between_the_steps() -> None:
    agenda = Agenda()
    loop = VirtualLoop(agenda, Random(0))
    seen: list[str] = []
    agenda.after(1, lambda: seen.append("world"))

    async def work() -> None:
        seen.append("before")
        await asyncio.sleep(2)
        seen.append("after")

    loop.run_until_complete(work())
    loop.close()
    assert seen == ["before", "world", "after"]


def test_a_timeout_is_one_of_virtual_time() -> None:
    loop = loop_of()

    async def work() -> None:
        async with asyncio.timeout(300):
            await loop.create_future()

    with pytest.raises(TimeoutError):
        loop.run_until_complete(work())
    assert loop.time() == 300
    loop.close()


def test_a_killed_loop_stops_before_the_step() -> None:
    done: list[int] = []

    async def work() -> None:
        for number in range(9):
            done.append(number)
            await asyncio.sleep(1)

    whole = loop_of()
    whole.run_until_complete(work())
    whole.close()
    everything, done[:] = list(done), []
    loop = loop_of(kill_at=whole.steps // 2)
    task = loop.create_task(work())
    with pytest.raises(Killed):
        loop.run_until_complete(task)
    assert 0 < len(done) < len(everything)
    loop.doomed = False
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()


def test_who_waits_for_nothing_is_found_out() -> None:
    loop = loop_of()

    async def wait() -> None:
        await loop.create_future()

    task = loop.create_task(wait())
    with pytest.raises(Stuck):
        loop.run_until_complete(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
