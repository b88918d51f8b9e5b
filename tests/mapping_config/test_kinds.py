"""The ways to NAV, `[nav] kind` and `version`: what each cannot serve is said before anything runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config import Settings, load
from engine.model.errors import ConfigError
from engine.runs.names import Findings, check_names
from sandbox.load import Seeds, crm_state, nav_state
from sandbox.nav import metadata
from sandbox.serve import Sandbox, start_in_thread
from tests.mapping_config.files import VENDOR, coupler, pairs

SEEDS = Seeds(
    {"General_Ledger_Setup": [{"LCY_Code": "EUR"}]}, {"organization": [{"name": "Org", "basecurrencycode": "EUR"}]}
)
API = 'kind = "api"'


@pytest.fixture
def served() -> Iterator[Sandbox]:
    with start_in_thread(nav_state(SEEDS), crm_state(SEEDS)) as one:
        yield one


def write(
    folder: Path,
    nav: str,
    mappings: str = "",
    url: str = "https://nav.example/BC/api/v2.0",
    crm: str = "https://c.example",
) -> Path:
    path = folder / "config.toml"
    path.write_text(
        f'environment = "test"\n[nav]\nurl = "{url}"\ncompany = "CRONUS International Ltd."\nsecret = "env:TOKEN"\n{nav}\n'
        f'[crm]\nurl = "{crm}"\nsecret = "env:TOKEN"\n[store]\nurl = "sqlite:///store.db"\n{mappings}'
    )
    return path


def problems(folder: Path, nav: str, mappings: str = "", url: str = "https://nav.example/BC/api/v2.0") -> str:
    with pytest.raises(ConfigError) as caught:
        load(write(folder, nav, mappings, url))
    return "\n".join(caught.value.problems)


def api(folder: Path, mappings: str = "") -> Settings:
    return load(write(folder, API, mappings))


def test_what_the_api_lacks_is_left_out_and_said(tmp_path: Path) -> None:
    found = api(tmp_path)
    assert [one.name for one in found.mappings] == [
        "CURRENCY",
        "SALEPEOPLE",
        "UNITOFMEASURE",
        "CUSTOMER",
        "ITEM-PRODUCT",
    ]
    customer = next(one for one in found.mappings if one.name == "CUSTOMER")
    assert ("E_Mail", "emailaddress1") in pairs(customer)
    assert not {"Fax_No", "Primary_Contact_No", "Payment_Terms_Code"} & {field.nav for field in customer.fields}
    said = "\n".join(found.left_out)
    assert "mapping.CUSTOMER.fields.Fax_No = fax: Business Central API v2.0 has no Fax_No: not synchronized" in said
    assert "mapping.RESOURCE-PRODUCT: Business Central API v2.0 does not have what it needs of Resource" in said
    assert "mapping.CONTACTS: Business Central API v2.0 does not have what it needs of Contact" in said
    assert load(write(tmp_path, "", url="https://nav.example/BC/ODataV4")).left_out == ()


def test_a_filter_on_what_the_api_lacks_leaves_the_mapping_out(tmp_path: Path) -> None:
    found = api(tmp_path, '[mapping.CUSTOMER]\nnav_filter = [["Fax_No", "ne", ""]]\n')
    assert "CUSTOMER" not in [one.name for one in found.mappings]
    assert any("has no Fax_No of Customer, which the mapping depends on" in line for line in found.left_out)


def test_match_rules_go_with_lookups_of_mappings_that_are_left_out(tmp_path: Path) -> None:
    text = VENDOR.replace("match = [", 'match = [[["City", "preferredequipmentid"]], ').replace(
        "fields = [", 'fields = [\n  { nav = "City", crm = "preferredequipmentid", lookup = "RESOURCE-PRODUCT" },'
    )
    vendor = api(tmp_path, text).mappings[-1]
    assert "City" not in {field.nav for field in vendor.fields}
    assert [rule.pairs for rule in vendor.match] == [(("No", "accountnumber"),)]


def test_a_mapping_of_your_own_that_the_api_cannot_serve_is_refused(tmp_path: Path) -> None:
    assert [one.name for one in api(tmp_path, VENDOR).mappings][-1] == "VENDOR"
    text = problems(tmp_path, API, VENDOR.replace('"Vendor"', '"Location"').replace("VENDOR", "PLACE"))
    assert "mapping.PLACE: Business Central API v2.0 does not have what it needs of Location" in text


@pytest.mark.parametrize(
    ("nav", "url", "said"),
    [
        ('kind = "soap"', "https://nav.example/BC/ODataV4", '"soap" is not known'),
        (API, "https://nav.example/BC/ODataV4", "must end with /api/v2.0"),
        ("", "https://nav.example/BC/api/v2.0", 'add kind = "api"'),
        (f'{API}\nversion = "2018"', "https://nav.example/BC/api/v2.0", 'must be "bc"'),
        (f'{API}\nmarker_field = "CRM_Id"', "https://nav.example/BC/api/v2.0", "has no such field"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, nav: str, url: str, said: str) -> None:
    assert said in problems(tmp_path, nav, url=url)


def test_config_check_says_it_and_finds_all_else_there(
    tmp_path: Path, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", served.token)
    write(tmp_path, API, "", served.nav_url.replace("ODataV4", "api/v2.0"), served.crm_url)
    done = coupler(tmp_path, "config", "check")
    assert done.returncode == 0, done.stderr
    assert "warning: mapping.ITEM-PRODUCT.fields.Gross_Weight = stockweight:" in done.stderr
    assert "warning: mapping.RESOURCE-PRODUCT:" in done.stderr
    assert "config.toml: OK" in done.stdout


async def test_a_field_that_only_newer_releases_have_is_a_problem(
    tmp_path: Path, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", served.token)
    whole = metadata.document
    monkeypatch.setattr(
        metadata, "document", lambda *arguments: whole(*arguments).replace(b'"creditLimit"', b'"limit"')
    )
    found = await check_names(
        load(write(tmp_path, API, "", served.nav_url.replace("ODataV4", "api/v2.0"), served.crm_url))
    )
    assert found.problems == [
        (
            'mapping.CUSTOMER.fields.Credit_Limit_LCY = creditlimit: NAV Customer has no "Credit_Limit_LCY"; nothing has a '
            "similar name. This release of API v2.0 lacks it: use another, or switch the field mapping off (enabled = false)"
        )
    ]


@pytest.mark.parametrize("version", ["2018", "2016"])
async def test_older_versions_have_all_that_their_mappings_name(
    tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_in_thread(nav_state(SEEDS, version=version), crm_state(SEEDS)) as old:
        monkeypatch.setenv("TOKEN", old.token)
        path = write(tmp_path, f'version = "{version}"\nmarker_field = "CRM_Id"', "", old.nav_url, old.crm_url)
        assert await check_names(load(path)) == Findings()
