"""Reading from the CRM organization (reference/apis.md section 1, Query and Functions)."""

from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.sandbox.crm_tools import Crm, new_id, refusal


def accounts(crm: Crm, count: int) -> list[str]:
    return [crm.state.seed("accounts", {"name": f"Account {number:03}"}) for number in range(count)]


def pages(crm: Crm, url: str, size: int) -> list[list[dict[str, object]]]:
    found = []
    link: str | None = url
    while link is not None:
        body = crm.get(link, Prefer=f"odata.maxpagesize={size}").json()
        found.append(body["value"])
        link = body.get("@odata.nextLink")
    return found


def test_pages_of_the_preferred_size_hold_every_row_once(crm: Crm) -> None:
    ids = accounts(crm, 25)
    first = crm.get("accounts?$select=name&$orderby=createdon%20asc,accountid%20asc", Prefer="odata.maxpagesize=10")
    assert first.headers["Preference-Applied"] == "odata.maxpagesize=10"
    assert first.json()["@odata.nextLink"].startswith(f"{crm.http.base_url}accounts?$select=name&$orderby=")
    found = pages(crm, "accounts?$select=name&$orderby=createdon%20asc,accountid%20asc", 10)
    assert [len(page) for page in found] == [10, 10, 5]
    assert sorted(str(row["accountid"]) for page in found for row in page) == sorted(ids)


def test_rows_written_between_two_pages_shift_nothing(crm: Crm) -> None:
    ids = accounts(crm, 12)
    order = "accounts?$orderby=name"
    first = crm.get(order, Prefer="odata.maxpagesize=5").json()
    crm.http.delete(f"accounts({ids[4]})")
    crm.http.delete(f"accounts({ids[0]})")
    crm.state.seed("accounts", {"name": "Account 000a"})
    second = crm.get(first["@odata.nextLink"], Prefer="odata.maxpagesize=5").json()
    assert [row["name"] for row in second["value"]] == [f"Account {number:03}" for number in range(5, 10)]


def test_pages_cross_nulls_quotes_and_ties(crm: Crm) -> None:
    names = [None, None, 'Say "hi" <&>', "tie", "tie", "Zoë's"]
    for name in names:
        crm.state.seed("accounts", {"name": name, "accountnumber": "X"})
    found = [row["name"] for page in pages(crm, "accounts?$orderby=name", 1) for row in page]
    assert found == names
    found = [row["name"] for page in pages(crm, "accounts?$orderby=accountnumber,name%20desc", 2) for row in page]
    assert found == names[::-1]


def test_a_page_holds_5000_rows_at_most(crm: Crm) -> None:
    accounts(crm, 5001)
    assert len(crm.values("accounts?$select=name")) == 5000
    body = crm.get("accounts?$select=name&$count=true", Prefer="odata.maxpagesize=9999").json()
    assert len(body["value"]) == 5000
    assert body["@odata.count"] == 5000


def test_top_limits_without_a_next_link_and_gives_way_to_a_page_size(crm: Crm) -> None:
    accounts(crm, 6)
    body = crm.get("accounts?$top=2&$count=true").json()
    assert (len(body["value"]), body["@odata.count"], "@odata.nextLink" in body) == (2, 6, False)
    body = crm.get("accounts?$top=2", Prefer="odata.maxpagesize=4").json()
    assert (len(body["value"]), "@odata.nextLink" in body) == (4, True)


def test_skip_a_broken_token_and_unknown_columns_are_refused(crm: Crm) -> None:
    assert refusal(crm.get("accounts?$skip=5")) == (400, "0x80060888")
    assert refusal(crm.get("accounts?$skiptoken=abc")) == (400, "0x80040203")
    answer = crm.get("accounts?$select=colour")
    assert refusal(answer) == (400, "0x80060888")
    message = "Could not find a property named 'colour' on type 'Microsoft.Dynamics.CRM.account'."
    assert answer.json()["error"]["message"] == message


def test_select_gives_the_columns_the_key_and_the_etag(crm: Crm) -> None:
    id = crm.new("accounts", name="Acme")
    (row,) = crm.values("accounts?$select=name,_ownerid_value,telephone1")
    assert set(row) == {"@odata.etag", "name", "_ownerid_value", "telephone1", "accountid"}
    assert (row["accountid"], row["_ownerid_value"], row["telephone1"]) == (id, crm.state.user_id, None)
    assert row["@odata.etag"].startswith('W/"')


def test_a_row_without_select_has_every_column_null_ones_too(crm: Crm) -> None:
    row = crm.row("accounts", crm.new("accounts", name="Acme"))
    assert row["address1_city"] is None
    assert row["statecode"] == 0
    assert row["@odata.context"].endswith("$metadata#accounts/$entity")


def test_annotations_come_when_preferred(crm: Crm) -> None:
    parent = crm.new("accounts", name="Parent")
    crm.new("contacts", lastname="Kid", parentcustomerid_account__bind=f"/accounts({parent})")
    url = "contacts?$select=_parentcustomerid_value,statecode"
    assert not [name for name in crm.values(url)[0] if "@" in name[1:]]
    row = crm.get(url, Prefer='odata.include-annotations="*"').json()["value"][0]
    assert row["statecode@OData.Community.Display.V1.FormattedValue"] == "Active"
    assert row["_parentcustomerid_value@OData.Community.Display.V1.FormattedValue"] == "Parent"
    assert row["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "account"
    navigation = "_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"
    assert row[navigation] == "parentcustomerid_account"
    only = crm.get(url, Prefer='odata.include-annotations="OData.Community.Display.V1.FormattedValue"').json()["value"][
        0
    ]
    assert navigation not in only


def test_filters_follow_lookups(crm: Crm) -> None:
    parent = crm.new("accounts", name="Parent")
    child = crm.new("contacts", lastname="Kid", parentcustomerid_account__bind=f"/accounts({parent})")
    other = crm.new("contacts", lastname="Else", parentcustomerid_contact__bind=f"/contacts({child})")
    for text, expected in (
        ("parentcustomerid_account/accountid%20ne%20null", [child]),
        ("parentcustomerid_account/name%20eq%20'parent'", [child]),
        (f"_parentcustomerid_value%20eq%20{child}", [other]),
        (f"parentcustomerid_account/accountid%20eq%20{parent}", [child]),
    ):
        assert [row["contactid"] for row in crm.values(f"contacts?$filter={text}")] == expected


def test_in_finds_the_rows_of_a_list(crm: Crm) -> None:
    ids = accounts(crm, 5)
    text = "Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)"
    rows = crm.values(
        f'accounts?$filter={text}&@p1=\'accountid\'&@p2=["{ids[1]}","{ids[3]}"]&$select=name&$orderby=name'
    )
    assert [row["accountid"] for row in rows] == [ids[1], ids[3]]


def test_in_and_not_in_take_a_list_in_double_quotes(crm: Crm) -> None:
    accounts(crm, 4)
    crm.new("accounts", name='Say "hi"')

    def names(text: str) -> list[object]:
        return [
            row["name"]
            for row in crm.values(f"accounts?$filter=Microsoft.Dynamics.CRM.{text}&$select=name&$orderby=name")
        ]

    assert names('In(PropertyName=\'name\',PropertyValues=["Account 001","Account 003"])') == [
        "Account 001",
        "Account 003",
    ]
    assert names('NotIn(PropertyName=\'name\',PropertyValues=["Account 001","Account 003"])')[:2] == [
        "Account 000",
        "Account 002",
    ]
    assert names(r"""In(PropertyName='name',PropertyValues=["Say \"hi\""])""") == ['Say "hi"']
    assert names("In(PropertyName='statecode',PropertyValues=[\"1\"])") == []
    assert refusal(crm.get('accounts?$filter=name eq "A"')) == (400, "0x80060888")


def test_one_row_is_read_by_id_or_by_named_key(crm: Crm) -> None:
    id = crm.new("accounts", name="Acme")
    assert crm.get(f"accounts({id.upper()})?$select=name").json()["name"] == "Acme"
    assert crm.get(f"accounts(accountid={id})").json()["accountid"] == id
    assert crm.get(f"accounts({id})/name").json()["value"] == "Acme"
    assert crm.get(f"accounts({id})/telephone1").status_code == 204
    assert crm.get(f"systemusers({crm.state.user_id})").json()["isintegrationuser"] is True


def test_wrong_keys_and_missing_rows_are_told_apart(crm: Crm) -> None:
    answer = crm.get("accounts(accountnumber='A')")
    assert refusal(answer) == (400, "0x80060888")
    assert "not valid for resource 'Microsoft.Dynamics.CRM.account'" in answer.json()["error"]["message"]
    assert refusal(crm.get(f"systemusers(systemuserid={crm.state.user_id})")) == (400, "0x80060888")
    gone = new_id()
    answer = crm.get(f"accounts({gone})")
    assert refusal(answer) == (404, "0x80040217")
    assert answer.json()["error"]["message"] == f"account With Id = {gone} Does Not Exist"
    answer = crm.get("colours")
    assert refusal(answer) == (404, "0x80060888")
    assert answer.json()["error"]["message"] == "Resource not found for the segment 'colours'."


def test_an_unchanged_row_is_not_sent_again(crm: Crm) -> None:
    id = crm.new("accounts", name="Acme")
    etag = crm.row("accounts", id)["@odata.etag"]
    assert crm.get(f"accounts({id})", If_None_Match=etag).status_code == 304
    assert crm.get(f"accounts({id})", If_None_Match="null").status_code == 200
    assert crm.get(f"accounts({id})", If_None_Match=etag, Prefer='odata.include-annotations="*"').status_code == 200
    crm.patch(f"accounts({id})", {"name": "Acme 2"})
    assert crm.get(f"accounts({id})", If_None_Match=etag).status_code == 200


def test_count_is_plain_text(crm: Crm) -> None:
    accounts(crm, 3)
    answer = crm.get("accounts/$count?$filter=name%20ne%20'Account%20000'")
    assert (answer.text, answer.headers["Content-Type"].split(";")[0]) == ("2", "text/plain")


@pytest.mark.parametrize("url", ["WhoAmI", "WhoAmI()"])
def test_who_am_i_names_the_integration_user_and_the_parallelism_hint(crm: Crm, url: str) -> None:
    answer = crm.get(url)
    assert answer.json()["UserId"] == crm.state.user_id
    assert {"BusinessUnitId", "OrganizationId"} < set(answer.json())
    assert answer.headers["x-ms-dop-hint"] == "4"
    assert crm.get("RetrieveVersion").json()["Version"].startswith("9.2.")


def test_the_organization_names_its_base_currency(crm: Crm) -> None:
    (row,) = crm.values("organizations?$select=_basecurrencyid_value,currencydecimalprecision,pricingdecimalprecision")
    assert row["pricingdecimalprecision"] == 2
    currency = crm.row("transactioncurrencies", row["_basecurrencyid_value"])
    assert (currency["isocurrencycode"], currency["exchangerate"]) == ("USD", 1)


def test_definitions_tell_sets_keys_and_lengths(crm: Crm) -> None:
    rows = crm.values("EntityDefinitions?$select=LogicalName,EntitySetName&$filter=LogicalName%20eq%20'uom'")
    assert [(row["LogicalName"], row["EntitySetName"]) for row in rows] == [("uom", "uoms")]
    url = "EntityDefinitions(LogicalName='account')?$expand=Attributes($select=LogicalName,AttributeType)"
    body = crm.get(url).json()
    assert (body["PrimaryIdAttribute"], body["PrimaryNameAttribute"]) == ("accountid", "name")
    types = {one["LogicalName"]: one["AttributeType"] for one in body["Attributes"]}
    assert (types["name"], types["primarycontactid"], types["createdon"]) == ("String", "Lookup", "DateTime")
    texts = "EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata"
    lengths = {one["LogicalName"]: one["MaxLength"] for one in crm.values(f"{texts}?$select=LogicalName,MaxLength")}
    assert lengths["name"] == 160
    assert crm.get("EntityDefinitions(LogicalName='colour')").status_code == 404


def test_choices_tell_their_options_with_labels(crm: Crm) -> None:
    address = "EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
    asked = "?$select=LogicalName&$filter=LogicalName%20eq%20'paymenttermscode'&$expand=OptionSet($select=Options)"
    (one,) = crm.values(address + asked)
    labels = {one["Value"]: one["Label"]["UserLocalizedLabel"]["Label"] for one in one["OptionSet"]["Options"]}
    assert labels == {1: "Net 30", 2: "2% 10, Net 30", 3: "Net 45", 4: "Net 60"}
    assert "OptionSet" not in crm.values(address)[0], "options come when they are asked for"
    assert crm.get(f"{address}?$expand=Entity").status_code == 400


def test_metadata_is_an_edmx_document_with_lengths_keys_and_navigation(crm: Crm) -> None:
    answer = crm.get("$metadata")
    assert answer.headers["Content-Type"].startswith("application/xml")
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    types = {one.get("Name"): one for one in ET.fromstring(answer.text).iter(f"{edm}EntityType")}
    contact = types["contact"]
    assert [one.get("Name") for one in contact.iter(f"{edm}PropertyRef")] == ["contactid"]
    assert {one.get("Name"): one.get("MaxLength") for one in contact.iter(f"{edm}Property")}["lastname"] == "50"
    navigations = {one.get("Name"): one.get("Type") for one in contact.iter(f"{edm}NavigationProperty")}
    assert navigations["parentcustomerid_account"] == "Microsoft.Dynamics.CRM.account"


def test_message_filters_say_which_tables_have_bulk_messages(crm: Crm) -> None:
    text = "sdkmessageid/name%20eq%20@m%20and%20primaryobjecttypecode%20eq%20@t"

    def has(message: str, table: str) -> bool:
        query = f"$select=sdkmessagefilterid&$filter={text}&@m='{message}'&@t='{table}'"
        return bool(crm.values(f"sdkmessagefilters?{query}"))

    assert all(has("CreateMultiple", table) for table in ("account", "contact", "product", "productpricelevel"))
    assert has("UpsertMultiple", "pricelevel")
    assert not any(has("CreateMultiple", table) for table in ("transactioncurrency", "uom", "uomschedule"))


def test_a_stranger_is_refused_with_the_products_error_body(crm: Crm) -> None:
    for authorization in ("", "Bearer wrong", "Basic YTpi"):
        answer = crm.get("WhoAmI", Authorization=authorization)
        assert refusal(answer) == (401, "0x80040204")
    with httpx.Client(base_url=crm.http.base_url) as stranger:
        assert stranger.get("accounts").status_code == 401


def test_a_foreign_host_header_is_refused(crm: Crm) -> None:
    assert crm.get("WhoAmI", Host="crm.example.com").status_code == 400
    assert crm.get("WhoAmI", Host="localhost:1").status_code == 200


def test_every_answer_has_a_request_id_and_a_url_has_a_limit(crm: Crm) -> None:
    answer = crm.get("accounts")
    assert answer.headers["REQ_ID"] != crm.get("colours").headers["REQ_ID"]
    assert answer.headers["OData-Version"] == "4.0"
    assert crm.get(f"accounts?$filter=name%20eq%20'{'a' * 33_000}'").status_code == 414


@pytest.mark.parametrize("text", ["(" * 5000, f"creditlimit gt {'9' * 5000}", "creditlimit gt 1e99999999", "name eq '"])
def test_a_filter_that_is_out_of_all_proportion_is_answered_all_the_same(crm: Crm, text: str) -> None:
    assert crm.get(f"accounts?$filter={text.replace(' ', '%20')}").status_code in (200, 400)


def test_a_body_that_is_out_of_all_proportion_is_refused(crm: Crm) -> None:
    body = b'{"name":' + b"[" * 50_000
    answer = crm.http.post("accounts", content=body, headers={"Content-Type": "application/json"})
    assert refusal(answer) == (400, "0x80048d19")


def test_a_chain_of_many_keys_fits_into_a_url(crm: Crm) -> None:
    ids = [crm.new("accounts", name=str(number)) for number in range(3)]
    chain = "%20or%20".join(f"accountid%20eq%20{id}" for id in [*ids, *(new_id() for _ in range(297))])
    assert {row["accountid"] for row in crm.values(f"accounts?$filter={chain}&$select=accountid")} == set(ids)


def test_a_page_size_that_is_no_number_is_ignored(crm: Crm) -> None:
    crm.new("accounts", name="A")
    answer = crm.http.get("accounts", headers={b"Prefer": "odata.maxpagesize=²".encode()})
    assert len(answer.json()["value"]) == 1


def test_a_plus_in_a_query_is_a_space(crm: Crm) -> None:
    id = crm.new("accounts", name="Adventure Works")
    rows = crm.values("accounts?$filter=name+eq+'Adventure+Works'&$orderby=name+asc&$select=name")
    assert [row["accountid"] for row in rows] == [id]
    crm.new("accounts", name="A+B")
    assert [row["name"] for row in crm.values("accounts?$filter=name eq 'A%2BB'")] == ["A+B"]


def test_annotations_tell_whether_a_count_is_the_whole_truth(crm: Crm) -> None:
    name = "@Microsoft.Dynamics.CRM.totalrecordcount"
    crm.new("accounts", name="A")
    body = crm.get("accounts?$count=true", Prefer='odata.include-annotations="*"').json()
    assert (body[name], body[f"{name}limitexceeded"]) == (1, False)
    accounts(crm, 5000)
    body = crm.get("accounts?$count=true&$top=1", Prefer='odata.include-annotations="*"').json()
    assert (body[name], body[f"{name}limitexceeded"]) == (5000, True)
    assert name not in crm.get("accounts?$count=true&$top=1").json()


def test_a_refusal_has_annotations_when_all_are_preferred(crm: Crm) -> None:
    error = crm.get(f"accounts({new_id()})", Prefer='odata.include-annotations="*"').json()["error"]
    assert error["@Microsoft.PowerApps.CDS.InnerError.Message"] == error["message"]
    assert set(crm.get(f"accounts({new_id()})").json()["error"]) == {"code", "message"}
