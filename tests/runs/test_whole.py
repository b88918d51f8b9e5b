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
    assert Whole(company) == before
    assert company.coupler("mappings", "CUSTOMER", "--only-coupled", "off").returncode == 0
    for table, key, field in (
        ("contacts", "contactid", "lastname"),
        ("products", "productid", "name"),
        ("accounts", "accountid", "telephone1"),
    ):
        company.edit(table, company.crm(table, key)[0][key], {field: "another"})
    found = before.differences(Whole(company))
    assert [one.partition(":")[0] for one in found.split("; ")] == ["flags", "accounts", "contacts", "products"]
    assert "another" in found


def test_the_end_of_a_run_is_another_one_when_a_contact_is_at_another_firm(company: Company) -> None:
    before = Whole(company)
    contact = next(one for one in company.crm("contacts") if one["_parentcustomerid_value"])
    elsewhere = next(
        one["accountid"] for one in company.crm("accounts") if one["accountid"] != contact["_parentcustomerid_value"]
    )
    firm = {"parentcustomerid_account@odata.bind": f"/accounts({elsewhere})"}
    company.edit("contacts", contact["contactid"], firm)
    assert differing(before, company) == ["contacts"]


def test_the_end_of_a_run_is_another_one_when_two_partners_are_swapped(company: Company) -> None:
    before = Whole(company)
    with company.store() as store:
        pairs = store.execute("SELECT nav_id, crm_id FROM coupling WHERE mapping = 'CUSTOMER' LIMIT 2").fetchall()
        (_, first), (_, second) = pairs
        for crm_id, partner in ((first, b"0" * 16), (second, first), (b"0" * 16, second)):
            store.execute("UPDATE coupling SET crm_id = ? WHERE crm_id = ? AND mapping = 'CUSTOMER'", (partner, crm_id))
        store.commit()
    assert differing(before, company) == ["coupled"]


def test_what_was_made_twice_is_no_end_of_a_run(make: Make) -> None:
    company = make("--demo-size", "2")
    with httpx.Client(headers={"Authorization": f"Bearer {company.token}"}, trust_env=False) as client:
        for name in ("Bakery", "Boulangerie"):
            page = f"{company.nav_url}/Company('CRONUS%20International%20Ltd.')/Customer"
            client.post(page, json={"Name": name, "CRM_Id": ID}).raise_for_status()
    with pytest.raises(AssertionError, match=f"{ID}.* was made 2 times"):
        Whole(company)
