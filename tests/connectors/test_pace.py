"""The pace that the gate finds: at full scale in time that is only counted, then over HTTP with a shorter window."""

import asyncio
import random
import time
import uuid
from dataclasses import dataclass, field, replace

import pytest

from engine.connectors.budget import NOTHING_TOLD, Budget, read_budget
from engine.connectors.dataverse import Dataverse
from engine.connectors.gate import Gate
from engine.connectors.nav import NavPages
from engine.connectors.protocol import Query, Status, Write, WriteKind
from sandbox.demo import demo_seeds
from sandbox.front import Front
from sandbox.limits import BUSINESS_CENTRAL, DATAVERSE, Meter, Rules
from sandbox.load import crm_state, nav_state
from sandbox.serve import start_in_thread
from sandbox.throttle import Latency
from tests.connectors.conftest import COMPANY
from tests.connectors.virtual import VirtualLoop

MEASURED = 2400.0
"""Eight windows, after four in which the first burst is still felt."""
MUST = 0.80
GRACE = 0.25
"""Seconds in which a request may have been on its way when the service said 429."""


@dataclass
class Course:
    """What a client did to a service in the time that is measured."""

    executed: float = 0.0
    served: int = 0
    throttled: int = 0
    late: list[float] = field(default_factory=list)


async def busy(
    rules: Rules, execution: float, *, told: bool = True, others: float = 0.0, window: float | None = None
) -> Course:
    """Keep thirty tasks busy for an hour; `others` is what someone else uses per second meanwhile.

    `window` is the one that the gate expects, if not that of the rules.
    """
    loop = asyncio.get_running_loop()
    chance = random.Random(7)
    meter = Meter(rules, loop.time)
    gate = Gate("CRM", None if rules.tells else 5, window=window or rules.window, clock=loop.time, chance=chance.random)
    course = Course()
    end = MEASURED + 4 * rules.window

    async def request() -> None:
        attempt = 0
        while True:
            attempt += 1
            async with gate.slot() as epoch:
                started = loop.time()
                await asyncio.sleep(0.02)
                refusal = meter.arrive()
                if refusal is None:
                    takes = execution * chance.uniform(0.7, 1.3)
                    await asyncio.sleep(takes)
                    meter.leave(takes)
                    budget = Budget(meter.requests_left, meter.seconds_left, 4) if told else Budget(together=4)
                    await asyncio.sleep(0.02)
                    gate.succeeded(loop.time() - started, budget)
                    if end - MEASURED <= loop.time() < end:
                        course.executed += takes
                        course.served += 1
                    return
                course.throttled += 1
                await asyncio.sleep(0.02)
                crowded = refusal.code == "0x80072326" or not rules.tells
                gate.throttled("429", refusal.retry_after if rules.tells else None, attempt, epoch, crowded=crowded)

    async def work() -> None:
        while loop.time() < end:
            await request()

    async def someone_else() -> None:
        while others and loop.time() < end:
            await asyncio.sleep(1)
            if meter.arrive() is None:
                meter.leave(others)

    await asyncio.gather(someone_else(), *(work() for _ in range(30)))
    course.late = late(meter)
    return course


def late(meter: Meter) -> list[float]:
    """How far into pauses requests came that were not on their way when the pause began."""
    return [one.into_pause for one in meter.log if one.into_pause is not None and one.into_pause > GRACE]


def run(
    execution: float, rules: Rules = DATAVERSE, *, told: bool = True, others: float = 0.0, window: float | None = None
) -> Course:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(busy(rules, execution, told=told, others=others, window=window))


@pytest.mark.parametrize("execution", [0.142, 1.13])
def test_almost_all_that_the_service_protection_limits_of_dataverse_allow_is_used(execution: float) -> None:
    course = run(execution)
    share = max(course.executed / (4 * MEASURED), course.served / (20 * MEASURED))
    assert share >= 0.92
    assert course.throttled <= 0.01 * course.served
    assert course.late == []


def test_a_service_that_does_not_tell_what_is_left_is_used_as_well() -> None:
    course = run(1.13, told=False)
    assert course.executed / (4 * MEASURED) >= MUST
    assert course.throttled <= 0.02 * course.served
    assert course.late == []


def test_what_another_program_uses_of_the_same_user_is_left_to_it() -> None:
    course = run(1.13, others=2.0)
    assert course.executed / (2 * MEASURED) >= MUST
    assert course.throttled <= 0.02 * course.served


def test_of_a_window_that_is_shorter_than_expected_about_half_is_used_and_nothing_is_sent_inside_a_pause() -> None:
    """What docs/operations.md says of `coupler sandbox --limits-scale 30`."""
    course = run(0.142, DATAVERSE.scaled(30), window=300.0)
    assert 0.4 <= max(course.executed / (4 * MEASURED), course.served / (20 * MEASURED)) <= 0.65
    assert course.throttled <= 0.01 * course.served
    assert course.late == []


def test_business_central_which_never_says_how_long_to_wait_is_used_as_well() -> None:
    course = run(0.02, replace(BUSINESS_CENTRAL, queued=0), told=False)
    assert course.served / (20 * MEASURED) >= MUST
    assert course.throttled <= 0.01 * course.served


async def test_writing_over_http_uses_what_the_limits_allow_and_sends_nothing_inside_a_pause() -> None:
    """By execution time and by number, at once, for two windows of seven seconds."""
    rules = DATAVERSE.scaled(300 / 7)
    by_time, by_number = await asyncio.gather(
        windows(rules, batch=5, latency=Latency(0.05, 0.05)), windows(rules, batch=1, latency=Latency(0.01))
    )
    assert by_time[0] >= MUST
    assert by_number[1] >= MUST


async def windows(rules: Rules, *, batch: int, latency: Latency) -> tuple[float, float]:
    """Write for two windows; the shares of the execution time and of the requests that two windows allow."""
    seeds = demo_seeds(1)
    with start_in_thread(nav_state(seeds), crm_state(seeds), front=Front(crm_rules=rules, latency=latency)) as sandbox:
        crm = Dataverse(sandbox.crm_url, sandbox.token, batch=batch, gate=Gate("CRM", window=rules.window))
        assert all(step.ok for step in await crm.probe())
        started = time.monotonic()
        end = started + 2 * rules.window
        served = 0

        async def work() -> None:
            nonlocal served
            while time.monotonic() < end:
                rows = [
                    Write(str(n), WriteKind.CREATE, "accounts", str(uuid.uuid4()), {"name": "A"}) for n in range(batch)
                ]
                results = await crm.write(rows)
                assert {one.status for one in results.values()} == {Status.DONE}
                served += time.monotonic() < end

        await asyncio.gather(*(work() for _ in range(20)))
        await crm.close()
        (meter,) = sandbox.doors.crm_throttle.meters.values()
    refused = sum(bool(one.refused) for one in meter.log)
    assert refused <= 0.05 * len(meter.log)
    assert late(meter) == []
    return (
        served * (latency.request + batch * latency.record) / (2 * (rules.execution or 1.0)),
        served / (2 * rules.requests),
    )


async def test_business_central_is_asked_as_often_at_once_as_it_answers() -> None:
    seeds = demo_seeds(1)
    rules = BUSINESS_CENTRAL.scaled(30)
    front = Front(nav_rules=rules, latency=Latency(0.1))
    with start_in_thread(nav_state(seeds), crm_state(seeds), front=front) as sandbox:
        nav = NavPages(sandbox.nav_url, sandbox.token, COMPANY, gate=Gate("NAV", 5, window=rules.window))
        query = Query("Customer", "SystemId", ("SystemId",))
        started = time.monotonic()

        async def read() -> None:
            async for _ in nav.pages(query):
                pass

        await asyncio.gather(*(read() for _ in range(100)))
        took = time.monotonic() - started
        await nav.close()
        (meter,) = sandbox.doors.nav_throttle.meters.values()
    assert 100 * 0.1 / 5 / took >= MUST
    assert not any(one.refused for one in meter.log)


@pytest.mark.parametrize(
    ("headers", "budget"),
    [
        ({}, NOTHING_TOLD),
        (
            {
                "x-ms-ratelimit-burst-remaining-xrm-requests": "5999",
                "x-ms-ratelimit-time-remaining-xrm-requests": "1,199.85",
                "x-ms-dop-hint": "4",
            },
            Budget(5999.0, 1199.85, 4),
        ),
        ({"x-ms-ratelimit-burst-remaining-xrm-requests": "-1", "x-ms-dop-hint": "0"}, NOTHING_TOLD),
        ({"x-ms-ratelimit-time-remaining-xrm-requests": "00:19:59", "x-ms-dop-hint": "9" * 400}, NOTHING_TOLD),
    ],
)
def test_what_is_left_is_read_from_headers_and_what_cannot_be_read_says_nothing(
    headers: dict[str, str], budget: Budget
) -> None:
    assert read_budget(headers) == budget
