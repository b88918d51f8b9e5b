"""The record that somebody names as the partner of another one, by id or number: found, or what is wrong with it."""

import asyncio

import pytest

from engine.mapping.transfer import FROM, TO
from engine.model.coupled import Partner
from engine.model.errors import ConfigError
from engine.model.mapping import Direction
from engine.runs import partners
from tests.store.tools import CUSTOMER
from tests.sync.test_customers import account, customer
from tests.sync.world import Make, World
from tests.undo.taking_back import company

NOBODY = "0000000a-0000-4000-8000-00000000000c"


def firms(make: Make) -> World:
    ours = [customer("C1"), customer("C2")]
    theirs = [account("One", "1@x.example"), account("Two", "2@x.example"), account("Two", "3@x.example")]
    return make({"Customer": ours}, {"account": theirs})


async def found(world: World, one_way: Direction, typed: str, source: str | None = None) -> Partner:
    arguments = (world.store, world.settings, CUSTOMER, one_way, source, "Customer C9", typed)
    return await asyncio.to_thread(partners.named, *arguments)


async def test_a_record_of_nav_is_found_by_its_number_and_by_its_id(make: Make) -> None:
    world = firms(make)
    by_number = await found(world, FROM, "C2")
    assert (by_number.number, by_number.name, by_number.problem) == ("C2", "Firm C2", "")
    assert await found(world, FROM, by_number.id.upper()) == by_number


async def test_a_row_of_crm_is_found_by_its_id_and_by_its_name_where_it_has_no_number(make: Make) -> None:
    world = firms(make)
    by_name = await found(world, TO, "One")
    assert (by_name.number, by_name.name, by_name.problem) == ("", "One", "")
    assert by_name.id == world.crm("accounts", name="One")[0]["accountid"]
    assert await found(world, TO, by_name.id) == by_name


async def test_a_row_of_crm_is_found_by_the_number_that_match_rules_look_for(make: Make) -> None:
    world = company(make)
    await world.run()
    arguments = (world.store, world.settings, "ITEM-PRODUCT", TO, None, "Item I9", "I1")
    by_number = await asyncio.to_thread(partners.named, *arguments)
    assert by_number.id == world.crm("products", productnumber="I1")[0]["productid"]
    assert by_number.number == "I1"


@pytest.mark.parametrize(
    ("one_way", "typed", "problem"),
    [
        (FROM, "C7", "There is no Customer in NAV with the number C7."),
        (FROM, NOBODY, f"There is no Customer in NAV with the id {NOBODY}."),
        (TO, "Seven", "There is no account in CRM with the name Seven."),
        (TO, NOBODY, f"There is no account in CRM with the id {NOBODY}."),
        (TO, "Two", "2 account records in CRM have the name Two: type the id of the right one"),
    ],
)
async def test_what_names_none_or_several_says_so(make: Make, one_way: Direction, typed: str, problem: str) -> None:
    assert (await found(firms(make), one_way, typed)).problem.startswith(problem)


async def test_one_that_is_coupled_already_says_with_which(make: Make) -> None:
    world = firms(make)
    await world.run("CUSTOMER")
    taken = next(pair for pair in world.couplings(CUSTOMER) if pair.nav_no == "C1")
    said = (await found(world, TO, taken.crm_id, NOBODY)).problem
    assert said.startswith("Cannot couple account")
    assert "already coupled to Customer C1." in said
    assert (await found(world, TO, taken.crm_id)).problem == "", "without the other record nothing is to be compared"


async def test_a_mapping_that_is_gone_is_told(make: Make) -> None:
    world = firms(make)
    with pytest.raises(ConfigError, match="X is not configured"):
        partners.named(world.store, world.settings, "X", TO, None, "", NOBODY)
