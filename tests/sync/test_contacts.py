"""CONTACTS and primary contacts (reference/domain.md sections 1.4 and 1.5)."""

from typing import Any

import pytest

from engine.model.mapping import Direction, FieldKind, FieldMapping
from engine.sync import linking
from tests.handling.tools import with_fields
from tests.sync.test_customers import account, customer
from tests.sync.world import Make, World, counters

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
JOBS = ("CUSTOMER", "CONTACTS")


def company(no: str, customer_no: str = "", **more: Any) -> dict[str, Any]:
    return {
        "No": no,
        "Type": "Company",
        "Company_No": no,
        "Name": f"Firm {customer_no}",
        "Customer_No": customer_no,
        **more,
    }


def person(no: str, company_no: str, customer_no: str = "", **more: Any) -> dict[str, Any]:
    names = {"First_Name": "Anna", "Surname": no, "Name": f"Anna {no}", "E_Mail": f"{no.lower()}@p.example"}
    return {"No": no, "Type": "Person", "Company_No": company_no, "Customer_No": customer_no, **names, **more}


def contact(last: str, parent: str | None, mail: str | None = None, **more: Any) -> dict[str, Any]:
    mail = f"{last.lower()}@p.example" if mail is None else mail
    return {"firstname": "Anna", "lastname": last, "emailaddress1": mail, "parentcustomerid": parent, **more}


def firm(**more: Any) -> dict[str, list[dict[str, Any]]]:
    """A customer, its company contact and a person."""
    return {
        "Customer": [customer("C1", **more)],
        "Contact": [company("K1", "C1"), person("P1", "K1", "C1")],
    }


async def test_a_person_is_a_contact_of_the_account_of_the_company(make: Make) -> None:
    world = make(firm())
    run = await world.run(*JOBS)
    assert counters(run, "CONTACTS", TO) == {"inserted": 1}
    assert counters(run, "CONTACTS", FROM) == {"unchanged": 1}
    (found,) = world.crm("contacts")
    assert found["_parentcustomerid_value"] == world.crm("accounts")[0]["accountid"]
    assert (found["firstname"], found["lastname"], found["emailaddress1"]) == ("Anna", "P1", "p1@p.example")


async def test_companies_and_people_without_a_customer_do_not_take_part(make: Make) -> None:
    seeds = firm()
    seeds["Contact"] += [company("K2"), person("P2", "K2"), person("P3", "")]
    world = make(seeds)
    run = await world.run(*JOBS)
    assert counters(run, "CONTACTS", TO) == {"inserted": 1, "skipped": 1}, "the sums are what was read"
    assert world.outcomes(run) == []
    assert [one["lastname"] for one in world.crm("contacts")] == ["P1"]


async def test_a_person_whose_customer_is_not_coupled_fails(make: Make) -> None:
    world = make(firm())
    run = await world.run("CONTACTS")
    assert world.codes(run) == {"P1": "not_coupled"}
    assert world.crm("contacts") == []


async def test_a_contact_becomes_a_person_of_the_company_of_the_customer(make: Make) -> None:
    world = make({}, {"account": [account("Neu", "n@x.example")], "contact": [contact("Kis", "Neu", middlename="Éva")]})
    run = await world.run(*JOBS)
    assert counters(run, "CONTACTS") == {"inserted": 1}
    (made,) = world.nav("Contact", Type="Person")
    (of,) = world.nav("Contact", Type="Company")
    assert (made["Company_No"], made["Customer_No"], made["Name"]) == (of["No"], "C000001", "Anna Éva Kis")
    before = len(world.audit())
    again = await world.run(*JOBS)
    assert counters(again, "CONTACTS") == {"unchanged": 2}
    assert world.audit(before) == []


async def test_contacts_without_an_account_do_not_take_part(make: Make) -> None:
    world = make({}, {"contact": [contact("Kis", None)]})
    run = await world.run(*JOBS)
    assert counters(run, "CONTACTS") == {}
    assert world.nav("Contact") == []


async def test_a_contact_whose_account_is_no_customer_fails_with_the_reason(make: Make) -> None:
    world = make({}, {"account": [account("P", customertypecode=8)], "contact": [contact("Kis", "P")]})
    run = await world.run(*JOBS)
    assert world.codes(run) == {"Anna Kis": "company_not_coupled"}


async def test_a_customer_without_company_contact_cannot_have_persons(make: Make) -> None:
    world = make({"Customer": [customer()]}, {"account": [account()], "contact": [contact("Kis", "Firm C1")]})
    run = await world.run(*JOBS)
    assert world.codes(run) == {"Anna Kis": "no_company"}
    assert world.nav("Contact") == []


async def test_people_match_by_mail_within_their_company(make: Make) -> None:
    seeds = firm()
    seeds["Customer"].append(customer("C2"))
    seeds["Contact"] += [company("K2", "C2"), person("P2", "K2", "C2", E_Mail="P1@p.example")]
    world = make(
        seeds,
        {"account": [account(), account("Firm C2", "c2@x.example")], "contact": [contact("P1", "Firm C1", fax="1")]},
    )
    run = await world.run(*JOBS)
    assert counters(run, "CONTACTS", TO) == {"inserted": 1, "unchanged": 1, "coupled": 1}
    assert len(world.crm("contacts")) == 2
    assert world.nav("Contact", No="P1")[0]["Fax_No"] == "1", "the person of the other company is somebody else"


async def test_two_people_of_one_mail_in_a_company_are_ambiguous(make: Make) -> None:
    seeds = firm()
    seeds["Contact"].append(person("P2", "K1", "C1", E_Mail="p1@p.example"))
    world = make(seeds, {"account": [account()], "contact": [contact("P1", "Firm C1")]})
    run = await world.run(*JOBS)
    assert counters(run, "CONTACTS") == {"failed": 3, "ambiguous": 3}
    assert len(world.crm("contacts")) == 1


async def test_what_people_change_on_both_sides_of_a_person_is_kept(make: Make) -> None:
    world = make(firm())
    await world.run(*JOBS)
    world.edit_nav("Contact", "P1", Mobile_Phone_No="1")
    world.edit_crm("contacts", world.crm("contacts")[0]["contactid"], pager="2", lastname="Kis")
    run = await world.run(*JOBS)
    assert counters(run, "CONTACTS") == {"modified": 2}
    (found,), (record,) = world.crm("contacts"), world.nav("Contact", No="P1")
    assert (found["mobilephone"], found["pager"], record["Pager"], record["Surname"]) == ("1", "2", "2", "Kis")
    before = len(world.audit())
    await world.run(*JOBS)
    assert world.audit(before) == []


# primary contacts


def primary(world: World) -> str | None:
    found: str | None = world.crm("accounts")[0].get("_primarycontactid_value")
    return found


async def test_the_primary_contact_of_a_customer_follows_its_contact_to_crm(make: Make) -> None:
    world = make(firm(Primary_Contact_No="P1"))
    run = await world.run(*JOBS)
    assert primary(world) == world.crm("contacts")[0]["contactid"]
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1}, "the link is no second change of the record"
    assert [event.text for event in run.events if "linked" in event.text] == [
        "linked 1 records that waited for CONTACTS"
    ]
    before = len(world.audit())
    again = await world.run(*JOBS)
    assert counters(again, "CUSTOMER") == {"unchanged": 2}
    assert world.audit(before) == []


async def test_many_primary_contacts_tell_how_far_they_are(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linking, "_BATCH", 2)
    numbers = range(1, 6)
    customers = [customer(f"C{one}", Primary_Contact_No=f"P{one}") for one in numbers]
    firms = [company(f"K{one}", f"C{one}") for one in numbers]
    people = [person(f"P{one}", f"K{one}", f"C{one}") for one in numbers]
    world = make({"Customer": customers, "Contact": [*firms, *people]})
    run = await world.run(*JOBS)
    assert all(one["_primarycontactid_value"] for one in world.crm("accounts"))
    assert [event.text for event in run.events if "link" in event.text] == [
        "links 5 records that waited for CONTACTS",
        "linked 2 of 5 records that waited for CONTACTS",
        "linked 4 of 5 records that waited for CONTACTS",
        "linked 5 records that waited for CONTACTS",
    ]


async def test_the_primary_contact_of_an_account_follows_its_contact_to_nav(make: Make) -> None:
    world = make({}, {"account": [account("Neu", "n@x.example")], "contact": [contact("Kis", "Neu")]})
    kis = world.crm("contacts")[0]["contactid"]
    id = world.crm("accounts")[0]["accountid"]
    world.edit_crm("accounts", id, **{"primarycontactid@odata.bind": f"/contacts({kis})"})
    await world.run(*JOBS)
    (made,) = world.nav("Contact", Type="Person")
    assert world.nav("Customer")[0]["Primary_Contact_No"] == made["No"]
    before = len(world.audit())
    again = await world.run(*JOBS)
    assert counters(again, "CUSTOMER") == {"unchanged": 2}
    assert world.audit(before) == []


async def test_each_side_knows_one_primary_contact_and_both_get_it(make: Make) -> None:
    seeds = firm(Primary_Contact_No="P1")
    seeds["Customer"].append(customer("C2"))
    seeds["Contact"].append(company("K2", "C2"))
    world = make(
        seeds, {"account": [account(), account("Firm C2", "c2@x.example")], "contact": [contact("Kis", "Firm C2")]}
    )
    second = world.crm("accounts", name="Firm C2")[0]["accountid"]
    kis = world.crm("contacts")[0]["contactid"]
    world.edit_crm("accounts", second, **{"primarycontactid@odata.bind": f"/contacts({kis})"})
    await world.run(*JOBS)
    first = world.crm("contacts", lastname="P1")[0]["contactid"]
    assert {one["name"]: one["_primarycontactid_value"] for one in world.crm("accounts")} == {
        "Firm C1": first,
        "Firm C2": kis,
    }
    numbers = {one["No"]: one["Primary_Contact_No"] for one in world.nav("Customer")}
    assert numbers == {"C1": "P1", "C2": world.nav("Contact", Surname="Kis")[0]["No"]}
    before = len(world.audit())
    await world.run(*JOBS)
    assert world.audit(before) == []


async def test_a_primary_contact_waits_for_a_later_run(make: Make) -> None:
    world = make(firm(Primary_Contact_No="P1"))
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1}
    assert primary(world) is None
    await world.run("CONTACTS")
    assert primary(world) == world.crm("contacts")[0]["contactid"]


async def test_a_primary_contact_that_has_no_partner_leaves_the_customer_and_a_warning(make: Make) -> None:
    seeds = firm(Primary_Contact_No="P2")
    seeds["Contact"].append(person("P2", ""))
    world = make(seeds)
    run = await world.run(*JOBS)
    (one,) = world.outcomes(run)
    assert (one.mapping, one.nav_no, one.kind, one.code) == ("CUSTOMER", "C1", "link", "link")
    assert primary(world) is None
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1}


def another_lookup(world: World, nav: str, crm: str, one_way: Direction, mapping: str, target: str) -> None:
    """Customers have one more lookup that waits."""
    more = FieldMapping(nav, crm, one_way, FieldKind.LOOKUP, lookup=mapping, target=target, clear_on_fail=True)
    with_fields(world, "CUSTOMER", lambda field: field, more)


async def test_two_lookups_of_a_customer_wait_each_for_its_own_partner(make: Make) -> None:
    seeds = firm(Primary_Contact_No="P1", Contact="C2")
    seeds["Customer"].append(customer("C2"))
    world = make(seeds)
    another_lookup(world, "Contact", "parentaccountid", TO, "CUSTOMER", "accounts")
    run = await world.run(*JOBS)
    (found,), (parent,) = world.crm("accounts", name="Firm C1"), world.crm("accounts", name="Firm C2")
    assert found["_parentaccountid_value"] == parent["accountid"]
    assert found["_primarycontactid_value"] == world.crm("contacts")[0]["contactid"]
    assert world.outcomes(run) == []


async def test_two_lookups_of_a_customer_wait_for_one_contact(make: Make) -> None:
    world = make({}, {"account": [account("Neu", "n@x.example")], "contact": [contact("Kis", "Neu")]})
    another_lookup(world, "Mobile_Phone_No", "primarycontactid", FROM, "CONTACTS", "contacts")
    bind = {"primarycontactid@odata.bind": f"/contacts({world.crm('contacts')[0]['contactid']})"}
    world.edit_crm("accounts", world.crm("accounts")[0]["accountid"], **bind)
    run = await world.run(*JOBS)
    (made,), (found,) = world.nav("Contact", Type="Person"), world.nav("Customer")
    assert (found["Primary_Contact_No"], found["Mobile_Phone_No"]) == (made["No"], made["No"])
    assert [event.text for event in run.events if "linked" in event.text] == [
        "linked 1 records that waited for CONTACTS"
    ]


async def test_a_customer_whose_lookups_all_have_no_partner_is_told_of_once_with_all_of_them(make: Make) -> None:
    seeds = firm(Primary_Contact_No="P2", Contact="C9")
    seeds["Contact"].append(person("P2", ""))
    world = make(seeds)
    another_lookup(world, "Contact", "parentaccountid", TO, "CUSTOMER", "accounts")
    run = await world.run(*JOBS)
    (one,) = [one for one in world.outcomes(run) if one.kind == "link"]
    assert "Contact was left empty" in one.message
    assert "Primary_Contact_No was left empty" in one.message


async def test_a_primary_contact_that_changes_later_is_written_and_emptied(make: Make) -> None:
    seeds = firm(Primary_Contact_No="P1")
    seeds["Contact"].append(person("P2", "K1", "C1"))
    world = make(seeds)
    await world.run(*JOBS)
    world.edit_nav("Customer", "C1", Primary_Contact_No="P2")
    await world.run(*JOBS)
    assert primary(world) == world.crm("contacts", lastname="P2")[0]["contactid"]
    world.edit_crm("accounts", world.crm("accounts")[0]["accountid"], primarycontactid=None)
    await world.run(*JOBS)
    assert world.nav("Customer")[0]["Primary_Contact_No"] == ""


async def test_a_primary_contact_that_somebody_picks_in_crm_before_ours_arrives_stands(make: Make) -> None:
    seeds = firm(Primary_Contact_No="P1")
    seeds["Contact"].append(person("P2", "K1", "C1"))
    world = make(seeds)
    await world.run("CUSTOMER")
    world.sandbox.crm.seed("contact", contact("Own", "Firm C1"))
    own = world.crm("contacts", lastname="Own")[0]["contactid"]
    id = world.crm("accounts")[0]["accountid"]
    world.edit_crm("accounts", id, **{"primarycontactid@odata.bind": f"/contacts({own})"})
    await world.run(*JOBS)
    await world.run(*JOBS)
    numbers = {one["Surname"]: one["No"] for one in world.nav("Contact", Type="Person")}
    assert (primary(world), world.nav("Customer")[0]["Primary_Contact_No"]) == (own, numbers["Own"])
