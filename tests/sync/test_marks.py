"""The mark that a customer made for an account carries, when customers are matched with accounts."""

import pytest

from engine.model.mapping import DeletionPolicy, Direction
from engine.store import couplings
from tests.sync.test_customers import account
from tests.sync.world import Make, counters

FROM = Direction.FROM_INTEGRATION_TABLE


async def test_the_mark_of_one_record_is_no_match_for_another(make: Make) -> None:
    world = make({}, {"account": [account("A1", "a1@x.example"), account("Closed", statecode=1)]})
    other = str(world.crm("accounts", name="Closed")[0]["accountid"])
    world.add_nav("Customer", No="X", Name="A1", E_Mail="a1@x.example", CRM_Id=other.upper())
    run = await world.one_pass("CUSTOMER", FROM, only_coupled=False)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 1}
    assert [one.nav_no for one in world.couplings("CUSTOMER")] == ["C000001"]


@pytest.mark.parametrize("mark", ["00000000-0000-4000-8000-000000000001", "what somebody wrote there"])
async def test_the_mark_of_what_is_not_there_hinders_no_match(make: Make, mark: str) -> None:
    world = make({}, {"account": [account("A1", "a1@x.example")]})
    world.add_nav("Customer", No="X", Name="A1", E_Mail="a1@x.example", CRM_Id=mark)
    run = await world.one_pass("CUSTOMER", FROM, only_coupled=False)
    assert counters(run, "CUSTOMER", FROM) == {"coupled": 1, "unchanged": 1}


async def test_a_customer_matches_its_account_that_was_made_again_with_the_mark_of_the_former_one(make: Make) -> None:
    world = make({}, {"account": [account("A1", "a1@x.example")]})
    await world.run("CUSTOMER")
    (pair,) = world.couplings("CUSTOMER")
    world.delete_crm("accounts", pair.crm_id)
    world.mapping("CUSTOMER", deletion=DeletionPolicy.RESTORE_RECORDS)
    await world.run("CUSTOMER")
    (again,) = world.couplings("CUSTOMER")
    assert again.crm_id != pair.crm_id
    with world.store.writing() as connection:
        couplings.remove(connection, "CUSTOMER", [again.nav_id])
    run = await world.one_pass("CUSTOMER", FROM, only_coupled=False)
    assert counters(run, "CUSTOMER", FROM) == {"coupled": 1, "unchanged": 1}
    assert [one["No"] for one in world.nav("Customer")] == [pair.nav_no]


async def test_the_mark_of_a_lost_account_that_is_coupled_keeps_its_customer(make: Make) -> None:
    world = make({}, {"account": [account("A1", "a1@x.example")]})
    await world.run("CUSTOMER")
    (pair,) = world.couplings("CUSTOMER")
    copy = world.add_nav("Customer", No="X", Name="A2", E_Mail="a2@x.example", CRM_Id=pair.crm_id)
    world.delete_crm("accounts", pair.crm_id)
    world.sandbox.crm.seed("account", account("A2", "a2@x.example"))
    await world.one_pass("CUSTOMER", FROM, only_coupled=False)
    assert str(copy["SystemId"]).lower() not in {one.nav_id for one in world.couplings("CUSTOMER")}
