from collections.abc import Callable

from tests.runs.company import QUIETLY, Company
from tests.runs.whole import Whole

Make = Callable[..., Company]


def test_the_end_of_a_run_is_another_one_when_a_flag_or_a_value_is(make: Make) -> None:
    company = make("--demo-size", "10")
    company.coupler("run", *QUIETLY)
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
