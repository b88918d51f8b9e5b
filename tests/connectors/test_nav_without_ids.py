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
