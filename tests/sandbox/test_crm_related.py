"""$expand and $apply on the CRM organization (reference/apis.md section 1, Query)."""

import pytest

from sandbox.crm.apply import LIMIT
from sandbox.crm.expand import members, split
from tests.sandbox.crm_tools import Crm, new_id, refusal


def family(crm: Crm) -> tuple[str, list[str]]:
    """An account and its three contacts; the first is the primary one."""
    account = crm.new("accounts", name="Family")
    bind = f"/accounts({account})"
    ids = [crm.new("contacts", lastname=name, parentcustomerid_account__bind=bind) for name in ("Ada", "Bob", "Cyd")]
    crm.patch(f"accounts({account})", {"primarycontactid@odata.bind": f"/contacts({ids[0]})"})
    return account, ids


def test_a_lookup_is_expanded_with_the_columns_asked_for(crm: Crm) -> None:
    account, (first, *_) = family(crm)
    row = crm.get(f"accounts({account})?$select=name&$expand=primarycontactid($select=lastname)").json()
    assert set(row["primarycontactid"]) == {"@odata.etag", "lastname", "contactid"}
    assert (row["primarycontactid"]["lastname"], row["primarycontactid"]["contactid"]) == ("Ada", first)
    row = crm.get(f"accounts({account})?$select=name&$expand=parentaccountid").json()
    assert row["parentaccountid"] is None


def test_a_lookup_of_several_tables_is_expanded_by_the_one_it_leads_to(crm: Crm) -> None:
    account, (first, *_) = family(crm)
    expand = "parentcustomerid_account($select=name),parentcustomerid_contact($select=lastname)"
    row = crm.get(f"contacts({first})?$select=lastname&$expand={expand}").json()
    assert (row["parentcustomerid_account"]["accountid"], row["parentcustomerid_contact"]) == (account, None)


def test_rows_that_name_a_row_are_expanded_filtered_in_order_and_counted_off(crm: Crm) -> None:
    account, _ = family(crm)
    crm.new("contacts", lastname="Stranger")
    url = f"accounts({account})?$select=name&$expand=contact_customer_accounts"
    assert len(crm.get(url).json()["contact_customer_accounts"]) == 3
    options = "$select=lastname;$filter=lastname%20ne%20'Bob';$orderby=lastname%20desc;$top=1"
    (row,) = crm.get(f"{url}({options})").json()["contact_customer_accounts"]
    assert row["lastname"] == "Cyd"


def test_an_expansion_goes_on_inside_another_one(crm: Crm) -> None:
    account, _ = family(crm)
    inner = "$select=lastname;$expand=parentcustomerid_account($select=name)"
    (row,) = crm.values(f"accounts?$select=name&$filter=accountid eq {account}&$expand=primarycontactid({inner})")
    assert row["primarycontactid"]["parentcustomerid_account"]["name"] == "Family"
    deep = "$expand=primarycontactid"
    for _ in range(10):
        deep = f"$expand=parentcustomerid_account($expand=primarycontactid({deep}))"
    assert refusal(crm.get(f"contacts?{deep}")) == (400, "0x80060888")


def test_formatted_values_reach_expanded_rows(crm: Crm) -> None:
    account, _ = family(crm)
    url = f"accounts({account})?$select=name&$expand=primarycontactid($select=statecode)"
    row = crm.get(url, Prefer='odata.include-annotations="*"').json()["primarycontactid"]
    assert row["statecode@OData.Community.Display.V1.FormattedValue"] == "Active"


def test_what_is_written_comes_back_expanded_when_preferred(crm: Crm) -> None:
    _, (first, *_) = family(crm)
    body = {"name": "Other", "primarycontactid@odata.bind": f"/contacts({first})"}
    url = "accounts?$select=name&$expand=primarycontactid($select=lastname)"
    assert crm.post(url, body, Prefer="return=representation").json()["primarycontactid"]["lastname"] == "Ada"


def test_an_expanded_row_is_never_answered_as_unchanged(crm: Crm) -> None:
    account, _ = family(crm)
    etag = crm.row("accounts", account)["@odata.etag"]
    assert crm.get(f"accounts({account})?$expand=primarycontactid", If_None_Match=etag).status_code == 200


@pytest.mark.parametrize(
    "expand",
    [
        "colour",
        "primarycontactid($select=colour)",
        "primarycontactid($filter=lastname eq 'x')",
        "primarycontactid(",
        "a b",
    ],
)
def test_an_expansion_that_is_wrong_is_refused(crm: Crm, expand: str) -> None:
    family(crm)
    assert refusal(crm.get(f"accounts?$expand={expand}")) == (400, "0x80060888")


def test_marks_inside_parentheses_and_quotes_do_not_part() -> None:
    assert split("a(b,c),d(e='x,)(',f),g", ",") == ["a(b,c)", "d(e='x,)(',f)", "g"]
    assert [(one.name, one.options) for one in members("a($select=b,c;$top=1),d")] == [
        ("a", "$select=b,c&$top=1"),
        ("d", ""),
    ]


def money(crm: Crm) -> None:
    for kind, limit in ((3, 10), (3, 25.5), (4, 7), (4, None)):
        crm.state.seed("accounts", {"name": f"{kind}{limit}", "customertypecode": kind, "creditlimit": limit})


def test_rows_are_grouped_and_aggregated(crm: Crm) -> None:
    money(crm)
    terms = "$count as rows,creditlimit with sum as total,creditlimit with average as mean,creditlimit with max as most"
    found = crm.values(f"accounts?$apply=groupby((customertypecode),aggregate({terms}))")
    assert found == [
        {"customertypecode": 3, "rows": 2, "total": 35.5, "mean": 17.75, "most": 25.5},
        {"customertypecode": 4, "rows": 2, "total": 7, "mean": 7, "most": 7},
    ]
    assert crm.values("accounts?$apply=groupby((customertypecode))") == [
        {"customertypecode": 3},
        {"customertypecode": 4},
    ]


def test_a_filter_comes_before_the_aggregate(crm: Crm) -> None:
    money(crm)
    terms = "aggregate(creditlimit with min as least,name with countdistinct as names)"
    assert crm.values(f"accounts?$apply=filter(customertypecode eq 3)/{terms}") == [{"least": 10, "names": 2}]
    assert crm.values(f"accounts?$apply=filter(name eq 'none')/{terms}") == [{"least": None, "names": 0}]


@pytest.mark.parametrize(
    "text",
    ["", "topcount(1,name)", "groupby(name)", "groupby((colour))", "aggregate(name with sum as x)", "filter(name eq 'a')",
     "aggregate($count as x)/filter(x eq 1)", "aggregate(name with first as x)", "filter(colour eq 1)/aggregate($count as n)"],
)  # fmt: skip
def test_an_aggregate_that_is_wrong_is_refused(crm: Crm, text: str) -> None:
    assert refusal(crm.get(f"accounts?$apply={text}")) == (400, "0x80060888")
    assert refusal(crm.get("accounts?$apply=aggregate($count as n)&$select=name")) == (400, "0x80060888")


def test_an_aggregate_over_too_many_rows_is_refused(crm: Crm) -> None:
    table = crm.state.tables["accounts"]
    for _ in range(LIMIT + 1):
        table.insert({"accountid": new_id(), "name": "x", "versionnumber": 1})
    assert refusal(crm.get("accounts?$apply=aggregate($count as n)")) == (400, "0x8004e023")


def test_a_path_leads_to_the_row_that_a_lookup_names(crm: Crm) -> None:
    account, (first, *_) = family(crm)
    assert crm.get(f"accounts({account})/primarycontactid?$select=lastname").json()["contactid"] == first
    assert crm.get(f"accounts({account})/parentaccountid").status_code == 204


def test_a_path_leads_to_the_rows_that_name_a_row(crm: Crm) -> None:
    account, _ = family(crm)
    url = f"accounts({account})/contact_customer_accounts?$select=lastname"
    assert {row["lastname"] for row in crm.values(url)} == {"Ada", "Bob", "Cyd"}
    assert [row["lastname"] for row in crm.values(f"{url}&$filter=lastname gt 'Ada'&$orderby=lastname&$top=1")] == [
        "Bob"
    ]


def test_a_reference_is_set_and_taken_away(crm: Crm) -> None:
    account, (_, second, _) = family(crm)
    address = f"accounts({account})/primarycontactid/$ref"
    answer = crm.http.put(address, json={"@odata.id": f"{crm.http.base_url}contacts({second})"})
    assert answer.status_code == 204
    assert crm.row("accounts", account)["_primarycontactid_value"] == second
    assert crm.http.delete(address).status_code == 204
    assert crm.row("accounts", account)["_primarycontactid_value"] is None
    assert refusal(crm.http.put(address, json={"@odata.id": f"contacts({new_id()})"})) == (404, "0x80040217")
    assert refusal(crm.http.put(address, json={"id": "x"})) == (400, "0x80048d19")


def test_a_row_joins_and_leaves_those_that_name_another_one(crm: Crm) -> None:
    account, (first, *_) = family(crm)
    stranger = crm.new("contacts", lastname="Stranger")
    address = f"accounts({account})/contact_customer_accounts"
    assert crm.post(f"{address}/$ref", {"@odata.id": f"contacts({stranger})"}).status_code == 204
    assert crm.row("contacts", stranger)["_parentcustomerid_value"] == account
    assert crm.http.delete(f"{address}({first})/$ref").status_code == 204
    assert crm.row("contacts", first)["_parentcustomerid_value"] is None
    assert refusal(crm.http.delete(f"{address}({first})/$ref")) == (404, "0x80060888"), "it has left"
    assert refusal(crm.http.delete(f"{address}/$ref")) == (404, "0x80060888")
    assert refusal(crm.post(f"{address}/$ref", {"@odata.id": f"accounts({account})"})) == (400, "0x80048d19")
    assert len(crm.values(address)) == 3
