"""Dataverse against the sandbox: every method, and every status that a write can have."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engine.connectors.dataverse import Dataverse
from engine.connectors.protocol import Query, Reference, Row, Side, Status, Write, WriteKind
from engine.model.errors import AccessDenied, ConfigError, ConnectionLost
from engine.model.mapping import Condition
from sandbox.serve import Sandbox


def new_id() -> str:
    return str(uuid.uuid4())


def create(id: str | None, values: dict[str, Any], entity: str = "accounts", key: str | None = None) -> Write:
    return Write(key or id or "k", WriteKind.CREATE, entity, id, values)


def update(id: str, values: dict[str, Any], etag: str | None = None, entity: str = "accounts") -> Write:
    return Write(id, WriteKind.UPDATE, entity, id, values, etag)


async def rows_of(crm: Dataverse, query: Query) -> list[Row]:
    return [row for page in [page async for page in crm.pages(query)] for row in page]


def stored(sandbox: Sandbox, id: str, set: str = "accounts") -> dict[str, Any] | None:
    return sandbox.crm.tables[set].rows.get(id)


def test_it_is_a_side(crm: Dataverse) -> None:
    side: Side = crm
    assert side.client_ids
    assert side.marker is None


@pytest.mark.parametrize("size", [1, 4, 5, 100])
async def test_pages_hold_every_record_once_in_key_order(crm: Dataverse, sandbox: Sandbox, size: int) -> None:
    query = Query("accounts", "accountid", ("name",), page_size=size)
    pages = [page async for page in crm.pages(query)]
    keys = [row["accountid"] for page in pages for row in page]
    assert sorted(keys) == sorted(sandbox.crm.tables["accounts"].rows)
    assert all(len(page) <= size for page in pages)
    assert set(pages[0][0]) == {"@odata.etag", "accountid", "name"}
    middle = keys[len(keys) // 2]
    rest = await rows_of(crm, Query("accounts", "accountid", ("name",), after=middle, page_size=size))
    assert [row["accountid"] for row in rest] == keys[len(keys) // 2 + 1 :]


async def test_pages_meet_the_conditions(crm: Dataverse, sandbox: Sandbox) -> None:
    conditions = (Condition("statecode", "eq", 0), Condition("customertypecode", "eq", 3))
    rows = await rows_of(crm, Query("accounts", "accountid", ("statecode",), conditions, page_size=3))
    expected = [
        row
        for row in sandbox.crm.tables["accounts"].rows.values()
        if (row["statecode"], row["customertypecode"]) == (0, 3)
    ]
    assert 0 < len(rows) == len(expected) < len(sandbox.crm.tables["accounts"].rows)
    related = (Condition("_parentcustomerid_value", "ne", None),)
    assert len(await rows_of(crm, Query("contacts", "contactid", (), related))) > 0


async def test_count_meets_the_conditions_and_knows_its_limit(crm: Dataverse, sandbox: Sandbox) -> None:
    count = await crm.count("accounts", (Condition("statecode", "eq", 1),))
    assert (count.number, count.exact) == (1, True)
    for number in range(5000):
        sandbox.crm.seed("contact", {"lastname": f"n{number}"})
    count = await crm.count("contacts", ())
    assert (count.number, count.exact) == (5000, False)


async def test_fetch_gives_rows_by_key_and_leaves_out_what_is_not_there(crm: Dataverse, sandbox: Sandbox) -> None:
    ids = list(sandbox.crm.tables["accounts"].rows)
    found = await crm.fetch("accounts", "accountid", [*(id.upper() for id in ids), new_id()], ("name",))
    assert found.keys() == set(ids)
    assert all(row["name"] == sandbox.crm.tables["accounts"].rows[id]["name"] for id, row in found.items())
    assert await crm.fetch("accounts", "accountid", [], ("name",)) == {}


async def test_more_ids_than_an_address_can_hold_are_asked_for_in_parts(crm: Dataverse, sandbox: Sandbox) -> None:
    for number in range(1200):
        sandbox.crm.seed("contact", {"lastname": f"n{number}"})
    ids = list(sandbox.crm.tables["contacts"].rows)
    assert (await crm.fetch("contacts", "contactid", ids, ("lastname",))).keys() == set(ids)
    names = [f"N{number}" for number in range(1200)]
    assert len(await crm.find("contacts", "lastname", names, ("contactid", "lastname"))) == 1200


@pytest.mark.parametrize(
    "name", ['O\'Brien & "Söhne" + 50% #1/2 \\', "[x]@p1=y?", "' or name ne '", "名前", "a\x1b[0m\tb"]
)
async def test_find_takes_any_text_as_it_is_and_without_case(crm: Dataverse, name: str) -> None:
    id, other = new_id(), new_id()
    await crm.write([create(id, {"name": name}), create(other, {"name": "x"})])
    found = await crm.find("accounts", "name", [name.upper(), None, "nobody"], ("accountid",))
    assert [row["accountid"] for row in found] == [id]


async def test_find_looks_for_ids_numbers_and_under_conditions(crm: Dataverse, sandbox: Sandbox) -> None:
    contact = next(row for row in sandbox.crm.tables["contacts"].rows.values() if row.get("_parentcustomerid_value"))
    parent = contact["_parentcustomerid_value"]
    found = await crm.find("contacts", "_parentcustomerid_value", [parent], ("contactid",))
    assert contact["contactid"] in [row["contactid"] for row in found]
    assert len(await crm.find("accounts", "customertypecode", [3], ("accountid",))) > 1
    inactive = (Condition("statecode", "eq", 1),)
    assert len(await crm.find("accounts", "customertypecode", [3], ("accountid",), inactive)) == 1
    assert await crm.find("accounts", "customertypecode", [], ("accountid",)) == []


async def test_rows_are_created_under_our_ids_with_exact_numbers_and_links(crm: Dataverse, sandbox: Sandbox) -> None:
    parent, child, alone = new_id(), new_id(), new_id()
    limit = Decimal("12345678.10")
    assert (await crm.write([create(parent, {"name": "Zoé", "creditlimit": limit})]))[parent].status is Status.DONE
    link = Reference("accounts", parent, "parentcustomerid_account")
    results = await crm.write(
        [
            create(child, {"lastname": "a", "parentcustomerid": link}, "contacts"),
            create(
                alone,
                {"lastname": "b", "parentcustomerid": Reference("accounts", None, "parentcustomerid_account")},
                "contacts",
            ),
        ]
    )
    assert {one.status for one in results.values()} == {Status.DONE}
    account = stored(sandbox, parent)
    assert account is not None
    assert account["creditlimit"] == limit
    first, second = (stored(sandbox, id, "contacts") or {} for id in (child, alone))
    assert (first["_parentcustomerid_value"], second["_parentcustomerid_value"]) == (parent, None)


async def test_a_reference_is_taken_off_by_an_update_and_binds_by_its_own_name(
    crm: Dataverse, sandbox: Sandbox
) -> None:
    contact = next(row for row in sandbox.crm.tables["contacts"].rows.values() if row.get("_parentcustomerid_value"))
    id, parent = contact["contactid"], contact["_parentcustomerid_value"]
    link = {"primarycontactid": Reference("contacts", id)}
    assert (await crm.write([update(parent, link)]))[parent].status is Status.DONE
    assert (stored(sandbox, parent) or {})["_primarycontactid_value"] == id
    link = {"primarycontactid": Reference("contacts", None)}
    assert (await crm.write([update(parent, link)]))[parent].status is Status.DONE
    assert (stored(sandbox, parent) or {})["_primarycontactid_value"] is None


@pytest.mark.parametrize("bulk", [True, False])
async def test_each_row_of_a_batch_has_its_own_result(crm: Dataverse, sandbox: Sandbox, bulk: bool) -> None:
    """One bad row must not keep the others from being made, whether or not the table has CreateMultiple."""
    entity, name = ("accounts", "name") if bulk else ("uomschedules", "name")
    ids = [new_id() for _ in range(5)]
    await crm.write([create(ids[0], {name: "there before"}, entity)])
    writes = [create(id, {name: f"row {number}"}, entity) for number, id in enumerate(ids)]
    writes[3] = create(ids[3], {name: "x" * 999}, entity)
    results = await crm.write(writes)
    assert [results[id].status for id in ids] == [Status.EXISTS, Status.DONE, Status.DONE, Status.REJECTED, Status.DONE]
    assert results[ids[3]].code == "0x80044331"
    assert "exceeded the maximum" in results[ids[3]].message
    assert [stored(sandbox, id, entity) is not None for id in ids] == [True, True, True, False, True]
    assert (stored(sandbox, ids[0], entity) or {})[name] == "there before", "CREATE changes nothing that exists"


async def test_a_row_without_an_id_leaves_it_to_the_server(crm: Dataverse, sandbox: Sandbox) -> None:
    result = (await crm.write([create(None, {"name": "numbered there"})]))["k"]
    assert result.status is Status.DONE
    assert result.id is not None
    assert (stored(sandbox, result.id) or {})["name"] == "numbered there"


async def test_many_rows_go_in_batches(crm: Dataverse, sandbox: Sandbox) -> None:
    ids = [new_id() for _ in range(250)]
    results = await crm.write([create(id, {"name": id}) for id in ids])
    assert results.keys() == set(ids)
    assert {(one.status, one.id == one.key) for one in results.values()} == {(Status.DONE, True)}
    results = await crm.write([update(id, {"telephone1": "1"}) for id in ids])
    assert {one.status for one in results.values()} == {Status.DONE}
    assert all((stored(sandbox, id) or {})["telephone1"] == "1" for id in ids)


async def test_updates_are_stale_missing_rejected_or_done(crm: Dataverse, sandbox: Sandbox) -> None:
    fresh, stale, bad = [
        row["accountid"] for row in await rows_of(crm, Query("accounts", "accountid", (), page_size=9))
    ][:3]
    found = await crm.fetch("accounts", "accountid", [fresh, stale], ())
    gone = new_id()
    await crm.write([update(stale, {"fax": "changed meanwhile"})])
    results = await crm.write(
        [
            update(fresh, {"fax": "1"}, found[fresh]["@odata.etag"]),
            update(stale, {"fax": "2"}, found[stale]["@odata.etag"]),
            update(gone, {"fax": "3"}),
            update(bad, {"primarycontactid": Reference("contacts", new_id())}),
        ]
    )
    assert [results[id].status for id in (fresh, stale, gone, bad)] == [
        Status.DONE,
        Status.STALE,
        Status.MISSING,
        Status.REJECTED,
    ]
    assert (stored(sandbox, stale) or {})["fax"] == "changed meanwhile"
    assert stored(sandbox, gone) is None, "UPDATE never makes a row"


async def test_what_the_user_may_not_write_is_rejected(crm: Dataverse) -> None:
    id = new_id()
    result = (await crm.write([create(id, {"firstname": "x"}, "systemusers")]))[id]
    assert (result.status, result.code) == (Status.REJECTED, "0x80040220")


async def test_dates_are_written_as_iso_texts(crm: Dataverse) -> None:
    id = new_id()
    result = (await crm.write([create(id, {"name": date(2026, 2, 1)})]))[id]
    assert result.status is Status.DONE
    assert (await crm.fetch("accounts", "accountid", [id], ("name",)))[id]["name"] == "2026-02-01"


async def test_writes_that_cannot_have_a_result_each_are_refused(crm: Dataverse) -> None:
    one = create(new_id(), {"name": "x"}, key="same")
    with pytest.raises(ValueError, match="same key"):
        await crm.write([one, one])
    with pytest.raises(ValueError, match="one entity and kind"):
        await crm.write([one, update(new_id(), {})])
    assert await crm.write([]) == {}


async def test_ids_and_names_that_are_none_never_reach_an_address(crm: Dataverse) -> None:
    with pytest.raises(ValueError, match="not a GUID"):
        await crm.write([update("1)/x", {})])
    with pytest.raises(ConfigError):
        await crm.write([create(new_id(), {}, "accounts(1)/x")])
    with pytest.raises(ConfigError):
        await crm.find("accounts", "name,x", ["a"], ())
    with pytest.raises(ConfigError):
        await crm.count("accounts?x", ())
    with pytest.raises(ConfigError):
        crm.pages(Query("accounts/x", "accountid", ()))
    with pytest.raises(ConnectionLost, match="version of a row"):
        await crm.write([update(new_id(), {}, 'W/"1"\r\nX: y')])


async def test_choices_have_labels_and_other_columns_have_none(crm: Dataverse) -> None:
    found = await crm.labels("accounts", ("address1_freighttermscode", "name", "paymenttermscode"))
    assert found["address1_freighttermscode"] == {1: "FOB", 2: "No Charge"}
    assert set(found) == {"address1_freighttermscode", "paymenttermscode"}
    assert await crm.labels("accounts", ()) == {}
    with pytest.raises(ConnectionLost, match="does not say what the options of colours are"):
        await crm.labels("colours", ("name",))


async def test_a_table_or_column_that_is_not_there_is_said(crm: Dataverse) -> None:
    with pytest.raises(ConnectionLost, match="nothings"):
        await rows_of(crm, Query("nothings", "nothingid", ()))
    with pytest.raises(ConnectionLost, match="no table nothings"):
        await crm.write([create(new_id(), {}, "nothings")])
    with pytest.raises(ConnectionLost, match="'nothing'"):
        await rows_of(crm, Query("accounts", "accountid", ("nothing",)))


async def test_probe_tells_who_we_are(crm: Dataverse, sandbox: Sandbox) -> None:
    steps = await crm.probe()
    assert [(one.name, one.ok) for one in steps] == [("WhoAmI", True), ("RetrieveVersion", True)]
    assert sandbox.crm.user_id in steps[0].detail
    assert steps[1].detail.startswith("9.2")


async def test_a_wrong_token_is_denied_everywhere(sandbox: Sandbox) -> None:
    crm = Dataverse(sandbox.crm_url, "wrong-token")
    (step,) = await crm.probe()
    assert not step.ok
    assert "401" in step.detail
    assert "wrong-token" not in step.detail
    for call in (
        crm.count("accounts", ()),
        crm.write([create(new_id(), {"name": "x"})]),
        crm.write([update(new_id(), {})]),
    ):
        with pytest.raises(AccessDenied):
            await call
    await crm.close()
