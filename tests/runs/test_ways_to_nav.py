"""The program as people use it, on each way to NAV: checked, run, run again, synchronized."""

from collections.abc import Callable

import pytest

from tests.runs.company import QUIETLY, Company, counted, result

DEMO = ("--demo-size", "40")
Make = Callable[..., Company]


def all_is_well(company: Company) -> None:
    """A run leaves nothing to do for the next one and for a synchronization of what was modified."""
    checked = company.coupler("config", "check")
    assert checked.returncode == 0, checked.stderr
    first = result(company.coupler("run", *QUIETLY, "--json"))
    assert first["state"] == "finished", first
    made = counted(company.audit(), "create")
    assert made["accounts"] > 30
    before = len(company.audit())
    again = result(company.coupler("run", *QUIETLY, "--json"))
    assert again["state"] == "finished", again
    assert result(company.coupler("sync", "--json"))["state"] == "finished"
    assert company.audit(before) == []


def test_business_central_api(make: Make) -> None:
    company = make(*DEMO)
    text = (
        company.config.read_text().replace("/ODataV4", "/api/v2.0").replace('marker_field = "CRM_Id"', 'kind = "api"')
    )
    company.config.write_text(text)
    all_is_well(company)
    warned = company.coupler("config", "check").stderr
    assert "warning: mapping.CONTACTS: Business Central API v2.0 does not have what it needs of Contact" in warned
    assert "contacts" not in counted(company.audit(), "create")


@pytest.mark.parametrize("version", ["2018", "2016"])
def test_an_older_nav(make: Make, version: str) -> None:
    company = make(*DEMO, "--nav-version", version)
    all_is_well(company)
    assert counted(company.audit(), "create")["contacts"] > 30
