"""Synchronizations of modified records, over HTTP (reference/domain.md sections 3.1 and 5.1)."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.model.errors import RunError
from engine.model.mapping import Direction
from engine.model.snapshot import RunState
from engine.runs import control, snapshots
from engine.store import watermarks
from engine.store.schema import watermark
from tests.conflicts.tools import account_of, coupled, customer_of, sync
from tests.sync.faults import Died, Life
from tests.sync.test_customers import account, customer
from tests.sync.world import Make, World, counters

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


def mark(world: World, one_way: Direction) -> datetime | None:
    with world.store.reading() as connection:
        return watermarks.get(connection, "CUSTOMER", one_way)


def age(world: World, by: timedelta = timedelta(hours=1)) -> None:
    """Everything was modified that long ago."""
    at = (datetime.now(UTC) - by).isoformat(timespec="seconds").replace("+00:00", "Z")
    for no in list(world.sandbox.nav.tables["Customer"].rows):
        world.sandbox.nav.tables["Customer"].update(no, {"SystemModifiedAt": at})
    for id in list(world.sandbox.crm.tables["accounts"].rows):
        world.sandbox.crm.tables["accounts"].update(id, {"modifiedon": at})


async def test_only_what_was_modified_is_looked_at(make: Make) -> None:
    world = await coupled(make)
    age(world)
    with world.store.writing() as connection:
        for one_way in (TO, FROM):
            watermarks.advance(connection, "CUSTOMER", one_way, datetime.now(UTC) - timedelta(minutes=1))
    run = await sync(world, "CUSTOMER")
    assert run.state is RunState.FINISHED
    assert run.counters.read == 0
    world.edit_nav("Customer", "C1", City="Köln")
    run = await sync(world, "CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"modified": 1}
    assert account_of(world, "C1")["address1_city"] == "Köln"
    assert counters(run, "CUSTOMER", FROM) == {"unchanged": 1}, "our own change comes back and is recognized"
    world.edit_crm("accounts", account_of(world, "C2")["accountid"], fax="7")
    before = len(world.audit())
    run = await sync(world, "CUSTOMER")
    assert customer_of(world, "C2")["Fax_No"] == "7"
    assert [one["op"] for one in world.audit(before)] == ["update"]
    before = len(world.audit())
    await sync(world, "CUSTOMER")
    assert world.audit(before) == []


@pytest.mark.parametrize("one_way", [TO, FROM])
async def test_a_second_one_reads_only_what_is_newer_than_what_the_first_one_read(
    make: Make, one_way: Direction
) -> None:
    world = await coupled(make)
    age(world, timedelta(hours=2))
    hours = [datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes) for minutes in (60, 40, 20)]
    with world.store.writing() as connection:
        connection.execute(watermark.delete())
        for each in (TO, FROM):
            watermarks.advance(connection, "CUSTOMER", each, hours[0])
    for no, at in (("C1", hours[1]), ("C2", hours[2])):
        text = at.isoformat().replace("+00:00", "Z")
        if one_way is TO:
            world.sandbox.nav.tables["Customer"].update(no, {"SystemModifiedAt": text})
        else:
            world.sandbox.crm.tables["accounts"].update(account_of(world, no)["accountid"], {"modifiedon": text})
        await sync(world, "CUSTOMER")
        assert mark(world, one_way) == at
    run = await sync(world, "CUSTOMER")
    again = {} if one_way is TO else {"unchanged": 1}
    assert counters(run, "CUSTOMER", one_way) == again, (
        "CRM's stamps are whole seconds, so that the last one is read again"
    )


async def test_synch_only_coupled_records_counts_as_it_is_stored(make: Make) -> None:
    world = await coupled(make)
    world.add_nav("Customer", No="C3", Name="Third", E_Mail="t@x.example")
    run = await sync(world, "CUSTOMER")
    assert run.counters.inserted == 0
    assert len(world.crm("accounts")) == 2
    control.set_only_coupled(world.store, world.settings, "CUSTOMER", value=False, by="test")
    world.edit_nav("Customer", "C3", City="Ulm")
    run = await sync(world, "CUSTOMER")
    assert run.counters.inserted == 1
    assert account_of(world, "C3")["address1_city"] == "Ulm"


async def test_scheduled_jobs_are_on_hold_until_a_full_synchronization_is_answered(make: Make) -> None:
    world = await coupled(make)
    run = await world.run("CUSTOMER", keep=None)
    assert run.state is RunState.ASKING
    with pytest.raises(RunError, match="on hold"):
        world.start("CUSTOMER", kind="sync")
    control.answer(world.store, run.id, yes=False, by="test")
    assert (await sync(world, "CUSTOMER")).state is RunState.FINISHED


async def test_a_full_synchronization_that_starts_first_wins(make: Make) -> None:
    world = await coupled(make)
    number = world.start("CUSTOMER", kind="sync")
    world.start("CUSTOMER")
    run = await world.work(number)
    assert (run.state, run.code) == (RunState.STOPPED, "on_hold")
    assert run.counters.read == 0


async def test_it_asks_nothing_and_its_jobs_are_in_the_history(make: Make) -> None:
    world = await coupled(make)
    run = await sync(world, "CUSTOMER")
    assert (run.kind, run.state, run.answer, run.flags, run.cleared) == ("sync", RunState.FINISHED, None, (), ())
    assert {one.direction for one in snapshots.history(world.store, run=run.id)} == {TO, FROM}
    assert {one.run for one in snapshots.history(world.store)} == {1, run.id}
    assert snapshots.active(world.store) is None


async def test_the_watermark_is_the_newest_change_that_was_seen_whatever_became_of_it(make: Make) -> None:
    world = make({"Customer": [customer("C1"), customer("C2", Salesperson_Code="")]})
    await world.run("CUSTOMER")
    at = (datetime.now(UTC) - timedelta(seconds=30)).replace(microsecond=0)
    world.add_nav("Customer", No="C3", Name="Uncoupled", E_Mail="u@x.example")
    world.sandbox.nav.tables["Customer"].update("C3", {"SystemModifiedAt": at.isoformat().replace("+00:00", "Z")})
    for no in ("C1", "C2"):
        world.sandbox.nav.tables["Customer"].update(no, {"SystemModifiedAt": "2026-01-01T00:00:00Z"})
    with world.store.writing() as connection:
        connection.execute(watermark.delete())
    run = await sync(world, "CUSTOMER")
    assert counters(run, "CUSTOMER", TO)["skipped"] == 1, "it is dropped, as it is not coupled"
    assert mark(world, TO) == at


async def test_a_stamp_of_the_future_moves_the_watermark_to_the_start_of_the_job_only(make: Make) -> None:
    world = await coupled(make)
    world.sandbox.nav.tables["Customer"].update("C1", {"SystemModifiedAt": "2090-01-01T00:00:00Z"})
    started = datetime.now(UTC)
    await sync(world, "CUSTOMER")
    found = mark(world, TO)
    assert found is not None
    assert found <= started + timedelta(seconds=2)
    world.edit_nav("Customer", "C2", City="Ulm")
    await sync(world, "CUSTOMER")
    assert account_of(world, "C2")["address1_city"] == "Ulm"


async def test_a_full_synchronization_sets_the_watermarks_and_a_plan_does_not(make: Make) -> None:
    world = make({"Customer": [customer()]}, {"account": [account("Other", "o@x.example")]})
    await world.plan("CUSTOMER")
    assert (mark(world, TO), mark(world, FROM)) == (None, None)
    await world.run("CUSTOMER")
    assert mark(world, TO) is not None
    assert mark(world, FROM) is not None


async def test_a_full_synchronization_looks_at_all_records_whatever_the_watermark_is(make: Make) -> None:
    world = await coupled(make)
    world.sandbox.nav.tables["Customer"].update("C1", {"City": "Köln"})
    age(world)
    with world.store.writing() as connection:
        for one_way in (TO, FROM):
            watermarks.advance(connection, "CUSTOMER", one_way, datetime.now(UTC) - timedelta(minutes=1))
    assert (await sync(world, "CUSTOMER")).counters.read == 0
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"modified": 1, "unchanged": 1}
    assert account_of(world, "C1")["address1_city"] == "Köln"


async def test_a_watermark_never_goes_back(make: Make) -> None:
    world = await coupled(make)
    ahead = datetime.now(UTC) + timedelta(hours=1)
    with world.store.writing() as connection:
        watermarks.advance(connection, "CUSTOMER", TO, ahead)
        watermarks.advance(connection, "CUSTOMER", TO, ahead - timedelta(hours=2))
    before = mark(world, TO)
    await sync(world, "CUSTOMER")
    assert mark(world, TO) == before


async def test_changes_within_the_second_of_the_watermark_are_not_lost(make: Make) -> None:
    world = await coupled(make)
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=20)
    text = at.isoformat().replace("+00:00", "Z")
    with world.store.writing() as connection:
        connection.execute(watermark.delete())
        watermarks.advance(connection, "CUSTOMER", FROM, at)
    row = account_of(world, "C1")
    world.sandbox.crm.tables["accounts"].update(row["accountid"], {"fax": "5", "modifiedon": text})
    await sync(world, "CUSTOMER")
    assert customer_of(world, "C1")["Fax_No"] == "5"


async def test_versions_that_keep_the_day_only_look_a_day_back(make: Make) -> None:
    world = await coupled(make, version="2018")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    world.sandbox.nav.tables["Customer"].update(
        "C1", {"City": "Köln", "Last_Date_Modified": yesterday.date().isoformat()}
    )
    run = await sync(world, "CUSTOMER")
    assert account_of(world, "C1")["address1_city"] == "Köln"
    assert run.counters.failed == 0


async def test_an_engine_that_dies_leaves_the_watermark_and_the_next_one_does_it_all(make: Make) -> None:
    world = await coupled(make)
    before = mark(world, TO)
    world.edit_nav("Customer", "C1", City="Köln")
    number = world.start("CUSTOMER", kind="sync")
    with pytest.raises(Died):
        await world.work(number, life=Life(12))
    assert mark(world, TO) == before
    run = await sync(world, "CUSTOMER")
    assert run.state is RunState.FINISHED
    assert account_of(world, "C1")["address1_city"] == "Köln"
