"""What a plan keeps of each record, and what would be written for one, as both sides are when it is asked for."""

import asyncio

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.plan import Difference, Effect, FieldChange, Foreseen, number
from engine.model.snapshot import RunSnapshot
from engine.runs import plans, snapshots
from engine.store.schema import planned
from tests.sync.company import CRM, NAV, passes, picture, prepare
from tests.sync.test_contacts import company, person
from tests.sync.test_currencies import currency
from tests.sync.test_customers import account, customer
from tests.sync.world import Make, World

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


def listed(world: World, plan: RunSnapshot, mapping: str, effect: Effect, one_way: Direction = TO) -> list[Foreseen]:
    seq = next(job.seq for job in plan.jobs if job.mapping == mapping)
    return plans.records(world.store, plan.id, seq, one_way, effect, limit=100)


async def compared(world: World, record: Foreseen) -> Difference:
    return await asyncio.to_thread(plans.difference, world.store, world.settings, record)


def by_field(found: Difference) -> dict[str, FieldChange]:
    return {one.nav or one.crm: one for one in found.changes}


async def test_a_plan_keeps_which_records_it_counted(make: Make) -> None:
    double = {**NAV, "Customer": [*NAV["Customer"], {**NAV["Customer"][0], "No": "C9", "Primary_Contact_No": ""}]}
    world = make(double, {**CRM, "account": [*CRM["account"], CRM["account"][0]]})
    prepare(world)
    plan = await world.plan()
    counted = 0
    for job in plan.jobs:
        for one in job.passes:
            for effect in Effect:
                found = plans.records(world.store, plan.id, job.seq, one.direction, effect, limit=100)
                expected = number(one.counters, effect) if effect.listed else 0
                assert len(found) == expected, (job.mapping, one.direction, effect)
                counted += expected
                assert all((each.mapping, each.effect) == (job.mapping, effect) for each in found)
                assert all(each.source_id for each in found)
    assert counted > 10
    assert [one.nav_no for one in listed(world, plan, "CUSTOMER", Effect.INSERTED)] == ["C1", "C9"]
    (ambiguous,) = listed(world, plan, "CUSTOMER", Effect.AMBIGUOUS)
    assert (ambiguous.nav_no, ambiguous.code) == ("C2", "ambiguous")


async def test_a_list_of_a_plan_is_read_in_pages_in_the_order_of_numbers(make: Make) -> None:
    world = make({"Customer": [customer(f"C{no}") for no in range(5)]})
    plan = await world.plan("CUSTOMER")
    (job,) = plan.jobs
    pages = [
        plans.records(world.store, plan.id, job.seq, TO, Effect.INSERTED, limit=2, offset=skip) for skip in (0, 2, 4, 6)
    ]
    assert [[one.nav_no for one in page] for page in pages] == [["C0", "C1"], ["C2", "C3"], ["C4"], []]
    assert {one.crm_id for page in pages for one in page} == {None}, "it is not there yet"


async def test_only_the_last_plan_knows_its_records(make: Make) -> None:
    world = make({"Customer": [customer("C1")]})
    first = await world.plan("CUSTOMER")
    assert snapshots.home(world.store, world.settings).plan == first.id
    second = await world.plan("CUSTOMER")
    assert snapshots.home(world.store, world.settings).plan == second.id
    assert listed(world, first, "CUSTOMER", Effect.INSERTED) == []
    assert [one.nav_no for one in listed(world, second, "CUSTOMER", Effect.INSERTED)] == ["C1"]


async def test_a_run_keeps_no_such_list(make: Make) -> None:
    world = make({"Customer": [customer("C1")]})
    run = await world.run("CUSTOMER")
    assert listed(world, run, "CUSTOMER", Effect.INSERTED) == []
    assert snapshots.home(world.store, world.settings).plan is None


async def test_a_record_that_would_be_made_shows_every_value_it_starts_with(make: Make) -> None:
    world = make({"Customer": [customer("C1", City="Köln", Currency_Code="GBP")], "Currency": [currency("GBP")]})
    (record,) = listed(world, await world.plan(), "CUSTOMER", Effect.INSERTED)
    found = await compared(world, record)
    assert (found.effect, found.nav_no, found.crm_id) == (Effect.INSERTED, "C1", None)
    fields = by_field(found)
    assert fields["Name"] == FieldChange("Name", "name", "Firm C1", None, "Firm C1")
    assert fields["City"].then == "Köln"
    lookup = fields["Currency_Code"]
    assert (lookup.source, lookup.now, lookup.then) == ("GBP", None, "GBP"), "the plan would make the currency first"


async def test_a_record_that_would_be_changed_shows_what_stands_there_and_what_it_would_become(make: Make) -> None:
    world = make(NAV, CRM)
    prepare(world)
    await world.run()
    world.edit_nav("Customer", "C2", City="Bonn", Currency_Code="GBP")
    (record,) = listed(world, await world.plan(), "CUSTOMER", Effect.MODIFIED)
    before, changes = picture(world), len(world.audit())
    found = await compared(world, record)
    assert found.effect is Effect.MODIFIED
    fields = by_field(found)
    assert set(fields) == {"City", "Currency_Code"}
    assert (fields["City"].now, fields["City"].then) == ("Köln", "Bonn")
    assert (fields["Currency_Code"].now, fields["Currency_Code"].then) == ("EUR", "GBP")
    assert picture(world) == before
    assert world.audit()[changes:] == []


async def test_the_way_to_nav_is_shown_by_the_same_fields(make: Make) -> None:
    world = make(NAV, CRM)
    prepare(world)
    await world.run()
    world.edit_crm("accounts", world.crm("accounts", name="Firm C2")[0]["accountid"], telephone1="7")
    (record,) = listed(world, await world.plan(), "CUSTOMER", Effect.MODIFIED, FROM)
    found = await compared(world, record)
    assert found.changes == (FieldChange("Phone_No", "telephone1", "7", "", "7"),)


async def test_a_pair_that_both_sides_changed_shows_to_each_what_the_other_changed(make: Make) -> None:
    world = make({"Customer": [customer("C1", City="Köln")]})
    await world.run("CUSTOMER")
    both_edit(world, {"Phone_No": "7"}, {"address1_city": "Ulm"})
    plan = await world.plan("CUSTOMER")
    shown = {}
    for one_way in (TO, FROM):
        (record,) = listed(world, plan, "CUSTOMER", Effect.MODIFIED, one_way)
        (change,) = (await compared(world, record)).changes
        shown[one_way] = (change.crm, change.now, change.then)
    with world.store.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(planned)) == 0, "both are coupled already"
    assert shown == {TO: ("telephone1", None, "7"), FROM: ("address1_city", "Köln", "Ulm")}
    assert passes(await world.run("CUSTOMER")) == passes(plan)
    assert (world.nav("Customer")[0]["City"], world.crm("accounts")[0]["telephone1"]) == ("Ulm", "7")


async def test_a_conflict_that_came_up_since_the_plan_is_shown_as_one(make: Make) -> None:
    world = make({"Customer": [customer("C1", City="Köln")]})
    await world.run("CUSTOMER")
    both_edit(world, {"City": "Bonn"}, {})
    (record,) = listed(world, await world.plan("CUSTOMER"), "CUSTOMER", Effect.MODIFIED)
    both_edit(world, {}, {"address1_city": "Trier"})
    found = await compared(world, record)
    assert (found.effect, found.changes) == (Effect.FAILED, ())
    assert "changed in NAV and in CRM, differently" in found.message


async def test_a_pair_whose_number_changed_too_is_compared_with_what_both_sides_had(make: Make) -> None:
    world = make({"Customer": [customer("C1", City="Köln")]})
    await world.run("CUSTOMER")
    both_edit(world, {"No": "Z9"}, {"address1_city": "Ulm"})
    plan = await world.plan("CUSTOMER")
    (record,) = listed(world, plan, "CUSTOMER", Effect.MODIFIED, FROM)
    assert by_field(await compared(world, record)) == {
        "City": FieldChange("City", "address1_city", "Ulm", "Köln", "Ulm")
    }
    assert passes(await world.run("CUSTOMER")) == passes(plan)


def both_edit(world: World, ours: dict[str, str], theirs: dict[str, str]) -> None:
    if ours:
        world.edit_nav("Customer", "C1", **ours)
    if theirs:
        world.edit_crm("accounts", world.crm("accounts")[0]["accountid"], **theirs)


async def test_a_pair_coupled_by_match_shows_what_it_would_be_coupled_with(make: Make) -> None:
    world = make({"Customer": [customer("C1", City="Köln")]}, {"account": [account()]})
    plan = await world.plan("CUSTOMER")
    (record,) = listed(world, plan, "CUSTOMER", Effect.COUPLED)
    assert [one.nav_no for one in listed(world, plan, "CUSTOMER", Effect.MODIFIED)] == ["C1"]
    found = await compared(world, record)
    assert found.crm_id == record.crm_id == world.crm("accounts")[0]["accountid"]
    assert (by_field(found)["City"].now, by_field(found)["City"].then) == (None, "Köln")
    assert "Name" not in by_field(found), "it is the same on both sides"


async def test_what_changed_since_the_plan_is_seen(make: Make) -> None:
    world = make(NAV, CRM)
    prepare(world)
    await world.run()
    world.edit_nav("Customer", "C1", City="Bonn")
    (record,) = listed(world, await world.plan(), "CUSTOMER", Effect.MODIFIED)
    world.edit_nav("Customer", "C1", City="")
    found = await compared(world, record)
    assert (found.effect, found.changes) == (Effect.UNCHANGED, ())
    world.delete_nav("Customer", "C1")
    found = await compared(world, record)
    assert (found.effect, found.changes) == (None, ())
    assert "not there any more" in found.message


async def test_asking_stores_nothing_even_where_a_plan_would_need_another_record_first(make: Make) -> None:
    nav = {"Customer": [customer("C1")], "Contact": [company("K1", "C1"), person("P1", "K1", "C1")]}
    world = make(nav)
    record = listed(world, await world.plan(), "CONTACTS", Effect.INSERTED)[0]
    with world.store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM planned")
    before = _stored(world)
    await compared(world, record)
    assert _stored(world) == before


def _stored(world: World) -> dict[str, int]:
    with world.store.reading() as connection:
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
        return {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar() or 0 for name in names}
