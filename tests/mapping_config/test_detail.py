"""What a mapping says beside its default, with the key of config.toml that changes it."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.config import Settings
from engine.config.detail import mapping_detail
from engine.model.detail import Differs, Setting
from tests.mapping_config.files import VENDOR, settings
from tests.runs_store.tools import settings_of, with_nav

CHANGED = """
[mapping.CUSTOMER]
conflict = "latest"
direction = "to"
nav_filter = [["Country_Region_Code", "eq", "DE"]]
match = [[["Name", "name"]], [["E_Mail", "emailaddress1"], ["Name", "name"]]]
fields = [
  { nav = "No", crm = "accountnumber", direction = "to" },
  { nav = "Fax_No", crm = "fax", enabled = false },
  { nav = "Name", crm = "name", crm_length = 50, transforms = [{ rule = "trim" }] },
  { nav = "Search_Name", crm = "nickname" },
]
templates = [{ side = "crm", values = { accountcategorycode = 1 } }]
[options.PAYMENT_TERMS]
NET30 = 1
[schedule.CUSTOMER]
every = "5 min"
"""


def lines(found: Settings, name: str = "CUSTOMER") -> dict[tuple[str, str], Setting]:
    return {(one.section, one.name): one for one in mapping_detail(found, name)}


@pytest.mark.parametrize(("kind", "version"), [("odata", "bc"), ("odata", "2018"), ("odata", "2016"), ("api", "bc")])
def test_nothing_of_the_built_in_mappings_differs_but_what_is_off(tmp_path: Path, kind: str, version: str) -> None:
    found = with_nav(settings_of(tmp_path), version=version, kind=kind)
    for mapping in found.mappings:
        for one in mapping_detail(found, mapping.name):
            if one.differs is Differs.OFF:
                assert one.default == "off" or one.more, one
            else:
                assert (one.differs, one.default) == (Differs.NOT, ""), (mapping.name, one)


def test_what_is_changed_added_and_off_says_so_with_its_default(tmp_path: Path) -> None:
    found = lines(settings(tmp_path, CHANGED))

    def told(section: str, name: str) -> tuple[str, str, str]:
        one = found[section, name]
        return one.value, str(one.differs), one.default

    assert told("Policies", "Both sides changed") == ("latest", "changed", "none")
    assert told("Policies", "Partner deleted") == ("none", "", "")
    assert told("Tables and direction", "Direction") == ("ToIntegrationTable", "changed", "Bidirectional")
    assert told("Tables and direction", "Schedule") == ("every 5 min", "changed", "every 30 min")
    assert told("Filters", "NAV filter") == ("Country_Region_Code = 'DE'", "changed", "Blocked = ' '")
    assert told("Matching", "Rule 1") == ("Name = name", "added", "")
    assert told("Matching", "Rule 2") == ("E_Mail = emailaddress1 and Name = name", "changed", "rule 1")
    assert told("Templates", "Template 1") == ("new in CRM: accountcategorycode = 1", "added", "none")
    assert told("Options", "PAYMENT TERMS NET30") == ("1", "added", "by label")
    assert told("Fields", "No") == ("accountnumber", "changed", "direction off")
    assert told("Fields", "Fax_No") == ("fax", "off", "direction both")
    assert told("Fields", "Search_Name") == ("nickname", "added", "")
    assert told("Fields", "Mobile_Phone_No") == ("telephone2", "off", "off")
    value, differs, default = told("Fields", "Name")
    assert (value, differs) == ("name", "changed")
    assert "crm_length 160" in default
    assert "transforms none" in default
    assert "trim() both" in found["Fields", "Name"].more


def test_each_line_names_the_key_that_changes_it(tmp_path: Path) -> None:
    found = lines(settings(tmp_path, CHANGED))
    assert found["Policies", "Both sides changed"].change == "conflict in [mapping.CUSTOMER]"
    assert found["Filters", "NAV filter"].change == "nav_filter in [mapping.CUSTOMER]"
    assert found["Options", "PAYMENT TERMS NET30"].change == "[options.PAYMENT_TERMS]"
    assert found["Tables and direction", "Schedule"].change == "every or cron in [schedule.CUSTOMER]"
    assert found["Fields", "Name"].change == 'fields = [{ nav = "Name", crm = "name", ... }] in [mapping.CUSTOMER]'
    users = lines(settings(tmp_path, ""), "SALEPEOPLE")
    assert users["Tables and direction", "Direction"].change == ""
    prices = lines(settings(tmp_path, ""), "ITEM-PRODUCT")
    fixed = prices["Fields", "Unit_Price"]
    assert (fixed.change, fixed.more.partition(";")[0]) == ("", "the special handling needs it as it is")


def test_a_mapping_of_ones_own_has_no_defaults(tmp_path: Path) -> None:
    found = settings(tmp_path, VENDOR.replace("[mapping.VENDOR]", '[mapping."MY VENDOR"]'))
    every = mapping_detail(found, "MY VENDOR")
    assert {one.differs for one in every} == {Differs.NOT}
    assert {one.change for one in every if one.section == "Policies"} >= {'conflict in [mapping."MY VENDOR"]'}


def test_what_the_api_does_not_serve_says_so(tmp_path: Path) -> None:
    found = with_nav(settings_of(tmp_path), kind="api")
    missing = [one for one in mapping_detail(found, "CUSTOMER") if "not synchronized" in one.more]
    assert missing
    assert {one.change for one in missing} == {""}


def test_a_rule_that_is_taken_out_is_off(tmp_path: Path) -> None:
    found = settings_of(tmp_path)
    mappings = tuple(replace(one, match=()) if one.name == "CUSTOMER" else one for one in found.mappings)
    rules = [one for one in mapping_detail(replace(found, mappings=mappings), "CUSTOMER") if one.section == "Matching"]
    assert [(one.value, one.differs, one.default) for one in rules] == [
        ("E_Mail = emailaddress1 and Name = name", Differs.OFF, "rule 1")
    ]
