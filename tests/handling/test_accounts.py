"""What accounts do to customers, and contacts that need their account first (reference/domain.md 1.4, 1.5)."""

from typing import Any

import pytest

from engine.model.mapping import Direction
from tests.handling.tools import unfiltered
from tests.sync.faults import Died, Fault, Plan, Seen, at, creating, lost_after, lost_before, meanwhile, reading
from tests.sync.test_broken_off import arrives_and_dies, dies
from tests.sync.test_contacts import JOBS, contact
from tests.sync.test_customers import account, customer
from tests.sync.world import Make, World, counters

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


def deactivate(world: World, name: str = "Firm C1") -> str:
    (found,) = world.crm("accounts", name=name)
    world.edit_crm("accounts", found["accountid"], statecode=1, statuscode=2)
    return str(found["accountid"])


@pytest.mark.parametrize(("blocked", "becomes"), [(" ", "All"), ("Ship", "Ship"), ("All", "All")])
async def test_an_inactive_account_blocks_a_customer_that_is_not_blocked(
    make: Make, blocked: str, becomes: str
) -> None:
    world = make({"Customer": [customer()]})
    unfiltered(world, "CUSTOMER", "Blocked", "statecode")
    await world.run("CUSTOMER")
    world.edit_nav("Customer", "C1", Blocked=blocked)
    deactivate(world)
    await world.run("CUSTOMER")
    assert world.nav("Customer")[0]["Blocked"] == becomes


async def test_an_account_that_is_active_again_never_unblocks(make: Make) -> None:
    world = make({"Customer": [customer()]})
    unfiltered(world, "CUSTOMER", "Blocked", "statecode")
    await world.run("CUSTOMER")
    id = deactivate(world)
    await world.run("CUSTOMER")
    world.edit_crm("accounts", id, statecode=0, statuscode=1)
    await world.run("CUSTOMER")
    assert world.nav("Customer")[0]["Blocked"] == "All"


async def test_a_new_customer_of_an_inactive_account_is_blocked(make: Make) -> None:
    world = make({}, {"account": [account("Alt", "a@x.example", statecode=1)]})
    unfiltered(world, "CUSTOMER", "Blocked", "statecode")
    await world.run("CUSTOMER")
    assert [one["Blocked"] for one in world.nav("Customer")] == ["All"]


async def test_the_company_contact_follows_what_crm_changes_in_its_customer(make: Make) -> None:
    world = make({}, {"account": [account()]})
    await world.run("CUSTOMER")
    world.edit_crm("accounts", world.crm("accounts")[0]["accountid"], address1_city="Bonn")
    await world.run("CUSTOMER")
    (company,) = world.nav("Contact", Type="Company")
    assert (company["City"], company["Customer_No"]) == ("Bonn", world.nav("Customer")[0]["No"])


def newcomer(world: World, **more: Any) -> Any:
    """Somebody adds an account with two contacts once CUSTOMER is done and CONTACTS is read from CRM."""

    def add() -> None:
        world.sandbox.crm.seed("account", account("Neu", "n@x.example", **more))
        world.sandbox.crm.seed("contact", contact("Kis", "Neu"))
        world.sandbox.crm.seed("contact", contact("Nagy", "Neu"))

    # the first counts them, the second again, the third reads them
    return at("crm", reading("contacts"), None, None, meanwhile(add))


def newcomer_and(world: World, *faults: Fault | None) -> Plan:
    """The same, and faults of what makes records in NAV: the customer first, then its contacts."""
    plans = [newcomer(world), at("nav", creating, *faults)]

    def plan(seen: Seen) -> Fault | None:
        return next((fault for one in plans if (fault := one(seen)) is not None), None)

    return plan


async def test_the_account_of_a_contact_is_synchronized_on_the_spot(make: Make) -> None:
    world = make()
    run = await world.run(*JOBS, plan=newcomer(world))
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 1}
    assert counters(run, "CONTACTS", FROM) == {"inserted": 2}
    (made,) = world.nav("Customer")
    people = world.nav("Contact", Type="Person")
    assert sorted((one["Surname"], one["Customer_No"]) for one in people) == [("Kis", made["No"]), ("Nagy", made["No"])]
    before = len(world.audit())
    again = await world.run(*JOBS)
    assert counters(again, "CONTACTS") == {"unchanged": 4}
    assert world.audit(before) == []


@pytest.mark.parametrize("fault", [lost_before, lost_after])
async def test_a_customer_made_on_the_spot_whose_answer_is_lost_is_settled_before_its_contacts_are_looked_at(
    make: Make, fault: Fault
) -> None:
    world = make()
    run = await world.run(*JOBS, plan=newcomer_and(world, fault))
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 1}
    assert counters(run, "CONTACTS", FROM) == {"inserted": 2}
    assert world.outcomes(run) == []
    assert len(world.nav("Customer")) == len(world.couplings("CUSTOMER")) == 1


async def test_a_customer_in_doubt_that_was_made_on_the_spot_fails_once_and_so_do_its_contacts(make: Make) -> None:
    world = make(marker_field=None)
    run = await world.run(*JOBS, plan=newcomer_and(world, lost_after))
    assert counters(run, "CUSTOMER", FROM) == {"failed": 1}
    assert counters(run, "CONTACTS", FROM) == {"failed": 2}
    assert [one.code for one in world.outcomes(run, "CUSTOMER")] == ["in_doubt"]
    assert len(world.nav("Customer")) == 1


@pytest.mark.parametrize("fault", [dies, arrives_and_dies])
async def test_a_customer_made_on_the_spot_by_an_engine_that_died_is_counted_by_the_next_one(
    make: Make, fault: Fault
) -> None:
    world = make()
    number = world.start(*JOBS, keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=newcomer_and(world, fault))
    run = await world.resume(number)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 1}
    assert counters(run, "CONTACTS", FROM) == {"inserted": 2}
    assert len(world.nav("Customer")) == len(world.couplings("CUSTOMER")) == 1
    again = await world.run(*JOBS)
    assert counters(again, "CUSTOMER") == {"unchanged": 2}


async def test_a_page_that_comes_again_and_needs_another_account_counts_both(make: Make) -> None:
    world = make()
    number = world.start(*JOBS, keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=newcomer_and(world, None, dies))
    (moved,) = world.crm("contacts", lastname="Kis")
    world.sandbox.crm.seed("account", account("Neu 2", "n2@x.example"))
    (other,) = world.crm("accounts", name="Neu 2")
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({other['accountid']})"}
    world.edit_crm("contacts", moved["contactid"], **bind)
    run = await world.resume(number)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 2}
    assert counters(run, "CONTACTS", FROM) == {"inserted": 2}
    assert len(world.nav("Customer")) == 2


async def test_the_account_is_matched_before_a_customer_is_made_of_it(make: Make) -> None:
    world = make()
    world.add_nav("Customer", Name="Neu", E_Mail="n@x.example", Blocked="Ship")
    run = await world.run(*JOBS, plan=newcomer(world))
    assert counters(run, "CUSTOMER", FROM) == {"unchanged": 1, "coupled": 1}
    assert counters(run, "CONTACTS", FROM) == {"inserted": 2}
    assert len(world.nav("Customer")) == 1


@pytest.mark.parametrize("what", [{"customertypecode": 11}, {"statecode": 1}])
async def test_an_account_that_is_no_customer_leaves_its_contacts_failed(make: Make, what: dict[str, Any]) -> None:
    world = make()
    run = await world.run(*JOBS, plan=newcomer(world, **what))
    assert counters(run, "CONTACTS", FROM) == {"failed": 2}
    assert {one.code for one in world.outcomes(run)} == {"company_not_coupled"}
    assert "the company does not exist" in world.outcomes(run)[0].message
    assert world.nav("Customer") == []


async def test_without_a_job_of_its_mapping_an_account_is_left_alone_and_the_hint_says_what_to_do(make: Make) -> None:
    world = make({}, {"account": [account("Neu", "n@x.example")], "contact": [contact("Kis", "Neu")]})
    run = await world.run("CONTACTS")
    (told,) = world.outcomes(run)
    assert (told.code, told.cause) == ("company_not_coupled", "the contact's account is not coupled")
    assert "--only CUSTOMER --only CONTACTS" in told.hint
    run = await world.run("CUSTOMER", "CONTACTS")
    assert counters(run, "CONTACTS", FROM) == {"inserted": 1}


async def test_an_account_that_is_no_customer_is_told_of_with_another_hint(make: Make) -> None:
    world = make({}, {"account": [account("P", customertypecode=8)], "contact": [contact("Kis", "P")]})
    run = await world.run(*JOBS)
    assert "See why CUSTOMER leaves the account out" in world.outcomes(run)[0].hint


async def test_an_account_that_failed_in_its_own_job_is_not_tried_for_each_contact(make: Make) -> None:
    world = make(
        {},
        {"account": [account("Neu", "n@x.example", address1_postalcode="1" * 20)], "contact": [contact("Kis", "Neu")]},
    )
    too_long = "x" * 21
    world.sandbox.crm.tables["accounts"].update(
        world.crm("accounts")[0]["accountid"], {"address1_postalcode": too_long}
    )
    run = await world.run(*JOBS)
    assert counters(run, "CUSTOMER") == {"failed": 1}
    assert counters(run, "CONTACTS") == {"failed": 1}


async def test_a_plan_makes_no_customer_of_the_account(make: Make) -> None:
    world = make()
    world.sandbox.crm.seed("account", account("Neu", "n@x.example"))
    world.sandbox.crm.seed("contact", contact("Kis", "Neu"))
    planned = await world.plan(*JOBS)
    assert (counters(planned, "CUSTOMER"), counters(planned, "CONTACTS")) == ({"inserted": 1}, {"inserted": 1})
    assert world.nav("Customer") == []


async def test_a_contact_of_a_contact_does_not_take_part(make: Make) -> None:
    world = make({}, {"contact": [contact("Kis", None)]})
    world.sandbox.crm.seed(
        "contact", {**contact("Nagy", None), "parentcustomerid": world.crm("contacts")[0]["contactid"]}
    )
    assert world.crm("contacts", lastname="Nagy")[0]["_parentcustomerid_value"] is not None
    run = await world.run(*JOBS)
    assert counters(run, "CONTACTS") == {"skipped": 1}
    assert world.outcomes(run) == []
