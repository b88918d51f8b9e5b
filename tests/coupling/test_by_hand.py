"""Coupling two records by hand, and making the partner of one (reference/domain.md sections 4.3 and 5.5)."""

import pytest

from engine.model.errors import ConfigError
from engine.model.snapshot import JobType, RunState
from engine.runs import snapshots
from engine.runs.requests import Couple
from tests.coupling.tools import FROM, TO, ask, messages, nav_id, sums
from tests.sync.faults import at, creating, lost_after
from tests.sync.test_contacts import company, contact, person
from tests.sync.test_customers import account, customer
from tests.sync.test_salespeople import user
from tests.sync.world import Make, World


def two(make: Make) -> World:
    """Two customers and two accounts that do not match each other."""
    return make(
        {"Customer": [customer("C1", City="Ulm"), customer("C2")]},
        {"account": [account("One", "1@y.example", customertypecode=None), account("Two", "2@y.example")]},
    )


def account_id(world: World, name: str) -> str:
    return str(world.crm("accounts", name=name)[0]["accountid"])


async def test_two_records_are_coupled_and_nothing_is_written(make: Make) -> None:
    world = two(make)
    one = account_id(world, "One")
    before = len(world.audit())
    run = await ask(world, Couple("CUSTOMER", "c1", one.upper()))
    assert (run.kind, run.state, sums(run)) == ("couple", RunState.FINISHED, {"coupled": 1})
    (pair,) = world.couplings("CUSTOMER")
    assert (pair.nav_no, pair.nav_id, pair.crm_id) == ("C1", nav_id(world, "Customer", "C1"), one)
    assert world.audit(before) == []
    (job,) = snapshots.history(world.store)
    assert (job.type, job.mapping, job.counters.coupled) == (JobType.COUPLING, "CUSTOMER", 1)


async def test_a_nav_record_may_be_named_by_its_id(make: Make) -> None:
    world = two(make)
    run = await ask(world, Couple("CUSTOMER", nav_id(world, "Customer", "C2"), account_id(world, "Two")))
    assert sums(run) == {"coupled": 1}
    assert [one.nav_no for one in world.couplings("CUSTOMER")] == ["C2"]


async def test_the_values_of_nav_go_to_crm_when_that_is_asked_for(make: Make) -> None:
    world = two(make)
    run = await ask(world, Couple("CUSTOMER", "C1", account_id(world, "One"), TO))
    assert sums(run) == {"coupled": 1, "modified": 1}
    (found,) = world.crm("accounts", name="Firm C1")
    assert (found["address1_city"], found["emailaddress1"], found["customertypecode"]) == ("Ulm", "c1@x.example", 3)
    assert {job.type for job in snapshots.history(world.store)} == {JobType.COUPLING, JobType.SYNCHRONIZATION}
    again = await world.run("CUSTOMER")
    assert again.jobs[0].passes[0].counters.unchanged == 1, "the full synchronization finds nothing left to do"


async def test_the_values_of_crm_go_to_nav_when_that_is_asked_for(make: Make) -> None:
    world = two(make)
    run = await ask(world, Couple("CUSTOMER", "C1", account_id(world, "Two"), FROM))
    assert sums(run) == {"coupled": 1, "modified": 1}
    (found,) = world.nav("Customer", No="C1")
    assert (found["Name"], found["E_Mail"], found["City"]) == ("Two", "2@y.example", "")


async def test_the_first_synchronization_of_a_pair_makes_the_account_a_customer(make: Make) -> None:
    world = two(make)
    one = account_id(world, "One")
    await ask(world, Couple("CUSTOMER", "C1", one))
    await world.run("CUSTOMER")
    assert world.crm("accounts", accountid=one)[0]["customertypecode"] == 3


async def test_a_coupled_record_is_not_coupled_again(make: Make) -> None:
    world = two(make)
    one, two_ = account_id(world, "One"), account_id(world, "Two")
    await ask(world, Couple("CUSTOMER", "C1", one))
    run = await ask(world, Couple("CUSTOMER", "C1", two_))
    assert (run.state, sums(run)) == (RunState.FINISHED, {"failed": 1})
    assert messages(world, run) == [
        f"cannot couple Customer C1 to account Two because it is already coupled to account {one}"
    ]
    run = await ask(world, Couple("CUSTOMER", "C2", one))
    assert messages(world, run) == [
        "cannot couple account One to Customer C2 because it is already coupled to Customer C1"
    ]
    run = await ask(world, Couple("CUSTOMER", nav="C1"))
    assert messages(world, run) == [
        f"cannot couple Customer C1 to a new account because it is already coupled to account {one}"
    ]
    assert len(world.couplings("CUSTOMER")) == 1


async def test_a_record_that_does_not_exist_is_not_coupled(make: Make) -> None:
    world = two(make)
    nobody = "11111111-2222-3333-4444-555555555555"
    for nav, crm, message in (
        ("C9", account_id(world, "One"), "NAV has no Customer record C9."),
        ("C1", nobody, f"CRM has no account record {nobody}."),
        (nobody, nobody, f"NAV has no Customer record {nobody}."),
    ):
        run = await ask(world, Couple("CUSTOMER", nav, crm))
        assert messages(world, run) == [message]
    assert world.couplings("CUSTOMER") == []


async def test_a_failed_coupling_is_nothing_that_is_retried(make: Make) -> None:
    world = two(make)
    await ask(world, Couple("CUSTOMER", "C1", "11111111-2222-3333-4444-555555555555"))
    number = world.start("CUSTOMER", kind="sync")
    run = await world.work(number)
    assert run.counters.failed == 0


async def test_a_new_account_is_made_once_although_the_answer_is_lost(make: Make) -> None:
    world = two(make)
    run = await ask(world, Couple("CUSTOMER", nav="C1"), at("crm", creating, lost_after))
    assert sums(run) == {"inserted": 1}
    assert [one["name"] for one in world.crm("accounts")].count("Firm C1") == 1
    assert [one.nav_no for one in world.couplings("CUSTOMER")] == ["C1"]


async def test_a_new_customer_is_made_once_although_the_answer_is_lost(make: Make) -> None:
    world = two(make)
    run = await ask(world, Couple("CUSTOMER", crm=account_id(world, "Two")), at("nav", creating, lost_after))
    assert sums(run) == {"inserted": 1}
    assert [one["Name"] for one in world.nav("Customer")].count("Two") == 1
    assert len(world.couplings("CUSTOMER")) == 1


async def test_a_record_that_matches_is_coupled_and_not_made_again(make: Make) -> None:
    world = make({"Customer": [customer()]}, {"account": [account()]})
    run = await ask(world, Couple("CUSTOMER", nav="C1"))
    assert (run.counters.inserted, run.counters.coupled) == (0, 1)
    assert len(world.crm("accounts")) == 1


async def test_users_are_never_made(make: Make) -> None:
    world = make({"Salesperson_Purchaser": [{"Code": "ANNA", "E_Mail": "anna@x.example"}]}, {"systemuser": [user("B")]})
    with pytest.raises(ConfigError, match="SALEPEOPLE is not configured for ToIntegrationTable"):
        await ask(world, Couple("SALEPEOPLE", nav="ANNA"))
    run = await ask(world, Couple("SALEPEOPLE", crm=str(world.crm("systemusers", fullname="B")[0]["systemuserid"])))
    assert sums(run)["inserted"] == 1


async def test_a_user_is_coupled_with_a_salesperson_of_another_address(make: Make) -> None:
    people = {"Salesperson_Purchaser": [{"Code": "ANNA", "E_Mail": "anna@y.example"}]}
    world = make(people, {"systemuser": [user("Anna")]})
    id = str(world.crm("systemusers", fullname="Anna")[0]["systemuserid"])
    run = await ask(world, Couple("SALEPEOPLE", "ANNA", id, FROM))
    assert sums(run) == {"coupled": 1, "modified": 1}
    assert [one.nav_no for one in world.couplings("SALEPEOPLE")] == ["ANNA"]
    assert world.nav("Salesperson_Purchaser", Code="ANNA")[0]["E_Mail"] == "anna@x.example"
    assert world.audit(side="crm") == []


async def test_a_contact_that_does_not_take_part_says_so(make: Make) -> None:
    world = make({"Contact": [company("K1"), person("P1", "K1")]})
    run = await ask(world, Couple("CONTACTS", nav="P1"))
    assert (sums(run), list(world.codes(run).values())) == ({"failed": 1}, ["left_out"])


async def test_a_contact_is_coupled_by_hand(make: Make) -> None:
    world = make(
        {"Customer": [customer()], "Contact": [company("K1", "C1"), person("P1", "K1", "C1")]},
        {"account": [account()], "contact": [contact("Other", "Firm C1", "other@y.example")]},
    )
    await world.run("CUSTOMER")
    run = await ask(world, Couple("CONTACTS", "P1", str(world.crm("contacts")[0]["contactid"]), TO))
    assert sums(run) == {"coupled": 1, "modified": 1}
    assert world.crm("contacts")[0]["lastname"] == "P1"


async def test_coupling_goes_on_while_a_run_waits_for_its_answer(make: Make) -> None:
    world = two(make)
    await world.run("CURRENCY", keep=None)
    run = await ask(world, Couple("CUSTOMER", "C1", account_id(world, "One")))
    assert run.state is RunState.FINISHED
    found = snapshots.active(world.store)
    assert found is not None
    assert found.state is RunState.ASKING
