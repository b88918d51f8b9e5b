"""CreateMultiple, UpdateMultiple and UpsertMultiple (reference/apis.md section 1, Bulk messages)."""

from typing import Any

import httpx
import pytest

from tests.sandbox.crm_tools import Crm, new_id, refusal


def target(**values: Any) -> dict[str, Any]:
    return {"@odata.type": "Microsoft.Dynamics.CRM.account", **values}


def send(crm: Crm, message: str, *targets: dict[str, Any], set: str = "accounts") -> httpx.Response:
    return crm.post(f"{set}/Microsoft.Dynamics.CRM.{message}", {"Targets": list(targets)})


def names(crm: Crm) -> list[Any]:
    return [row["name"] for row in crm.values("accounts?$select=name&$orderby=name")]


def test_create_multiple_answers_the_ids_in_order(crm: Crm) -> None:
    id = new_id()
    answer = send(crm, "CreateMultiple", target(name="A"), target(name="B", accountid=id), target(name="C"))
    assert answer.status_code == 200
    assert answer.json()["@odata.context"].endswith("#Microsoft.Dynamics.CRM.CreateMultipleResponse")
    ids = answer.json()["Ids"]
    assert [crm.row("accounts", one)["name"] for one in ids] == ["A", "B", "C"]
    assert ids[1] == id
    assert [(line["n"], line["op"], line["key"]) for line in crm.audited()] == [
        (number, "create", one) for number, one in enumerate(ids, 1)
    ]


def test_one_bad_target_undoes_all(crm: Crm) -> None:
    taken = crm.new("accounts", name="Taken")
    answer = send(crm, "CreateMultiple", target(name="A"), target(name="x" * 161))
    assert refusal(answer) == (400, "0x80044331")
    answer = send(crm, "CreateMultiple", target(name="A"), target(name="B", accountid=taken))
    assert refusal(answer) == (412, "0x80040237")
    answer = send(crm, "UpsertMultiple", target(name="B", accountid=taken), target(colour=1, accountid=new_id()))
    assert refusal(answer) == (400, "0x80048d19")
    assert names(crm) == ["Taken"]
    assert len(crm.audited()) == 1


def test_the_same_id_twice_is_refused(crm: Crm) -> None:
    id = new_id()
    for message in ("CreateMultiple", "UpsertMultiple"):
        answer = send(crm, message, target(accountid=id), target(accountid=id.upper()))
        assert answer.status_code == 400
        assert "Duplicate Ids are not allowed in the Target list" in answer.json()["error"]["message"]


@pytest.mark.parametrize("kind", [None, "Microsoft.Dynamics.CRM.contact"])
def test_every_target_names_its_type(crm: Crm, kind: str | None) -> None:
    wrong = {"name": "A"} if kind is None else {"name": "A", "@odata.type": kind}
    assert refusal(send(crm, "CreateMultiple", target(name="B"), wrong)) == (400, "0x80048d19")


def test_update_multiple_changes_rows_that_are_there(crm: Crm) -> None:
    ids = send(crm, "CreateMultiple", target(name="A"), target(name="B")).json()["Ids"]
    answer = send(crm, "UpdateMultiple", *(target(accountid=id, name=f"{n}") for n, id in enumerate(ids)))
    assert (answer.status_code, answer.content) == (204, b"")
    assert names(crm) == ["0", "1"]
    gone = new_id()
    answer = send(crm, "UpdateMultiple", target(accountid=ids[0], name="Z"), target(accountid=gone, name="Z"))
    assert refusal(answer) == (404, "0x80040217")
    assert answer.json()["error"]["message"] == f"Account With Ids = {gone} Do Not Exist"
    assert refusal(send(crm, "UpdateMultiple", target(name="no id")))[0] == 400
    assert names(crm) == ["0", "1"]


def test_upsert_multiple_creates_and_updates_without_telling_which(crm: Crm) -> None:
    old, new, by_url = crm.new("accounts", name="Old"), new_id(), new_id()
    answer = send(
        crm,
        "UpsertMultiple",
        target(accountid=old, name="Renamed"),
        target(accountid=new, name="New"),
        target(**{"@odata.id": f"accounts({by_url})"}, name="By URL"),
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert crm.row("accounts", old)["name"] == "Renamed"
    assert crm.row("accounts", new)["name"] == "New"
    assert crm.row("accounts", by_url)["name"] == "By URL"


@pytest.mark.parametrize("set", ["transactioncurrencies", "uoms", "uomschedules", "systemusers"])
def test_some_tables_have_no_bulk_messages(crm: Crm, set: str) -> None:
    answer = send(crm, "CreateMultiple", set=set)
    assert refusal(answer) == (404, "0x80060888")


@pytest.mark.parametrize("body", [{}, {"Targets": {}}, {"Targets": [1]}, {"Targets": [], "More": 1}])
def test_the_parameter_is_an_array_of_objects(crm: Crm, body: dict[str, Any]) -> None:
    assert refusal(crm.post("accounts/Microsoft.Dynamics.CRM.CreateMultiple", body)) == (400, "0x80048d19")


def job(table: str, *ids: str, column: str | None = None) -> dict[str, Any]:
    condition = {
        "AttributeName": column or f"{table}id",
        "Operator": "In",
        "Values": [{"Value": id, "Type": "System.Guid"} for id in ids],
    }
    return {"JobName": "x", "QuerySet": [{"EntityName": table, "Criteria": {"Conditions": [condition]}}]}


def test_a_bulk_deletion_is_a_job_and_leaves_what_it_cannot_delete(crm: Crm) -> None:
    ids = [crm.new("accounts", name=str(number)) for number in range(3)]
    answer = crm.post("BulkDelete", job("account", *ids[:2], new_id()))
    assert (answer.status_code, len(answer.json()["JobId"])) == (200, 36)
    assert [crm.get(f"accounts({id})").status_code for id in ids] == [404, 404, 200]
    assert crm.post("BulkDelete", job("transactioncurrency", crm.state.base_currency_id)).status_code == 200
    assert crm.row("transactioncurrencies", crm.state.base_currency_id)


def test_a_bulk_deletion_by_anything_but_ids_is_refused(crm: Crm) -> None:
    id = crm.new("accounts", name="Stays")
    assert refusal(crm.post("BulkDelete", job("account", "Stays", column="name"))) == (400, "0x80040203")
    assert refusal(crm.post("BulkDelete", job("colour", id))) == (400, "0x80040203")
    assert refusal(crm.post("BulkDelete", {"QuerySet": [{"EntityName": "account"}]})) == (400, "0x80040203")
    assert refusal(crm.post("BulkDelete", {})) == (400, "0x80048d19")
    assert crm.row("accounts", id)
