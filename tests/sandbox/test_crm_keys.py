"""Alternate keys of the CRM organization (reference/apis.md section 1, Create / update / upsert / delete)."""

from typing import Any

import httpx
import pytest

from tests.sandbox.crm_tools import Crm, new_id, refusal

KEYS = "EntityDefinitions(LogicalName='account')/Keys"


def key(crm: Crm, *columns: str, table: str = "account", name: str = "by_number") -> httpx.Response:
    body = {"SchemaName": name, "KeyAttributes": list(columns)}
    return crm.post(f"EntityDefinitions(LogicalName='{table}')/Keys", body)


def upsert_many(crm: Crm, *targets: dict[str, Any]) -> httpx.Response:
    typed = [{"@odata.type": "Microsoft.Dynamics.CRM.account", **one} for one in targets]
    return crm.post("accounts/Microsoft.Dynamics.CRM.UpsertMultiple", {"Targets": typed})


def test_a_key_is_given_told_and_taken_away(crm: Crm) -> None:
    made = key(crm, "accountnumber")
    assert made.status_code == 204
    (row,) = crm.values(KEYS)
    assert made.headers["OData-EntityId"] == f"{crm.http.base_url}{KEYS}({row['MetadataId']})"
    assert (row["SchemaName"], row["KeyAttributes"]) == ("by_number", ["accountnumber"])
    assert row["EntityKeyIndexStatus"] == "Active"
    assert crm.get("EntityDefinitions(LogicalName='account')?$expand=Keys($select=SchemaName)").json()["Keys"] == [
        {"MetadataId": row["MetadataId"], "SchemaName": "by_number"}
    ]
    assert crm.http.delete(f"{KEYS}({row['MetadataId']})").status_code == 204
    assert crm.values(KEYS) == []
    assert refusal(crm.get("accounts(accountnumber='A')")) == (400, "0x80060888")


def test_a_key_that_makes_no_sense_is_refused(crm: Crm) -> None:
    for columns in ((), ("colour",), ("accountnumber", "accountnumber"), ("description",)):
        assert refusal(key(crm, *columns)) == (400, "0x80040203"), columns
    assert key(crm, "accountnumber").status_code == 204
    assert refusal(key(crm, "name")) == (400, "0x80040203"), "the name is taken"
    assert refusal(key(crm, "accountnumber", name="other")) == (400, "0x80040203"), "so are the columns"
    assert refusal(crm.post(KEYS, {"SchemaName": "x/y", "KeyAttributes": ["name"]})) == (400, "0x80048d19")


def test_the_index_of_a_key_fails_over_rows_that_share_its_values(crm: Crm) -> None:
    crm.new("accounts", accountnumber="1")
    crm.new("accounts", accountnumber="1")
    key(crm, "accountnumber")
    assert crm.values(KEYS)[0]["EntityKeyIndexStatus"] == "Failed"
    assert refusal(crm.get("accounts(accountnumber='1')")) == (400, "0x80060888")
    crm.new("accounts", accountnumber="1")


def test_a_row_is_named_by_its_key_whatever_the_case_and_the_signs(crm: Crm) -> None:
    key(crm, "accountnumber")
    id = crm.new("accounts", accountnumber="a/1 'b' (c)")
    address = "accounts(accountnumber='A%2F1%20''b''%20(c)')"
    assert crm.get(f"{address}?$select=name").json()["accountid"] == id
    assert crm.get("accounts(accountnumber='a/1%20''b''%20(c)')/accountnumber").json()["value"] == "a/1 'b' (c)"
    assert crm.http.delete(address).status_code == 204
    answer = crm.get(address)
    assert refusal(answer) == (404, "0x80060891")
    assert answer.json()["error"]["message"].endswith("specified key values does not exist in account entity")
    assert refusal(crm.http.delete(address)) == (404, "0x80060891")


def test_a_key_of_several_columns_takes_them_in_any_order(crm: Crm) -> None:
    parent = crm.new("accounts", name="Parent")
    key(crm, "lastname", "parentcustomerid", "gendercode", table="contact")
    body = {"jobtitle": "Analyst"}
    address = f"contacts(gendercode=2,_parentcustomerid_value={parent},lastname='Byron')"
    assert crm.patch(address, body).status_code == 204
    turned = f"contacts(gendercode=2,lastname='byron',_parentcustomerid_value={parent})"
    row = crm.get(turned).json()
    assert (row["jobtitle"], row["gendercode"], row["_parentcustomerid_value"]) == ("Analyst", 2, parent)
    assert refusal(crm.get("contacts(lastname='Byron')")) == (400, "0x80060888"), "part of a key is none"
    for wrong in ("lastname='Byron',lastname='Byron',gendercode=2", "lastname='Byron',", "lastname=,gendercode=x"):
        assert refusal(crm.get(f"contacts({wrong})")) == (400, "0x80060888"), wrong


def test_an_upsert_makes_a_row_with_the_key_then_changes_it(crm: Crm) -> None:
    key(crm, "accountnumber")
    address = "accounts(accountnumber='U1')"
    first = crm.patch(address, {"name": "Made"}, Prefer="return=representation")
    assert (first.status_code, first.json()["accountnumber"]) == (201, "U1")
    second = crm.patch(address, {"name": "Changed", "accountnumber": "other"})
    assert second.headers["OData-EntityId"] == f"{crm.http.base_url}{address}"
    row = crm.row("accounts", first.json()["accountid"])
    assert (row["name"], row["accountnumber"]) == ("Changed", "U1"), "a key in the body of an update is dropped"
    assert refusal(crm.patch(address, {}, If_None_Match="*")) == (412, "0x80040237")
    assert refusal(crm.patch("accounts(accountnumber='U2')", {}, If_Match="*")) == (404, "0x80060891")
    third = crm.patch("accounts(accountnumber='U2')", {"accountnumber": "U3"}, Prefer="return=representation")
    assert third.json()["accountnumber"] == "U3", "the body of a create wins"
    assert [line["op"] for line in crm.audited()] == ["create", "update", "create"]


def test_two_rows_never_share_a_key(crm: Crm) -> None:
    key(crm, "accountnumber")
    crm.new("accounts", accountnumber="1")
    other = crm.new("accounts", accountnumber="2")
    answer = crm.post("accounts", {"accountnumber": "1"})
    assert refusal(answer) == (412, "0x80060892")
    assert answer.json()["error"]["message"].startswith(
        "Entity Key by_number violated. A record with the same value for accountnumber already exists."
    )
    assert refusal(crm.patch(f"accounts({other})", {"accountnumber": "1"})) == (412, "0x80060892")
    assert crm.patch(f"accounts({other})", {"accountnumber": "2"}).status_code == 204
    crm.new("accounts", name="no number")
    crm.new("accounts", name="nor this")
    assert refusal(upsert_many(crm, {"accountid": new_id(), "accountnumber": "1"})) == (412, "0x80060892")


def test_a_lookup_is_bound_by_an_alternate_key(crm: Crm) -> None:
    key(crm, "accountnumber")
    id = crm.new("accounts", accountnumber="P/1")
    contact = crm.new("contacts", lastname="Kid", parentcustomerid_account__bind="/accounts(accountnumber='P/1')")
    assert crm.row("contacts", contact)["_parentcustomerid_value"] == id
    body = {"parentcustomerid_account@odata.bind": "accounts(accountnumber='none')"}
    assert refusal(crm.patch(f"contacts({contact})", body)) == (404, "0x80060891")


def test_upsert_multiple_takes_alternate_keys(crm: Crm) -> None:
    key(crm, "accountnumber")
    old = crm.new("accounts", accountnumber="M1")
    targets = [{"@odata.id": f"accounts(accountnumber='{number}')", "name": "New"} for number in ("M1", "M2")]
    assert upsert_many(crm, *targets).status_code == 204
    assert crm.row("accounts", old)["name"] == "New"
    assert crm.get("accounts(accountnumber='M2')").json()["name"] == "New"


def test_upsert_multiple_stumbles_over_a_key_that_the_body_repeats_for_a_new_row(crm: Crm) -> None:
    key(crm, "accountnumber")
    target = {"@odata.id": "accounts(accountnumber='M1')", "accountnumber": "M1", "name": "New"}
    assert refusal(upsert_many(crm, target)) == (400, "0x80040216")
    id = crm.new("accounts", accountnumber="M1")
    assert upsert_many(crm, target).status_code == 204
    assert crm.row("accounts", id)["name"] == "New"


def test_update_multiple_takes_alternate_keys_and_refuses_one_that_nobody_has(crm: Crm) -> None:
    key(crm, "accountnumber")
    id = crm.new("accounts", accountnumber="M1")

    def update(number: str) -> httpx.Response:
        target = {"@odata.type": "Microsoft.Dynamics.CRM.account", "name": "New"}
        target["@odata.id"] = f"accounts(accountnumber='{number}')"
        return crm.post("accounts/Microsoft.Dynamics.CRM.UpdateMultiple", {"Targets": [target]})

    assert update("M1").status_code == 204
    assert crm.row("accounts", id)["name"] == "New"
    assert refusal(update("M2")) == (404, "0x80060891")


def test_a_key_of_numbers_is_written_without_quotes(crm: Crm) -> None:
    key(crm, "exchangerate", table="transactioncurrency")
    euro = {"isocurrencycode": "EUR", "currencyname": "Euro", "currencysymbol": "€", "currencyprecision": 2}
    id = crm.new("transactioncurrencies", **euro, exchangerate=0.93)
    for rate in ("0.93", "0.9300"):
        assert crm.get(f"transactioncurrencies(exchangerate={rate})").json()["transactioncurrencyid"] == id
    assert refusal(crm.get("transactioncurrencies(exchangerate=0.94)")) == (404, "0x80060891")
    for wrong in ("'0.93'", "0,93", "NaN", "9" * 5_000):
        assert crm.get(f"transactioncurrencies(exchangerate={wrong})").status_code == 400, wrong


@pytest.mark.parametrize("text", ["'", "''", "accountnumber=''", "accountnumber='", "=", "a" * 20_000, "'/" * 5_000])
def test_a_key_that_is_out_of_all_proportion_is_answered_all_the_same(crm: Crm, text: str) -> None:
    key(crm, "accountnumber")
    assert crm.get(f"accounts({text})").status_code in (400, 404)
