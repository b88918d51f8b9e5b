import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest

from engine.connectors.client import Limits, ODataClient
from engine.connectors.dataverse import Dataverse
from engine.connectors.gate import Gate
from engine.connectors.nav import NavPages
from engine.connectors.protocol import CutShort, Halted, Side, Write, how_far
from sandbox.demo import demo_seeds
from sandbox.load import crm_state, nav_state
from sandbox.serve import Sandbox, start_in_thread
from tests.connectors.scripted import Server, serving

TOKEN = "canary-token"
COMPANY = "CRONUS International Ltd."


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.texts: list[str] = []
        self.gate: Gate | None = None

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.gate is not None:
            self.texts.append(self.gate.waiting)
        await asyncio.sleep(0)
        self.now += seconds

    def make_gate(self, name: str = "CRM", concurrency: int = 8, chance: float = 1.0) -> Gate:
        self.gate = Gate(name, concurrency, clock=self.clock, sleep=self.sleep, chance=lambda: chance)
        return self.gate


async def stopped(side: Side, writes: Sequence[Write]) -> Halted:
    """What a call that writes raises when a stop is heard while it is put off."""
    writing = asyncio.create_task(side.write(writes))
    async with asyncio.timeout(30):
        while not side.waiting:  # noqa: ASYNC110 - a gate has no event for it
            await asyncio.sleep(0.01)
    side.halt(stop=True)
    with pytest.raises(Halted) as stop:
        await writing
    return stop.value


async def broken_off(side: Side, writes: Sequence[Write], kind: type[Exception]) -> CutShort:
    """What is known of writes that an error of this kind ends."""
    with pytest.raises(kind) as end:
        await side.write(writes)
    return how_far(end.value)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as one:
        yield one


@pytest.fixture
async def client(server: Server, time: Time) -> AsyncIterator[ODataClient]:
    one = ODataClient("CRM", server.url, TOKEN, gate=time.make_gate(), limits=Limits(connect=2, read=2, total=3))
    yield one
    await one.close()


Make = Callable[..., Any]


@pytest.fixture
async def make_crm(server: Server, time: Time) -> AsyncIterator[Make]:
    made: list[Dataverse] = []

    def make(**more: Any) -> Dataverse:
        options = {"gate": time.make_gate(), "limits": Limits(connect=2, read=2, total=3), **more}
        made.append(Dataverse(server.url, TOKEN, **options))
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.fixture
async def make_nav(server: Server, time: Time) -> AsyncIterator[Make]:
    made: list[NavPages] = []

    def make(**more: Any) -> NavPages:
        options = {"gate": time.make_gate("NAV", 5), "limits": Limits(connect=2, read=2, total=3), **more}
        made.append(NavPages(server.url, TOKEN, COMPANY, **options))
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    seeds = demo_seeds(60)
    with start_in_thread(nav_state(seeds), crm_state(seeds)) as one:
        yield one


@pytest.fixture
async def crm(sandbox: Sandbox) -> AsyncIterator[Dataverse]:
    one = Dataverse(sandbox.crm_url, sandbox.token)
    yield one
    await one.close()


@pytest.fixture
async def nav(sandbox: Sandbox) -> AsyncIterator[NavPages]:
    one = NavPages(sandbox.nav_url, sandbox.token, COMPANY, marker="CRM_Id")
    yield one
    await one.close()
