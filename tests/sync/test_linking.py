"""Lookups that waited for a partner, of which there is something else to say once it is there (`engine.sync.linking`)."""

from dataclasses import replace

from engine.model.snapshot import RunState
from engine.store.work import count_waiting
from tests.handling.tools import changed, with_fields
from tests.sync.test_contacts import JOBS, firm, primary
from tests.sync.test_customers import customer
from tests.sync.world import Make, World


def waiting(world: World) -> int:
    """Records that have lookups that wait for a contact."""
    with world.store.reading() as connection:
        return count_waiting(connection, "CONTACTS")


async def test_what_a_customer_waited_for_that_is_gone_meanwhile_is_forgotten_without_a_word(make: Make) -> None:
    seeds = firm(Primary_Contact_No="P1")
    seeds["Customer"].append(customer("C2"))
    world = make(seeds)
    await world.run("CUSTOMER")
    assert waiting(world) == 1
    world.delete_nav("Customer", "C1")
    run = await world.run("CONTACTS")
    assert waiting(world) == 0
    assert [one for one in world.outcomes(run) if one.kind == "link"] == []
    assert all(one.get("_primarycontactid_value") is None for one in world.crm("accounts"))


async def test_what_a_mapping_waited_for_that_is_configured_no_more_is_forgotten(make: Make) -> None:
    world = make(firm(Primary_Contact_No="P1"))
    await world.run("CUSTOMER")
    assert waiting(world) == 1
    whole = world.settings
    world.settings = replace(whole, mappings=tuple(one for one in whole.mappings if one.name != "CUSTOMER"))
    run = await world.run("CONTACTS")
    assert run.state is RunState.FINISHED
    assert (waiting(world), primary(world)) == (0, None)
    world.settings = whole
    await world.run(*JOBS)
    assert primary(world) == world.crm("contacts")[0]["contactid"], "once it is configured again, it is written"


async def test_a_field_that_waits_no_more_by_its_mapping_is_left_to_the_next_pass(make: Make) -> None:
    world = make(firm(Primary_Contact_No="P1"))
    await world.run("CUSTOMER")
    with_fields(world, "CUSTOMER", changed("primarycontactid", clear_on_fail=False))
    await world.run("CONTACTS")
    assert (waiting(world), primary(world)) == (0, None)
    await world.run("CUSTOMER")
    assert primary(world) == world.crm("contacts")[0]["contactid"]
