"""Deletions of records that others depend on: an account goes with its contacts, and one of them is its primary contact
(reference/domain.md sections 1.4, 1.5 and 3.5).
"""

from collections.abc import Iterator

import pytest

from engine.model.mapping import DeletionPolicy, Direction
from engine.runs.requests import Mend
from tests.check.looking import faults, look
from tests.conflicts.tools import account_of, customer_of, sync
from tests.coupling.tools import ask, change, messages, sums
from tests.handling.tools import quiet
from tests.runs.company import needs_adventureworks
from tests.sync.test_contacts import company, person
from tests.sync.test_customers import customer
from tests.sync.world import Make, World, counters
from tests.undo.adventureworks import adventureworks

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
NONE, RESTORE, REMOVE = DeletionPolicy.NONE, DeletionPolicy.RESTORE_RECORDS, DeletionPolicy.REMOVE_COUPLING
JOBS = ("CUSTOMER", "CONTACTS")


def follow(world: World, customers: DeletionPolicy, contacts: DeletionPolicy | None = None) -> None:
    """From now on, the mappings have these deletion policies."""
    change(world, "CUSTOMER", deletion=customers)
    change(world, "CONTACTS", deletion=contacts or customers)


async def family(make: Make) -> World:
    """Customer C1 with persons P1, its primary contact, and P2; all are coupled."""
    world = make(
        {
            "Customer": [customer("C1", Primary_Contact_No="P1")],
            "Contact": [company("K1", "C1"), person("P1", "K1", "C1"), person("P2", "K1", "C1")],
        }
    )
    await world.run(*JOBS)
    assert whole(world)
    return world


def whole(world: World, no: str = "C1") -> bool:
    """Whether the account of a customer, its contacts and its primary contact are those of NAV."""
    persons = {row["No"] for row in world.nav("Contact", Customer_No=no, Type="Person")}
    pairs = {one.nav_no: one.crm_id for one in world.couplings("CONTACTS") if one.nav_no in persons}
    account = account_of(world, no)
    rows = world.crm("contacts", _parentcustomerid_value=account["accountid"])
    primary = pairs.get(customer_of(world, no)["Primary_Contact_No"])
    return (
        pairs.keys() == persons
        and set(pairs.values()) == {row["contactid"] for row in rows}
        and primary is not None
        and account.get("_primarycontactid_value") == primary
    )


def lose(world: World, no: str = "C1") -> str:
    """Somebody deletes the account of a customer, and with it its contacts."""
    id = str(account_of(world, no)["accountid"])
    world.delete_crm("accounts", id)
    assert world.crm("contacts", _parentcustomerid_value=id) == []
    return id


async def test_an_account_is_made_again_with_its_contacts_and_its_primary_contact(make: Make) -> None:
    world = await family(make)
    lost = lose(world)
    follow(world, RESTORE)
    run = await world.run(*JOBS)
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1}
    assert counters(run, "CONTACTS", TO) == {"inserted": 2}
    assert world.outcomes(run) == []
    assert account_of(world, "C1")["accountid"] != lost
    assert whole(world)
    await quiet(world, *JOBS)
    assert faults(await look(world)) == []


async def test_lost_partners_are_made_again_on_demand_with_the_primary_contact(make: Make) -> None:
    world = await family(make)
    lose(world)
    run = await ask(world, Mend("", "restore"))
    assert (sums(run), messages(world, run)) == ({"inserted": 3}, [])
    assert whole(world)
    await quiet(world, *JOBS)
    assert faults(await look(world)) == []


async def test_customers_that_are_restored_alone_get_their_primary_contact_with_the_contacts(make: Make) -> None:
    world = await family(make)
    lose(world)
    assert sums(await ask(world, Mend("CUSTOMER", "restore"))) == {"inserted": 1}
    assert account_of(world, "C1").get("_primarycontactid_value") is None
    assert customer_of(world, "C1")["Primary_Contact_No"] == "P1"
    assert sums(await ask(world, Mend("CONTACTS", "restore"))) == {"inserted": 2}
    assert whole(world)


async def test_couplings_of_an_account_and_of_its_contacts_are_removed_together(make: Make) -> None:
    world = await family(make)
    lose(world)
    follow(world, REMOVE)
    before = len(world.audit())
    run = await world.run(*JOBS)
    assert world.codes(run) == dict.fromkeys(("C1", "P1", "P2"), "coupling_removed")
    assert world.couplings("CUSTOMER") == world.couplings("CONTACTS") == []
    assert world.audit(before) == []
    assert faults(await look(world)) == []
    await world.run(*JOBS)
    assert whole(world), "new partners, made by a full synchronization"
    await quiet(world, *JOBS)
    assert faults(await look(world)) == []


async def test_without_a_policy_all_of_them_fail_and_nothing_is_written(make: Make) -> None:
    world = await family(make)
    lose(world)
    before = len(world.audit())
    run = await world.run(*JOBS)
    assert world.codes(run) == dict.fromkeys(("C1", "P1", "P2"), "deleted")
    assert world.audit(before) == []
    assert customer_of(world, "C1")["Primary_Contact_No"] == "P1"
    assert {one[1:] for one in faults(await look(world))} == {("dangling", no) for no in ("C1", "P1", "P2")}


async def test_a_contact_is_not_restored_without_its_account_and_says_why(make: Make) -> None:
    world = await family(make)
    lose(world)
    follow(world, NONE, RESTORE)
    run = await world.run(*JOBS)
    assert world.codes(run) == {"C1": "deleted", "P1": "partner_gone", "P2": "partner_gone"}
    follow(world, RESTORE)
    await ask(world, Mend("", "restore"))
    assert whole(world)


async def test_contacts_of_an_uncoupled_customer_that_cannot_be_restored_say_why(make: Make) -> None:
    world = await family(make)
    lose(world)
    follow(world, REMOVE, RESTORE)
    run = await world.run(*JOBS)
    assert world.codes(run) == {"C1": "coupling_removed", "P1": "not_coupled", "P2": "not_coupled"}
    await world.run(*JOBS)
    assert whole(world)


async def test_an_account_is_restored_although_its_contacts_are_not(make: Make) -> None:
    world = await family(make)
    lose(world)
    follow(world, RESTORE, NONE)
    run = await world.run(*JOBS)
    assert world.codes(run) == {"C1": "link", "P1": "deleted", "P2": "deleted"}
    assert account_of(world, "C1").get("_primarycontactid_value") is None
    assert customer_of(world, "C1")["Primary_Contact_No"] == "P1"
    await quiet(world, *JOBS)
    await ask(world, Mend("", "restore"))
    await world.run(*JOBS)
    assert whole(world)


async def test_a_primary_contact_alone_is_made_again_and_linked_again(make: Make) -> None:
    world = await family(make)
    follow(world, RESTORE)
    world.delete_crm("contacts", account_of(world, "C1")["_primarycontactid_value"])
    assert account_of(world, "C1").get("_primarycontactid_value") is None
    await world.run(*JOBS)
    assert customer_of(world, "C1")["Primary_Contact_No"] == "P1"
    assert whole(world)
    await quiet(world, *JOBS)


async def test_what_a_deletion_emptied_is_not_carried_over_by_modified_records(make: Make) -> None:
    world = await family(make)
    world.delete_crm("contacts", account_of(world, "C1")["_primarycontactid_value"])
    await sync(world, *JOBS)
    assert customer_of(world, "C1")["Primary_Contact_No"] == "P1"
    await ask(world, Mend("", "restore"))
    await world.run(*JOBS)
    assert whole(world)


async def test_another_primary_contact_that_people_chose_stands(make: Make) -> None:
    world = await family(make)
    follow(world, RESTORE)
    account = account_of(world, "C1")
    other = next(one.crm_id for one in world.couplings("CONTACTS") if one.nav_no == "P2")
    world.delete_crm("contacts", account["_primarycontactid_value"])
    world.edit_crm("accounts", account["accountid"], **{"primarycontactid@odata.bind": f"/contacts({other})"})
    await world.run(*JOBS)
    assert customer_of(world, "C1")["Primary_Contact_No"] == "P2"
    assert whole(world)
    await quiet(world, *JOBS)


async def test_a_person_that_is_gone_in_nav_is_made_again_and_linked_again(make: Make) -> None:
    world = await family(make)
    follow(world, RESTORE)
    world.delete_nav("Contact", "P1")
    assert customer_of(world, "C1")["Primary_Contact_No"] == ""
    await world.run(*JOBS)
    again = world.nav("Contact", Surname="P1")[0]["No"]
    assert customer_of(world, "C1")["Primary_Contact_No"] == again
    assert whole(world)
    await quiet(world, *JOBS)


async def test_a_customer_that_is_gone_in_nav_is_made_again_with_its_persons(make: Make) -> None:
    world = await family(make)
    follow(world, RESTORE)
    world.delete_nav("Customer", "C1")
    await world.run(*JOBS)
    (again,) = world.nav("Customer")
    assert again["Primary_Contact_No"] == "P1"
    assert whole(world, again["No"])
    await quiet(world, *JOBS)
    assert faults(await look(world)) == []


async def test_a_plan_of_a_restored_account_changes_nothing(make: Make) -> None:
    world = await family(make)
    lose(world)
    follow(world, RESTORE)
    before, pairs = len(world.audit()), world.couplings("CONTACTS")
    run = await world.plan(*JOBS)
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1}
    assert counters(run, "CONTACTS", TO) == {"inserted": 2}
    assert (world.audit(before), world.couplings("CONTACTS")) == ([], pairs)


# the same on real-looking data


@pytest.fixture
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with adventureworks(tmp_path_factory.mktemp("families") / "world", customers=0) as world:
        yield world


def with_primary_contact(world: World, number: int) -> list[str]:
    found = (row for row in world.nav("Customer") if row["Primary_Contact_No"])
    return [row["No"] for row in found if account_of(world, row["No"]).get("_primarycontactid_value")][:number]


@needs_adventureworks
async def test_real_customers_with_a_primary_contact_follow_each_policy(data: World) -> None:
    world = data
    await world.run()
    assert faults(await look(world)) == []
    numbers = with_primary_contact(world, 6)
    assert len(numbers) == 6
    for no in numbers:
        lose(world, no)
    persons = {row["No"] for no in numbers for row in world.nav("Contact", Customer_No=no, Type="Person")}
    lost = {*numbers, *persons}

    run = await quiet(world, *JOBS)
    assert world.codes(run) == dict.fromkeys(lost, "deleted")
    assert {no for _, what, no in faults(await look(world)) if what == "dangling"} == lost

    follow(world, RESTORE)
    run = await world.run(*JOBS)
    assert world.outcomes(run) == []
    assert (counters(run, "CUSTOMER", TO)["inserted"], counters(run, "CONTACTS", TO)["inserted"]) == (6, len(persons))
    assert all(whole(world, no) for no in numbers)
    await quiet(world)
    assert faults(await look(world)) == []

    follow(world, NONE)
    for no in numbers:
        lose(world, no)
    assert messages(world, await ask(world, Mend("", "restore"))) == []
    assert all(whole(world, no) for no in numbers)
    await quiet(world)
    assert faults(await look(world)) == []

    follow(world, REMOVE)
    for no in numbers:
        lose(world, no)
    run = await quiet(world, *JOBS)
    assert world.codes(run) == dict.fromkeys(lost, "coupling_removed")
    coupled = {one.nav_no for name in JOBS for one in world.couplings(name)}
    assert not coupled & lost
    assert faults(await look(world)) == []
    await world.run(*JOBS)
    assert all(whole(world, no) for no in numbers)
    await quiet(world)
    assert faults(await look(world)) == []


async def test_couplings_of_a_customer_that_is_gone_in_nav_are_removed_and_made_anew(make: Make) -> None:
    world = await family(make)
    follow(world, REMOVE)
    account = account_of(world, "C1")["accountid"]
    world.delete_nav("Customer", "C1")
    run = await world.run(*JOBS)
    assert [one.code for one in world.outcomes(run, "CUSTOMER")] == ["coupling_removed"]
    assert world.couplings("CUSTOMER") == []
    assert len(world.couplings("CONTACTS")) == 2, "both records of each are there"
    await world.run(*JOBS)
    (again,) = world.nav("Customer")
    assert account_of(world, again["No"])["accountid"] == account
    assert whole(world, again["No"])
    await quiet(world, *JOBS)
    assert len(world.nav("Contact", Type="Person")) == len(world.crm("contacts")) == 2
