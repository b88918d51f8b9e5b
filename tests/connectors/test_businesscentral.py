"""Business Central API v2.0 against the sandbox: names of pages outside, names of the API on the wire."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import pytest

from engine.connectors.businesscentral import BusinessCentral, _found
from engine.connectors.metadata import Property, Shape
from engine.connectors.protocol import Query, Side, Status, Write, WriteKind
from engine.mapping.wording import business_central
from engine.model.errors import AccessDenied, ConnectionLost, Refused
from engine.model.mapping import Condition
from sandbox.serve import Sandbox
from tests.connectors.conftest import COMPANY, broken_off, stopped
from tests.connectors.scripted import json_reply, serving


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[BusinessCentral]:
    one = side(sandbox)
    yield one
    await one.close()


def side(sandbox: Sandbox, company: str = COMPANY, line: "Line | None" = None) -> BusinessCentral:
    url = sandbox.nav_url.replace("/ODataV4", "/api/v2.0")
    transport = None if line is None else lambda: line
    return BusinessCentral(url, sandbox.token, company, wording=business_central(), transport=transport)


class Line(httpx.AsyncHTTPTransport):
    """A line that notes what goes over it, and how many writes were under way at each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []
        self.writes: list[int] = []
        self._under_way = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        writes = request.method != "GET"
        self._under_way += writes
        if writes:
            self.writes.append(self._under_way)
            await asyncio.sleep(0.02)
        try:
            return await super().handle_async_request(request)
        finally:
            self._under_way -= writes


def create(id: str | None, name: str, **values: object) -> Write:
    return Write(name, WriteKind.CREATE, "Customer", id, {"Name": name, **values})


async def test_it_is_a_side_that_chooses_ids(api: BusinessCentral) -> None:
    one: Side = api
    assert one.client_ids
    assert one.marker is None
    assert not one.ids_from_keys


async def test_records_have_the_names_of_pages_and_blanks_for_the_local_currency(
    api: BusinessCentral, sandbox: Sandbox
) -> None:
    fields = ("No", "Name", "Currency_Code", "Blocked", "SystemModifiedAt")
    rows = [row async for page in api.pages(Query("Customer", "SystemId", fields, page_size=7)) for row in page]
    expected = sandbox.nav.tables["Customer"].rows
    assert len(rows) == len(expected)
    assert all({name: expected[row["No"]][name] for name in row if name != "@odata.etag"} == {
        name: value for name, value in row.items() if name != "@odata.etag"
    } for row in rows)  # fmt: skip
    foreign = (Condition("Currency_Code", "ne", None),)
    assert (await api.count("Customer", foreign)).number == sum(row["Currency_Code"] != "" for row in expected.values())
    found = await api.find("Customer", "No", ["10000", "10010"], ("Name",), (Condition("Blocked", "eq", " "),))
    assert {row["Name"] for row in found} == {expected["10000"]["Name"], expected["10010"]["Name"]}


async def test_rates_and_the_local_currency_come_from_tables_of_their_own(
    api: BusinessCentral, sandbox: Sandbox
) -> None:
    query = Query("Currency", "SystemId", ("Code", "Exchange_Rate_Amount"))
    rates = {row["Code"]: row["Exchange_Rate_Amount"] async for page in api.pages(query) for row in page}
    assert rates == {row["Code"]: row["Exchange_Rate_Amount"] for row in sandbox.nav.tables["Currency"].rows.values()}
    assert Decimal(0) in rates.values()
    setup = Query("General_Ledger_Setup", "SystemId", ("LCY_Code",))
    assert [row["LCY_Code"] async for page in api.pages(setup) for row in page] == ["EUR"]


async def test_a_new_record_has_the_id_that_it_was_given(api: BusinessCentral, sandbox: Sandbox) -> None:
    ids = [str(uuid.uuid4()) for _ in range(130)]
    assert not api.keeps_ids("Customer")
    results = await api.write([create(id, f"n{n}", Currency_Code="") for n, id in enumerate(ids)])
    assert [results[f"n{n}"].id for n in range(130)] == ids
    assert api.keeps_ids("Customer")
    row = results["n0"].row
    assert row is not None
    assert (row["Name"], row["Currency_Code"], row["No"]) == ("n0", "", "C000001")
    again = await api.write([create(ids[0], "twice")])
    assert again["twice"].status is Status.EXISTS
    assert len(sandbox.nav.tables["Customer"].find("Name", "twice")) == 0


async def test_until_ids_are_kept_creates_go_one_at_a_time_whoever_sends_them(sandbox: Sandbox) -> None:
    line = Line()
    one = side(sandbox, line=line)
    try:
        calls = [[create(str(uuid.uuid4()), f"c{call}n{n}") for n in range(3)] for call in range(3)]
        results = await asyncio.gather(*(one.write(writes) for writes in calls))
        assert {result.status for call in results for result in call.values()} == {Status.DONE}
        assert line.writes[:2] == [1, 1], "the second one waits for the answer to the first"
    finally:
        await one.close()


class BusyLine(Line):
    """A line on which every write after the first is put off, or gets another answer."""

    def __init__(self, status: int = 429) -> None:
        super().__init__()
        self._status = status

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and self.writes:
            return httpx.Response(self._status, headers={"Retry-After": "300"}, stream=httpx.ByteStream(b""))
        return await super().handle_async_request(request)


@pytest.mark.parametrize("status", [429, 401])
async def test_what_an_end_finds_made_has_names_of_pages_and_the_rest_is_unsent(sandbox: Sandbox, status: int) -> None:
    one = side(sandbox, line=BusyLine(status))
    ids = [str(uuid.uuid4()) for _ in range(3)]
    writes = [create(id, id) for id in ids]
    try:
        so_far = await stopped(one, writes) if status == 429 else await broken_off(one, writes, AccessDenied)
    finally:
        await one.close()
    (made,) = so_far.results.values()
    assert (made.id, (made.row or {})["Name"]) == (ids[0], ids[0])
    assert so_far.unsent == set(ids[1:])


async def test_a_blank_local_currency_is_asked_for_once(sandbox: Sandbox) -> None:
    sandbox.nav.tables["General_Ledger_Setup"].update("", {"LCY_Code": ""})
    line = Line()
    one = side(sandbox, line=line)
    try:
        for _ in range(3):
            await one.find("Customer", "No", ["10000"], ("Name",))
        assert sum("generalLedgerSetup" in path for path in line.paths) == 1
    finally:
        await one.close()


async def test_each_status_of_a_change(api: BusinessCentral) -> None:
    ids = [str(uuid.uuid4()) for _ in range(2)]
    made = await api.write([create(id, id) for id in ids])
    etag = str((made[ids[0]].row or {})["@odata.etag"])

    async def change(id: str, etag: str | None, **values: object) -> Status:
        return (await api.write([Write("x", WriteKind.UPDATE, "Customer", id, values, etag)]))["x"].status

    assert await change(ids[0], etag, City="Ulm") is Status.DONE
    assert await change(ids[0], etag, City="Bonn") is Status.STALE
    assert await change(str(uuid.uuid4()), None, City="Ulm") is Status.MISSING
    assert await change(ids[1], None, City="x" * 31) is Status.REJECTED
    assert (await api.fetch("Customer", "SystemId", ids, ("City",)))[ids[0]]["City"] == "Ulm"
    gone = await api.write([Write("x", WriteKind.DELETE, "Customer", ids[1], {})])
    assert gone["x"].status is Status.DONE


async def test_what_the_api_lacks_is_refused_by_name(api: BusinessCentral) -> None:
    with pytest.raises(Refused, match="has no Resource"):
        await api.count("Resource", ())
    with pytest.raises(Refused, match="has no Fax_No in customers"):
        await api.find("Customer", "No", ["1"], ("Fax_No",))


def test_a_release_is_taken_by_the_names_that_it_has() -> None:
    words = business_central()["Salesperson_Purchaser"]
    older = Shape({name: Property("Edm.String") for name in ("id", "code", "displayName", "eMail")})
    table = _found(words, {"salespeoplePurchasers": older})
    assert table is not None
    assert table.theirs == {"SystemId": "id", "Code": "code", "Name": "displayName", "E_Mail": "eMail"}
    assert _found(words, {"customers": older}) is None


async def test_a_probe_tells_the_companies_and_a_wrong_one_stops_everything(sandbox: Sandbox) -> None:
    one = side(sandbox, "Other")
    try:
        assert [(step.name, step.ok) for step in await one.probe()] == [("Company list", True), ("Other", False)]
        with pytest.raises(ConnectionLost, match="no company 'Other'"):
            await one.count("Customer", ())
    finally:
        await one.close()


async def test_what_lists_no_companies_is_not_the_api() -> None:
    async with serving() as server:
        server.say(json_reply({"value": {"name": COMPANY}}))
        one = BusinessCentral(server.url, "token", COMPANY, wording=business_central())
        (step,) = await one.probe()
        await one.close()
    assert not step.ok
    assert "does not answer as Business Central API v2.0" in step.detail


async def test_nothing_is_asked_where_nothing_is_to_be_written(sandbox: Sandbox) -> None:
    line = Line()
    one = side(sandbox, line=line)
    assert await one.write([]) == {}
    assert line.paths == []
    await one.close()


async def test_metadata_have_the_names_of_pages(api: BusinessCentral) -> None:
    shapes = await api.metadata()
    assert "Resource" not in shapes
    assert shapes["Customer"].properties["Name"].max_length == 100
    assert "Exchange_Rate_Amount" in shapes["Currency"].properties
