"""What a check finds, and that it finds nothing where nothing is wrong."""

from typing import Any

import pytest
from sqlalchemy import update

from engine.mapping.transfer import TO
from engine.model.check import Finding
from engine.model.errors import LockHeld
from engine.model.mapping import ConflictPolicy, DeletionPolicy
from engine.runs import checking, control
from engine.store import couplings
from engine.store.lock import engine_lock
from engine.store.schema import job, page
from engine.store.work import Create, Scope, intend
from tests.check.looking import faults, look, notes
from tests.conflicts.tools import both_change
from tests.coupling.tools import change
from tests.sync.company import CRM, NAV, prepare
from tests.sync.faults import Died, Life, always, answered, at
from tests.sync.test_customers import account, customer
from tests.sync.test_products import item, product, refusing
from tests.sync.world import Make, World


def company(make: Make, **options: Any) -> World:
    world = make(NAV, CRM, **options)
    prepare(world)
    return world


async def test_nothing_is_wrong_before_and_after_a_run(make: Make) -> None:
    world = company(make)
    assert await look(world) == []
    await world.run()
    assert faults(await look(world)) == []


async def test_natural_duplicates_on_one_side_are_notes(make: Make) -> None:
    world = make(
        {"Customer": [customer("A", E_Mail="x@x.example", Name="X"), customer("B", E_Mail="x@x.example", Name="X")]}
    )
    found = await look(world)
    assert faults(found) == []
    assert notes(found) == [("CUSTOMER", "duplicates", "A")]
    assert "2 in NAV and 0 in CRM have the same E_Mail and Name" in found[0].message
    await world.run("CUSTOMER")
    assert faults(await look(world)) == []


async def test_a_second_account_like_a_coupled_one_is_a_fault(make: Make) -> None:
    world = company(make)
    await world.run()
    values = {"name": "Firm C1", "emailaddress1": "c1@x.example", "customertypecode": 3}
    world._ask("POST", f"{world.sandbox.crm_url}/accounts", values, {})
    found = await look(world, "CUSTOMER")
    assert faults(found) == [("CUSTOMER", "duplicates", "C1")]
    assert "1 in NAV and 2 in CRM" in found[0].message


async def test_ambiguous_matches_are_faults(make: Make) -> None:
    world = make({"Customer": [customer("C1")]}, {"account": [account("Firm C1", "c1@x.example")] * 2})
    assert faults(await look(world)) == [("CUSTOMER", "duplicates", "C1")]


async def test_what_was_created_and_is_not_coupled_is_found(make: Make) -> None:
    world = company(make)
    await world.run()
    gone = [pair.nav_id for pair in world.couplings("CUSTOMER")]
    with world.store.writing() as connection:
        couplings.remove(connection, "CUSTOMER", gone)
    found = [one for one in await look(world, "CUSTOMER") if one.what.value == "uncoupled"]
    assert {one.nav_no for one in found} >= {"C1"}
    assert any("no coupling knows it" in one.message and one.crm_id for one in found)
    assert any("made for" in one.message for one in found), "NAV's new customer has the mark of its account"


async def test_a_customer_whose_account_was_made_again_is_in_order(make: Make) -> None:
    """Its mark is that of the former account, and its coupling knows the new one."""
    world = make({}, {"account": [account("New", "n@x.example")]})
    await world.run()
    (pair,) = world.couplings("CUSTOMER")
    world.delete_crm("accounts", pair.crm_id)
    change(world, "CUSTOMER", deletion=DeletionPolicy.RESTORE_RECORDS)
    await world.run()
    (again,) = world.couplings("CUSTOMER")
    assert (again.nav_id, again.crm_id != pair.crm_id) == (pair.nav_id, True)
    assert faults(await look(world)) == []


async def test_couplings_with_a_lost_record_are_found(make: Make) -> None:
    world = company(make)
    await world.run()
    world.delete_crm("contacts", next(pair.crm_id for pair in world.couplings("CONTACTS") if pair.nav_no == "P2"))
    world.delete_nav("Resource", "R1")
    found = await look(world)
    assert set(faults(found)) == {("CONTACTS", "dangling", "P2"), ("RESOURCE-PRODUCT", "dangling", "R1")}


async def test_pairs_that_differ_are_found_with_the_way_they_would_go(make: Make) -> None:
    world = company(make)
    await world.run()
    world.edit_nav("Customer", "C1", City="Wien")
    account_id = next(pair.crm_id for pair in world.couplings("CUSTOMER") if pair.nav_no == "C2")
    world.edit_crm("accounts", account_id, telephone1="77")
    found = await look(world)
    assert [(one.nav_no, one.message) for one in found if one.fault] == [
        ("C1", "A synchronization would write address1_city to CRM."),
        ("C2", "A synchronization would write Phone_No to NAV."),
    ]


async def test_conflicts_are_found(make: Make) -> None:
    world = company(make)
    await world.run()
    world.edit_nav("Customer", "C1", City="Wien")
    account_id = next(pair.crm_id for pair in world.couplings("CUSTOMER") if pair.nav_no == "C1")
    world.edit_crm("accounts", account_id, address1_city="Bonn")
    found = await look(world, "CUSTOMER")
    assert all("would not succeed" in one.message for one in found if one.fault)
    assert {one.nav_no for one in found if one.fault} == {"C1"}


async def test_creates_that_were_not_settled_are_found(make: Make) -> None:
    world = company(make)
    run = await world.run()
    scope = Scope(run.id, 4, "CUSTOMER", TO, plan=False)
    create = Create("00000000-0000-4000-8000-000000000001", "C9", "00000000-0000-4000-8000-000000000002")
    with world.store.writing() as connection:
        intend(connection, scope, [create], [], world.time.now())
    assert faults(await look(world)) == [("CUSTOMER", "intents", "")]


async def test_counters_that_do_not_add_up_are_found(make: Make) -> None:
    world = company(make)
    run = await world.run()
    with world.store.writing() as connection:
        connection.execute(update(job).where(job.c.run_id == run.id, job.c.mapping == "CURRENCY").values(total=77))
        connection.execute(update(page).where(page.c.run_id == run.id, page.c.seq == 4).values(failed=5))
    assert set(faults(await look(world))) == {("CURRENCY", "counters", ""), ("CUSTOMER", "counters", "")}


async def test_flags_that_a_run_overrides_are_noted(make: Make) -> None:
    world = company(make)
    control.set_only_coupled(world.store, world.settings, "CURRENCY", value=False, by="test")
    world.start("CUSTOMER")
    found = await look(world)
    assert faults(found) == []
    assert [(one.mapping, one.message) for one in found if one.what.value == "flags"] == [
        ("CURRENCY", "Synch. Only Coupled Records is off; the mapping starts with the other."),
        ("CUSTOMER", "Synch. Only Coupled Records is cleared by run 1 until it is answered or cancelled."),
    ]


def test_it_refuses_while_an_engine_works_unless_told(make: Make) -> None:
    world = company(make)
    found: list[Finding] = []
    names: list[str] = []

    def work(**options: bool) -> None:
        checking.check(
            world.store, world.settings, only=("CURRENCY",), tell=found.append, working=names.append, **options
        )

    with engine_lock(world.store):
        with pytest.raises(LockHeld, match="An engine works"):
            work()
        work(while_running=True)
    work()
    assert (found, names) == ([], ["CURRENCY", "CURRENCY"])


async def test_a_product_whose_price_was_refused_is_a_fault_only_until_it_is_mended(make: Make) -> None:
    world = make({"Unit_of_Measure": [{"Code": "PCS"}], "Item": [item(), item("I2")]})
    refuse = answered(400, b'{"error":{"code":"0x80040203","message":"no"}}', Content_Type="application/json")
    plan = at("crm", lambda seen: seen.write and b"amount" in seen.body, refuse, refusing("no"))
    run = await world.run("UNITOFMEASURE", "ITEM-PRODUCT", plan=plan)
    assert world.codes(run) == {"I1": "product_price", "I2": "product_price"}
    assert "counters" not in {what for _, what, _ in faults(await look(world))}
    await world.run("ITEM-PRODUCT")
    assert faults(await look(world)) == []


async def test_a_conflict_that_waits_is_reported_once(make: Make) -> None:
    world = company(make)
    await world.run()
    change(world, "CUSTOMER", conflict=ConflictPolicy.ASK)
    both_change(world, {"City": "Wien"}, {"address1_city": "Bonn"})
    await world.run("CUSTOMER")
    found = [one for one in await look(world, "CUSTOMER") if one.fault]
    assert [one.nav_no for one in found] == ["C1"]
    assert found[0].message.startswith("A conflict waits for a choice: City changed in NAV and in CRM")


async def test_a_conflict_that_waits_hides_nothing_else_of_its_record(make: Make) -> None:
    world = company(make)
    await world.run()
    change(world, "CUSTOMER", conflict=ConflictPolicy.ASK)
    both_change(world, {"City": "Wien", "Fax_No": "9"}, {"address1_city": "Bonn"})
    messages = [one.message for one in await look(world, "CUSTOMER") if one.fault]
    assert len(messages) == 2
    assert messages[0].startswith("A conflict waits for a choice: City")
    assert messages[1] == "A synchronization would write fax to CRM."


async def test_what_a_run_that_died_made_and_a_later_one_counted_is_no_fault(make: Make) -> None:
    step = 0
    while True:
        step += 4
        world = make({"Customer": [customer("C1"), customer("C2")]})
        number = world.start("CUSTOMER")
        try:
            await world.work(number, life=Life(step))
        except Died:
            control.cancel(world.store, number, "test")
        else:
            break
        await world.run("CUSTOMER")
        assert faults(await look(world)) == [], step
    assert step > 15


async def test_an_item_whose_price_line_was_refused_is_no_fault_of_the_counters(make: Make) -> None:
    seeds = {
        "uomschedule": [{"name": "NAV PCS", "baseuomname": "PCS"}],
        "product": [product("CRM-1", price=50), product("CRM-2", price=60)],
    }
    world = make({"Unit_of_Measure": [{"Code": "PCS"}]}, seeds)
    await world.run("UNITOFMEASURE")
    refuse = always("crm", lambda seen: seen.write and b"amount" in seen.body, refusing("no"))
    run = await world.run("ITEM-PRODUCT", plan=refuse)
    told = world.outcomes(run)
    assert {one.code for one in told} == {"product_price"}
    pairs = {(one.nav_id, one.crm_id) for one in world.couplings("ITEM-PRODUCT")}
    assert {(one.nav_id, one.crm_id) for one in told} == pairs
    assert faults(await look(world)) == []
