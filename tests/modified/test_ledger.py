"""Every failure is kept until it is over; coupled records are left alone after two alike (reference/domain.md 3.8)."""

from engine.model.mapping import Direction
from engine.runs import control, queues
from tests.conflicts.tools import account_of, coupled, sync
from tests.sync.test_currencies import currency
from tests.sync.test_customers import customer
from tests.sync.test_salespeople import person
from tests.sync.world import Make, World, counters
from tui.exitcodes import ExitCode, of_run

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


async def failing(make: Make) -> World:
    """C1 is coupled and has got a salesperson whom CRM does not know."""
    world = make(
        {"Salesperson_Purchaser": [person("X", ""), person("Y", "")], "Customer": [customer(), customer("C2")]}
    )
    await world.run("CUSTOMER")
    world.edit_nav("Customer", "C1", Salesperson_Code="X", City="Ulm")
    return world


async def test_a_record_that_fails_twice_alike_is_left_alone_until_it_is_retried(make: Make) -> None:
    world = await failing(make)
    run = await sync(world, "CUSTOMER")
    assert counters(run, "CUSTOMER", TO)["failed"] == 1
    assert queues.ledger(world.store) == []
    (kept,) = queues.ledger(world.store, skipped=False)
    assert (kept.mapping, kept.nav_no, kept.code, kept.times) == ("CUSTOMER", "C1", "not_coupled", 1)

    assert run.left_alone == 0
    assert of_run(run) is ExitCode.RECORDS_FAILED

    run = await sync(world, "CUSTOMER")
    assert counters(run, "CUSTOMER", TO)["failed"] == 1, "it was tried, so it failed"
    assert "skipped" not in counters(run, "CUSTOMER", TO)
    assert of_run(run) is ExitCode.RECORDS_FAILED
    assert run.left_alone == 1
    (left,) = queues.ledger(world.store)
    assert left.nav_no == "C1"

    world.edit_nav("Customer", "C1", Salesperson_Code="")
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"skipped": 1, "unchanged": 1}, "also in a full synchronization"
    assert counters(run, "CUSTOMER", FROM) == {"skipped": 1, "unchanged": 1}, "and in both directions"
    assert (of_run(run), run.left_alone) == (ExitCode.OK, 1)
    assert account_of(world, "C1").get("address1_city") != "Ulm"

    assert queues.retry(world.store, "CUSTOMER", "c1") == 1
    run = await sync(world, "CUSTOMER")
    assert account_of(world, "C1")["address1_city"] == "Ulm"
    assert queues.ledger(world.store, skipped=False) == []


async def test_another_message_starts_the_count_anew(make: Make) -> None:
    world = await failing(make)
    await sync(world, "CUSTOMER")
    world.edit_nav("Customer", "C1", Salesperson_Code="Y")
    run = await sync(world, "CUSTOMER")
    assert counters(run, "CUSTOMER", TO)["failed"] == 1
    assert queues.ledger(world.store) == []


async def test_a_record_that_is_retried_has_two_tries_again(make: Make) -> None:
    world = await failing(make)
    await sync(world, "CUSTOMER")
    await sync(world, "CUSTOMER")
    assert queues.retry(world.store) == 1
    run = await sync(world, "CUSTOMER")
    assert counters(run, "CUSTOMER", TO)["failed"] == 1
    assert queues.ledger(world.store) == []
    await sync(world, "CUSTOMER")
    (left,) = queues.ledger(world.store)
    assert left.nav_no == "C1"


async def test_an_uncoupled_record_is_tried_every_time_and_never_left_alone(make: Make) -> None:
    world = make({"Currency": [currency("XXX", Exchange_Rate_Amount=0), currency("GBP")]})
    first = await world.run("CURRENCY")
    for _ in range(3):
        run = await world.run("CURRENCY")
        assert counters(run, "CURRENCY")["failed"] == counters(first, "CURRENCY")["failed"] == 1
    assert queues.ledger(world.store) == []
    (kept,) = queues.ledger(world.store, skipped=False)
    assert (kept.nav_no, kept.times) == ("XXX", 4)
    run = await sync(world, "CURRENCY")
    assert counters(run, "CURRENCY")["skipped"] == 1, "only coupled records take part"
    assert queues.ledger(world.store, skipped=False) == [kept]
    control.set_only_coupled(world.store, world.settings, "CURRENCY", value=False, by="test")
    run = await sync(world, "CURRENCY")
    assert counters(run, "CURRENCY")["failed"] == 1, "a failure is retried though nobody has changed the record"
    world.sandbox.nav.tables["Currency"].update("XXX", {"Exchange_Rate_Amount": 2})
    run = await sync(world, "CURRENCY")
    assert counters(run, "CURRENCY")["inserted"] == 1
    assert queues.ledger(world.store, skipped=False) == []


async def test_what_is_gone_leaves_the_ledger(make: Make) -> None:
    world = await failing(make)
    await sync(world, "CUSTOMER")
    world.delete_nav("Customer", "C1")
    await sync(world, "CUSTOMER")
    (left,) = queues.ledger(world.store, skipped=False)
    assert (left.direction, left.code) == (FROM, "deleted"), "the account that lost its customer is another matter"


async def test_what_is_outside_the_filter_stays_in_the_ledger_and_is_not_tried(make: Make) -> None:
    world = await failing(make)
    await sync(world, "CUSTOMER")
    world.edit_nav("Customer", "C1", Blocked="All")
    run = await sync(world, "CUSTOMER")
    assert "failed" not in counters(run, "CUSTOMER", TO)
    assert len(queues.ledger(world.store, skipped=False)) == 1


async def test_a_plan_leaves_the_ledger_as_it_is(make: Make) -> None:
    world = await failing(make)
    await world.plan("CUSTOMER")
    assert queues.ledger(world.store, skipped=False) == []


async def test_nothing_is_in_the_ledger_when_all_is_well(make: Make) -> None:
    world = await coupled(make)
    await sync(world)
    assert queues.ledger(world.store, skipped=False) == []
