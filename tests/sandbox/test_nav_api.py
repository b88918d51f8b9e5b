"""Business Central API v2.0 over the same records as the page services."""

from typing import Any

import httpx
import pytest

from sandbox.crm.state import CrmState
from sandbox.load import Seeds, nav_state
from sandbox.serve import Sandbox, running
from tests.sandbox.nav_tools import COMPANY, ROWS, Nav, refusal

ZEROS = "00000000-0000-0000-0000-000000000000"


class Api:
    """A client of API v2.0."""

    def __init__(self, nav: Nav) -> None:
        self.nav = nav
        self.root = api_root(nav.sandbox)
        self.company = f"{self.root}/companies({nav.sandbox.nav.company_id})"

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a request for something in the company."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.nav.client.request(method, f"{self.company}/{path}", json=body, headers=named)

    async def rows(self, path: str) -> list[dict[str, Any]]:
        answer = await self.send("GET", path)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["value"]
        return found


def api_root(sandbox: Sandbox) -> str:
    return sandbox.nav_url.removesuffix("/ODataV4") + "/api/v2.0"


@pytest.fixture
def api(nav: Nav) -> Api:
    return Api(nav)


async def test_companies_lead_to_the_sets_below_the_instance_and_below_a_tenant(api: Api) -> None:
    companies = (await api.nav.client.get(f"{api.root}/companies")).json()["value"]
    assert [(one["id"], one["name"]) for one in companies] == [
        (api.nav.sandbox.nav.company_id, "CRONUS International Ltd.")
    ]
    assert (await api.nav.client.get(f"{api.root}/companies({companies[0]['id']})")).json()["name"].startswith("CRONUS")
    online = api.root.replace("/BC/", "/v2.0/tenant/Production/")
    for path in (f"companies({companies[0]['id']})/items", f"items?company={companies[0]['id']}"):
        for root in (api.root, online):
            assert [row["number"] for row in (await api.nav.client.get(f"{root}/{path}")).json()["value"]] == ["1000"]
    assert refusal(await api.nav.client.get(f"{api.root}/companies({ZEROS})/items")) == (
        404,
        "Internal_CompanyNotFound",
    )
    assert refusal(await api.nav.client.get(f"{api.root}/items")) == (404, "BadRequest_ResourceNotFound")
    assert refusal(await api.send("GET", "resources")) == (404, "BadRequest_ResourceNotFound")


async def test_a_record_is_the_one_that_the_page_shows(api: Api) -> None:
    await api.nav.send("PATCH", "Customer('00002')", {"Currency_Code": "USD"}, If_Match="*")
    blank, dollars = (await api.rows("customers?$filter=number le '00002'&$orderby=number"))[:2]
    page = (await api.nav.rows("Customer?$filter=No eq '00001'"))[0]
    assert (blank["id"], blank["displayName"], blank["email"]) == (page["SystemId"], "Firm 1", "f1@x.example")
    assert (blank["lastModifiedDateTime"], blank["@odata.etag"]) == (page["SystemModifiedAt"], page["@odata.etag"])
    usd = (await api.rows("currencies"))[0]["id"]
    assert (blank["currencyCode"], blank["currencyId"]) == ("EUR", ZEROS)
    assert (dollars["currencyCode"], dollars["currencyId"]) == ("USD", usd)


async def test_what_setup_and_rates_are_is_read_only(api: Api) -> None:
    assert [row["localCurrencyCode"] for row in await api.rows("generalLedgerSetup")] == ["EUR"]
    rates = await api.rows("currencyExchangeRates")
    assert [(row["currencyCode"], row["exchangeRateAmount"], row["relationalExchangeRateAmount"]) for row in rates] == [
        ("USD", 1.0842, 1)
    ]
    answer = await api.send("POST", "currencyExchangeRates", {"currencyCode": "USD"})
    assert refusal(answer) == (405, "BadRequest_MethodNotAllowed")


async def test_a_new_record_gets_the_id_that_is_given_and_a_number_of_the_series(api: Api) -> None:
    id = "11111111-2222-4333-8444-555555555555"
    answer = await api.send("POST", "customers", {"id": id, "displayName": "New", "currencyCode": "EUR"})
    row = answer.json()
    assert answer.status_code == 201
    assert (row["id"], row["number"], answer.headers["ETag"]) == (id, "C000001", row["@odata.etag"])
    assert answer.headers["Location"].endswith(f"/customers({id})")
    assert (await api.nav.rows(f"Customer?$filter=SystemId eq {id}"))[0]["Currency_Code"] == ""
    again = await api.send("POST", "customers", {"id": id, "displayName": "New"})
    assert refusal(again) == (400, "Internal_EntityWithSameKeyExists")
    assert len(await api.rows("customers?$filter=displayName eq 'New'")) == 1


async def test_what_does_not_fit_is_refused_with_the_names_of_the_api(api: Api) -> None:
    nameless = await api.send("POST", "customers", {"city": "Ulm"})
    assert nameless.json()["error"]["message"].startswith('A "displayName" must be provided.')
    for body, code in (
        ({"displayName": "x", "Fax_No": "1"}, "BadRequest"),
        ({"displayName": "x" * 101}, "Application_StringExceededLength"),
        ({"displayName": "x", "currencyId": "11111111-2222-4333-8444-555555555555"}, "Application_DialogException"),
        ({"displayName": "x", "salespersonCode": "NONE"}, "Internal_InvalidTableRelation"),
        ({"displayName": "x", "lastModifiedDateTime": "2024-01-01T00:00:00Z"}, "BadRequest"),
    ):
        assert refusal(await api.send("POST", "customers", body)) == (400, code)
    assert len(await api.rows("customers")) == 7


async def test_a_change_needs_the_etag_and_a_stale_one_is_a_conflict(api: Api) -> None:
    row = (await api.rows("customers"))[0]
    path = f"customers({row['id']})"
    assert refusal(await api.send("PATCH", path, {"city": "Ulm"})) == (400, "BadRequest_InvalidToken")
    changed = await api.send("PATCH", path, {"city": "Ulm"}, If_Match=row["@odata.etag"])
    assert (changed.status_code, changed.json()["city"]) == (200, "Ulm")
    stale = await api.send("PATCH", path, {"city": "Bonn"}, If_Match=row["@odata.etag"])
    assert refusal(stale) == (409, "Request_EntityChanged")
    assert refusal(await api.send("DELETE", path, None, If_Match=row["@odata.etag"])) == (409, "Request_EntityChanged")
    assert (await api.send("DELETE", path)).status_code == 204
    assert (await api.send("GET", path)).status_code == 404


async def test_lists_are_filtered_ordered_counted_and_paged(api: Api) -> None:
    answer = await api.send(
        "GET",
        "customers?$filter=blocked eq ' '&$select=number&$count=true&$orderby=number desc",
        Prefer="odata.maxpagesize=4",
    )
    page = answer.json()
    assert (page["@odata.count"], [row["number"] for row in page["value"]]) == (6, ["00007", "00006", "00005", "00004"])
    assert page["@odata.nextLink"].startswith(api.company)
    rest = (await api.nav.client.get(page["@odata.nextLink"])).json()
    assert [row["number"] for row in rest["value"]] == ["00002", "00001"]
    wide = await api.send("GET", "customers?$filter=number eq '00001' or displayName eq 'Firm 2'")
    assert "'OR' operator" in wide.json()["error"]["message"]
    since = max(row["lastModifiedDateTime"] for row in await api.rows("customers"))
    assert await api.rows(f"customers?$filter=lastModifiedDateTime gt {since}") == []


async def test_a_page_has_20000_records_however_many_are_asked_for() -> None:
    rows = {**ROWS, "Item": [{"No": f"{number:05d}", "Description": "Bell"} for number in range(20_001)]}
    async with running(nav_state(Seeds(rows, {})), CrmState.build()) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token}", "Prefer": "odata.maxpagesize=50000"}
        addresses = (
            f"{sandbox.nav_url}/{COMPANY}/Item?$select=No",
            f"{api_root(sandbox)}/companies({sandbox.nav.company_id})/items?$select=number",
        )
        async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
            for address in addresses:
                page = (await client.get(address)).json()
                rest = (await client.get(page["@odata.nextLink"])).json()
                assert (len(page["value"]), len(rest["value"])) == (20_000, 1)


async def test_a_batch_takes_addresses_of_the_api(api: Api) -> None:
    company = f"companies({api.nav.sandbox.nav.company_id})"
    requests = [
        {"id": "a", "method": "GET", "url": f"{company}/items"},
        {"id": "b", "method": "POST", "url": f"{company}/items", "body": {"number": "2000", "displayName": "Bell"}},
        {
            "id": "c",
            "method": "PATCH",
            "url": f"{api.company}/items({ZEROS})",
            "headers": {"If-Match": "*"},
            "body": {},
        },
    ]
    parts = (await api.nav.client.post(f"{api.root}/$batch", json={"requests": requests})).json()["responses"]
    assert [(part["id"], part["status"]) for part in parts] == [("a", 200), ("b", 201), ("c", 404)]
    too_many = {"requests": [{"id": str(n), "method": "GET", "url": f"{company}/items"} for n in range(101)]}
    assert (await api.nav.client.post(f"{api.root}/$batch", json=too_many)).status_code == 500


async def test_metadata_tells_the_sets_and_what_their_properties_are(api: Api) -> None:
    text = (await api.nav.client.get(f"{api.root}/$metadata")).text
    assert '<EntitySet Name="salespeoplePurchasers" EntityType="Microsoft.NAV.salespersonPurchaser"/>' in text
    assert '<Property Name="displayName" Type="Edm.String" MaxLength="100"/>' in text
    assert "Fax" not in text


async def test_a_rename_and_a_rolled_back_change_are_seen(api: Api) -> None:
    row = (await api.rows("items"))[0]
    await api.nav.send("PATCH", "Item('1000')", {"No": "1001"}, If_Match="*")
    assert [(one["id"], one["number"]) for one in await api.rows("items")] == [(row["id"], "1001")]
    operations = [{"method": "POST", "url": "Item", "body": {"No": number}} for number in ("A", "1001")]
    await api.nav.batch(*operations, Isolation="snapshot")
    assert [one["number"] for one in await api.rows("items")] == ["1001"]


async def test_an_id_of_another_record_lasts_as_long_as_that_one(api: Api) -> None:
    async def currency() -> tuple[str, str]:
        row = next(one for one in await api.rows("customers") if one["number"] == "00001")
        return row["currencyCode"], row["currencyId"]

    await api.nav.send("PATCH", "Customer('00001')", {"Currency_Code": "USD"}, If_Match="*")
    (dollar,) = await api.rows("currencies")
    assert await currency() == ("USD", dollar["id"])
    await api.nav.send("PATCH", "Currency('USD')", {"Code": "USX"}, If_Match="*")
    assert await currency() == ("USX", dollar["id"])
    await api.nav.send("DELETE", "Currency('USX')")
    assert await currency() == ("USX", ZEROS)
    await api.nav.send("POST", "Currency", {"Code": "USX"})
    (again,) = await api.rows("currencies")
    assert await currency() == ("USX", again["id"])
