"""An update arrives, its answer is lost, and somebody edits one of its fields before anybody has looked again."""

import asyncio

import httpx

from engine.model.mapping import ConflictPolicy, Direction
from tests.conflicts.test_meanwhile import cities, is_shown, updating
from tests.conflicts.test_other_fields import faxes, waiting
from tests.conflicts.tools import account_of, coupled
from tests.sync.faults import Plan, Send, at, lost_after
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
