import contextlib
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.runs.company import QUIETLY, Company
from tests.runs.whole import Whole

Make = Callable[..., Company]
ID = "0a1b2c3d-4e5f-6071-8293-000000000001"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """One whose first run is finished."""
    with contextlib.closing(Company(tmp_path_factory.mktemp("whole"), "--demo-size", "10")) as made:
        assert made.coupler("run", *QUIETLY).returncode == 1
        yield made


def differing(before: Whole, company: Company) -> list[str]:
    return [one.partition(":")[0] for one in before.differences(Whole(company)).split("; ")]


def test_the_end_of_a_run_is_another_one_when_a_flag_or_a_value_is(company: Company) -> None:
    before = Whole(company)
    assert before.differences(Whole(company), calm=True) == ""
    assert company.coupler("mappings", "CUSTOMER", "--only-coupled", "off").returncode == 0
    for table, key, field in (
        ("contacts", "contactid", "lastname"),
        ("products", "productid", "name"),
        ("accounts", "accountid", "telephone1"),
    ):
        company.edit(table, company.crm(table, key)[0][key], {field: "another"})
    found = before.differences(Whole(company), but={"apart"})
    assert [one.partition(":")[0] for one in found.split("; ")] == ["flags", "accounts", "contacts", "products"]
    assert "another" in found


EDITED = (
    ("transactioncurrencies", "transactioncurrencyid", {"exchangerate": 3.5}),
    ("systemusers", "systemuserid", {"mobilephone": "+49 30 000"}),
    ("uomschedules", "uomscheduleid", {"name": "another"}),
    ("uoms", "uomid", {"name": "another"}),
    ("pricelevels", "pricelevelid", {"name": "another"}),
)
EDITED_NAV = (
    ("Currency", "Code", {"Description": "another"}),
    ("Salesperson_Purchaser", "Code", {"E_Mail": "another@cronus.example"}),
    ("Unit_of_Measure", "Code", {"Description": "another"}),
    ("Resource", "No", {"Name": "another"}),
    ("Item", "No", {"Description": "another"}),
)


def test_values_of_every_mapping_are_compared_on_both_sides(company: Company) -> None:
    before = Whole(company)
    for table, key, values in EDITED:
        company.edit(table, company.crm(table, key)[-1][key], values)
    for page, key, values in EDITED_NAV:
        company.edit_nav(page, company.nav(page, key)[-1][key], values, key)
    told = set(differing(before, company)) - {"apart"}
    assert {name for name, *_ in (*EDITED, *EDITED_NAV)} <= told <= {*before.values, "coupled"}


def test_what_no_engine_ever_carries_over_is_told_though_the_ends_are_the_same(make: Make) -> None:
    company = make("--demo-size", "2")
    company.coupler("run", *QUIETLY)
    calm = Whole(company)
    assert calm.differences(Whole(company), calm=True) == ""
    for page, key in (("Currency", "Code"), ("Unit_of_Measure", "Code"), ("Customer", "No"), ("Resource", "No")):
        name = "Name" if key == "No" else "Description"
        company.edit_nav(page, company.nav(page, key)[0][key], {name: "another"}, key)
    coupled = next(one for one in company.lines("couplings") if one["mapping"] == "SALEPEOPLE")
    company.edit("systemusers", coupled["crm_id"], {"mobilephone": "+49 30 000"})
    never = Whole(company)
    told = [one.split()[0] for one in never.apart]
    assert sorted(told) == ["CURRENCY", "CUSTOMER", "RESOURCE-PRODUCT", "SALEPEOPLE"], (
        "units have their codes in common"
    )
    assert never.differences(Whole(company)).startswith("apart: ")


def test_what_a_run_says_that_it_modified_or_left_as_it_was_is_compared(company: Company) -> None:
    before, other = Whole(company), Whole(company)
    before.apart = other.apart = []
    number = before.modified["CUSTOMER"]
    assert number > 0
    other.modified = {**before.modified, "CUSTOMER": number - 1}
    assert before.differences(other) == "", "what a dying engine wrote is found as it should be"
    assert before.differences(other, calm=True).startswith("modified: ")
    other.modified = {**before.modified, "CUSTOMER": number + 1}
    assert before.differences(other).startswith("modified: ")
    other.modified, other.settled = before.modified, {**before.settled, "CURRENCY": (0, 8)}
    assert before.differences(other).startswith("settled: ")


def test_the_end_of_a_run_is_another_one_when_a_contact_is_at_another_firm(company: Company) -> None:
    before = Whole(company)
    contact = next(one for one in company.crm("contacts") if one["_parentcustomerid_value"])
    elsewhere = next(
        one["accountid"] for one in company.crm("accounts") if one["accountid"] != contact["_parentcustomerid_value"]
    )
    firm = {"parentcustomerid_account@odata.bind": f"/accounts({elsewhere})"}
    company.edit("contacts", contact["contactid"], firm)
    assert set(differing(before, company)) - {"apart"} == {"contacts"}


def test_the_end_of_a_run_is_another_one_when_two_partners_are_swapped(company: Company) -> None:
    before = Whole(company)
    with company.store() as store:
        pairs = store.execute("SELECT nav_id, crm_id FROM coupling WHERE mapping = 'CUSTOMER' LIMIT 2").fetchall()
        (_, first), (_, second) = pairs
        for crm_id, partner in ((first, b"0" * 16), (second, first), (b"0" * 16, second)):
            store.execute("UPDATE coupling SET crm_id = ? WHERE crm_id = ? AND mapping = 'CUSTOMER'", (partner, crm_id))
        store.commit()
    assert differing(before, company) == ["coupled", "apart"]


def test_what_was_made_twice_is_no_end_of_a_run(make: Make) -> None:
    company = make("--demo-size", "2")
    with httpx.Client(headers={"Authorization": f"Bearer {company.token}"}, trust_env=False) as client:
        for name in ("Bakery", "Boulangerie"):
            page = f"{company.nav_url}/Company('CRONUS%20International%20Ltd.')/Customer"
            client.post(page, json={"Name": name, "CRM_Id": ID}).raise_for_status()
    with pytest.raises(AssertionError, match=f"{ID}.* was made 2 times"):
        Whole(company)
