"""What the NAV connector relies on, against two servers: the sandbox, and odatapy, which is not ours.

They differ where real servers do: links are absolute or relative, pages are capped, a stale etag is a 409 or a 412, a
missing one a 400 or a 428, and a duplicate has a code of NAV's or none that is known.
"""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import pytest

from engine.connectors.nav import NavPages
from engine.connectors.protocol import Query, Row, Status, Write, WriteKind
from engine.model.mapping import Condition
from sandbox.load import Seeds, crm_state, nav_state
from sandbox.serve import start_in_thread
from tests.connectors.odatapy_server import COMPANY, Manner, serving

CUSTOMERS = [
    {"No": f"C{number:03d}", "Name": f"Firm {number}", "City": "Ulm" if number % 3 else "Bonn", "Blocked": "All" if number == 4 else " "}
    for number in range(1, 61)
]  # fmt: skip
SEEDS = Seeds({"General_Ledger_Setup": [{"LCY_Code": "EUR"}], "Customer": CUSTOMERS}, {})
SERVERS = {
    "sandbox": None,
    "odatapy": Manner(),
    "odatapy, relative links and pages of 7": Manner(relative=True, page_size=7),
    "odatapy, absolute links and pages of 7": Manner(page_size=7),
}


@dataclass(frozen=True)
class Service:
    """A server with the customers, and the connector to it."""

    nav: NavPages
    url: str
    token: str
    own: bool


class Counting(httpx.AsyncHTTPTransport):
    """The network, which notes where requests that write go."""

    def __init__(self) -> None:
        super().__init__(trust_env=False)
        self.written: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            self.written.append(request.url.path)
        return await super().handle_async_request(request)


@pytest.fixture(params=SERVERS.values(), ids=list(SERVERS))
async def service(request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    manner = request.param
    if manner is None:
        with start_in_thread(nav_state(SEEDS, company=COMPANY), crm_state(SEEDS)) as sandbox:
            nav = NavPages(sandbox.nav_url, sandbox.token, COMPANY, marker="CRM_Id")
            yield Service(nav, sandbox.nav_url, sandbox.token, own=True)
            await nav.close()
    else:
        with serving(manner, CUSTOMERS) as url:
            nav = NavPages(url, "token", COMPANY, marker="CRM_Id")
            yield Service(nav, url, "token", own=False)
            await nav.close()


def create(key: str, **values: Any) -> Write:
    return Write(key, WriteKind.CREATE, "Customer", None, values)


async def one(nav: NavPages, no: str = "C001") -> Row:
    (row,) = await nav.find("Customer", "No", [no], ("SystemId", "City"))
    return row


async def test_it_finds_the_company(service: Service) -> None:
    assert [(step.name, step.ok) for step in await service.nav.probe()] == [("Company list", True), (COMPANY, True)]


@pytest.mark.parametrize("size", [10, 1000])
async def test_pages_hold_every_record_once_and_go_on_behind_any(service: Service, size: int) -> None:
    query = Query("Customer", "SystemId", ("No",), page_size=size)
    rows = [row async for page in service.nav.pages(query) for row in page]
    assert sorted(row["No"] for row in rows) == [row["No"] for row in CUSTOMERS]
    rest = Query("Customer", "SystemId", ("No",), after=str(rows[20]["SystemId"]), page_size=size)
    assert [row["No"] async for page in service.nav.pages(rest) for row in page] == [row["No"] for row in rows[21:]]


async def test_lists_are_whole_however_short_the_pages_are(service: Service) -> None:
    found = await service.nav.find("Customer", "City", ["ULM", "nowhere"], ("No",), (Condition("Blocked", "eq", " "),))
    assert sorted(row["No"] for row in found) == [
        row["No"] for row in CUSTOMERS if (row["City"], row["Blocked"]) == ("Ulm", " ")
    ]
    assert (await service.nav.count("Customer", (Condition("City", "eq", "Bonn"),))).number == 20
    ids = [str(row["SystemId"]) for row in await service.nav.find("Customer", "City", ["Bonn"], ("SystemId",))]
    assert (await service.nav.fetch("Customer", "SystemId", [*ids, str(uuid.uuid4())], ("City",))).keys() == set(ids)


@pytest.mark.parametrize("name", ["O'Brien & Söhne + 50% #1/2", "' or Name ne '", "名前"])
async def test_any_text_is_written_and_found_as_it_is(service: Service, name: str) -> None:
    made = (await service.nav.write([create("a", Name=name, CRM_Id="x", Credit_Limit_LCY=Decimal("12.50"))]))["a"]
    assert made.status is Status.DONE
    (row,) = await service.nav.find("Customer", "Name", [name.swapcase()], ("SystemId", "Credit_Limit_LCY"))
    assert (str(row["SystemId"]).lower(), Decimal(str(row["Credit_Limit_LCY"]))) == (made.id, Decimal("12.50"))


async def test_many_records_are_made_at_once_each_with_its_result(service: Service) -> None:
    results = await service.nav.write([create(f"k{n}", Name=f"n{n}") for n in range(130)])
    assert {result.status for result in results.values()} == {Status.DONE}
    found = await service.nav.fetch("Customer", "SystemId", [str(result.id) for result in results.values()], ("Name",))
    assert {key: found[str(result.id)]["Name"] for key, result in results.items()} == {
        f"k{n}": f"n{n}" for n in range(130)
    }


async def test_a_duplicate_is_told_whatever_its_code_is(service: Service) -> None:
    taken = str((await one(service.nav))["SystemId"])
    results = await service.nav.write([create("a", SystemId=taken, Name="x"), create("b", Name="y")])
    assert {key: result.status for key, result in results.items()} == {"a": Status.EXISTS, "b": Status.DONE}
    assert await service.nav.find("Customer", "Name", ["x"], ("No",)) == []


async def test_a_change_holds_against_its_etag_and_a_stale_one_does_not(service: Service) -> None:
    row = await one(service.nav)
    id, etag = str(row["SystemId"]), str(row["@odata.etag"])

    async def change(city: str, etag: str | None, id: str = id) -> Status:
        write = Write("x", WriteKind.UPDATE, "Customer", id, {"City": city}, etag)
        return (await service.nav.write([write]))["x"].status

    assert await change("Kiel", etag) is Status.DONE
    assert await change("Trier", etag) is Status.STALE
    assert (await one(service.nav))["City"] == "Kiel"
    assert await change("Worms", None) is Status.DONE
    assert await change("Worms", None, str(uuid.uuid4())) is Status.MISSING
    address = f"{service.url}/Company('{COMPANY}')/Customer({id})"
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {service.token}"}, trust_env=False) as client:
        bare = await client.patch(address, json={"City": "Ulm"})
    assert bare.status_code == (400 if service.own else 428), "both demand If-Match, which the connector always sends"


async def test_a_deletion_is_made_once(service: Service) -> None:
    row = await one(service.nav)
    id = str(row["SystemId"])
    delete = Write("x", WriteKind.DELETE, "Customer", id, {}, str(row["@odata.etag"]))
    assert (await service.nav.write([delete]))["x"].status is Status.DONE
    assert (await service.nav.write([delete]))["x"].status is Status.MISSING
    assert await service.nav.fetch("Customer", "SystemId", [id], ("No",)) == {}


async def test_each_record_goes_in_a_request_of_its_own_where_batches_are_not_wanted(service: Service) -> None:
    counting = Counting()
    nav = NavPages(service.url, service.token, COMPANY, batch=1, transport=lambda: counting)
    try:
        results = await nav.write([create(f"k{n}", Name=f"n{n}") for n in range(5)])
        assert {result.status for result in results.values()} == {Status.DONE}
    finally:
        await nav.close()
    assert counting.written == [f"{httpx.URL(service.url).path}/Company('{COMPANY}')/Customer"] * 5
