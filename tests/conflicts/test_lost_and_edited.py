"""An update arrives, its answer is lost, and somebody edits one of its fields before anybody has looked again."""

import asyncio

import httpx
import pytest
import sqlalchemy as sa

from engine.model.conflict import Choice
from engine.model.mapping import ConflictPolicy, Direction
from engine.runs import queues
from engine.store.couplings import remove
from engine.store.schema import overwritten
from engine.store.traces import decoded
from tests.conflicts.test_meanwhile import (
    AGAIN,
    BEFORE,
    FIRST,
    LAST,
    another_number,
    blocked_too,
    cities,
    is_shown,
    updating,
)
from tests.conflicts.test_other_fields import faxes, waiting
from tests.conflicts.tools import account_of, both_change, coupled, stamp
from tests.handling.test_states import refused_row
from tests.sync.faults import Died, Plan, Send, always, answered, at, batch, lost_after, lost_before, writing
from tests.sync.test_broken_off import arrives_and_dies, dies
from tests.sync.test_contacts import firm, primary
from tests.sync.test_products import JOBS, UNITS, item
from tests.sync.world import Make, World


def city_in_crm(world: World, city: str) -> None:
    world.edit_crm("accounts", account_of(world, "C1")["accountid"], address1_city=city)


def lost_and_city_edited(world: World) -> Plan:
    async def fault(send: Send) -> httpx.Response:
        try:
            return await lost_after(send)
        finally:
            await asyncio.to_thread(city_in_crm, world, "Hamburg")

    return at("crm", updating, fault)


async def edited(make: Make, policy: ConflictPolicy) -> World:
    """NAV's city and fax number have been sent, and CRM's city is another one by now."""
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=policy)
    world.edit_nav("Customer", "C1", Fax_No="9", City="Bremen")
    await world.run("CUSTOMER", plan=lost_and_city_edited(world))
    assert cities(world) == ("Bremen", "Hamburg")
    assert account_of(world, "C1")["fax"] == "9"
    return world


async def test_what_arrived_with_it_is_nobodys_edit_where_the_record_failed(make: Make) -> None:
    world = await edited(make, ConflictPolicy.NONE)
    world.edit_nav("Customer", "C1", Fax_No="10")
    world.mapping("CUSTOMER", conflict=ConflictPolicy.GET_UPDATE)
    await world.run("CUSTOMER")
    assert (faxes(world), cities(world)) == (("10", "10"), ("Hamburg", "Hamburg"))


async def test_what_arrived_with_it_is_no_conflict_once_people_made_the_other_field_equal(make: Make) -> None:
    world = await edited(make, ConflictPolicy.NONE)
    world.edit_nav("Customer", "C1", Fax_No="10", City="Hamburg")
    assert world.codes(await world.run("CUSTOMER")) == {}
    assert faxes(world) == ("10", "10")


async def test_nobody_can_tell_who_came_last_where_a_value_is_put_back(make: Make) -> None:
    world = await edited(make, ConflictPolicy.NONE)
    world.edit_nav("Customer", "C1", City="Bonn")
    assert is_shown(world, await world.run("CUSTOMER"), "Bonn", "Hamburg")


async def test_it_is_asked_still_where_a_value_is_put_back(make: Make) -> None:
    world = await edited(make, ConflictPolicy.ASK)
    world.edit_nav("Customer", "C1", City="Bonn")
    await world.run("CUSTOMER")
    assert (cities(world), waiting(world)) == (("Bonn", "Hamburg"), ["City"])


async def test_who_puts_a_value_back_before_the_other_pass_has_the_last_word_where_crm_leads(make: Make) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.GET_UPDATE)
    world.edit_nav("Customer", "C1", City="Bremen")
    plan = lost_and_city_edited(world)
    await world.one_pass("CUSTOMER", Direction.TO_INTEGRATION_TABLE, only_coupled=True, plan=plan)
    city_in_crm(world, "Bonn")
    await world.run("CUSTOMER")
    await world.run("CUSTOMER")
    assert cities(world) == ("Bonn", "Bonn")


async def test_the_answer_that_was_lost_makes_nothing_newer(make: Make) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.ASK)
    both_change(world, {"Fax_No": "9", "City": "Köln"}, {"address1_city": "Hamburg"})
    stamp(world, LAST, FIRST)
    await world.run("CUSTOMER", plan=at("crm", updating, lost_after))
    (found,) = queues.conflicts(world.store)
    assert [(one.nav, one.newer) for one in found.fields] == [("City", Choice.NAV)]
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    await world.run("CUSTOMER")
    assert (cities(world), faxes(world)) == (("Köln", "Köln"), ("9", "9"))


async def test_another_field_that_is_edited_before_anybody_looks_again_makes_nothing_newer(make: Make) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    both_change(world, {"City": "Köln"}, {"address1_city": "Hamburg"})
    stamp(world, LAST, FIRST)

    async def lost_and_edited(send: Send) -> httpx.Response:
        await asyncio.to_thread(another_number(world))
        return await lost_before(send)

    run = await world.run("CUSTOMER", plan=at("crm", updating, lost_and_edited))
    assert is_shown(world, run, "Köln", "Hamburg")


async def test_another_field_that_is_edited_after_an_engine_died_makes_nothing_newer_either(make: Make) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    both_change(world, {"City": "Köln"}, {"address1_city": "Hamburg"})
    stamp(world, LAST, FIRST)
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("crm", updating, dies))
    another_number(world)()
    assert is_shown(world, await world.resume(number), "Köln", "Hamburg")


async def test_a_field_that_is_settled_is_as_old_as_its_record_while_another_one_is_not(make: Make) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    world.edit_nav("Customer", "C1", Fax_No="1")
    await world.run("CUSTOMER")
    world.edit_nav("Customer", "C1", Fax_No="2", City="Bremen")
    stamp(world, BEFORE, BEFORE)
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("crm", updating, arrives_and_dies))
    city_in_crm(world, "Hamburg")
    stamp(world, BEFORE, FIRST)
    refused = answered(400, b'{"error":{"code":"x","message":"not in the list"}}', content_type="application/json")
    await world.resume(number, plan=at("nav", writing, refused))
    assert (cities(world), faxes(world)) == (("Bremen", "Hamburg"), ("2", "2"))
    both_change(world, {"Fax_No": "3"}, {"fax": "1"})
    stamp(world, LAST, AGAIN)
    await world.run("CUSTOMER")
    assert faxes(world) == ("1", "1")


def unsettled(world: World) -> int:
    with world.store.reading() as connection:
        return len(connection.execute(sa.select(overwritten.c.id).where(overwritten.c.unsettled)).all())


async def test_a_partner_that_was_out_of_sight_for_a_while_says_nothing_of_what_was_sent(make: Make) -> None:
    world = await coupled(make)
    world.edit_nav("Customer", "C1", City="Bremen")
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("crm", updating, arrives_and_dies))
    accounts, account = world.sandbox.crm.tables["accounts"], account_of(world, "C1")
    accounts.delete(account["accountid"])
    assert world.codes(await world.resume(number)) == {"C1": "deleted"}
    accounts.insert(account)
    world.edit_nav("Customer", "C1", City="Bonn")
    await world.run("CUSTOMER")
    assert cities(world)[0] == "Bonn"


async def test_what_was_sent_to_a_record_that_is_uncoupled_since_is_settled_by_the_next_run(make: Make) -> None:
    world = await edited(make, ConflictPolicy.NONE)
    assert unsettled(world) == 1
    (pair,) = [one for one in world.couplings("CUSTOMER") if one.nav_no == "C1"]
    with world.store.writing() as connection:
        remove(connection, "CUSTOMER", [pair.nav_id])
    await world.run("CURRENCY")
    assert unsettled(world) == 0


@pytest.mark.parametrize("policy", [ConflictPolicy.NONE, ConflictPolicy.GET_UPDATE])
async def test_what_was_written_of_a_product_that_failed_later_is_nobodys_edit(
    make: Make, policy: ConflictPolicy
) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item()]})
    await world.run(*JOBS)
    blocked_too(world, policy)
    world.edit_nav("Item", "I1", Blocked=True)
    for text in ("A", "B"):
        world.edit_nav("Item", "I1", Description=text)
        refused = at("crm", lambda seen: batch(seen) and b'"statecode"' in seen.body, refused_row())
        assert world.codes(await world.run(*JOBS, plan=refused), "ITEM-PRODUCT") == {"I1": "product_state"}
    world.edit_nav("Item", "I1", Description="C")
    assert queues.retry(world.store, "ITEM-PRODUCT") == 1
    assert world.codes(await world.run(*JOBS), "ITEM-PRODUCT") == {}
    assert (world.nav("Item")[0]["Description"], world.crm("products")[0]["name"]) == ("C", "C")


@pytest.mark.parametrize("policy", [ConflictPolicy.NONE, ConflictPolicy.ASK])
@pytest.mark.parametrize("more", [{}, {"Description": "A"}], ids=["alone", "with more"])
async def test_a_state_that_crm_refused_is_not_taken_for_ours(
    make: Make, policy: ConflictPolicy, more: dict[str, str]
) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item()]})
    await world.run(*JOBS)
    blocked_too(world, policy)
    await world.run(*JOBS)
    world.edit_nav("Item", "I1", Blocked=True, **more)
    refused = at("crm", lambda seen: batch(seen) and b'"statecode"' in seen.body, refused_row())
    assert world.codes(await world.run(*JOBS, plan=refused), "ITEM-PRODUCT") == {"I1": "product_state"}
    world.edit_nav("Item", "I1", Blocked=False)
    world.edit_crm("products", world.crm("products")[0]["productid"], statecode=1, statuscode=2)
    await world.run(*JOBS)
    assert (world.nav("Item")[0]["Blocked"], world.crm("products")[0]["statecode"]) == (True, 1)


async def test_a_state_of_which_nobody_knows_what_came_stays_unsettled_alone(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item()]})
    await world.run(*JOBS)
    blocked_too(world, ConflictPolicy.NONE)
    world.edit_nav("Item", "I1", Blocked=True, Description="A")
    lost = always("crm", lambda seen: batch(seen) and b'"statecode"' in seen.body, lost_before)
    scope = Direction.TO_INTEGRATION_TABLE
    run = await world.one_pass("ITEM-PRODUCT", scope, only_coupled=True, plan=lost)
    assert world.codes(run, "ITEM-PRODUCT") == {"I1": "product_state"}
    with world.store.reading() as connection:
        rows = connection.execute(sa.select(overwritten.c["values"]).where(overwritten.c.unsettled)).scalars().all()
    assert {column for one in rows for column in decoded(one).in_question} == {"statecode"}


@pytest.mark.parametrize("policy", [ConflictPolicy.GET_UPDATE, ConflictPolicy.NONE])
async def test_of_a_lookup_that_waits_it_stays_unsettled_what_was_sent(make: Make, policy: ConflictPolicy) -> None:
    world = make(firm())
    jobs = ("CUSTOMER", "CONTACTS")
    await world.run(*jobs)
    world.mapping("CUSTOMER", conflict=policy)
    world.edit_nav("Customer", "C1", Primary_Contact_No="P1")
    number = world.start(*jobs, keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("crm", updating, arrives_and_dies))
    assert primary(world) == world.crm("contacts")[0]["contactid"]
    world.add_nav(
        "Contact", No="P2", Type="Person", Company_No="K1", First_Name="Anna", Surname="P2", E_Mail="p2@p.example"
    )
    world.edit_nav("Customer", "C1", Primary_Contact_No="P2")
    assert world.codes(await world.resume(number)) == {}
    assert world.nav("Customer")[0]["Primary_Contact_No"] == "P2"
    assert primary(world) == world.crm("contacts", lastname="P2")[0]["contactid"]
    await world.run(*jobs)
    assert unsettled(world) == 0


async def test_a_state_that_arrived_and_was_put_back_is_a_conflict(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item()]})
    await world.run(*JOBS)
    blocked_too(world, ConflictPolicy.NONE)
    world.edit_nav("Item", "I1", Blocked=True)
    number = world.start(*JOBS, keep=False)
    with pytest.raises(Died):
        await world.work(
            number, plan=at("crm", lambda seen: batch(seen) and b'"statecode"' in seen.body, arrives_and_dies)
        )
    assert world.crm("products")[0]["statecode"] == 1
    world.edit_crm("products", world.crm("products")[0]["productid"], statecode=0, statuscode=1)
    assert set(world.codes(await world.resume(number), "ITEM-PRODUCT").values()) == {"conflict"}
    assert (world.nav("Item")[0]["Blocked"], world.crm("products")[0]["statecode"]) == (True, 0)
