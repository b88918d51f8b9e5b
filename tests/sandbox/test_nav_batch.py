"""JSON $batch of a NAV company: order, failures, and the transaction that Isolation asks for."""

from tests.sandbox.nav_tools import COMPANY, Nav, create


async def test_a_batch_stops_at_the_first_failure_and_keeps_what_went_before(nav: Nav) -> None:
    parts = await nav.batch(create("Item", No="A"), create("Item", No="1000"), create("Item", No="B"))
    assert [(part["id"], part["status"]) for part in parts] == [("0", 201), ("1", 400)]
    assert parts[1]["body"]["error"]["code"] == "Internal_EntityWithSameKeyExists"
    assert [row["No"] for row in await nav.rows("Item?$select=No")] == ["1000", "A"]


async def test_a_batch_goes_on_after_a_failure_when_asked_to(nav: Nav) -> None:
    parts = await nav.batch(
        create("Item", No="A"), create("Item", No="1000"), create("Item", No="B"), Prefer="odata.continue-on-error"
    )
    assert [part["status"] for part in parts] == [201, 400, 201]
    assert [row["No"] for row in await nav.rows("Item?$select=No")] == ["1000", "A", "B"]


async def test_a_failed_snapshot_batch_is_rolled_back_though_it_reports_ids(nav: Nav) -> None:
    parts = await nav.batch(create("Item", No="A"), create("Item", No="1000"), Isolation="snapshot")
    assert [part["status"] for part in parts] == [201, 400]
    assert parts[0]["body"]["SystemId"]
    assert [row["No"] for row in await nav.rows("Item?$select=No")] == ["1000"]
    assert nav.writes() == []
    assert [part["status"] for part in await nav.batch(create("Item", No="A"), Isolation="snapshot")] == [201]
    assert len(nav.writes()) == 1


async def test_a_batch_reads_changes_and_deletes_by_any_form_of_address(nav: Nav) -> None:
    star = {"If-Match": "*", "Content-Type": "application/json"}
    requests = [
        {"id": "a", "method": "GET", "url": f"{COMPANY}/Customer('00001')"},
        {"id": "b", "method": "PATCH", "url": f"/BC/ODataV4/{COMPANY}/Customer('00001')", "headers": star, "body": {"City": "Bonn"}},
        {"id": "c", "method": "DELETE", "url": "Customer('00002')", "headers": {"Company": "CRONUS International Ltd."}},
    ]  # fmt: skip
    answer = await nav.client.post(f"{nav.sandbox.nav_url}/$batch", json={"requests": requests})
    parts = answer.json()["responses"]
    assert [(part["id"], part["status"]) for part in parts] == [("a", 200), ("b", 200), ("c", 204)]
    assert "body" not in parts[2]
    assert (await nav.send("GET", "Customer('00001')")).json()["City"] == "Bonn"


async def test_a_batch_takes_a_hundred_operations_and_no_more(nav: Nav) -> None:
    parts = await nav.batch(*(create("Item", Description=str(number)) for number in range(100)))
    assert len({part["body"]["No"] for part in parts}) == 100
    refused = await nav.send("POST", "$batch", {"requests": [{"id": "1", "method": "GET", "url": "Item"}] * 101})
    assert refused.status_code == 500
    assert "'100'" in refused.json()["error"]["message"]


async def test_a_batch_refuses_an_address_that_is_none_and_goes_on(nav: Nav) -> None:
    bad = {"method": "GET", "url": "http://[/Item"}
    parts = await nav.batch(bad, create("Item", No="A"), Prefer="odata.continue-on-error")
    assert [part["status"] for part in parts] == [400, 201]
