"""The canned services answer as the engine expects, and count what is written."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from bench.canned import Canned, serving
from bench.company import FIELDS, Company

CREATE = "accounts/Microsoft.Dynamics.CRM.CreateMultiple"


@pytest.fixture
def services() -> Iterator[Canned]:
    with serving(25) as canned:
        yield canned


def get(address: str, **headers: str) -> Any:
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def post(address: str, body: bytes, content_type: str = "application/json") -> Any:
    request = urllib.request.Request(address, body, {"Content-Type": content_type})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def customers(services: Canned) -> Any:
    return get(f"{services.nav}/Company('CRONUS')/Customer")["value"]


def test_a_company_is_the_same_for_a_seed() -> None:
    assert Company(50, 3).customers == Company(50, 3).customers
    assert Company(50, 3).customers != Company(50, 4).customers


def test_a_customer_has_the_fields_that_are_mapped_and_an_address_of_its_own() -> None:
    rows = [msgspec.json.decode(row) for row in Company(200, 1).customers]
    assert all(set(row) == {*FIELDS, "@odata.etag"} for row in rows)
    assert len({row["E_Mail"] for row in rows}) == len({row["SystemId"] for row in rows}) == 200


def test_links_lead_through_all_customers_in_the_order_of_their_ids(services: Canned) -> None:
    link: str | None = f"{services.nav}/Company('CRONUS')/Customer?$orderby=SystemId"
    ids: list[str] = []
    pages = 0
    while link:
        page = get(link, Prefer="odata.maxpagesize=10")
        ids += [row["SystemId"] for row in page["value"]]
        link, pages = page.get("@odata.nextLink"), pages + 1
    assert ids == sorted(ids)
    assert (len(set(ids)), pages) == (25, 3)


def test_a_page_begins_behind_the_id_that_a_filter_names(services: Canned) -> None:
    everyone = [row["SystemId"] for row in customers(services)]
    behind = quote(f"Blocked eq ' ' and SystemId gt {everyone[9]}")
    rows = get(f"{services.nav}/Company('CRONUS')/Customer?$filter={behind}&$orderby=SystemId")["value"]
    assert [row["SystemId"] for row in rows] == everyone[10:]


def test_customers_are_found_by_their_ids(services: Canned) -> None:
    everyone = [row["SystemId"] for row in customers(services)]
    asked = quote(
        f"(SystemId eq {everyone[3]} or SystemId eq {everyone[7]} or SystemId eq {'0' * 8}-0000-0000-0000-{'0' * 12})"
    )
    rows = get(f"{services.nav}/Company('CRONUS')/Customer?$filter={asked}")["value"]
    assert [row["SystemId"] for row in rows] == [everyone[3], everyone[7]]


def test_what_was_created_is_read_as_crm_has_it(services: Canned) -> None:
    id = "11111111-2222-3333-4444-555555555555"
    target = {
        "accountid": id,
        "name": "Fjord",
        "ownerid@odata.bind": f"/systemusers({id})",
        "emailaddress1": "a@b.example",
    }
    made = json.loads(post(f"{services.crm}/{CREATE}", json.dumps({"Targets": [target]}).encode()))
    asked = quote(f"Microsoft.Dynamics.CRM.In(PropertyName='accountid',PropertyValues=@p1)&@p1=[\"{id}\"]", safe="&=@")
    (row,) = get(f"{services.crm}/accounts?$filter={asked}")["value"]
    assert made["Ids"] == [id]
    assert (row["accountid"], row["name"], row["_ownerid_value"], row["telephone1"]) == (id, "Fjord", id, None)
    assert row["@odata.etag"] == 'W/"1"'


def test_a_batch_changes_rows_whose_version_is_as_it_says(services: Canned) -> None:
    id = "11111111-2222-3333-4444-555555555555"
    post(f"{services.crm}/{CREATE}", json.dumps({"Targets": [{"accountid": id, "name": "Fjord"}]}).encode())

    def change(name: str, version: str) -> Any:
        part = (
            "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n"
            f"PATCH /api/data/v9.2/accounts({id}) HTTP/1.1\r\nContent-Type: application/json\r\nIf-Match: {version}\r\n\r\n"
            f'{{"name":"{name}"}}'
        )
        body = f"--b\r\n{part}\r\n--b--\r\n".encode()
        return post(f"{services.crm}/$batch", body, "multipart/mixed; boundary=b")

    assert b"HTTP/1.1 204" in change("Fjell", 'W/"1"')
    assert b"HTTP/1.1 412" in change("Fjell", 'W/"1"')
    row = get(f"{services.crm}/accounts({id})")
    assert (row["name"], row["@odata.etag"]) == ("Fjell", 'W/"2"')
    assert services.tally().updated == 1


def test_rows_are_told_apart_and_counted(services: Canned) -> None:
    rows = [{"name": "A", "emailaddress1": "a@x.example"}, {"name": "B", "emailaddress1": "b@x.example"}]
    services.tally()
    post(f"{services.crm}/{CREATE}", json.dumps({"Targets": [*rows, rows[0]]}).encode())
    tally = services.tally()
    assert (tally.rows, tally.distinct, tally.created, tally.doubled, tally.writes) == (3, 2, 3, 1, 1)
    assert services.tally().created == 0, "it counts from the last time it was asked"
    services.forget()
    assert services.tally().rows == 0


def test_requests_and_their_bytes_are_counted(services: Canned) -> None:
    services.tally()
    answer = urllib.request.urlopen(f"{services.crm}/WhoAmI", timeout=10)
    body = answer.read()
    tally = services.tally()
    assert (tally.requests, tally.writes) == (1, 0)
    assert len(body) < tally.sent < len(body) + 300


def test_one_in_so_many_customers_is_modified(services: Canned) -> None:
    before = {row["SystemId"]: row for row in customers(services)}
    assert services.change(10) == 3
    changed = [row for row in customers(services) if row != before[row["SystemId"]]]
    assert len(changed) == 3
    assert all(row["SystemModifiedAt"] > before[row["SystemId"]]["SystemModifiedAt"] for row in changed)
    assert all(row["Phone_No"] != before[row["SystemId"]]["Phone_No"] for row in changed)


def test_a_body_that_comes_in_pieces_is_taken_whole(services: Canned) -> None:
    targets = [{"name": "x" * 3000, "emailaddress1": f"{number}@x.example"} for number in range(500)]
    made = json.loads(post(f"{services.crm}/{CREATE}", json.dumps({"Targets": targets}).encode()))
    assert len(set(made["Ids"])) == services.tally().distinct == 500
