"""Create, upsert, update and delete one row (reference/apis.md section 1)."""

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.crm_tools import Crm, new_id, refusal


def test_a_post_answers_204_with_the_url_of_the_new_row(crm: Crm) -> None:
    answer = crm.post("accounts", {"name": "Acme"})
    assert (answer.status_code, answer.content) == (204, b"")
    url = answer.headers["OData-EntityId"]
    assert url == answer.headers["Location"]
    assert crm.http.get(url).json()["name"] == "Acme"


def test_a_post_returns_the_row_when_that_is_preferred(crm: Crm) -> None:
    answer = crm.post("accounts?$select=name", {"name": "Acme"}, Prefer="return=representation")
    assert answer.status_code == 201
    assert set(answer.json()) == {"@odata.context", "@odata.etag", "name", "accountid"}
    assert answer.headers["Preference-Applied"] == "return=representation"
    assert "OData-EntityId" not in answer.headers


def test_the_client_may_choose_the_id_but_not_twice(crm: Crm) -> None:
    id = new_id()
    assert crm.new("accounts", accountid=id.upper(), name="Acme") == id
    answer = crm.post("accounts", {"accountid": id, "name": "Other"})
    assert refusal(answer) == (412, "0x80040237")
    assert answer.json()["error"]["message"] == "A record with matching key values already exists."
    assert crm.row("accounts", id)["name"] == "Acme"


def test_a_new_row_has_stamps_states_owner_and_currency(crm: Crm) -> None:
    row = crm.row("accounts", crm.new("accounts", name="Acme"))
    assert row["createdon"] == row["modifiedon"] == "2024-05-01T12:00:00Z"
    assert (row["statecode"], row["statuscode"]) == (0, 1)
    assert row["_ownerid_value"] == row["_createdby_value"] == row["_modifiedby_value"] == crm.state.user_id
    assert row["_transactioncurrencyid_value"] == crm.state.base_currency_id
    assert row["@odata.etag"] == f'W/"{row["versionnumber"]}"'


def test_patch_creates_what_is_missing_and_updates_what_is_there(crm: Crm) -> None:
    id = new_id()
    answer = crm.patch(f"accounts({id})", {"name": "Acme"})
    assert answer.status_code == 204
    assert answer.headers["OData-EntityId"].endswith(f"accounts({id})")
    before = crm.row("accounts", id)
    crm.clock.advance(90)
    answer = crm.patch(f"accounts(accountid={id})", {"telephone1": "1"})
    assert answer.headers["OData-EntityId"].endswith(f"accounts(accountid={id})")
    after = crm.row("accounts", id)
    assert (after["name"], after["telephone1"]) == ("Acme", "1")
    assert (after["createdon"], after["modifiedon"]) == (before["createdon"], "2024-05-01T12:01:30Z")
    assert after["versionnumber"] > before["versionnumber"]


def test_only_the_representation_tells_created_from_updated(crm: Crm) -> None:
    id = new_id()
    prefer = "return=representation"
    assert crm.patch(f"accounts({id})", {"name": "A"}, Prefer=prefer).status_code == 201
    answer = crm.patch(f"accounts({id})?$select=name", {"name": "B"}, Prefer=prefer)
    assert (answer.status_code, answer.json()["name"]) == (200, "B")


def test_if_match_star_never_creates(crm: Crm) -> None:
    id = new_id()
    answer = crm.patch(f"accounts({id})", {"name": "A"}, If_Match="*")
    assert refusal(answer) == (404, "0x80040217")
    assert answer.json()["error"]["message"] == f"account With Id = {id} Does Not Exist"
    crm.new("accounts", accountid=id)
    assert crm.patch(f"accounts({id})", {"name": "A"}, If_Match="*").status_code == 204


def test_if_none_match_star_never_updates(crm: Crm) -> None:
    id = new_id()
    assert crm.patch(f"accounts({id})", {"name": "A"}, If_None_Match="*").status_code == 204
    assert refusal(crm.patch(f"accounts({id})", {"name": "B"}, If_None_Match="*")) == (412, "0x80040237")
    assert crm.row("accounts", id)["name"] == "A"
    assert crm.patch(f"accounts({id})", {"name": "B"}, If_None_Match="null").status_code == 204


def test_an_etag_guards_against_writing_over_a_newer_version(crm: Crm) -> None:
    id = crm.new("accounts", name="A")
    etag = crm.row("accounts", id)["@odata.etag"]
    assert crm.patch(f"accounts({id})", {"name": "B"}, If_Match=etag).status_code == 204
    answer = crm.patch(f"accounts({id})", {"name": "C"}, If_Match=etag)
    assert refusal(answer) == (412, "0x80060882")
    assert refusal(crm.http.delete(f"accounts({id})", headers={"If-Match": etag})) == (412, "0x80060882")
    assert crm.row("accounts", id)["name"] == "B"


def test_lookups_are_bound_by_relative_or_absolute_url_and_cleared_by_null(crm: Crm) -> None:
    account, contact = crm.new("accounts", name="A"), crm.new("contacts", lastname="L")
    for url in (f"/contacts({contact})", f"contacts({contact})", f"{crm.http.base_url}contacts(contactid={contact})"):
        assert crm.patch(f"accounts({account})", {"primarycontactid@odata.bind": url}).status_code == 204
        assert crm.row("accounts", account)["_primarycontactid_value"] == contact
        crm.patch(f"accounts({account})", {"primarycontactid@odata.bind": None})
        assert crm.row("accounts", account)["_primarycontactid_value"] is None
    crm.patch(f"accounts({account})", {"primarycontactid@odata.bind": f"/contacts({contact})"})
    assert crm.http.delete(f"accounts({account})/primarycontactid/$ref").status_code == 204
    assert crm.row("accounts", account)["_primarycontactid_value"] is None


def test_a_parent_is_an_account_or_a_contact(crm: Crm) -> None:
    account = crm.new("accounts", name="A")
    contact = crm.new("contacts", lastname="L", parentcustomerid_account__bind=f"/accounts({account})")
    assert crm.row("contacts", contact)["_parentcustomerid_value"] == account
    wrong = crm.patch(f"contacts({contact})", {"parentcustomerid_contact@odata.bind": f"/accounts({account})"})
    assert refusal(wrong) == (400, "0x80048d19")
    assert refusal(crm.patch(f"contacts({contact})", {"parentcustomerid@odata.bind": None})) == (400, "0x80048d19")


def test_a_lookup_to_nothing_is_refused(crm: Crm) -> None:
    gone = new_id()
    answer = crm.post("accounts", {"name": "A", "primarycontactid@odata.bind": f"/contacts({gone})"})
    assert refusal(answer) == (404, "0x80040217")
    assert answer.json()["error"]["message"] == f"contact With Id = {gone} Does Not Exist"
    assert crm.values("accounts") == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "x" * 161}, "0x80044331"),
        ({"colour": "red"}, "0x80048d19"),
        ({"Name": "case matters"}, "0x80048d19"),
        ({"_ownerid_value": "11111111-1111-1111-1111-111111111111"}, "0x80048d19"),
        ({"PrimaryContactId@odata.bind": "/contacts(11111111-1111-1111-1111-111111111111)"}, "0x80048d19"),
        ({"name": 5}, "0x80048d19"),
        ({"creditonhold": "yes"}, "0x80048d19"),
        ({"numberofemployees": 1.5}, "0x80048d19"),
        ({"numberofemployees": -1}, "0x8004432F"),
        ({"creditlimit": -1}, "0x80044330"),
        ({"creditlimit": 100_000_000_001}, "0x80044330"),
        ({"customertypecode": 99}, "0x8004431A"),
        ({"primarycontactid@odata.bind": "nonsense"}, "0x80060888"),
        ({"ownerid@odata.bind": None}, "0x80040203"),
    ],
)
def test_values_that_do_not_fit_are_refused(crm: Crm, body: dict[str, Any], code: str) -> None:
    id = crm.new("accounts", name="A")
    answer = crm.patch(f"accounts({id})", body)
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["code"] == code
    assert crm.row("accounts", id)["name"] == "A"


def test_the_length_message_names_column_table_and_limit(crm: Crm) -> None:
    message = crm.post("accounts", {"name": "x" * 161}).json()["error"]["message"]
    assert message == (
        "A validation error occurred.  The length of the 'name' attribute of the 'account' entity exceeded the maximum "
        "allowed length of '160'."
    )


def test_values_are_kept_as_the_database_keeps_them(crm: Crm) -> None:
    id = crm.new("accounts", name="", creditlimit=12.345, telephone1="1")
    row = crm.row("accounts", id)
    assert row["name"] is None
    assert Decimal(str(row["creditlimit"])) == Decimal("12.35")


def test_columns_that_cannot_be_written_are_ignored(crm: Crm) -> None:
    id = crm.new("contacts", lastname="L", fullname="Other", createdon="2001-01-01T00:00:00Z", versionnumber=1)
    row = crm.row("contacts", id)
    assert (row["fullname"], row["createdon"]) == ("L", "2024-05-01T12:00:00Z")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b""])
def test_a_body_that_is_no_object_is_refused(crm: Crm, body: bytes) -> None:
    answer = crm.http.post("accounts", content=body, headers={"Content-Type": "application/json"})
    assert refusal(answer) == (400, "0x80048d19")
    assert crm.http.post("accounts", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415


def test_one_property_is_put_and_deleted(crm: Crm) -> None:
    id = crm.new("accounts", name="A", telephone1="1")
    assert crm.http.put(f"accounts({id})/name", json={"value": "B"}).status_code == 204
    assert crm.http.delete(f"accounts({id})/telephone1").status_code == 204
    row = crm.row("accounts", id)
    assert (row["name"], row["telephone1"]) == ("B", None)


def test_a_row_is_deleted_once_and_links_to_it_are_cleared(crm: Crm) -> None:
    contact = crm.new("contacts", lastname="L")
    account = crm.new("accounts", name="A", primarycontactid__bind=f"/contacts({contact})")
    child = crm.new("contacts", lastname="K", parentcustomerid_account__bind=f"/accounts({account})")
    assert crm.http.delete(f"contacts({contact})").status_code == 204
    assert crm.row("accounts", account)["_primarycontactid_value"] is None
    assert refusal(crm.http.delete(f"contacts({contact})")) == (404, "0x80040217")
    crm.http.delete(f"accounts({account})")
    assert crm.get(f"contacts({child})").status_code == 404


def test_methods_that_a_resource_lacks_are_refused(crm: Crm) -> None:
    assert crm.http.patch("accounts", json={}).status_code == 405
    assert crm.http.post(f"accounts({new_id()})", json={}).status_code == 405


def test_each_accepted_write_is_one_audit_line_and_a_refused_one_is_none(crm: Crm) -> None:
    id = crm.new("accounts", name="A", primarycontactid__bind=None)
    crm.patch(f"accounts({id})", {"creditlimit": 5.5})
    crm.patch(f"accounts({id})", {"colour": 1})
    crm.http.delete(f"accounts({id})")
    crm.get("accounts")
    at = "2024-05-01T12:00:00.250000Z"
    common = {"at": at, "side": "crm", "set": "accounts", "key": id}
    assert crm.audited() == [
        {"n": 1, "op": "create", "values": {"name": "A", "_primarycontactid_value": None}, **common},
        {"n": 2, "op": "update", "values": {"creditlimit": 5.5}, **common},
        {"n": 3, "op": "delete", "values": {}, **common},
    ]


def test_seeded_rows_are_found_by_what_people_call_them(crm: Crm) -> None:
    user = crm.state.seed(
        "systemuser", {"fullname": "Ann", "internalemailaddress": "ann@example.com", "isdisabled": "false"}
    )
    account = crm.state.seed(
        "accounts", {"accountnumber": "10", "name": "Acme", "ownerid": "ANN@example.com", "creditlimit": ""}
    )
    contact = crm.state.seed("contacts", {"lastname": "L", "parentcustomerid": "10", "transactioncurrencyid": "usd"})
    assert crm.row("accounts", account)["_ownerid_value"] == user
    row = crm.row("contacts", contact)
    assert (row["_parentcustomerid_value"], row["_transactioncurrencyid_value"]) == (
        account,
        crm.state.base_currency_id,
    )
    assert crm.audited() == []
    with pytest.raises(ValueError, match="there is no 'nobody'"):
        crm.state.seed("accounts", {"ownerid": "nobody"})
    with pytest.raises(ValueError, match="no column 'colour'"):
        crm.state.seed("accounts", {"colour": "red"})
