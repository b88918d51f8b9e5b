"""NAV page services against the sandbox: every method, and every status that a write can have."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from engine.connectors.nav import NavPages
from engine.connectors.protocol import Query, Row, Side, Status, Write, WriteKind
from engine.model.errors import AccessDenied, ConfigError, ConnectionLost
from engine.model.mapping import Condition
from sandbox.demo import demo_seeds
from sandbox.load import crm_state, nav_state
from sandbox.serve import Sandbox, start_in_thread
from tests.connectors.conftest import COMPANY


def create(key: str, values: dict[str, Any], entity: str = "Customer") -> Write:
    return Write(key, WriteKind.CREATE, entity, None, values)


def update(id: str, values: dict[str, Any], etag: str | None = None, entity: str = "Customer") -> Write:
    return Write(id, WriteKind.UPDATE, entity, id, values, etag)


async def rows_of(nav: NavPages, query: Query) -> list[Row]:
    return [row for page in [page async for page in nav.pages(query)] for row in page]


def customers(sandbox: Sandbox) -> list[dict[str, Any]]:
    return list(sandbox.nav.tables["Customer"].rows.values())


def test_it_is_a_side(nav: NavPages) -> None:
    side: Side = nav
    assert not side.client_ids
    assert side.marker == "CRM_Id"


@pytest.mark.parametrize("size", [7, 20, 60, 1000])
async def test_pages_hold_every_record_once_in_key_order(nav: NavPages, sandbox: Sandbox, size: int) -> None:
    pages = [page async for page in nav.pages(Query("Customer", "SystemId", ("No",), page_size=size))]
    keys = [row["SystemId"] for page in pages for row in page]
    assert sorted(keys) == sorted(row["SystemId"] for row in customers(sandbox))
    assert all(len(page) <= size for page in pages)
    rest = await rows_of(nav, Query("Customer", "SystemId", ("No",), after=keys[30], page_size=size))
    assert [row["SystemId"] for row in rest] == keys[31:]
    assert set(rest[0]) == {"@odata.etag", "No", "SystemId"}


async def test_pages_and_counts_meet_the_conditions(nav: NavPages, sandbox: Sandbox) -> None:
    conditions = (Condition("Blocked", "eq", " "), Condition("Country_Region_Code", "eq", "DE"))
    expected = [row for row in customers(sandbox) if (row["Blocked"], row["Country_Region_Code"]) == (" ", "DE")]
    rows = await rows_of(nav, Query("Customer", "SystemId", ("No",), conditions, page_size=2))
    assert 2 < len(rows) == len(expected) < len(customers(sandbox))
    count = await nav.count("Customer", conditions)
    assert (count.number, count.exact) == (len(expected), True)
    none = (Condition("Currency_Code", "ne", None),)
    expected = [row for row in customers(sandbox) if row["Currency_Code"] != ""]
    assert (await nav.count("Customer", none)).number == len(expected) > 0


async def test_fetch_gives_records_by_key_and_leaves_out_what_is_not_there(nav: NavPages, sandbox: Sandbox) -> None:
    ids = [row["SystemId"] for row in customers(sandbox)] * 3
    found = await nav.fetch("Customer", "SystemId", [*ids, str(uuid.uuid4())], ("No",))
    assert found.keys() == set(ids)
    assert found[ids[5]]["No"] == customers(sandbox)[5]["No"]


@pytest.mark.parametrize("name", ["O'Brien & Söhne + 50% #1/2", "' or Name ne '", "ÅNGSTRÖM", "名前", "4711"])
async def test_find_takes_any_text_as_it_is_and_without_case(nav: NavPages, name: str) -> None:
    results = await nav.write([create("a", {"Name": name}), create("b", {"Name": "x"})])
    found = await nav.find("Customer", "Name", [name.swapcase(), None, "nobody"], ("SystemId",))
    assert [row["SystemId"] for row in found] == [results["a"].id]


async def test_find_by_marker_code_and_under_conditions(nav: NavPages, sandbox: Sandbox) -> None:
    marker = str(uuid.uuid4())
    made = (await nav.write([create("a", {"Name": "x", "CRM_Id": marker, "Blocked": "All"})]))["a"]
    assert [row["SystemId"] for row in await nav.find("Customer", "CRM_Id", [marker], ("SystemId",))] == [made.id]
    open_ones = (Condition("Blocked", "eq", " "),)
    assert await nav.find("Customer", "CRM_Id", [marker], ("SystemId",), open_ones) == []
    numbers = [row["No"].lower() for row in customers(sandbox)] + [f"none{number}" for number in range(400)]
    found = await nav.find("Customer", "No", numbers, ("No",))
    assert {row["No"] for row in found} == {row["No"] for row in customers(sandbox)}
    ids = [row["SystemId"] for row in customers(sandbox)][:3]
    assert len(await nav.find("Customer", "SystemId", ids, ("No",))) == 3


async def test_new_records_come_back_with_the_ids_that_nav_gave_them(nav: NavPages, sandbox: Sandbox) -> None:
    amount = Decimal("1234.50")
    results = await nav.write([create(f"k{n}", {"Name": f"n{n}", "Credit_Limit_LCY": amount}) for n in range(230)])
    assert {one.status for one in results.values()} == {Status.DONE}
    by_id = {row["SystemId"]: row for row in customers(sandbox)}
    for n in range(230):
        result = results[f"k{n}"]
        assert result.id is not None
        assert result.row is not None
        assert by_id[result.id]["Name"] == f"n{n}" == result.row["Name"]
        assert by_id[result.id]["Credit_Limit_LCY"] == amount


async def test_each_record_of_a_batch_has_its_own_result(nav: NavPages, sandbox: Sandbox) -> None:
    taken = customers(sandbox)[0]["No"]
    results = await nav.write(
        [
            create("new", {"No": "NEW1", "Name": "n"}),
            create("taken", {"No": taken, "Name": "n"}),
            create("long", {"No": "NEW2", "City": "x" * 99}),
            create("after", {"No": "NEW3"}),
        ]
    )
    assert {key: one.status for key, one in results.items()} == {
        "new": Status.DONE,
        "taken": Status.EXISTS,
        "long": Status.REJECTED,
        "after": Status.DONE,
    }
    assert results["taken"].code == "Internal_EntityWithSameKeyExists"
    assert results["long"].code == "Application_StringExceededLength"
    assert "CorrelationId" not in results["long"].message


async def test_updates_are_stale_missing_rejected_or_done(nav: NavPages, sandbox: Sandbox) -> None:
    fresh, stale, bad = [row["SystemId"] for row in customers(sandbox)][:3]
    tags = await nav.fetch("Customer", "SystemId", [fresh, stale], ("No",))
    gone = str(uuid.uuid4())
    await nav.write([update(stale, {"City": "Rome"})])
    results = await nav.write(
        [
            update(fresh, {"City": "Bonn"}, tags[fresh]["@odata.etag"]),
            update(stale, {"City": "Oslo"}, tags[stale]["@odata.etag"]),
            update(gone, {"City": "Bern"}),
            update(bad, {"Currency_Code": "NONE"}),
        ]
    )
    assert [results[id].status for id in (fresh, stale, gone, bad)] == [
        Status.DONE,
        Status.STALE,
        Status.MISSING,
        Status.REJECTED,
    ]
    row = results[fresh].row
    assert row is not None
    assert row["City"] == "Bonn"
    assert row["@odata.etag"] != tags[fresh]["@odata.etag"]
    assert {row["SystemId"]: row["City"] for row in customers(sandbox)}[stale] == "Rome"


async def test_ids_and_names_that_are_none_never_reach_an_address(nav: NavPages) -> None:
    with pytest.raises(ValueError, match="not a GUID"):
        await nav.write([update("1)/x", {})])
    with pytest.raises(ValueError, match="not a GUID"):
        await nav.fetch("Customer", "SystemId", ["x' or true"], ())
    for call in (
        nav.write([create("k", {}, "Customer/x")]),
        nav.count("Customer?", ()),
        nav.find("Customer", "a b", ["x"], ()),
    ):
        with pytest.raises(ConfigError):
            await call
    assert await nav.write([]) == {}


async def test_a_page_that_is_not_published_is_said(nav: NavPages) -> None:
    with pytest.raises(ConnectionLost, match="Nothing"):
        await rows_of(nav, Query("Nothing", "SystemId", ()))


async def test_probe_finds_the_company_by_its_exact_name(nav: NavPages, sandbox: Sandbox) -> None:
    assert [(one.name, one.ok) for one in await nav.probe()] == [("Company list", True), (COMPANY, True)]
    other = NavPages(sandbox.nav_url, sandbox.token, COMPANY.lower())
    first, second = await other.probe()
    assert (first.ok, second.ok) == (True, False)
    assert COMPANY in second.detail
    with pytest.raises(ConnectionLost, match="Internal_CompanyNotFound"):
        await other.count("Customer", ())
    with pytest.raises(ConnectionLost, match="Internal_CompanyNotFound"):
        await other.write([create("k", {"Name": "x"})])
    await other.close()


async def test_a_password_is_as_good_as_a_token_and_a_wrong_one_is_denied(sandbox: Sandbox) -> None:
    right = NavPages(sandbox.nav_url, sandbox.token, COMPANY, user="sandbox")
    assert (await right.count("Customer", ())).number == 60
    await right.close()
    wrong = NavPages(sandbox.nav_url, "wrong-password", COMPANY, user="sandbox")
    (step,) = await wrong.probe()
    assert not step.ok
    assert "wrong-password" not in step.detail
    for call in (wrong.count("Customer", ()), wrong.write([create("k", {})])):
        with pytest.raises(AccessDenied):
            await call
    await wrong.close()


async def test_a_company_may_have_any_name() -> None:
    company = "O'Hara & Söhne / 50% #1"
    seeds = demo_seeds(5)
    with start_in_thread(nav_state(seeds, company=company), crm_state(seeds)) as sandbox:
        nav = NavPages(sandbox.nav_url, sandbox.token, company)
        assert (await nav.probe())[1].ok
        assert len(await rows_of(nav, Query("Customer", "SystemId", ("No",), page_size=2))) == 5
        results = await nav.write([create("k", {"Name": "x"})])
        assert results["k"].status is Status.DONE
        await nav.close()


async def test_records_go_one_by_one_where_there_are_no_batches(sandbox: Sandbox) -> None:
    nav = NavPages(sandbox.nav_url, sandbox.token, COMPANY, batch=1)
    made = await nav.write([create("a", {"Name": "x"}), create("b", {"City": "x" * 99})])
    assert [made[key].status for key in "ab"] == [Status.DONE, Status.REJECTED]
    id = made["a"].id
    assert id is not None
    result = (await nav.write([update(id, {"City": "Bonn"}, (made["a"].row or {})["@odata.etag"])]))[id]
    assert result.status is Status.DONE
    assert (await nav.write([update(id, {"City": "Rome"}, 'W/"old"')]))[id].status is Status.STALE
    await nav.close()


@pytest.mark.parametrize("company", ["", "  "])
def test_a_blank_company_is_a_fault_of_the_configuration(company: str) -> None:
    with pytest.raises(ConfigError, match="company"):
        NavPages("http://127.0.0.1:1/BC/ODataV4", "t", company)
