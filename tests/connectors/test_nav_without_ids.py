"""Page services of Dynamics NAV 2016 against the sandbox: ids that stand for primary keys."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest

from engine.connectors.nav_without_ids import NavWithoutIds
from engine.connectors.protocol import Query, Row, Side, Status, Write, WriteKind
from engine.model.errors import AccessDenied, Refused
from engine.model.records import record_id
from sandbox.demo import demo_seeds
from sandbox.load import crm_state, nav_state
from sandbox.serve import Sandbox, start_in_thread
from tests.connectors.conftest import COMPANY, broken_off, stopped


@pytest.fixture
async def old() -> AsyncIterator[tuple[NavWithoutIds, Sandbox]]:
    seeds = demo_seeds(60)
    with start_in_thread(nav_state(seeds, version="2016"), crm_state(seeds)) as sandbox:
        one = side(sandbox)
        yield one, sandbox
        await one.close()


def side(sandbox: Sandbox) -> NavWithoutIds:
    return NavWithoutIds(sandbox.nav_url, sandbox.token, COMPANY, marker="CRM_Id")


async def numbers(nav: NavWithoutIds, **more: Any) -> list[Row]:
    return [row async for page in nav.pages(Query("Customer", "SystemId", ("No",), **more)) for row in page]


async def test_every_record_is_read_once_under_an_id_made_of_its_key(old: tuple[NavWithoutIds, Sandbox]) -> None:
    nav, sandbox = old
    one: Side = nav
    assert (one.client_ids, one.ids_from_keys) == (False, True)
    rows = await numbers(nav, page_size=7)
    assert {row["No"] for row in rows} == set(sandbox.nav.tables["Customer"].rows)
    assert all(row["SystemId"] == record_id("Customer", row["No"]) for row in rows)
    assert record_id("Customer", "c1 ") == record_id("Customer", "C1") != record_id("Item", "C1")


async def test_another_connection_goes_on_behind_an_id_and_finds_records_by_it(
    old: tuple[NavWithoutIds, Sandbox],
) -> None:
    nav, sandbox = old
    rows = await numbers(nav)
    ids = [str(row["SystemId"]) for row in rows[:3]]
    fresh = side(sandbox)
    try:
        rest = await numbers(fresh, after=rows[30]["SystemId"], page_size=7)
        assert [row["No"] for row in rest] == [row["No"] for row in rows[31:]]
    finally:
        await fresh.close()
    other = side(sandbox)
    try:
        found = await other.fetch("Customer", "SystemId", [*ids, record_id("Customer", "NONE")], ("No",))
        assert {id: row["No"] for id, row in found.items()} == {str(row["SystemId"]): row["No"] for row in rows[:3]}
    finally:
        await other.close()


async def test_behind_a_record_that_is_gone_everything_is_read_again(old: tuple[NavWithoutIds, Sandbox]) -> None:
    nav, _ = old
    assert len(await numbers(nav, after=record_id("Customer", "GONE"))) == len(await numbers(nav))


async def test_writes_have_the_status_of_any_nav_and_ids_of_their_keys(old: tuple[NavWithoutIds, Sandbox]) -> None:
    nav, sandbox = old
    made = (await nav.write([Write("a", WriteKind.CREATE, "Customer", None, {"Name": "New"})]))["a"]
    assert (made.status, made.id) == (Status.DONE, record_id("Customer", str((made.row or {})["No"])))
    fresh = side(sandbox)
    try:

        async def change(id: str | None, etag: str | None, **values: object) -> Status:
            return (await fresh.write([Write("x", WriteKind.UPDATE, "Customer", id, values, etag)]))["x"].status

        etag = str((made.row or {})["@odata.etag"])
        assert await change(made.id, etag, City="Ulm") is Status.DONE
        assert await change(made.id, etag, City="Bonn") is Status.STALE
        none = record_id("Customer", "NONE")
        gone = (await fresh.write([Write("x", WriteKind.UPDATE, "Customer", none, {"City": "Ulm"})]))["x"]
        assert (gone.status, gone.id) == (Status.MISSING, none)
        assert await change(made.id, None, Name="x" * 51) is Status.REJECTED
        deleted = await fresh.write([Write("x", WriteKind.DELETE, "Customer", made.id, {})])
        assert (deleted["x"].status, deleted["x"].id) == (Status.DONE, made.id)
        assert await change(made.id, None, City="Ulm") is Status.MISSING
    finally:
        await fresh.close()


class Noted(httpx.AsyncHTTPTransport):
    """A line that notes what is asked over it, and has each page keyed by one more field, where that is wanted."""

    def __init__(self, asked: list[str], *, two_fields: bool = False) -> None:
        super().__init__()
        self._asked = asked
        self._two_fields = two_fields

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._asked.append(f"{request.method} {request.url.path.rpartition('/')[2]}")
        response = await super().handle_async_request(request)
        if not self._two_fields or not request.url.path.endswith("$metadata"):
            return response
        text = (await response.aread()).decode().replace("</Key>", '<PropertyRef Name="Name"/></Key>')
        await response.aclose()
        return httpx.Response(200, headers={"Content-Type": "application/xml"}, stream=httpx.ByteStream(text.encode()))


async def test_writes_of_nothing_ask_nothing(old: tuple[NavWithoutIds, Sandbox]) -> None:
    asked: list[str] = []
    nav = NavWithoutIds(old[1].nav_url, old[1].token, COMPANY, transport=partial(Noted, asked))
    try:
        assert await nav.write([]) == {}
    finally:
        await nav.close()
    assert asked == []


async def test_the_keys_of_a_table_are_read_once_for_all_ids_that_are_not_known(
    old: tuple[NavWithoutIds, Sandbox],
) -> None:
    asked: list[str] = []
    nav = NavWithoutIds(old[1].nav_url, old[1].token, COMPANY, transport=partial(Noted, asked))
    ids = [record_id("Customer", number) for number in old[1].nav.tables["Customer"].rows]
    try:
        assert set(await nav.fetch("Customer", "SystemId", ids[:1], ("No",))) == {ids[0]}
        first = len(asked)
        assert await nav.fetch("Customer", "SystemId", [record_id("Customer", "NONE")], ("No",)) == {}
        assert await nav.fetch("Customer", "SystemId", [record_id("Customer", "NEVER")], ("No",)) == {}
        assert len(asked) == first, "all that there were have been looked at"
    finally:
        await nav.close()
    assert asked.count("GET $metadata") == 1


async def test_a_page_whose_key_is_of_two_fields_is_refused_before_anything_is_read_or_written(
    old: tuple[NavWithoutIds, Sandbox],
) -> None:
    asked: list[str] = []
    line = partial(Noted, asked, two_fields=True)
    nav = NavWithoutIds(old[1].nav_url, old[1].token, COMPANY, transport=line)
    try:
        with pytest.raises(Refused, match='"Customer" has a primary key of 2 fields'):
            await numbers(nav)
        with pytest.raises(Refused, match="2 fields"):
            await nav.write([Write("a", WriteKind.CREATE, "Customer", None, {"Name": "New"})])
    finally:
        await nav.close()
    assert asked == ["GET $metadata"]


class TwoThenBusy(httpx.AsyncHTTPTransport):
    """A line on which every write after the second is put off, or gets another answer."""

    def __init__(self, status: int = 429) -> None:
        super().__init__()
        self._status = status
        self._writes = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._writes += request.method == "POST"
        if request.method == "POST" and self._writes > 2:
            return httpx.Response(self._status, headers={"Retry-After": "300"}, stream=httpx.ByteStream(b""))
        return await super().handle_async_request(request)


@pytest.mark.parametrize("status", [429, 401])
async def test_what_was_made_before_an_end_has_ids_of_its_keys(old: tuple[NavWithoutIds, Sandbox], status: int) -> None:
    _, sandbox = old
    line = partial(TwoThenBusy, status)
    nav = NavWithoutIds(sandbox.nav_url, sandbox.token, COMPANY, batch=1, concurrency=1, transport=line)
    writes = [Write(name, WriteKind.CREATE, "Customer", None, {"Name": name}) for name in "abcd"]
    try:
        so_far = await stopped(nav, writes) if status == 429 else await broken_off(nav, writes, AccessDenied)
    finally:
        await nav.close()
    made = {name: result.id for name, result in so_far.results.items()}
    rows = {str(row["Name"]): str(row["No"]) for row in sandbox.nav.tables["Customer"].rows.values()}
    assert made == {name: record_id("Customer", rows[name]) for name in "ab"}
    assert so_far.unsent == {"c", "d"}


async def test_a_page_that_is_not_published_is_refused(old: tuple[NavWithoutIds, Sandbox]) -> None:
    with pytest.raises(Refused, match='no page "Shelf"'):
        await old[0].find("Shelf", "No", ["1"], ("No",))


async def test_metadata_name_the_id(old: tuple[NavWithoutIds, Sandbox]) -> None:
    assert (await old[0].metadata())["Customer"].properties["SystemId"].type == "Edm.Guid"
