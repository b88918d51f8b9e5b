"""A stop that comes while the engine waits for a service that has put it off."""

import asyncio
import time
from collections.abc import Callable

import pytest

from engine.model.mapping import Direction
from engine.model.snapshot import RunSnapshot, RunState, Wish
from engine.runs import control
from tests.sync.faults import Fault, Plan, Seen, always, answered, at, posting, refused, through, writing
from tests.sync.test_lost_answers import ACCOUNTS, THREE, everything, once
from tests.sync.world import Make, World, counters

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
BUSY = answered(429, Retry_After="120")


async def stopped(world: World, plan: Plan, *, wish: Wish = Wish.STOP) -> RunSnapshot:
    """A run that is told to stop a second after it has begun; nothing is sent after that, and it ends soon."""
    world.time.real = True
    number = world.start("CUSTOMER", keep=False)
    sent = heard = 0.0

    async def tell() -> None:
        nonlocal sent, heard
        await asyncio.sleep(1)
        sent, heard = len(world.log), time.monotonic()
        control.wish(world.store, number, wish)

    telling = asyncio.create_task(tell())
    run = await world.work(number, plan=plan)
    await telling
    assert time.monotonic() - heard < 2
    assert len(world.log) == sent, "nothing is sent inside the pause"
    return run


@pytest.mark.parametrize(
    ("side", "match", "fault"),
    [
        ("nav", everything, BUSY),
        ("crm", everything, BUSY),
        ("crm", writing, BUSY),
        ("nav", lambda seen: seen.path.endswith("/Customer"), BUSY),
        ("nav", everything, refused),
    ],
    ids=["NAV's first answer", "CRM's first answer", "writes to CRM", "reads from NAV", "NAV is not there"],
)
async def test_a_stop_is_heard_in_a_wait_and_the_run_goes_on_later(
    make: Make, side: str, match: Callable[[Seen], bool], fault: Fault
) -> None:
    world = make(THREE, ACCOUNTS)
    run = await stopped(world, always(side, match, fault))
    assert (run.state, run.code) == (RunState.STOPPED, "stopped")
    run = await world.resume(run.id)
    assert run.state is RunState.FINISHED
    assert counters(run, "CUSTOMER", TO) == {"inserted": 3}
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3, "unchanged": 3}
    once(world, "CUSTOMER", 6)


async def test_a_run_is_cancelled_in_a_wait_too(make: Make) -> None:
    world = make(THREE)
    run = await stopped(world, always("crm", writing, BUSY), wish=Wish.CANCEL)
    assert (run.state, run.answer) == (RunState.CANCELLED, None)


@pytest.mark.parametrize("marker", ["CRM_Id", None])
@pytest.mark.parametrize("batch", [1, 100])
async def test_what_nav_was_not_sent_is_known_and_what_it_made_is_coupled(
    make: Make, marker: str | None, batch: int
) -> None:
    world = make({}, ACCOUNTS)
    world.set(marker_field=marker, batch=batch, settle_wait=600)
    run = await stopped(world, at("nav", posting, *([through] if batch == 1 else []), *[BUSY] * 9))
    assert run.state is RunState.STOPPED
    made = 1 if batch == 1 else 0
    assert (len(world.nav("Customer")), len(world.couplings("CUSTOMER"))) == (made, made)
    world.time.real = False
    run = await world.resume(run.id)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    assert world.time.waited < 60, "there is nothing to wait for"
    assert world.outcomes(run) == [], "and nothing is in doubt"
    once(world, "CUSTOMER", 3)


async def test_what_may_have_been_made_stays_in_doubt(make: Make) -> None:
    world = make({}, ACCOUNTS)
    world.set(marker_field=None, batch=1)
    run = await stopped(world, at("nav", posting, answered(500), *[BUSY] * 9))
    assert run.state is RunState.STOPPED
    run = await world.resume(run.id)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 2, "failed": 1}
    assert {one.code for one in world.outcomes(run)} == {"in_doubt"}


async def test_what_the_api_was_not_sent_is_not_in_doubt_before_ids_are_known_to_be_kept(make: Make) -> None:
    world = make({}, ACCOUNTS, kind="api")
    run = await stopped(world, at("nav", posting, *[BUSY] * 9))
    assert (run.state, world.nav("Customer")) == (RunState.STOPPED, [])
    world.time.real = False
    run = await world.resume(run.id)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    assert world.outcomes(run) == []
    once(world, "CUSTOMER", 3)
