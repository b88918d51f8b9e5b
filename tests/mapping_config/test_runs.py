"""Mappings from a config file at work: full synchronizations over HTTP."""

from pathlib import Path

import pytest

from engine.model.errors import RunError
from engine.model.mapping import Direction
from engine.model.snapshot import RunState
from engine.runs import control, snapshots
from tests.mapping_config.conftest import Made, configure
from tests.mapping_config.files import VENDOR
from tests.sync.faults import Died, at, writing
from tests.sync.test_broken_off import arrives_and_dies
from tests.sync.world import Row, counters, job

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
C = "[mapping.CUSTOMER]\n"


def customer(number: str, **more: object) -> Row:
    return {"No": number, "Name": f"Firm {number}", "E_Mail": f"{number}@firm.example".lower(), **more}


def customers(*numbers: str, **more: object) -> Row:
    return {"Customer": [customer(number, **more) for number in numbers]}


def account(name: str, **more: object) -> Row:
    return {"name": name, "customertypecode": 3, **more}


async def test_one_way_leaves_the_other_side_alone(company: Made) -> None:
    one = company(C + 'direction = "to"\n', customers("C1"), {"account": [account("Only in CRM")]})
    run = await one.run("CUSTOMER")
    assert [each.direction for each in job(run, "CUSTOMER").passes] == [TO]
    assert len(one.nav("Customer")) == 1
    assert len(one.crm("accounts")) == 2
    one.edit_crm("accounts", one.couplings("CUSTOMER")[0].crm_id, name="Changed in CRM")
    run = await one.run("CUSTOMER")
    assert counters(run, "CUSTOMER") == {"modified": 1}
    assert one.crm("accounts", name="Firm C1")


async def test_a_field_goes_its_own_way_whatever_its_mapping_does(company: Made) -> None:
    text = """\
[mapping.CUSTOMER]
fields = [
  { nav = "Fax_No", crm = "fax", direction = "to" },
  { nav = "Phone_No", crm = "telephone1", direction = "from" },
]
"""
    one = company(text, customers("C1", Fax_No="1", Phone_No="2", City="Bonn"))
    await one.run("CUSTOMER")
    (row,) = one.crm("accounts", name="Firm C1")
    assert (row.get("fax"), row.get("telephone1")) == ("1", None), "a field from CRM is not sent with a new account"
    one.edit_crm("accounts", row["accountid"], fax="10", telephone1="20", address1_city="Ulm")
    await one.run("CUSTOMER")
    (nav,), (row,) = one.nav("Customer"), one.crm("accounts", name="Firm C1")
    assert (nav["Fax_No"], row["fax"]) == ("1", "1"), "NAV leads in a field that goes to CRM"
    assert (nav["Phone_No"], row["telephone1"]) == ("20", "20"), "and CRM in a field that comes from it"
    assert (nav["City"], row["address1_city"]) == ("Ulm", "Ulm"), "while the others go both ways"
    one.edit_nav("Customer", "C1", Fax_No="100", Phone_No="200", City="Jena")
    await one.run("CUSTOMER")
    (nav,), (row,) = one.nav("Customer"), one.crm("accounts", name="Firm C1")
    assert (nav["Fax_No"], row["fax"]) == ("100", "100")
    assert (nav["Phone_No"], row["telephone1"]) == ("20", "20")
    assert (nav["City"], row["address1_city"]) == ("Jena", "Jena")


async def test_filters_say_who_takes_part(company: Made) -> None:
    text = (
        C
        + 'nav_filter = [["City", "eq", "Bonn"]]\ncrm_filter = [["address1_city", "ne", ""], ["customertypecode", "eq", 3]]\n'
    )
    nav = {"Customer": [customer("C1", City="Bonn"), customer("C2", City="Ulm")]}
    one = company(text, nav, {"account": [account("A"), account("B", address1_city="Jena")]})
    run = await one.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1}
    assert {row["Name"] for row in one.nav("Customer")} == {"Firm C1", "Firm C2", "B"}
    assert {row["name"] for row in one.crm("accounts")} == {"A", "B", "Firm C1"}


@pytest.mark.parametrize("on", [True, False])
async def test_numbers_go_to_crm_and_match_when_switched_on(company: Made, on: bool) -> None:
    text = C + 'fields = [{ nav = "No", crm = "accountnumber", direction = "to" }]\n' if on else ""
    one = company(text, customers("C1"), {"account": [account("Other name", accountnumber="c1")]})
    run = await one.run("CUSTOMER")
    if on:
        assert counters(run, "CUSTOMER", TO) == {"modified": 1, "coupled": 1}
        assert [(row["name"], row["accountnumber"]) for row in one.crm("accounts")] == [("Firm C1", "c1")]
    else:
        assert counters(run, "CUSTOMER", TO) == {"inserted": 1}
        assert len(one.crm("accounts")) == 2


async def test_match_rules_are_tried_in_their_order(company: Made) -> None:
    text = C + 'match = [[["Phone_No", "telephone1"]], [["Name", "name"]]]\n'
    crm = {"account": [account("Firm C1", telephone1="2"), account("Other", telephone1="1")]}
    one = company(text, {"Customer": [customer("C1", Phone_No="1")]}, crm)
    await one.run("CUSTOMER")
    coupled = {pair.nav_no: pair.crm_id for pair in one.couplings("CUSTOMER")}
    assert one.crm("accounts", accountid=coupled["C1"])[0]["telephone1"] == "1"


@pytest.mark.parametrize("sensitive", [True, False])
async def test_matching_minds_case_where_a_field_does(company: Made, sensitive: bool) -> None:
    flag = "true" if sensitive else "false"
    text = f'{C}match = [[["Name", "name"]]]\nfields = [{{ nav = "Name", crm = "name", case_sensitive = {flag} }}]\n'
    one = company(text, customers("C1"), {"account": [account("FIRM C1")]})
    run = await one.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == ({"inserted": 1} if sensitive else {"modified": 1, "coupled": 1})


async def test_fields_can_be_off_and_constants_and_rules_be_added(company: Made) -> None:
    text = """\
[mapping.CUSTOMER]
fields = [
  { nav = "Phone_No", crm = "telephone1", enabled = false },
  { nav = "Home_Page", crm = "websiteurl", transforms = [{ rule = "upper", direction = "to" }] },
  { crm = "accountcategorycode", constant = 2 },
  { crm = "description", constant = "from NAV", initial = true },
  { nav = "Fax_No", crm = "fax", direction = "to", crm_length = 3 },
]
"""
    one = company(text, customers("C1", Phone_No="1", Home_Page="firm.example", Fax_No="12345"))
    run = await one.run("CUSTOMER")
    row = one.crm("accounts")[0]
    assert (row.get("telephone1"), row["websiteurl"], row["accountcategorycode"]) == (None, "FIRM.EXAMPLE", 2)
    assert (row["description"], row["fax"]) == ("from NAV", "123")
    assert [each.code for each in one.outcomes(run, "CUSTOMER")] == ["cut"]
    one.edit_crm("accounts", row["accountid"], accountcategorycode=1, description="edited")
    await one.run("CUSTOMER")
    row = one.crm("accounts")[0]
    assert (row["accountcategorycode"], row["description"]) == (2, "edited")
    assert counters(await one.run("CUSTOMER"), "CUSTOMER") == {"unchanged": 2, "warnings": 1}


async def test_templates_give_new_records_their_first_values(company: Made) -> None:
    text = """\
[[mapping.CUSTOMER.templates]]
side = "crm"
values = { accountcategorycode = 1, address1_city = "Bonn" }
conditions = [["Country_Region_Code", "eq", "de"]]

[[mapping.CUSTOMER.templates]]
side = "crm"
values = { accountcategorycode = 2 }

[[mapping.CUSTOMER.templates]]
side = "nav"
values = { Mobile_Phone_No = "0", Fax_No = "9" }
"""
    nav = {
        "Customer": [customer("C1", Country_Region_Code="DE", City="Ulm"), customer("C2", City="Ulm"), customer("C3")]
    }
    crm = {"account": [account("From CRM", fax="1"), account("Firm C3", emailaddress1="c3@firm.example")]}
    one = company(text, nav, crm)
    run = await one.run("CUSTOMER")
    assert job(run, "CUSTOMER").counters.failed == 0
    found = {row["name"]: (row.get("accountcategorycode"), row.get("address1_city")) for row in one.crm("accounts")}
    assert found["Firm C1"] == (1, "Bonn")
    assert found["Firm C2"] == (2, "Ulm")
    assert found["Firm C3"][0] is None, "a template is for new records"
    new = one.nav("Customer", Name="From CRM")[0]
    assert (new["Mobile_Phone_No"], new["Fax_No"]) == ("0", "9")
    before = len(one.audit())
    await one.run("CUSTOMER")
    assert one.audit(before) == [], "a second synchronization writes nothing"
    assert one.nav("Customer", No="C1")[0]["City"] == "Ulm"


async def test_a_new_mapping_takes_part_like_the_others(company: Made) -> None:
    nav = {
        "Currency": [{"Code": "USD", "Description": "Dollar", "Exchange_Rate_Amount": "1.1"}],
        "Vendor": [{"No": "V1", "Name": "Supply", "Currency_Code": "USD"}, {"No": "V2", "Name": "Local"}],
        **customers("V1"),
    }
    one = company(VENDOR, nav, {"account": [{"name": "Seller", "customertypecode": 11}]})
    plan = await one.plan()
    assert counters(plan, "VENDOR", TO) == {"inserted": 2}
    run = await one.run()
    assert [each.mapping for each in run.jobs][-1] == "VENDOR"
    assert run.state is RunState.FINISHED
    assert counters(run, "VENDOR", TO) == {"inserted": 2}
    assert counters(run, "VENDOR", FROM) == {"inserted": 1, "unchanged": 2}
    dollar = one.crm("transactioncurrencies", isocurrencycode="USD")[0]["transactioncurrencyid"]
    vendor = one.crm("accounts", name="Supply")[0]
    assert (vendor["customertypecode"], vendor["_transactioncurrencyid_value"]) == (11, dollar)
    assert {row["Name"] for row in one.nav("Vendor")} == {"Supply", "Local", "Seller"}
    assert {row["Name"] for row in one.nav("Customer")} == {"Firm V1"}
    assert len(one.couplings("VENDOR")) == 3
    assert "VENDOR" in [each.name for each in snapshots.home(one.store, one.settings).mappings]
    assert "VENDOR" in [flag.mapping for flag in run.flags]
    await one.run()  # brings the number that NAV gave to the new vendor to CRM
    before = len(one.audit())
    await one.run()
    assert one.audit(before) == []


async def test_a_record_of_two_mappings_is_coupled_once(company: Made) -> None:
    """V1 is a vendor and its account is a customer's: the vendor gets an account of its own."""
    text = VENDOR.replace('crm_filter = [["customertypecode", "eq", 11]]', "crm_filter = []").replace(
        '"No", "accountnumber"', '"Name", "name"', 1
    )
    one = company(text + "crm_match_filter = []\n", {**customers("C1"), "Vendor": [{"No": "V1", "Name": "Firm C1"}]})
    configure_to = text.replace("[mapping.VENDOR]\n", '[mapping.VENDOR]\ndirection = "to"\n')
    configure(one, one.settings.path.parent, configure_to)
    await one.run()
    assert len(one.crm("accounts", name="Firm C1")) == 2
    assert {pair.crm_id for pair in one.couplings("VENDOR")}.isdisjoint(
        {pair.crm_id for pair in one.couplings("CUSTOMER")}
    )


TWO = """\
[mapping.CUSTOMER]
nav_filter = [["Country_Region_Code", "ne", "DE"]]
crm_filter = [["customertypecode", "eq", 3], ["address1_country", "ne", "DE"]]

[mapping.CUSTOMER-DE]
like = "CUSTOMER"
nav_filter = [["Country_Region_Code", "eq", "DE"]]
crm_filter = [["customertypecode", "eq", 3], ["address1_country", "eq", "DE"]]
fields = [{ nav = "Name", crm = "name", transforms = [{ rule = "prefix", arguments = ["DE "], direction = "to" }], direction = "to" }]

[mapping.CONTACTS]
depends = ["CUSTOMER", "CUSTOMER-DE"]
"""


async def test_two_mappings_share_a_table(company: Made) -> None:
    nav = {
        "Customer": [customer("C1", Country_Region_Code="DE"), customer("C2", Country_Region_Code="FR")],
        "Contact": [
            {"No": "K1", "Type": "Company", "Name": "Firm C1", "Customer_No": "C1"},
            {
                "No": "P1",
                "Type": "Person",
                "Company_No": "K1",
                "Customer_No": "C1",
                "Surname": "Meier",
                "Name": "Meier",
            },
        ],
    }
    one = company(TWO, nav)
    run = await one.run()
    assert [each.mapping for each in run.jobs] == [
        *("CURRENCY", "SALEPEOPLE", "UNITOFMEASURE", "CUSTOMER"),
        *("RESOURCE-PRODUCT", "ITEM-PRODUCT", "CUSTOMER-DE", "CONTACTS"),
    ]
    assert {row["name"] for row in one.crm("accounts")} == {"DE Firm C1", "Firm C2"}
    assert [pair.nav_no for pair in one.couplings("CUSTOMER-DE")] == ["C1"]
    assert [pair.nav_no for pair in one.couplings("CUSTOMER")] == ["C2"]
    person = one.crm("contacts", lastname="Meier")[0]
    assert person["_parentcustomerid_value"] == one.couplings("CUSTOMER-DE")[0].crm_id, "lookups find both"
    before = len(one.audit())
    await one.run()
    assert one.audit(before) == []


async def test_what_one_mapping_coupled_another_one_leaves_alone(company: Made, tmp_path: Path) -> None:
    one = company(TWO, {"Customer": [customer("C1", Country_Region_Code="DE")]})
    await one.run("CUSTOMER", "CUSTOMER-DE")
    one.edit_nav("Customer", "C1", Country_Region_Code="FR")
    run = await one.run("CUSTOMER", "CUSTOMER-DE")
    assert one.codes(run, "CUSTOMER") == {"C1": "coupled_elsewhere"}
    assert counters(run, "CUSTOMER", TO) == {"skipped": 1, "warnings": 1}
    assert [each.kind for each in one.outcomes(run)] == ["warning"], "neither mapping synchronizes it: say so"
    assert len(one.crm("accounts")) == 1
    assert len(one.nav("Customer")) == 1


async def test_a_mapping_that_is_off_does_not_run(company: Made) -> None:
    one = company(
        "[mapping.SALEPEOPLE]\nenabled = false\n",
        customers("C1"),
        {"systemuser": [{"fullname": "A", "internalemailaddress": "a@x.example"}]},
    )
    run = await one.run()
    assert "SALEPEOPLE" not in [each.mapping for each in run.jobs]
    assert one.nav("Salesperson_Purchaser") == []
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1}


async def test_a_run_does_not_go_on_with_other_mappings(company: Made, tmp_path: Path) -> None:
    one = company("", customers("C1"))
    number = one.start("CUSTOMER")
    configure(one, tmp_path, C + 'fields = [{ nav = "Name", crm = "name", validate = false }]\n')
    with pytest.raises(RunError, match="The mappings are not those"):
        control.resume(one.store, one.settings, number)
    run = await one.work(number)
    assert (run.state, run.code) == (RunState.STOPPED, "run"), "nor does an engine that is started anew"
    assert one.crm("accounts") == []
    configure(one, tmp_path, "")
    assert (await one.resume(number)).state is RunState.ASKING
    assert len(one.crm("accounts")) == 1


async def test_couplings_of_a_mapping_outlive_its_configuration(company: Made, tmp_path: Path) -> None:
    one = company(VENDOR, {"Vendor": [{"No": "V1", "Name": "Supply"}]})
    await one.run("VENDOR")
    configure(one, tmp_path, "")
    await one.run()
    assert len(one.couplings("VENDOR")) == 1
    configure(one, tmp_path, VENDOR)
    run = await one.run("VENDOR")
    assert counters(run, "VENDOR") == {"unchanged": 2}


BRANCH = """\
[mapping.CUSTOMER]
conflict = "send_update"

[mapping.BRANCH]
direction = "to"
nav = { entity = "Customer", number = "No", name = "Name", modified = "SystemModifiedAt" }
crm = { entity = "contacts", key = "contactid", name = "lastname" }
fields = [{ nav = "Name", crm = "lastname" }]
match = [[["Name", "lastname"]]]
"""


async def test_a_mapping_does_not_settle_what_another_one_of_the_same_table_sent(company: Made) -> None:
    one = company(BRANCH, customers("C1", City="Bonn"))
    await one.run("CUSTOMER", "BRANCH")
    id = one.couplings("CUSTOMER")[0].crm_id
    one.edit_crm("accounts", id, address1_city="Bremen")
    with pytest.raises(Died):
        await one.work(one.start("CUSTOMER", kind="sync"), plan=at("nav", writing, arrives_and_dies))
    assert one.nav("Customer")[0]["City"] == "Bremen"
    one.edit_crm("accounts", id, address1_city="Ulm")
    await one.work(one.start("BRANCH", kind="sync"))
    await one.work(one.start("CUSTOMER", kind="sync"))
    assert (one.nav("Customer")[0]["City"], one.crm("accounts")[0]["address1_city"]) == ("Ulm", "Ulm")
