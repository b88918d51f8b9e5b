"""A state store that was lost has forgotten the pairs; the mark of a NAV record still tells for which row it was made
(reference/reliability.md section 2.5).
"""

from pathlib import Path

import pytest

from engine.model.mapping import Direction
from engine.model.snapshot import RunState
from tests.sync.test_contacts import JOBS, contact
from tests.sync.test_customers import account
from tests.sync.test_salespeople import user
from tests.sync.world import Make, MortalStore, World, counters

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


def lose_the_store(world: World) -> None:
    world.store.close()
    for file in Path(str(world.settings.path)).parent.glob("store.db*"):
        file.unlink()
    world.store = MortalStore.open(world.settings.store.url)


async def test_a_customer_whom_nothing_else_matches_is_coupled_again_and_made_on_neither_side(make: Make) -> None:
    world = make({}, {"account": [account("Firm A", None), account("Firm B", None)]})
    await world.run("CUSTOMER")
    before = {(one.nav_no, one.crm_id) for one in world.couplings("CUSTOMER")}
    written = len(world.audit())
    lose_the_store(world)
    run = await world.run("CUSTOMER")
    assert {(one.nav_no, one.crm_id) for one in world.couplings("CUSTOMER")} == before
    assert counters(run, "CUSTOMER", TO) == {"unchanged": 2, "coupled": 2}
    assert world.audit(written) == []


async def test_a_salesperson_without_mail_is_found_from_crm_the_only_way_there_is(make: Make) -> None:
    world = make({}, {"systemuser": [user("Nobody", "")]})
    await world.run("SALEPEOPLE")
    lose_the_store(world)
    run = await world.run("SALEPEOPLE")
    assert counters(run, "SALEPEOPLE") == {"unchanged": 1, "coupled": 1}
    assert len(world.nav("Salesperson_Purchaser")) == 1


async def test_a_person_whose_customer_was_entered_anew_is_coupled_again_and_moves_there(make: Make) -> None:
    world = make({}, {"account": [account("Neu", "n@x.example")], "contact": [contact("Kis", "Neu")]})
    await world.run(*JOBS)
    (old,) = world.nav("Customer")
    world.delete_nav("Customer", str(old["No"]))
    world.add_nav("Customer", No="ANEW", Name="Neu", E_Mail="n@x.example")
    lose_the_store(world)
    await world.run(*JOBS)
    (person,) = world.nav("Contact", Type="Person")
    assert person["Customer_No"] == "ANEW"
    assert [one.nav_no for one in world.couplings("CONTACTS")] == [person["No"]]


async def test_two_records_with_one_mark_are_for_people_to_decide(make: Make) -> None:
    world = make({}, {"account": [account("Firm A", None)]})
    await world.run("CUSTOMER")
    (made,) = world.nav("Customer")
    world.add_nav("Customer", No="COPY", Name="Firm A", CRM_Id=made["CRM_Id"])
    lose_the_store(world)
    run = await world.run("CUSTOMER")
    assert set(world.codes(run).values()) == {"ambiguous"}
    assert counters(run, "CUSTOMER", TO) == {"failed": 2, "ambiguous": 2}
    assert (len(world.nav("Customer")), len(world.crm("accounts")), world.couplings("CUSTOMER")) == (2, 1, [])


async def test_a_mark_of_a_row_that_is_gone_says_nothing(make: Make) -> None:
    world = make({}, {"account": [account("Firm A", None)]})
    await world.run("CUSTOMER")
    (row,) = world.crm("accounts")
    world.delete_crm("accounts", str(row["accountid"]))
    lose_the_store(world)
    run = await world.run("CUSTOMER")
    assert (run.state, counters(run, "CUSTOMER", TO)) == (RunState.FINISHED, {"inserted": 1})


async def test_a_record_whose_mark_was_cleared_is_one_of_its_own(make: Make) -> None:
    world = make({}, {"account": [account("Firm A", None)]})
    await world.run("CUSTOMER")
    (made,) = world.nav("Customer")
    world.edit_nav("Customer", str(made["No"]), CRM_Id="")
    lose_the_store(world)
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1}


@pytest.mark.parametrize("marked", [False, True])
async def test_where_no_record_has_a_mark_a_pass_asks_once_and_no_more(
    make: Make, marked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def counted(*arguments: object) -> None:
        asked.append(1)

    monkeypatch.setattr("engine.sync.page.match_by_mark", counted)
    world = make({}, {"systemuser": [user("Anna"), user("John")]})
    if marked:
        world.add_nav("Salesperson_Purchaser", Code="Z", CRM_Id="70f16a97-75ef-48d7-b498-2f1360aa2455")
    await world.run("SALEPEOPLE")
    assert bool(asked) is marked
