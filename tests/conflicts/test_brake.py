"""A side that was restored from a backup, or is another one, stops a run before it writes (reference/reliability.md, F27)."""

import pytest
import sqlalchemy as sa

from engine.model.mapping import DeletionPolicy, Direction
from engine.model.snapshot import RunState
from engine.runs.requests import Mend
from engine.store import schema
from engine.sync.brake import FEW, MOST, too_many
from tests.conflicts.tools import sync
from tests.coupling.tools import ask
from tests.sync.test_customers import customer
from tests.sync.world import Make, World, counters
from tui.exitcodes import ExitCode, of_run

TO = Direction.TO_INTEGRATION_TABLE


@pytest.mark.parametrize(
    ("lost", "total", "stops"),
    [
        (0, 0, False),
        (1, 1, False),
        (FEW - 1, 20, False),
        (FEW, 20, True),
        (FEW, 200, False),
        (11, 200, True),
        (MOST, 1_000_000, False),
        (MOST + 1, 1_000_000, True),
    ],
)
def test_more_than_a_twentieth_or_fifty_is_no_daily_work(lost: int, total: int, stops: bool) -> None:
    assert too_many(lost, total) is stops


async def coupled(make: Make, number: int) -> World:
    one = make({"Customer": [customer(f"C{n:04}", City="Bonn") for n in range(number)]})
    await one.run("CUSTOMER")
    one.mapping("CUSTOMER", deletion=DeletionPolicy.RESTORE_RECORDS)
    return one


def lose(one: World, number: int) -> None:
    for row in one.crm("accounts")[:number]:
        one.delete_crm("accounts", row["accountid"])


async def test_not_even_the_local_currency_is_made_before_a_run_stops(make: Make) -> None:
    rates = [{"Code": "USD", "Exchange_Rate_Amount": "0.8"}]
    one = make({"Customer": [customer(f"C{n:04}", City="Bonn") for n in range(100)], "Currency": rates}, base="USD")
    await one.run("CUSTOMER")
    (euro,) = one.crm("transactioncurrencies", isocurrencycode="EUR")
    lose(one, 100)
    one.delete_crm("transactioncurrencies", euro["transactioncurrencyid"])
    before = len(one.audit())
    run = await one.run("CUSTOMER")
    assert (run.state, run.code) == (RunState.STOPPED, "brake")
    assert one.audit(before) == []


async def test_a_run_stops_before_it_writes_when_a_tenth_of_the_accounts_is_gone(make: Make) -> None:
    one = await coupled(make, 100)
    lose(one, 10)
    one.edit_nav("Customer", "C0099", City="Ulm")
    before = len(one.audit())
    for kind in ("sync", "run"):
        run = await one.work(one.start("CUSTOMER", kind=kind))
        assert (run.state, run.code, of_run(run)) == (RunState.STOPPED, "brake", ExitCode.BRAKE)
        assert "10 of the 100 couplings" in run.message
        assert "coupler broken --mapping CUSTOMER" in run.hint
    assert one.audit(before) == []
    assert len(one.couplings("CUSTOMER")) == 100


async def test_a_few_that_are_gone_are_daily_work(make: Make) -> None:
    one = await coupled(make, 100)
    lose(one, 9)
    run = await one.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 9, "unchanged": 91}


async def test_what_the_draw_misses_stops_the_pass_at_the_fifty_first(make: Make) -> None:
    """In a table of many, a small part is not seen in advance."""
    one = await coupled(make, 1100)
    one.set(page_size=200)
    lose(one, 51)
    before = len(one.audit())
    run = await one.work(one.start("CUSTOMER"))
    assert (run.state, run.code) == (RunState.STOPPED, "brake")
    assert len(one.audit(before)) <= 50
    assert len(one.couplings("CUSTOMER")) == 1100


async def test_a_run_that_is_resumed_looks_at_all(make: Make) -> None:
    """The draw of a run is always the same one: what it missed must not be let through fifty at a time."""
    one = await coupled(make, 1100)
    one.set(page_size=200)
    lose(one, 120)
    number = one.start("CUSTOMER")
    before = len(one.audit())
    first = await one.work(number)
    seen = len(one.audit(before))
    second = await one.resume(number)
    assert (first.code, second.code) == ("brake", "brake")
    assert seen <= 50
    assert len(one.audit(before)) == seen


async def test_a_run_that_is_resumed_sees_that_what_it_made_itself_is_gone(make: Make) -> None:
    """CRM was set back between two engines. A run looks at some of what it made, and at all where one of these is gone."""
    one = await coupled(make, 1100)
    number = one.start("CUSTOMER")
    with one.store.writing() as connection:
        connection.execute(sa.update(schema.coupling).values(run_id=number))
        connection.execute(sa.update(schema.run).where(schema.run.c.id == number).values(worked=1.0))
    lose(one, 200)
    before = len(one.audit())
    found = await one.resume(number)
    assert found.code == "brake"
    assert "200 of the 1,100 couplings" in found.message
    assert one.audit(before) == []


async def test_pairs_without_any_record_are_no_loss(make: Make) -> None:
    one = await coupled(make, 40)
    lost = one.crm("accounts")[:10]
    for row in lost:
        (pair,) = [pair for pair in one.couplings("CUSTOMER") if pair.crm_id == row["accountid"]]
        one.delete_nav("Customer", pair.nav_no)
        one.delete_crm("accounts", row["accountid"])
    assert (await one.run("CUSTOMER")).state is RunState.FINISHED


async def test_losses_that_were_told_do_not_add_up(make: Make) -> None:
    one = await coupled(make, 60)
    one.mapping("CUSTOMER", deletion=DeletionPolicy.NONE)
    for _ in range(4):
        gone = {pair.crm_id for pair in one.couplings("CUSTOMER")} - {row["accountid"] for row in one.crm("accounts")}
        lose(one, 4)
        run = await one.run("CUSTOMER")
        assert run.state is RunState.FINISHED, f"{len(gone)} were told before"


async def test_records_that_cannot_be_written_count_too(make: Make) -> None:
    one = await coupled(make, 1100)
    one.set(page_size=200)
    one.mapping("CUSTOMER", deletion=DeletionPolicy.REMOVE_COUPLING)
    for row in one.nav("Customer"):
        one.sandbox.nav.tables["Customer"].update(row["No"], {"Currency_Code": "XXX"})
    lose(one, 90)
    run = await one.work(one.start("CUSTOMER"))
    assert run.code == "brake"
    assert len(one.couplings("CUSTOMER")) >= 1100 - 50


async def test_the_run_goes_on_once_the_couplings_are_in_order_again(make: Make) -> None:
    one = await coupled(make, 40)
    lose(one, 20)
    run = await sync(one, "CUSTOMER")
    assert run.code == "brake"
    await ask(one, Mend("CUSTOMER", "remove"))
    assert len(one.couplings("CUSTOMER")) == 20
    run = await one.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 20, "unchanged": 20}
