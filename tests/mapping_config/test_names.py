"""`coupler config check` compares names with what both services publish; what they publish is read with care."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config import load
from engine.connectors import metadata
from engine.connectors.metadata import Property, Shape, UnfitMetadata, parse
from engine.runs.names import Findings, check_names, compare
from sandbox.load import Seeds, crm_state, nav_state
from sandbox.serve import Sandbox, start_in_thread
from tests.mapping_config.files import coupler, settings

EDMX = """<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EnumType Name="Blocked"><Member Name="_x0020_" Value="0"/><Member Name="All" Value="1"/></EnumType>
<EntityType Name="base" Abstract="true"><Property Name="modifiedon" Type="Edm.DateTimeOffset"/></EntityType>
<EntityType Name="account" BaseType="mscrm.base"><Key><PropertyRef Name="accountid"/></Key>
<Property Name="accountid" Type="Edm.Guid"/><Property Name="name" Type="Edm.String" MaxLength="160"/>
<Property Name="note" Type="Edm.String" MaxLength="max"/><Property Name="blocked" Type="mscrm.Blocked"/>
<NavigationProperty Name="owner" Type="mscrm.account"/>
<NavigationProperty Name="children" Type="Collection(mscrm.account)"/></EntityType>
<EntityContainer Name="System"><EntitySet Name="accounts" EntityType="Microsoft.Dynamics.CRM.account"/></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"""


def test_types_are_read_with_what_they_inherit() -> None:
    assert parse(EDMX.encode()) == {
        "accounts": Shape(
            {
                "accountid": Property("Edm.Guid"),
                "name": Property("Edm.String", 160),
                "note": Property("Edm.String"),
                "blocked": Property("mscrm.Blocked", None, (" ", "All")),
                "modifiedon": Property("Edm.DateTimeOffset"),
            },
            frozenset({"owner"}),
            ("accountid",),
        )
    }


BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>"""


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{}",
        b"<html></html>",
        EDMX[:-20].encode(),
        BOMB.encode(),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        b"<x>" * 200 + b"</x>" * 200,
        b'<?xml version="1.0" encoding="utf-88"?><x/>',
        EDMX.replace("<EntitySet ", "<Other ").encode(),
    ],
)
def test_documents_that_are_no_metadata_or_not_safe_are_refused(document: bytes) -> None:
    with pytest.raises(UnfitMetadata):
        parse(document)


def test_types_that_inherit_from_each_other_do_no_harm() -> None:
    circle = EDMX.replace('Name="base" Abstract="true"', 'Name="base" BaseType="mscrm.account"')
    assert "modifiedon" in parse(circle.encode())["accounts"].properties


def test_columns_count_once_whatever_a_table_inherits(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = "".join(f'<Property Name="c{number}" Type="Edm.String"/>' for number in range(90))
    wide = EDMX.replace('Name="base" Abstract="true">', f'Name="base" Abstract="true">{columns}')
    assert wide != EDMX
    monkeypatch.setattr(metadata, "_MOST", 150)
    assert {"c0", "c89", "modifiedon"} <= parse(wide.encode())["accounts"].properties.keys()
    monkeypatch.setattr(metadata, "_MOST", 90)
    with pytest.raises(UnfitMetadata, match="more tables and columns than any service has"):
        parse(wide.encode())


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    setup = {"General_Ledger_Setup": [{"LCY_Code": "EUR"}]}
    seeds = Seeds(setup, {"organization": [{"name": "Org", "basecurrencycode": "EUR"}]})
    with start_in_thread(nav_state(seeds), crm_state(seeds)) as one:
        yield one


@pytest.fixture(autouse=True)
def token(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", sandbox.token)


def write(folder: Path, sandbox: Sandbox, text: str, **nav: str) -> Path:
    more = "".join(f', {key} = "{value}"' for key, value in nav.items())
    path = folder / "config.toml"
    path.write_text(
        f'environment = "test"\nnav = {{ url = "{sandbox.nav_url}", company = "CRONUS International Ltd.", '
        f'secret = "env:TOKEN"{more} }}\ncrm = {{ url = "{sandbox.crm_url}", secret = "env:TOKEN" }}\n'
        f'store = {{ url = "sqlite:///store.db" }}\n{text}'
    )
    return path


async def check(folder: Path, sandbox: Sandbox, text: str, **nav: str) -> Findings:
    return await check_names(load(write(folder, sandbox, text, **nav)))


async def test_the_built_in_mappings_are_all_there(tmp_path: Path, sandbox: Sandbox) -> None:
    assert await check(tmp_path, sandbox, "", version="bc", marker_field="CRM_Id") == Findings()


@pytest.mark.parametrize("version", ["2018", "2016"])
async def test_business_central_is_told_from_an_older_nav(tmp_path: Path, sandbox: Sandbox, version: str) -> None:
    found = await check(tmp_path, sandbox, "", version=version, marker_field="CRM_Id")
    told = 'nav.version: NAV publishes SystemId: is it Business Central? Then say version = "bc"'
    assert found == Findings(warnings=[told])


@pytest.mark.parametrize("version", ["2018", "2016"])
async def test_an_older_nav_is_told_from_business_central(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    seeds = Seeds({"General_Ledger_Setup": [{"LCY_Code": "EUR"}]}, {})
    with start_in_thread(nav_state(seeds, version=version), crm_state(seeds)) as old:
        monkeypatch.setenv("TOKEN", old.token)
        assert (await check(tmp_path, old, "", version=version, marker_field="CRM_Id")).warnings == []
        found = await check(tmp_path, old, "", marker_field="CRM_Id")
    told = [one for one in found.problems if 'no "SystemId"' in one or "no SystemId" in one]
    assert len(told) > 7
    assert all('version = "2018" or "2016"' in one for one in told)


C = "[mapping.CUSTOMER]\n"
CASES = {
    "NAV field": (C + "fields = [{ nav = 'Fax', crm = 'description', direction = 'to' }]", 'fields.Fax = description: NAV Customer has no "Fax"; did you mean "Fax_No"? Publish the field on the page, or switch the field mapping off'),
    "CRM column": (C + "fields = [{ nav = 'No', crm = 'acountnumber', direction = 'to' }]", 'fields.No = acountnumber: CRM accounts has no "acountnumber"; did you mean "accountnumber"?'),
    "filter's field": (C + "nav_filter = [['Block', 'eq', ' ']]", 'nav_filter: NAV Customer has no "Block"; did you mean "Blocked"? Publish the field on the page'),
    "filter's column": (C + "crm_filter = [['ownerid', 'ne', '']]", 'crm_filter: "ownerid" is a lookup; it is read as "_ownerid_value"'),
    "filter's type": (C + "crm_filter = [['statecode', 'eq', 'Active']]", "crm_filter: statecode is Edm.Int32, so it cannot be compared with 'Active'"),
    "filter's option": (C + "crm_match_filter = [['customertypecode', 'eq', 13]]", "crm_match_filter: customertypecode has no option 13; it can be 1 Competitor"),
    "template's option": (C + "templates = [{ side = 'crm', values = { accountcategorycode = 3 } }]", "templates: accountcategorycode has no option 3; it can be 1 Preferred Customer, 2 Standard"),
    "template's column": (C + "templates = [{ side = 'nav', values = { Payment_Term = 'X' } }]", 'templates: NAV Customer has no "Payment_Term"'),
    "template's condition": (C + "templates = [{ side = 'crm', values = { accountcategorycode = 1 }, conditions = [['Citi', 'eq', 'x']] }]", 'templates: NAV Customer has no "Citi"; did you mean "City"?'),
    "constant": (C + "fields = [{ crm = 'accountcategorycode', constant = 9 }]", "fields.accountcategorycode: accountcategorycode has no option 9"),
    "type": (C + "fields = [{ nav = 'City', crm = 'revenue', direction = 'to' }]", "fields.City = revenue: revenue is Edm.Decimal; a field of kind text cannot be written there"),
    "extra": (C + "nav = { extra = ['GLN'] }", 'nav.extra: NAV Customer has no "GLN"'),
    "key": (C + "crm = { key = 'account_id' }", 'crm.key: CRM accounts has no "account_id"; did you mean "accountid"?'),
    "page": (C + "nav = { entity = 'Customer_Card' }", 'nav.entity: NAV publishes no page "Customer_Card"; did you mean "Customer"?'),
    "set": (C + "crm = { entity = 'account' }", 'crm.entity: CRM has no table set "account"; did you mean "accounts"?'),
    "navigation": (C + "fields = [{ nav = 'Salesperson_Code', crm = 'ownerid', navigation = 'owner_id' }]", 'fields.Salesperson_Code = ownerid: accounts has no navigation property "owner_id"; did you mean "ownerid"?'),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_a_name_that_is_not_there_is_found(tmp_path: Path, sandbox: Sandbox, name: str) -> None:
    text, expected = CASES[name]
    found = await check(tmp_path, sandbox, text)
    assert len(found.problems) == 1, found.problems
    assert found.problems[0].startswith(f"mapping.CUSTOMER.{expected}"), found.problems


async def test_the_marker_must_be_on_the_pages_that_get_records(tmp_path: Path, sandbox: Sandbox) -> None:
    found = await check(tmp_path, sandbox, "", marker_field="CRM_No")
    pages = ["Salesperson_Purchaser", "Customer", "Contact", "Resource", "Item"]
    assert [text.split('"')[0] for text in found.problems] == [
        f"nav.marker_field: NAV {page} has no " for page in pages
    ]


async def test_lengths_that_promise_too_much_are_warnings(tmp_path: Path, sandbox: Sandbox) -> None:
    text = C + "fields = [{ nav = 'Name', crm = 'name', nav_length = 101, crm_length = 161 }]"
    found = await check(tmp_path, sandbox, text)
    assert found.problems == []
    assert [one.partition(": ")[2] for one in found.warnings] == [
        "Name holds 100 characters, not 101: longer texts fail; say nav_length = 100",
        "name holds 160 characters, not 161: longer texts fail; say crm_length = 160",
    ]


def test_options_of_pages_that_declare_them_are_checked(tmp_path: Path) -> None:
    text = C + "nav_filter = [['Blocked', 'eq', 'Al']]\n"
    shape = Shape({"Blocked": Property("NAV.Blocked", None, (" ", "All"))})
    found = Findings()
    compare(settings(tmp_path, text), {"Customer": shape}, None, {}, found)
    assert 'mapping.CUSTOMER.nav_filter: Blocked has no option "Al"; did you mean "All"?' in found.problems


async def test_what_every_run_reads_must_be_published_too(tmp_path: Path) -> None:
    found = Findings()
    compare(settings(tmp_path, ""), {"Currency": Shape({"Code": Property("Edm.String")})}, None, {}, found)
    assert (
        'NAV publishes no page "General_Ledger_Setup", which every run reads; publish it as a web service'
        in found.problems
    )
    assert 'the NAV page "Currency" has no Exchange_Rate_Amount, which every run reads; publish it' in found.problems


def test_the_command_asks_the_servers_unless_it_is_told_not_to(tmp_path: Path, sandbox: Sandbox) -> None:
    write(tmp_path, sandbox, CASES["CRM column"][0])
    done = coupler(tmp_path, "config", "check")
    assert done.returncode == 2
    assert 'did you mean "accountnumber"?' in done.stderr
    offline = coupler(tmp_path, "config", "check", "--offline")
    assert (offline.returncode, offline.stderr) == (0, "")
    write(tmp_path, sandbox, "")
    assert coupler(tmp_path, "config", "check").returncode == 0


def elsewhere(folder: Path, old: str, new: str) -> None:
    text = (folder / "config.toml").read_text()
    assert old in text
    (folder / "config.toml").write_text(text.replace(old, new))


def refused(folder: Path) -> str:
    """What `config check` says where a server is not to be used: exit code 3 and no OK, in both ways to print."""
    done = coupler(folder, "config", "check")
    assert (done.returncode, done.stdout) == (3, ""), done.stderr
    assert "Traceback" not in done.stderr
    told = coupler(folder, "config", "check", "--json")
    found = json.loads(told.stdout)
    assert (told.returncode, found["ok"]) == (3, False)
    assert coupler(folder, "config", "check", "--offline").returncode == 0
    return done.stderr


def test_servers_that_do_not_answer_are_told_and_not_waited_for(tmp_path: Path, sandbox: Sandbox) -> None:
    write(tmp_path, sandbox, "")
    elsewhere(tmp_path, sandbox.nav_url, "http://127.0.0.1:1/BC/ODataV4")
    elsewhere(tmp_path, sandbox.crm_url, "http://127.0.0.1:1/api/data/v9.2")
    began = time.monotonic()
    text = refused(tmp_path)
    assert time.monotonic() - began < 30
    assert text.count("cannot be reached") == text.count("Check that the server runs") == 2


@pytest.mark.parametrize("side", ["nav", "crm"])
def test_an_address_where_the_service_is_not(tmp_path: Path, sandbox: Sandbox, side: str) -> None:
    write(tmp_path, sandbox, "")
    url = sandbox.nav_url if side == "nav" else sandbox.crm_url
    elsewhere(tmp_path, f'"{url}"', f'"{url}x"')
    text = refused(tmp_path)
    assert "was answered with 404" in text
    assert ". Check the address of the service" in text


def test_a_company_that_is_not_there_is_told(tmp_path: Path, sandbox: Sandbox) -> None:
    write(tmp_path, sandbox, "")
    elsewhere(tmp_path, "CRONUS International Ltd.", "Cronus")
    assert 'NAV has no company "Cronus"; it has CRONUS International Ltd.' in refused(tmp_path)


def test_a_token_that_is_refused_is_a_matter_of_the_servers(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, sandbox, "")
    monkeypatch.setenv("TOKEN", "wrong")
    assert refused(tmp_path).count(" 401 ") == 2


def test_what_is_wrong_in_the_file_goes_first(tmp_path: Path, sandbox: Sandbox) -> None:
    write(tmp_path, sandbox, CASES["NAV field"][0])
    elsewhere(tmp_path, sandbox.crm_url, "http://127.0.0.1:1/api/data/v9.2")
    done = coupler(tmp_path, "config", "check")
    assert done.returncode == 2
    assert 'did you mean "Fax_No"?' in done.stderr
    assert "cannot be reached" in done.stderr
