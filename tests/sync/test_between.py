"""What happens between sending and settling: late creates, edits of others, a cancel in the last moment."""

import asyncio
import time

import pytest

from engine.model.snapshot import RunState, Wish
from engine.runs import control
from engine.store import runs
from tests.sync.faults import always, answered, at, creating, late, lost_after, meanwhile, refused
from tests.sync.test_customers import account, customer
from tests.sync.test_lost_answers import everything, then
from tests.sync.world import Make, counters

RATE = {"Currency": [{"Code": "USD", "Description": "x", "Exchange_Rate_Amount": 2}]}


@pytest.mark.parametrize("throttled", [False, True])
async def test_a_create_that_nav_carries_out_late_is_found_however_late_it_left(make: Make, throttled: bool) -> None:
    world = make({}, {"account": [account("A1", "a1@x.example")]}, settle_wait=3)
    world.time.real = True
    faults = [answered(429, Retry_After="6")] if throttled else []
    run = await world.run("CUSTOMER", plan=at("nav", creating, *faults, late(1.5)))
    await asyncio.sleep(2)
    assert len(world.nav("Customer")) == 1
    assert run.counters.inserted == 1


async def test_a_run_that_is_cancelled_during_its_last_page_is_not_answered(make: Make) -> None:
    world = make(RATE)
    number = world.start("CURRENCY", keep=True)

    def cancel() -> None:
        control.wish(world.store, number, Wish.CANCEL)
        control.wish(world.store, number, Wish.STOP)  # a wish to cancel stands

    run = await world.work(number, plan=at("crm", creating, meanwhile(cancel)))
    assert (run.state, run.answer) == (RunState.CANCELLED, None)
    with world.store.reading() as connection:
        assert runs.flags(connection) == {}


async def test_a_run_that_is_cancelled_before_its_engine_gave_a_sign_of_life_ends_all_the_same(make: Make) -> None:
    world = make({**RATE, "Customer": [customer("C1")]})
    number = world.start("CURRENCY", "CUSTOMER", keep=True)

    def cancel() -> None:
        control.cancel(world.store, number, "test")  # no engine holds the lock yet
        time.sleep(1.5)

    run = await world.work(number, plan=at("crm", creating, meanwhile(cancel)))
    assert (run.state, run.answer) == (RunState.CANCELLED, None)
    assert world.crm("accounts") == []


async def test_what_others_changed_in_a_record_before_it_was_settled_stays(make: Make) -> None:
    world = make({"Customer": [customer("C1", City="Bonn", Phone_No="1")]})
    plan = then(at("crm", creating, lost_after), always("crm", everything, refused))
    run = await world.run("CUSTOMER", plan=plan)
    row = world.crm("accounts")[0]
    world.edit_crm("accounts", row["accountid"], telephone1="+49 999", address1_city="Edited")
    run = await world.resume(run.id)
    assert counters(run, "CUSTOMER")["inserted"] == 1
    row = world.crm("accounts")[0]
    assert (row["telephone1"], row["address1_city"]) == ("+49 999", "Edited")
    customer_now = world.nav("Customer")[0]
    assert (customer_now["Phone_No"], customer_now["City"]) == ("+49 999", "Edited")
