"""CUSTOMER (reference/domain.md section 1.4)."""

from decimal import Decimal
from typing import Any

import pytest

from engine.model.mapping import ConflictPolicy, Direction
from tests.sync.faults import always, at, meanwhile, writing
from tests.sync.test_currencies import currency
from tests.sync.test_salespeople import person, user
from tests.sync.world import Make, counters

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


def customer(no: str = "C1", **more: Any) -> dict[str, Any]:
    return {"No": no, "Name": f"Firm {no}", "E_Mail": f"{no.lower()}@x.example", **more}


def account(name: str = "Firm C1", mail: str | None = "c1@x.example", **more: Any) -> dict[str, Any]:
    return {"name": name, "emailaddress1": mail, "customertypecode": 3, **more}


async def test_a_customer_becomes_an_account_with_all_its_fields(make: Make) -> None:
    fields: dict[str, Any] = {
        "Address": "Hauptstraße 1", "Address_2": "2. Stock", "Post_Code": "80331", "City": "München", "County": "Bayern",
        "Country_Region_Code": "DE", "Fax_No": "1", "Phone_No": "2", "Home_Page": "x.example", "Contact": "Anna",
        "Credit_Limit_LCY": Decimal("12.50"),
    }  # fmt: skip
    world = make({"Customer": [customer(**fields)]})
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1}
    assert counters(run, "CUSTOMER", FROM) == {"unchanged": 1}
    (found,) = world.crm("accounts")
    columns = [
        "name", "emailaddress1", "address1_line1", "address1_line2", "address1_postalcode", "address1_city",
        "address1_stateorprovince", "address1_country", "fax", "telephone1", "websiteurl", "address1_primarycontactname",
        "creditlimit", "customertypecode", "statecode",
    ]  # fmt: skip
    assert [found[name] for name in columns] == [
        "Firm C1", "c1@x.example", "Hauptstraße 1", "2. Stock", "80331", "München", "Bayern", "DE", "1", "2", "x.example",
        "Anna", Decimal("12.50"), 3, 0,
    ]  # fmt: skip
    assert not found.get("accountnumber"), "the number is not synchronized"
    (pair,) = world.couplings("CUSTOMER")
    assert (pair.nav_no, pair.crm_id) == ("C1", found["accountid"])


async def test_the_owner_is_the_user_of_the_salesperson_and_is_kept_without_one(make: Make) -> None:
    world = make(
        {
            "Salesperson_Purchaser": [person("ANNA", "anna@x.example")],
            "Customer": [customer("C1", Salesperson_Code="ANNA"), customer("C2")],
        },
        {"systemuser": [user("Anna")]},
    )
    await world.run("SALEPEOPLE", "CUSTOMER")
    anna = world.crm("systemusers", fullname="Anna")[0]["systemuserid"]
    owners = {one["name"]: one["_ownerid_value"] for one in world.crm("accounts")}
    assert owners == {"Firm C1": anna, "Firm C2": world.sandbox.crm.user_id}
    world.edit_nav("Customer", "C1", Salesperson_Code="")
    run = await world.run("SALEPEOPLE", "CUSTOMER")
    assert counters(run, "CUSTOMER") == {"unchanged": 4}
    assert world.crm("accounts", name="Firm C1")[0]["_ownerid_value"] == anna


async def test_a_salesperson_who_is_not_coupled_fails_the_customer(make: Make) -> None:
    world = make(
        {"Salesperson_Purchaser": [person("X", "")], "Customer": [customer("C1", Salesperson_Code="X"), customer("C2")]}
    )
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1, "failed": 1}
    assert world.codes(run) == {"C1": "not_coupled"}
    assert "Salesperson_Code 'X'" in world.outcomes(run)[0].message


async def test_currencies_go_both_ways_and_the_local_one_is_blank_in_nav(make: Make) -> None:
    world = make(
        {"Currency": [currency("GBP")], "Customer": [customer("C1", Currency_Code="GBP"), customer("C2")]},
        {"account": [account("Only here", "o@x.example"), account("Euro firm", "e@x.example")]},
    )
    pound_account, euro_account = world.crm("accounts", name="Only here")[0], world.crm("accounts", name="Euro firm")[0]
    await world.run("CURRENCY")
    pound = world.crm("transactioncurrencies", isocurrencycode="GBP")[0]["transactioncurrencyid"]
    world.edit_crm(
        "accounts",
        pound_account["accountid"],
        **{"transactioncurrencyid@odata.bind": f"/transactioncurrencies({pound})"},
    )
    await world.run("CURRENCY", "CUSTOMER")
    euro = euro_account["_transactioncurrencyid_value"]
    found = {one["name"]: one["_transactioncurrencyid_value"] for one in world.crm("accounts")}
    assert found == {"Firm C1": pound, "Firm C2": euro, "Only here": pound, "Euro firm": euro}
    codes = {one["Name"]: one["Currency_Code"] for one in world.nav("Customer")}
    assert codes == {"Firm C1": "GBP", "Firm C2": "", "Only here": "GBP", "Euro firm": ""}


async def test_a_currency_that_is_not_in_crm_fails_the_customer(make: Make) -> None:
    world = make({"Currency": [currency("PLN", "0")], "Customer": [customer(Currency_Code="PLN")]})
    run = await world.run("CURRENCY", "CUSTOMER")
    assert world.codes(run) == {"PLN": "no_exchange_rate", "C1": "not_coupled"}
    assert world.crm("accounts") == []


async def test_an_account_becomes_a_customer_with_a_number_of_the_series(make: Make) -> None:
    world = make({}, {"account": [account("Neu", address1_city="Besançon", address1_country="fr", telephone1="1")]})
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER") == {"inserted": 1}
    (found,) = world.nav("Customer")
    assert (found["No"], found["Name"], found["City"], found["Country_Region_Code"]) == (
        "C000001",
        "Neu",
        "Besançon",
        "FR",
    )
    assert found["CRM_Id"] == world.crm("accounts")[0]["accountid"]
    before = len(world.audit())
    again = await world.run("CUSTOMER")
    assert counters(again, "CUSTOMER") == {"unchanged": 2}
    assert world.audit(before) == []


async def test_only_what_the_filters_let_through_takes_part(make: Make) -> None:
    accounts = [account("Prospect", customertypecode=8), account("Gone", "g@x.example", statecode=1)]
    world = make({"Customer": [customer("C1", Blocked="All"), customer("C2")]}, {"account": accounts})
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER") == {"inserted": 1, "unchanged": 1}
    assert [one["No"] for one in world.nav("Customer")] == ["C1", "C2"]
    older = make({"Customer": [customer("C1", Blocked="All")]}, version="2018")
    run = await older.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1}


async def test_an_account_keeps_its_credit_limit_and_its_customer_starts_with_it(make: Make) -> None:
    world = make({}, {"account": [account("New", "n@x.example", creditlimit=5000)]})
    await world.run("CUSTOMER")
    again = await world.run("CUSTOMER")
    assert counters(again, "CUSTOMER") == {"unchanged": 2}
    assert world.crm("accounts")[0]["creditlimit"] == 5000
    assert world.nav("Customer")[0]["Credit_Limit_LCY"] == 5000


@pytest.mark.parametrize("version", ["2018", "2016"])
async def test_the_contact_of_older_versions_is_led_by_crm_and_not_lost_before_crm_has_it(
    make: Make, version: str
) -> None:
    """Reference/domain.md section 1.4, field 4."""
    customers = [customer("C1", Contact="Pat"), customer("C2", Contact="Kim")]
    world = make({"Customer": customers}, {"account": [account("Firm C2", "c2@x.example")]}, version=version)
    await world.run("CUSTOMER")
    again = await world.run("CUSTOMER")
    assert counters(again, "CUSTOMER") == {"unchanged": 4}
    assert [one["Contact"] for one in world.nav("Customer")] == ["Pat", "Kim"]
    assert world.crm("accounts", name="Firm C1")[0]["address1_primarycontactname"] == "Pat", (
        "a new account starts with it"
    )
    found = world.crm("accounts", name="Firm C2")[0]
    assert not found.get("address1_primarycontactname")
    for name in ("Lee", ""):
        world.edit_crm("accounts", found["accountid"], address1_primarycontactname=name or None)
        await world.run("CUSTOMER")
        assert world.nav("Customer", No="C2")[0]["Contact"] == name


# matching


async def test_one_match_is_coupled_and_nav_leads_but_a_blank_overwrites_nothing(make: Make) -> None:
    world = make(
        {"Customer": [customer(City="Köln", Phone_No="")]},
        {"account": [account("firm c1 ", "C1@X.example", address1_city="Cologne", telephone1="1", customertypecode=8)]},
    )
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"modified": 1, "coupled": 1}
    assert counters(run, "CUSTOMER", FROM) == {"modified": 1}
    (found,) = world.crm("accounts")
    assert (found["name"], found["address1_city"], found["telephone1"]) == ("Firm C1", "Köln", "1")
    assert found["customertypecode"] == 3, "an account that is coupled takes part from now on"
    assert world.nav("Customer")[0]["Phone_No"] == "1"
    before = len(world.audit())
    assert counters(await world.run("CUSTOMER"), "CUSTOMER") == {"unchanged": 2}
    assert world.audit(before) == []


@pytest.mark.parametrize(
    ("customers", "accounts", "codes"),
    [
        ([customer()], [account(), account()], {"C1": "ambiguous", "Firm C1": "ambiguous"}),
        (
            [customer("C1"), customer("C2", Name="Firm C1", E_Mail="c1@x.example")],
            [account()],
            {"C1": "ambiguous", "C2": "ambiguous", "Firm C1": "ambiguous"},
        ),
        (
            [customer("C1"), customer("C2", Name="Firm C1", E_Mail="c1@x.example")],
            [account(), account()],
            {"C1": "ambiguous", "C2": "ambiguous", "Firm C1": "ambiguous"},
        ),
    ],
    ids=["several in CRM", "several in NAV", "several on both sides"],
)
async def test_several_that_match_are_for_people_to_decide(
    make: Make, customers: Any, accounts: Any, codes: dict[str, str]
) -> None:
    world = make({"Customer": [*customers, customer("C9")]}, {"account": accounts})
    run = await world.run("CUSTOMER")
    assert world.codes(run) == codes
    assert counters(run, "CUSTOMER")["ambiguous"] == len(customers) + len(accounts)
    assert [one.nav_no for one in world.couplings("CUSTOMER")] == ["C9"]
    assert len(world.audit()) == 1, "nothing was made or changed but the account of C9"


async def test_records_that_are_coupled_are_no_match(make: Make) -> None:
    world = make({"Customer": [customer()]})
    await world.run("CUSTOMER")
    world.add_nav("Customer", No="C2", Name="Firm C1", E_Mail="c1@x.example")
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1, "unchanged": 1}
    assert len(world.crm("accounts")) == 2


async def test_a_match_by_mail_alone_is_none(make: Make) -> None:
    world = make({"Customer": [customer()]}, {"account": [account("Other firm")]})
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1}
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 1, "unchanged": 1}


async def test_blanks_match_nothing(make: Make) -> None:
    world = make({"Customer": [customer(E_Mail="")]}, {"account": [account(mail=None)]})
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1}
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 1, "unchanged": 1}


# both sides change


async def test_what_people_change_on_both_sides_between_runs_is_all_kept(make: Make) -> None:
    world = make({"Customer": [customer(City="Köln")]})
    await world.run("CUSTOMER")
    (found,) = world.crm("accounts")
    world.edit_nav("Customer", "C1", City="Bonn", Phone_No="1")
    world.edit_crm("accounts", found["accountid"], fax="2", address1_line1="Ring 1", name="Firm One")
    before = len(world.audit())
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER") == {"modified": 2}
    (found,), (record,) = world.crm("accounts"), world.nav("Customer")
    assert (found["address1_city"], found["telephone1"], found["fax"]) == ("Bonn", "1", "2")
    assert (record["Address"], record["Fax_No"], record["Name"], record["City"]) == ("Ring 1", "2", "Firm One", "Bonn")
    writes = {one["side"]: set(one["values"]) for one in world.audit(before)}
    assert writes == {"crm": {"address1_city", "telephone1"}, "nav": {"Address", "Fax_No", "Name"}}, "only what differs"
    before = len(world.audit())
    await world.run("CUSTOMER")
    assert world.audit(before) == []


async def test_a_value_that_is_emptied_is_emptied_on_the_other_side(make: Make) -> None:
    world = make({"Customer": [customer(City="Köln", Phone_No="1", Fax_No="2")]})
    await world.run("CUSTOMER")
    world.edit_nav("Customer", "C1", Phone_No="")
    world.edit_crm("accounts", world.crm("accounts")[0]["accountid"], fax=None)
    await world.run("CUSTOMER")
    (found,), (record,) = world.crm("accounts"), world.nav("Customer")
    assert (found["telephone1"], found["fax"]) == (None, None)
    assert (record["Phone_No"], record["Fax_No"]) == ("", "")


async def test_a_field_that_both_changed_is_a_conflict_and_nothing_is_overwritten(make: Make) -> None:
    world = make({"Customer": [customer(City="Köln"), customer("C2", City="Ulm")]})
    await world.run("CUSTOMER")
    id = world.crm("accounts", name="Firm C1")[0]["accountid"]
    world.edit_nav("Customer", "C1", City="Bonn")
    world.edit_crm("accounts", id, address1_city="Trier")
    world.edit_nav("Customer", "C2", City="Jena")
    before = len(world.audit())
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER") == {"modified": 1, "unchanged": 1, "failed": 2}
    assert world.codes(run) == {"C1": "conflict"}
    assert "City" in world.outcomes(run)[0].message
    assert (world.crm("accounts", name="Firm C1")[0]["address1_city"], world.nav("Customer")[0]["City"]) == (
        "Trier",
        "Bonn",
    )
    assert len(world.audit(before)) == 1
    world.edit_nav("Customer", "C1", City="Trier")
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER") == {"unchanged": 4}, "the same on both sides is no conflict any more"


@pytest.mark.parametrize(("policy", "city"), [("send_update", "Bonn"), ("get_update", "Trier")])
async def test_a_conflict_policy_says_who_wins(make: Make, policy: str, city: str) -> None:
    world = make({"Customer": [customer(City="Köln")]})
    await world.run("CUSTOMER")
    world.edit_nav("Customer", "C1", City="Bonn")
    world.edit_crm("accounts", world.crm("accounts")[0]["accountid"], address1_city="Trier")
    world.mapping("CUSTOMER", conflict=ConflictPolicy(policy))
    run = await world.run("CUSTOMER")
    assert "failed" not in counters(run, "CUSTOMER")
    assert (world.crm("accounts")[0]["address1_city"], world.nav("Customer")[0]["City"]) == (city, city)


async def test_somebody_who_edits_between_our_read_and_our_write_loses_nothing(make: Make) -> None:
    world = make({"Customer": [customer(City="Köln")]})
    await world.run("CUSTOMER")
    id = world.crm("accounts")[0]["accountid"]
    world.edit_nav("Customer", "C1", City="Bonn")
    edit = meanwhile(lambda: world.edit_crm("accounts", id, telephone1="9"))
    run = await world.run("CUSTOMER", plan=at("crm", writing, edit))
    assert counters(run, "CUSTOMER") == {"modified": 2}
    (found,) = world.crm("accounts")
    assert (found["address1_city"], found["telephone1"], world.nav("Customer")[0]["Phone_No"]) == ("Bonn", "9", "9")
    assert any(seen.body.count(b"If-Match: W/") for seen in world.log), "updates carry the version that was read"


async def test_somebody_who_edits_the_same_field_meanwhile_is_a_conflict(make: Make) -> None:
    world = make({"Customer": [customer(City="Köln")]})
    await world.run("CUSTOMER")
    id = world.crm("accounts")[0]["accountid"]
    world.edit_nav("Customer", "C1", City="Bonn")
    edit = meanwhile(lambda: world.edit_crm("accounts", id, address1_city="Trier"))
    run = await world.run("CUSTOMER", plan=at("crm", writing, edit))
    assert world.codes(run) == {"C1": "conflict"}
    assert (world.crm("accounts")[0]["address1_city"], world.nav("Customer")[0]["City"]) == ("Trier", "Bonn")


async def test_a_nav_record_that_somebody_edits_meanwhile_is_read_again(make: Make) -> None:
    world = make({"Customer": [customer(City="Köln")]})
    await world.run("CUSTOMER")
    world.edit_crm("accounts", world.crm("accounts")[0]["accountid"], fax="1")
    edit = meanwhile(lambda: world.edit_nav("Customer", "C1", Phone_No="9"))
    run = await world.run("CUSTOMER", plan=at("nav", writing, edit))
    assert counters(run, "CUSTOMER", FROM) == {"modified": 1}
    (record,) = world.nav("Customer")
    assert (record["Fax_No"], record["Phone_No"]) == ("1", "9")


async def test_a_partner_that_never_holds_still_is_left_alone_with_a_word(make: Make) -> None:
    world = make({"Customer": [customer(City="Köln")]})
    await world.run("CUSTOMER")
    id = world.crm("accounts")[0]["accountid"]
    numbers = iter(range(100))
    world.edit_nav("Customer", "C1", City="Bonn")
    edit = meanwhile(lambda: world.edit_crm("accounts", id, telephone1=str(next(numbers))))
    run = await world.run("CUSTOMER", plan=always("crm", writing, edit))
    assert world.codes(run) == {"C1": "restless"}
    assert world.crm("accounts")[0]["address1_city"] == "Köln"


# partners that are gone, records that are refused


async def test_a_partner_that_was_deleted_is_never_made_again_unasked(make: Make) -> None:
    world = make({"Customer": [customer("C1"), customer("C2")]})
    await world.run("CUSTOMER")
    world.delete_crm("accounts", world.crm("accounts", name="Firm C1")[0]["accountid"])
    world.delete_nav("Customer", "C2")
    before = len(world.audit())
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER") == {"failed": 2}
    assert {one.code for one in world.outcomes(run)} == {"deleted"}
    assert "deleted" in world.outcomes(run)[0].message
    assert world.audit(before) == []
    assert len(world.couplings("CUSTOMER")) == 2, "the coupling stays: it is for people to decide"


async def test_a_partner_that_is_deleted_between_read_and_write_fails(make: Make) -> None:
    world = make({"Customer": [customer(City="Köln")]})
    await world.run("CUSTOMER")
    id = world.crm("accounts")[0]["accountid"]
    world.edit_nav("Customer", "C1", City="Bonn")
    run = await world.run("CUSTOMER", plan=at("crm", writing, meanwhile(lambda: world.delete_crm("accounts", id))))
    assert world.codes(run)["C1"] == "deleted"
    assert world.crm("accounts") == []


async def test_a_record_that_crm_refuses_has_its_own_outcome_and_the_rest_go_on(make: Make) -> None:
    rows = [customer(f"C{number}", Credit_Limit_LCY=Decimal(1)) for number in range(1, 8)]
    rows[3]["Credit_Limit_LCY"] = Decimal(900000000000000000)
    world = make({"Customer": rows})
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 6, "failed": 1}
    (one,) = world.outcomes(run)
    assert (one.nav_no, one.kind, one.direction) == ("C4", "failed", TO)
    assert one.message
    assert len(world.crm("accounts")) == 6
    assert sorted(one.nav_no for one in world.couplings("CUSTOMER")) == ["C1", "C2", "C3", "C5", "C6", "C7"]


async def test_a_record_that_nav_refuses_has_its_own_outcome_and_the_rest_go_on(make: Make) -> None:
    accounts = [account("Good", "g@x.example"), account("Bad", "b@x.example", address1_country="far too long for NAV")]
    world = make({}, {"account": accounts})
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 1, "failed": 1}
    assert world.codes(run) == {"Bad": "too_long"}
    assert [one["Name"] for one in world.nav("Customer")] == ["Good"]


async def test_a_text_that_is_cut_is_a_warning_and_the_whole_text_stays(make: Make) -> None:
    long = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"
    world = make({}, {"account": [account(address1_city=long)]})
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER") == {"inserted": 1, "warnings": 1}
    assert world.codes(run) == {"C000001": "cut"}
    before = len(world.audit())
    await world.run("CUSTOMER")
    assert world.audit(before) == []
    assert (world.nav("Customer")[0]["City"], world.crm("accounts")[0]["address1_city"]) == (long[:30], long)


async def test_hostile_and_odd_texts_arrive_as_they_are(make: Make) -> None:
    names = ["O'Hara's & Söhne", 'a"b\\c', "Acme [/] \x1b]0;x\x07", "e\u0301tat %20 +", "{}\r\n--batch"]
    world = make({"Customer": [customer(f"C{n}", Name=name) for n, name in enumerate(names)]})
    await world.run("CUSTOMER")
    before = len(world.audit())
    assert {one["name"].replace("é", "e\u0301") for one in world.crm("accounts")} == set(names)
    await world.run("CUSTOMER")
    assert world.audit(before) == []


# the flag, pages, plans


async def test_while_the_flag_is_effective_only_coupled_records_are_synchronized(make: Make) -> None:
    world = make({"Customer": [customer()]}, {"account": [account("Only here", "o@x.example")]})
    await world.run("CUSTOMER")
    world.add_nav("Customer", No="C2", Name="New", E_Mail="n@x.example")
    world.edit_nav("Customer", "C1", City="Bonn")
    world.sandbox.crm.seed("account", account("Newer", "nn@x.example"))
    before = len(world.audit())
    run = await world.one_pass("CUSTOMER", TO, only_coupled=True)
    assert counters(run, "CUSTOMER", TO) == {"modified": 1, "unchanged": 1, "skipped": 1}
    run = await world.one_pass("CUSTOMER", FROM, only_coupled=True)
    assert counters(run, "CUSTOMER", FROM) == {"unchanged": 2, "skipped": 1}
    assert [one["op"] for one in world.audit(before)] == ["update"]


async def test_many_pages_are_one_job(make: Make) -> None:
    world = make({"Customer": [customer(f"C{number:03}") for number in range(50)]}, page_size=7, batch=3)
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER") == {"inserted": 50, "unchanged": 50}
    assert len({one["name"] for one in world.crm("accounts")}) == len(world.crm("accounts")) == 50
