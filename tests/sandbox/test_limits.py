"""`coupler sandbox --limits`: what one user may use, as the two services say it."""

import asyncio
import itertools

import httpx
import pytest

from sandbox.crm.state import CrmState
from sandbox.front import Front
from sandbox.limits import BUSINESS_CENTRAL, DATAVERSE, Meter, Rules
from sandbox.load import Seeds, nav_state
from sandbox.serve import Sandbox, running
from sandbox.throttle import Latency
from tests.sandbox.nav_tools import ROWS

SMALL = Rules(window=300, requests=3, execution=10, concurrent=2)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def used(meter: Meter, seconds: float) -> None:
    assert meter.arrive() is None
    meter.leave(seconds)


def test_the_figures_are_those_of_the_services() -> None:
    assert (DATAVERSE.requests, DATAVERSE.execution, DATAVERSE.concurrent, DATAVERSE.window) == (6000, 1200, 52, 300)
    assert (BUSINESS_CENTRAL.requests, BUSINESS_CENTRAL.concurrent, BUSINESS_CENTRAL.queued) == (6000, 5, 95)


def test_a_shorter_window_has_the_same_rates_and_the_same_concurrency() -> None:
    small = DATAVERSE.scaled(30)
    assert (small.window, small.requests, small.execution, small.concurrent) == (10, 200, 40, 52)
    assert BUSINESS_CENTRAL.scaled(30).patience == 16


def test_more_requests_than_the_window_takes_are_told_when_the_first_has_left_it() -> None:
    clock = Clock()
    meter = Meter(SMALL, clock)
    for clock.now in (0.0, 100.0, 200.0):
        used(meter, 0.1)
    clock.now = 250.5
    refusal = meter.arrive()
    assert refusal is not None
    assert (refusal.code, refusal.retry_after) == ("0x80072322", 50)
    assert refusal.message == "Number of requests exceeded the limit of 3 over time window of 300 seconds."
    clock.now = 300.5
    used(meter, 0.1)


def test_execution_time_is_counted_at_the_end_of_a_request_and_adds_up() -> None:
    clock = Clock()
    meter = Meter(SMALL, clock)
    used(meter, 9.9)
    clock.now = 10.0
    used(meter, 5.0)
    refusal = meter.arrive()
    assert refusal is not None
    assert (refusal.code, refusal.retry_after) == ("0x80072321", 290)
    assert "exceeded limit of 10,000 milliseconds over time window of 300 seconds." in refusal.message
    assert (meter.requests_left, meter.seconds_left) == (1, 0.0)
    clock.now = 300.0
    assert meter.seconds_left == pytest.approx(5.0)


def test_too_many_at_once_are_refused_and_let_in_when_one_is_done() -> None:
    meter = Meter(SMALL, Clock())
    assert meter.arrive() is None
    assert meter.arrive() is None
    refusal = meter.arrive()
    assert refusal is not None
    assert (refusal.code, refusal.message) == (
        "0x80072326",
        "Number of concurrent requests exceeded the limit of 2.",
    )
    meter.leave(0.1)
    assert meter.arrive() is None


def test_who_does_not_wait_waits_longer_and_is_in_the_log() -> None:
    clock = Clock()
    meter = Meter(SMALL, clock)
    for _ in range(3):
        used(meter, 0.1)
    told = []
    for clock.now in (10.0, 11.0, 12.0):
        refusal = meter.arrive()
        assert refusal is not None
        told.append(clock.now + refusal.retry_after)
    assert told == [300.0, 301.0, 302.0]
    assert [one.into_pause for one in meter.log] == [None, None, None, None, 1.0, 1.0]
    clock.now = 303.0
    used(meter, 0.1)
    assert meter.log[-1].into_pause is None


async def ask(sandbox: Sandbox, url: str, count: int, token: str | None = None) -> list[httpx.Response]:
    headers = {"Authorization": f"Bearer {token or sandbox.token}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=10) as client:
        return list(await asyncio.gather(*(client.get(url) for _ in range(count))))


async def test_dataverse_says_429_with_code_and_time_and_always_what_is_left() -> None:
    rules = Rules(window=300, requests=3, execution=100, concurrent=52)
    front = Front(crm_rules=rules, latency=Latency(0.05))
    async with running(nav_state(Seeds(ROWS, {})), CrmState.build(), front=front) as sandbox:
        first = (await ask(sandbox, f"{sandbox.crm_url}/WhoAmI", 1))[0]
        assert first.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == "2"
        assert 99.9 <= float(first.headers["x-ms-ratelimit-time-remaining-xrm-requests"]) <= 99.96
        assert "retry-after" not in first.headers
        answers = await ask(sandbox, f"{sandbox.crm_url}/WhoAmI", 4)
        assert sorted(one.status_code for one in answers) == [200, 200, 429, 429]
        refused = next(one for one in answers if one.status_code == 429)
        assert refused.json()["error"]["code"] == "0x80072322"
        assert 299 <= int(refused.headers["retry-after"]) <= 302
        assert refused.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == "0"
        nav = (await ask(sandbox, f"{sandbox.nav_url}/Company", 9))[8]
        assert nav.status_code == 200
        assert "x-ms-ratelimit-burst-remaining-xrm-requests" not in nav.headers


async def test_the_limits_are_of_a_user() -> None:
    front = Front(crm_rules=Rules(window=300, requests=2, execution=100, concurrent=52))
    async with running(nav_state(Seeds(ROWS, {})), CrmState.build(), front=front) as sandbox:
        url = f"{sandbox.crm_url}/WhoAmI"
        assert [one.status_code for one in await ask(sandbox, url, 3, token="someone-else")].count(429) == 1
        assert [one.status_code for one in await ask(sandbox, url, 2)] == [200, 200]


async def test_business_central_works_on_five_at_once_lets_others_queue_and_refuses_what_is_more() -> None:
    rules = Rules(window=300, requests=6000, execution=None, concurrent=5, queued=7, patience=60, tells=False)
    async with running(
        nav_state(Seeds(ROWS, {})), CrmState.build(), front=Front(nav_rules=rules, latency=Latency(0.2))
    ) as sandbox:
        loop = asyncio.get_running_loop()
        started = loop.time()
        answers = await ask(sandbox, f"{sandbox.nav_url}/Company", 14)
        assert sorted(one.status_code for one in answers) == [200] * 12 + [429] * 2
        assert loop.time() - started >= 0.6, "in three turns"
        refused = next(one for one in answers if one.status_code == 429)
        assert "retry-after" not in refused.headers
        assert refused.json()["error"]["code"]


async def test_business_central_has_no_patience_for_those_who_queue_too_long() -> None:
    rules = Rules(window=300, requests=6000, execution=None, concurrent=1, queued=9, patience=0.1, tells=False)
    async with running(
        nav_state(Seeds(ROWS, {})), CrmState.build(), front=Front(nav_rules=rules, latency=Latency(0.4))
    ) as sandbox:
        answers = await ask(sandbox, f"{sandbox.nav_url}/Company", 2)
        assert sorted(one.status_code for one in answers) == [200, 503]
        assert [one.status_code for one in await ask(sandbox, f"{sandbox.nav_url}/Company", 1)] == [200]


async def test_latency_is_of_a_request_and_of_each_record_in_it_or_in_its_answer() -> None:
    state = CrmState.build()
    for number in range(30):
        state.seed("accounts", {"name": f"Account {number}"})
    targets = [{"@odata.type": "Microsoft.Dynamics.CRM.account", "name": f"B{number}"} for number in range(40)]
    parts = "".join(
        f"--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"GET /api/data/v9.2/accounts?$top=0&$select=name&x={number} HTTP/1.1\r\n\r\n\r\n"
        for number in range(20)
    )
    async with (
        running(nav_state(Seeds(ROWS, {})), state, front=Front(latency=Latency(0.1, 0.01))) as sandbox,
        httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {sandbox.token}"}) as client,
    ):
        loop = asyncio.get_running_loop()
        times = [loop.time()]
        answers = [await client.get(f"{sandbox.crm_url}/WhoAmI")]
        times.append(loop.time())
        answers.append(await client.get(f"{sandbox.crm_url}/accounts?$select=name"))
        times.append(loop.time())
        answers.append(
            await client.post(
                f"{sandbox.crm_url}/accounts/Microsoft.Dynamics.CRM.CreateMultiple", json={"Targets": targets}
            )
        )
        times.append(loop.time())
        content = f"{parts}--b--\r\n".encode()
        headers = {"Content-Type": "multipart/mixed; boundary=b"}
        answers.append(await client.post(f"{sandbox.crm_url}/$batch", content=content, headers=headers))
        times.append(loop.time())
    assert [one.status_code for one in answers[:3]] == [200, 200, 200]
    took = [end - start for start, end in itertools.pairwise(times)]
    for seconds, least in zip(took, (0.1, 0.4, 0.5, 0.3), strict=True):
        assert least <= seconds < least + 0.5
