import asyncio

import pytest

from engine.connectors.budget import NOTHING_TOLD, Budget
from engine.connectors.gate import Gate
from engine.connectors.protocol import Halted
from engine.model.traffic import Traffic
from tests.connectors.conftest import Time


async def test_no_more_requests_than_the_limit_are_under_way() -> None:
    gate = Gate("CRM", 3)
    active = most = 0

    async def one() -> None:
        nonlocal active, most
        async with gate.slot():
            active += 1
            most = max(most, active)
            await asyncio.sleep(0)
            active -= 1

    await asyncio.gather(*(one() for _ in range(50)))
    assert (active, most) == (0, 3)


async def test_a_cancelled_task_gives_its_turn_to_the_next() -> None:
    gate = Gate("CRM", 1)
    entered: list[str] = []
    leave = asyncio.Event()

    async def first() -> None:
        async with gate.slot():
            entered.append("a")
            await leave.wait()
        others[0].cancel()  # it has been given the place, and is gone before it takes it

    async def other(name: str) -> None:
        async with gate.slot():
            entered.append(name)

    task = asyncio.create_task(first())
    await asyncio.sleep(0)
    others = [asyncio.create_task(other(name)) for name in "bc"]
    await asyncio.sleep(0)
    leave.set()
    await task
    await asyncio.wait_for(others[1], 1)
    assert entered == ["a", "c"]


async def test_a_pause_stops_every_task_of_the_host_and_never_ends_early(time: Time) -> None:
    gate = time.make_gate(chance=0.0)
    gate.throttled("429", 4, attempt=2)
    passed: list[float] = []

    async def one() -> None:
        async with gate.slot():
            passed.append(time.now)

    await asyncio.gather(*(one() for _ in range(3)))
    assert min(passed) >= 1004
    assert time.texts[0] == "CRM again in 4 s (attempt 2): 429"
    assert gate.waiting == ""


@pytest.mark.parametrize(("seconds", "pause"), [(1e9, 300.0), (0, 0.0), (None, 0.5), (299, 299.0)])
async def test_a_pause_is_as_long_as_the_server_says_within_reason(
    time: Time, seconds: float | None, pause: float
) -> None:
    gate = time.make_gate()
    gate.throttled("429", seconds, attempt=1)
    async with gate.slot():
        waited = time.now - 1000
    assert pause <= waited <= pause + 0.25 * min(pause, 1)


async def test_a_shorter_pause_does_not_shorten_a_longer_one(time: Time) -> None:
    gate = time.make_gate(chance=0.0)
    gate.throttled("429", 50, attempt=1)
    gate.throttled("429", 1, attempt=1)
    async with gate.slot():
        assert time.now == 1050


async def test_429_halves_once_for_requests_let_in_together_and_success_raises_by_one(time: Time) -> None:
    gate = time.make_gate(concurrency=8)
    async with gate.slot() as first, gate.slot() as second:
        gate.throttled("429", 0, 1, first)
        gate.throttled("429", 0, 1, second)
    assert gate.limit == 4
    for _ in range(4):
        gate.succeeded()
    assert gate.limit == 5
    for _ in range(100):
        gate.succeeded()
    assert gate.limit == 8, "never more than at first"
    for _ in range(9):
        async with gate.slot() as epoch:
            gate.throttled("429", 0, 1, epoch)
    assert gate.limit == 1, "never none"


async def test_how_requests_go_is_told(time: Time) -> None:
    gate = time.make_gate(concurrency=4)
    assert gate.traffic == Traffic("CRM", 0, 4), "a service that does not tell what is left"
    async with gate.slot(), gate.slot():
        gate.succeeded(1.0, Budget(1_500, 1_200))
        assert gate.traffic == Traffic("CRM", 2, 4, 0.75)
        gate.succeeded(1.0, Budget(6_000, 120))
        assert gate.traffic.used == pytest.approx(0.9), "by whichever is scarcer"
        gate.succeeded(1.0, Budget(9_000, 1_300))
        assert gate.traffic.used == 0, "who allows more than is documented"


async def test_pauses_that_a_service_asked_for_are_counted_once_however_many_requests_hear_of_them(time: Time) -> None:
    gate = time.make_gate(concurrency=4, chance=0.0)
    gate.throttled("429", 4, 1)
    gate.throttled("429", 3, 1)
    gate.throttled("429", 6, 1)
    assert (gate.traffic.put_off, gate.traffic.paused) == (1, 6.0)
    async with gate.slot():
        gate.throttled("429", 2, 1)
    assert (gate.traffic.put_off, gate.traffic.paused) == (2, 8.0)


async def test_growth_lets_those_who_wait_in(time: Time) -> None:
    gate = time.make_gate(concurrency=2)
    async with gate.slot() as epoch:
        gate.throttled("429", 0, 1, epoch)
        waiting = asyncio.create_task(gate.slot().__aenter__())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        gate.succeeded()
        await asyncio.wait_for(waiting, 1)


async def test_a_service_that_says_no_time_is_asked_less_often_whichever_request_asks(time: Time) -> None:
    gate = time.make_gate()
    pauses = []
    for _ in range(4):
        async with gate.slot() as epoch:
            before = time.now
            gate.throttled("429", None, 1, epoch)
            gate.throttled("429", None, 1, epoch)
        async with gate.slot():
            pauses.append(time.now - before)
    assert [round(one) for one in pauses] == [1, 1, 2, 4]
    async with gate.slot():
        gate.succeeded()
    async with gate.slot() as epoch:
        before = time.now
        gate.throttled("429", None, 1, epoch)
    async with gate.slot():
        assert time.now - before < 1


async def test_what_is_left_is_spread_over_a_thirtieth_of_the_window(time: Time) -> None:
    gate = time.make_gate()

    async def gap(budget: Budget, took: float = 1.0) -> float:
        async with gate.slot():
            started = time.now
            gate.succeeded(took, budget)
        async with gate.slot():
            return time.now - started

    assert await gap(NOTHING_TOLD) == 0
    assert await gap(Budget(requests=5)) == pytest.approx(2)
    assert await gap(Budget(seconds=20.0)) == pytest.approx(0.5)
    assert await gap(Budget(requests=5, seconds=20.0)) == pytest.approx(2), "the scarcer one counts"
    assert await gap(Budget(requests=0)) == pytest.approx(10), "then an answer is needed to learn more"
    assert await gap(NOTHING_TOLD) == 0


async def test_a_longer_wait_ends_when_an_answer_tells_of_more(time: Time) -> None:
    gate = time.make_gate()
    async with gate.slot():
        gate.succeeded(0.1, Budget(requests=0))
        started = time.now
        waiting = asyncio.create_task(gate.slot().__aenter__())
        await asyncio.sleep(0)
        gate.succeeded(0.1, Budget(requests=6000))
        await waiting
    assert time.now - started <= 0.25


@pytest.mark.parametrize(("hint", "most"), [(1, 4), (4, 16), (100, 48)])
async def test_without_a_number_of_ours_the_service_says_how_many_at_once(time: Time, hint: int, most: int) -> None:
    free, ours = Gate("CRM"), Gate("CRM", 8)
    assert free.limit == 8
    for _ in range(3000):
        free.succeeded(0.1, Budget(together=hint))
        ours.succeeded(0.1, Budget(together=hint))
    assert (free.limit, ours.limit) == (most, 8)


def test_delays_double_up_to_a_limit_and_vary_by_chance() -> None:
    longest = Gate("CRM", 1, chance=lambda: 1.0)
    shortest = Gate("CRM", 1, chance=lambda: 0.0)
    assert [longest.delay(attempt) for attempt in (1, 2, 3, 4, 5, 6, 7, 10_000)] == [0.5, 1, 2, 4, 8, 15, 15, 15]
    assert [shortest.delay(attempt) for attempt in (1, 6)] == [0.25, 7.5]


async def test_the_longest_wait_is_what_screens_show(time: Time) -> None:
    gate = time.make_gate()
    gate._sleep = asyncio.sleep
    waits = [asyncio.create_task(gate.wait("503", seconds, 3)) for seconds in (20, 50, 30)]
    await asyncio.sleep(0)
    assert gate.waiting == "CRM again in 50 s (attempt 3): 503"
    time.now += 49.6
    assert gate.waiting == "CRM again in 0 s (attempt 3): 503"
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    assert gate.waiting == ""


def test_a_gate_lets_someone_in() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Gate("CRM", 0)


async def test_a_stop_ends_every_wait_and_nothing_passes_until_the_pause_is_over() -> None:
    gate = Gate("CRM", 8)
    gate.throttled("429", 60, attempt=1)
    passed: list[int] = []

    async def one(number: int) -> None:
        async with gate.slot():
            passed.append(number)

    waiting = [asyncio.create_task(one(number)) for number in range(3)]
    await asyncio.sleep(0)
    gate.halt(stop=True)
    ends = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 1)
    assert [type(end) for end in ends] == [Halted] * 3
    assert gate.waiting == ""
    with pytest.raises(Halted):
        await one(4)
    gate.halt(stop=False)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(one(5), 0.05)
    assert passed == []


async def test_a_stop_sends_those_away_who_wait_for_a_place() -> None:
    gate = Gate("CRM", 1)
    async with gate.slot():
        waiting = asyncio.create_task(gate.slot().__aenter__())
        await asyncio.sleep(0)
        gate.halt(stop=True)
        with pytest.raises(Halted):
            await asyncio.wait_for(waiting, 1)
    async with gate.slot():
        pass


async def test_a_stop_lets_what_need_not_wait_pass() -> None:
    gate = Gate("CRM", 1)
    gate.halt(stop=True)
    async with gate.slot():
        pass
    with pytest.raises(Halted):
        await gate.wait("cannot be reached", 60, 1)
