"""Other fields of a record of which one waits for a choice: they go on as if there were no conflict."""

import pytest

from engine.model.mapping import ConflictPolicy
from engine.runs import queues
from tests.conflicts.test_meanwhile import just_before_an_update_of, updating
from tests.conflicts.tools import account_of, both_change, coupled, customer_of
from tests.sync.faults import Died, at
from tests.sync.test_broken_off import arrives_and_dies
from tests.sync.world import Make, World


async def city_waits(make: Make) -> World:
    """The city has been edited on both sides, and the fax number of NAV."""
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.ASK)
    both_change(world, {"Fax_No": "9", "City": "Bremen"}, {"address1_city": "Hamburg"})
    return world


def fax_in_crm(world: World, number: str) -> None:
    world.edit_crm("accounts", account_of(world, "C1")["accountid"], fax=number)


def faxes(world: World) -> tuple[str, str]:
    return customer_of(world, "C1")["Fax_No"], account_of(world, "C1")["fax"]


def waiting(world: World) -> list[str]:
    return [field.nav for found in queues.conflicts(world.store) for field in found.fields]


async def test_they_go_their_way_again_and_again(make: Make) -> None:
    world = await city_waits(make)
    await world.run("CUSTOMER")
    assert (faxes(world), waiting(world)) == (("9", "9"), ["City"])
    world.edit_nav("Customer", "C1", Fax_No="10")
    await world.run("CUSTOMER")
    assert (faxes(world), waiting(world)) == (("10", "10"), ["City"])


async def test_who_goes_back_to_what_we_once_wrote_is_not_overwritten(make: Make) -> None:
    world = await city_waits(make)
    await world.run("CUSTOMER")
    for number in ("11", "9"):
        fax_in_crm(world, number)
        await world.run("CUSTOMER")
        assert (faxes(world), waiting(world)) == ((number, number), ["City"])


async def test_an_edit_between_the_passes_of_a_run_is_no_conflict(make: Make) -> None:
    world = await city_waits(make)
    edit = just_before_an_update_of("crm", lambda: world.edit_nav("Customer", "C1", Fax_No="10"))
    await world.run("CUSTOMER", plan=edit)
    assert waiting(world) == ["City"]
    await world.run("CUSTOMER")
    assert (faxes(world), waiting(world)) == (("10", "10"), ["City"])


async def test_what_an_engine_sent_with_the_waiting_one_is_ours_no_more_once_it_is_known_what_came_of_it(
    make: Make,
) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.ASK)
    world.edit_nav("Customer", "C1", Fax_No="9", City="Bremen")
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("crm", updating, arrives_and_dies))
    world.edit_crm("accounts", account_of(world, "C1")["accountid"], address1_city="Hamburg")
    world.edit_nav("Customer", "C1", City="Ulm")
    await world.resume(number)
    assert (faxes(world), waiting(world)) == (("9", "9"), ["City"])
    for fax in ("11", "9"):
        fax_in_crm(world, fax)
        await world.run("CUSTOMER")
        assert (faxes(world), waiting(world)) == ((fax, fax), ["City"])
