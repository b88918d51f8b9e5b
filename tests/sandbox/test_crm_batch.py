"""$batch: order, errors, change sets and references (reference/apis.md section 1, $batch)."""

import email.policy
import json
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from typing import Any

import httpx
import pytest

from tests.sandbox.crm_tools import Crm, new_id, refusal

ROOT = "/api/data/v9.2/"


def operation(
    method: str, url: str, body: dict[str, Any] | None = None, content_id: str | None = None, **headers: str
) -> str:
    own = [f"Content-ID: {content_id}"] if content_id else []
    inner = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    inner += ["Content-Type: application/json"] if body is not None else []
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary", *own, "", f"{method} {url} HTTP/1.1"]
    return "\r\n".join([*head, *inner, "", json.dumps(body) if body is not None else ""])


def joined(boundary: str, parts: list[str]) -> str:
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


def change_set(*parts: str, boundary: str = "changeset_1") -> str:
    return f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n{joined(boundary, list(parts))}"


@dataclass
class Part:
    status: int
    content_id: str | None
    headers: Message
    body: dict[str, Any]


def parsed(message: Any) -> list[Part]:
    payload = message.get_payload()
    if isinstance(payload, list):
        return [part for inner in payload for part in parsed(inner)]
    text = message.get_payload(decode=True)
    assert isinstance(text, bytes)
    line, _, rest = text.decode().partition("\r\n")
    head, _, body = rest.partition("\r\n\r\n")
    headers = BytesParser(policy=email.policy.HTTP).parsebytes(head.encode())
    return [Part(int(line.split()[1]), message["Content-ID"], headers, json.loads(body) if body.strip() else {})]


def send(crm: Crm, *parts: str, prefer: str = "") -> tuple[httpx.Response, list[Part]]:
    headers = {"Content-Type": 'multipart/mixed; boundary="batch_x"', "Prefer": prefer}
    answer = crm.http.post("$batch", content=joined("batch_x", list(parts)).encode(), headers=headers)
    kind = answer.headers["Content-Type"]
    if not kind.startswith("multipart/mixed; boundary=batchresponse_"):
        return answer, []
    whole = f"Content-Type: {kind}\r\n\r\n".encode() + answer.content
    return answer, parsed(BytesParser(policy=email.policy.HTTP).parsebytes(whole))


def names(crm: Crm) -> list[Any]:
    return [row["name"] for row in crm.values("accounts?$select=name&$orderby=name")]


def test_operations_are_carried_out_and_answered_in_order(crm: Crm) -> None:
    id = new_id()
    answer, parts = send(
        crm,
        operation("POST", "accounts", {"name": "A", "accountid": id}, content_id="7"),
        operation("GET", f"{ROOT}accounts({id})?$select=name"),
        operation("PATCH", f"{crm.http.base_url}accounts({id})", {"name": "Ä"}),
        operation("GET", "accounts?$select=name&$filter=name%20eq%20'%C3%84'", Prefer="odata.maxpagesize=1"),
        operation("DELETE", f"accounts({id})"),
    )
    assert answer.status_code == 200
    assert [part.status for part in parts] == [204, 200, 204, 200, 204]
    assert parts[0].headers["OData-EntityId"] == parts[0].headers["Location"] == f"{crm.http.base_url}accounts({id})"
    assert parts[0].content_id == "7"
    assert parts[1].body["name"] == "A"
    assert [row["name"] for row in parts[3].body["value"]] == ["Ä"]
    assert [line["op"] for line in crm.audited()] == ["create", "update", "delete"]


def test_the_first_error_ends_the_batch_with_its_status(crm: Crm) -> None:
    answer, parts = send(
        crm,
        operation("POST", "accounts", {"name": "A"}),
        operation("POST", "accounts", {"colour": 1}),
        operation("POST", "accounts", {"name": "C"}),
    )
    assert answer.status_code == 400
    assert [part.status for part in parts] == [204, 400]
    assert parts[1].body["error"]["code"] == "0x80048d19"
    assert names(crm) == ["A"]


def test_a_batch_goes_on_after_errors_when_that_is_preferred(crm: Crm) -> None:
    answer, parts = send(
        crm,
        operation("PATCH", f"accounts({new_id()})", {"name": "A"}, If_Match="*"),
        operation("POST", "accounts", {"name": "B"}),
        operation("GET", "colours"),
        prefer="odata.continue-on-error",
    )
    assert answer.status_code == 200
    assert [part.status for part in parts] == [404, 204, 404]
    assert names(crm) == ["B"]


def test_a_change_set_is_all_or_nothing_and_fails_as_one(crm: Crm) -> None:
    good = change_set(
        operation("POST", "accounts", {"name": "A"}, content_id="1"),
        operation("POST", "accounts", {"name": "B"}, content_id="2"),
    )
    bad = change_set(
        operation("POST", "accounts", {"name": "C"}, content_id="1"),
        operation("POST", "accounts", {"name": "x" * 161}, content_id="2"),
        operation("POST", "accounts", {"name": "D"}, content_id="3"),
        boundary="changeset_2",
    )
    answer, parts = send(crm, bad, good, prefer="odata.continue-on-error")
    assert answer.status_code == 200
    assert [(part.status, part.content_id) for part in parts] == [(400, "2"), (204, "1"), (204, "2")]
    assert names(crm) == ["A", "B"]
    assert len(crm.audited()) == 2
    answer, parts = send(crm, bad, good)
    assert (answer.status_code, len(parts)) == (400, 1)
    assert names(crm) == ["A", "B"]


def test_a_failed_change_set_restores_changed_and_deleted_rows(crm: Crm) -> None:
    kept, other = crm.new("accounts", name="Kept"), crm.new("accounts", name="Other")
    before = crm.row("accounts", kept)
    send(
        crm,
        change_set(
            operation("PATCH", f"accounts({kept})", {"name": "Changed"}, content_id="1"),
            operation("DELETE", f"accounts({other})", content_id="2"),
            operation("DELETE", f"accounts({new_id()})", content_id="3"),
        ),
    )
    assert crm.row("accounts", kept) == before
    assert names(crm) == ["Kept", "Other"]
    assert [row["accountid"] for row in crm.values("accounts?$filter=name%20eq%20'other'")] == [other]


def test_later_operations_refer_to_earlier_ones(crm: Crm) -> None:
    _, parts = send(
        crm,
        change_set(
            operation("POST", "contacts", {"lastname": "L"}, content_id="1"),
            operation("POST", "accounts", {"name": "A", "primarycontactid@odata.bind": "$1"}, content_id="acc"),
            operation("PATCH", "$1", {"parentcustomerid_account@odata.bind": "$acc"}, content_id="3"),
            operation("PUT", "$1/firstname", {"value": "F"}, content_id="4"),
        ),
    )
    assert [part.status for part in parts] == [204] * 4
    (account,), (contact,) = crm.values("accounts"), crm.values("contacts")
    assert account["_primarycontactid_value"] == contact["contactid"]
    assert contact["_parentcustomerid_value"] == account["accountid"]
    assert contact["fullname"] == "F L"


def test_references_outlive_a_change_set_unless_it_failed(crm: Crm) -> None:
    create = operation("POST", "accounts", {"name": "A"}, content_id="1")
    rename = operation("PATCH", "$1", {"name": "B"})
    _, parts = send(crm, change_set(create), rename)
    assert [part.status for part in parts] == [204, 204]
    failing = change_set(create, operation("POST", "accounts", {"colour": 1}, content_id="2"))
    _, parts = send(crm, failing, rename, prefer="odata.continue-on-error")
    assert [part.status for part in parts] == [400, 400]
    assert names(crm) == ["B"]


def test_an_unknown_reference_is_named(crm: Crm) -> None:
    _, parts = send(crm, change_set(operation("PATCH", "$1", {"name": "A"}, content_id="2")))
    assert parts[0].status == 400
    assert parts[0].body["error"]["message"] == "Content-ID Reference: '$1' does not exist in the batch context."
    bind = {"name": "A", "primarycontactid@odata.bind": "$9"}
    _, parts = send(crm, operation("POST", "accounts", bind))
    assert parts[0].body["error"]["message"] == "Content-ID Reference: '$9' does not exist in the batch context."


def test_a_change_set_needs_content_ids_and_takes_no_get(crm: Crm) -> None:
    for part in (operation("POST", "accounts", {"name": "A"}), operation("GET", "accounts", content_id="1")):
        answer, parts = send(crm, change_set(part))
        assert (answer.status_code, parts[0].body["error"]["code"]) == (400, "0x80060888")
    assert names(crm) == []


def test_bulk_messages_and_functions_work_inside_a_batch(crm: Crm) -> None:
    targets = {"Targets": [{"@odata.type": "Microsoft.Dynamics.CRM.account", "name": "A"}]}
    _, parts = send(
        crm, operation("POST", "accounts/Microsoft.Dynamics.CRM.CreateMultiple", targets), operation("GET", "WhoAmI")
    )
    assert len(parts[0].body["Ids"]) == 1
    assert parts[1].body["UserId"] == crm.state.user_id


def test_a_thousand_operations_are_the_limit(crm: Crm) -> None:
    answer, parts = send(crm, *[operation("GET", "WhoAmI")] * 1000)
    assert (answer.status_code, len(parts)) == (200, 1000)
    answer, _ = send(crm, *[operation("GET", "WhoAmI")] * 1001)
    assert refusal(answer) == (400, "0x80060888")


@pytest.mark.parametrize("text", [
    "", "--batch_x\r\n", "--batch_x\r\nContent-Type: application/http\r\n\r\nGET accounts HTTP/1.1\r\n",
    "--other\r\n\r\n--other--",
])  # fmt: skip
def test_a_batch_that_is_cut_off_is_refused(crm: Crm, text: str) -> None:
    headers = {"Content-Type": "multipart/mixed; boundary=batch_x"}
    assert refusal(crm.http.post("$batch", content=text.encode(), headers=headers)) == (400, "0x80060888")


def test_a_batch_holds_http_requests_only(crm: Crm) -> None:
    for part in (
        "Content-Type: text/plain\r\n\r\nhello",
        "Content-Type: application/http\r\n\r\nhello",
        operation("POST", "$batch", {}),
        operation("GET", "/other/accounts"),
    ):
        answer, parts = send(crm, part)
        assert answer.status_code in (400, 404)
        assert parts[0].body["error"]["code"] == "0x80060888"
    assert crm.http.post("$batch", json={}).status_code == 415


def test_a_url_may_hold_the_spaces_of_a_filter(crm: Crm) -> None:
    id = crm.new("accounts", name="Zoë's & Co")
    _, parts = send(crm, operation("GET", f"{ROOT}accounts?$select=name&$filter=name eq 'Zoë''s %26 Co'"))
    assert [row["accountid"] for row in parts[0].body["value"]] == [id]
