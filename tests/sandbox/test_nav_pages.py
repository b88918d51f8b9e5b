"""A NAV company answers as page services do: reads, writes with ETags, business logic."""

import base64
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from tests.sandbox.nav_tools import COMPANY, Nav, refusal

# Who may ask, and for what


@pytest.mark.parametrize(
    "authorization", ["", "Bearer wrong", "Basic !", "Basic " + base64.b64encode(b"sandbox:wrong").decode()]
)
async def test_a_caller_without_the_token_is_refused(nav: Nav, authorization: str) -> None:
    answer = await nav.send("GET", "Customer", Authorization=authorization)
    assert refusal(answer) == (401, "Authentication_InvalidCredentials")


async def test_basic_authentication_takes_the_token_as_password(nav: Nav) -> None:
    pair = base64.b64encode(f"sandbox:{nav.sandbox.token}".encode()).decode()
    assert (await nav.send("GET", "Customer", Authorization=f"Basic {pair}")).status_code == 200


async def test_a_foreign_host_header_is_refused(nav: Nav) -> None:
    assert (await nav.send("GET", "Customer", Host="evil.example")).status_code == 400


async def test_companies_are_listed_and_reached_by_name_or_id(nav: Nav) -> None:
    answer = await nav.client.get(f"{nav.sandbox.nav_url}/Company")
    company = answer.json()["value"][0]
    assert company["Name"] == "CRONUS International Ltd."
    for path in ("Company(%27CRONUS%20International%20Ltd.%27)", f"Company(Id={company['Id']})"):
        answer = await nav.client.get(f"{nav.sandbox.nav_url}/{path}/General_Ledger_Setup")
        assert answer.json()["value"][0]["LCY_Code"] == "EUR"


async def test_an_unknown_company_instance_or_page_is_not_found(nav: Nav) -> None:
    url = nav.sandbox.nav_url
    assert refusal(await nav.client.get(f"{url}/Company('cronus')/Customer")) == (404, "Internal_CompanyNotFound")
    assert refusal(await nav.client.get(f"{url.replace('/BC/', '/NAV/')}/Company")) == (404, "BadRequest_NotFound")
    assert refusal(await nav.send("GET", "Vendors")) == (404, "BadRequest_ResourceNotFound")
    assert refusal(await nav.send("PUT", "Customer('00001')", {})) == (405, "BadRequest_MethodNotAllowed")


async def test_metadata_tells_types_keys_lengths_and_what_is_computed(nav: Nav) -> None:
    answer = await nav.client.get(f"{nav.sandbox.nav_url}/$metadata")
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    types = {found.get("Name"): found for found in ET.fromstring(answer.content).iter(f"{edm}EntityType")}
    customer = {found.get("Name"): found for found in types["Customer"].iter(f"{edm}Property")}
    assert [key.get("Name") for key in types["Currency"].iter(f"{edm}PropertyRef")] == ["Code"]
    assert (customer["Name"].get("MaxLength"), customer["City"].get("MaxLength")) == ("100", "30")
    assert customer["SystemModifiedAt"].get("Type") == "Edm.DateTimeOffset"
    assert customer["SystemModifiedAt"].find(f"{edm}Annotation") is not None
    assert customer["Name"].find(f"{edm}Annotation") is None


# Reading


async def test_a_list_is_filtered_ordered_counted_and_projected(nav: Nav) -> None:
    query = quote(
        "$filter=Blocked eq ' ' and No gt '00002'&$orderby=No desc&$top=2&$count=true&$select=No,Name", safe="=&$,"
    )
    answer = (await nav.send("GET", f"Customer?{query}")).json()
    assert answer["@odata.count"] == 4
    assert [(row["No"], row["Name"]) for row in answer["value"]] == [("00007", "Firm 7"), ("00006", "Firm 6")]
    assert set(answer["value"][0]) == {"@odata.etag", "No", "Name"}
    assert "@odata.nextLink" not in answer


async def test_the_next_link_goes_on_where_a_page_ended_until_top_is_reached(nav: Nav) -> None:
    answer = await nav.send("GET", "Customer?$top=5&$select=No", Prefer="odata.maxpagesize=2")
    assert answer.headers["Preference-Applied"] == "odata.maxpagesize=2"
    pages = [answer.json()]
    while link := pages[-1].get("@odata.nextLink"):
        pages.append((await nav.client.get(link, headers={"Prefer": "odata.maxpagesize=2"})).json())
    assert [[row["No"] for row in page["value"]] for page in pages] == [
        ["00001", "00002"],
        ["00003", "00004"],
        ["00005"],
    ]


async def test_skip_leaves_out_the_first_ones_and_the_link_goes_on_behind(nav: Nav) -> None:
    answer = await nav.send("GET", "Customer?$skip=2&$top=4&$select=No", Prefer="odata.maxpagesize=3")
    assert [row["No"] for row in answer.json()["value"]] == ["00003", "00004", "00005"]
    rest = (await nav.client.get(answer.json()["@odata.nextLink"])).json()
    assert [row["No"] for row in rest["value"]] == ["00006"]
    assert "@odata.nextLink" not in rest
    assert await nav.rows("Customer?$skip=7") == []


async def test_a_plus_is_a_space(nav: Nav) -> None:
    assert [row["No"] for row in await nav.rows("Customer?$filter=Name+eq+'Firm+2'")] == ["00002"]


async def test_or_across_fields_is_refused_and_an_or_chain_on_one_field_is_not(nav: Nav) -> None:
    mixed = await nav.send("GET", "Customer?$filter=No%20eq%20'1'%20or%20Name%20eq%20'x'")
    assert mixed.status_code == 400
    assert "'OR' operator is not supported on distinct fields" in mixed.json()["error"]["message"]
    rows = await nav.rows("Customer?$filter=No%20eq%20'00006'%20or%20No%20eq%20'00002'&$select=No")
    assert [row["No"] for row in rows] == ["00002", "00006"]


async def test_a_record_is_read_by_its_number_and_by_its_system_id(nav: Nav) -> None:
    by_no = (await nav.send("GET", "Customer('00002')")).json()
    by_id = (await nav.send("GET", f"Customer({by_no['SystemId']})")).json()
    assert by_no == by_id
    assert by_no["SystemModifiedAt"][-5] == "."
    assert refusal(await nav.send("GET", "Customer('none')")) == (404, "Internal_RecordNotFound")


async def test_count_is_plain_text(nav: Nav) -> None:
    assert (await nav.send("GET", "Customer/$count")).text == "7"
    assert (await nav.send("GET", "Customer/$count?$filter=Blocked%20eq%20'All'")).text == "1"


async def test_decimals_are_numbers_and_blanks_are_empty(nav: Nav) -> None:
    answer = await nav.send("GET", "Item('1000')")
    assert '"Unit_Price":12.50' in answer.text
    assert (answer.json()["Base_Unit_of_Measure"], answer.json()["Last_Date_Modified"] > "2020") == ("", True)


async def test_a_skip_token_of_another_query_is_refused(nav: Nav) -> None:
    first = await nav.send("GET", "Customer", Prefer="odata.maxpagesize=2")
    token = first.json()["@odata.nextLink"].rpartition("=")[2]
    for text in (token, "WzFd", "x", "%C3%A4"):
        answer = await nav.send("GET", f"Customer?$orderby=Credit_Limit_LCY&$skiptoken={text}")
        assert refusal(answer) == (400, "BadRequest")


# Creating


async def test_a_record_without_a_number_gets_the_next_of_its_series(nav: Nav) -> None:
    first = await nav.send("POST", "Customer", {"Name": "Newcomer"})
    second = await nav.send("POST", "Customer", {"No": "", "Name": "Next"})
    assert first.status_code == second.status_code == 201
    assert (first.json()["No"], second.json()["No"]) == ("C000001", "C000002")
    assert first.headers["ETag"] == first.json()["@odata.etag"]
    assert (await nav.client.get(first.headers["Location"])).json()["Name"] == "Newcomer"


async def test_a_given_system_id_is_kept_and_not_given_twice(nav: Nav) -> None:
    body = {"SystemId": "11111111-2222-3333-4444-555555555555", "Description": "Pump", "CRM_Id": "x"}
    created = await nav.send("POST", "Item", body)
    assert created.json()["SystemId"] == body["SystemId"]
    assert refusal(await nav.send("POST", "Item", body)) == (400, "Internal_EntityWithSameKeyExists")
    assert refusal(await nav.send("POST", "Item", {"No": "1000"})) == (400, "Internal_EntityWithSameKeyExists")
    assert len(await nav.rows("Item?$filter=CRM_Id%20eq%20'x'")) == 1


async def test_codes_are_trimmed_and_upper_cased(nav: Nav) -> None:
    created = await nav.send("POST", "Unit_of_Measure", {"Code": " box ", "Description": " Box "})
    assert (created.json()["Code"], created.json()["Description"]) == ("BOX", " Box ")


@pytest.mark.parametrize(
    ("page", "body", "code"),
    [
        ("Customer", {"Name": "x" * 101}, "Application_StringExceededLength"),
        ("Customer", {"Currency_Code": "XXX"}, "Internal_InvalidTableRelation"),
        ("Customer", {"Salesperson_Code": "NOBODY"}, "Internal_InvalidTableRelation"),
        ("Customer", {"Primary_Contact_No": "CT9"}, "Internal_InvalidTableRelation"),
        ("Contact", {"Type": "Person", "Company_No": "CT9"}, "Internal_InvalidTableRelation"),
        ("Item", {"Base_Unit_of_Measure": "CRATE"}, "Internal_InvalidTableRelation"),
        ("Customer", {"Blocked": "Maybe"}, "Application_EvaluateException"),
        ("Customer", {"Credit_Limit_LCY": "many"}, "BadRequest"),
        ("Customer", {"Name": 5}, "BadRequest"),
        ("Customer", {"Nmae": "x"}, "BadRequest"),
        ("Item", {"Inventory": 3}, "BadRequest"),
        ("Item", {"Blocked": "true"}, "BadRequest"),
        ("Contact", {"Customer_No": "00001"}, "BadRequest"),
        ("Currency", {"Description": "no code"}, "Application_FieldValidationException"),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_and_nothing_is_written(
    nav: Nav, page: str, body: dict[str, Any], code: str
) -> None:
    before = (await nav.send("GET", f"{page}/$count")).text
    answer = await nav.send("POST", page, body)
    assert refusal(answer) == (400, code)
    assert "  CorrelationId:  " in answer.json()["error"]["message"]
    assert (await nav.send("GET", f"{page}/$count")).text == before
    assert nav.writes() == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b""])
async def test_a_body_that_is_no_json_object_is_refused(nav: Nav, body: bytes) -> None:
    answer = await nav.client.post(f"{nav.sandbox.nav_url}/{COMPANY}/Customer", content=body)
    assert refusal(answer) == (400, "BadRequest")


async def test_a_new_customer_comes_with_its_company_contact(nav: Nav) -> None:
    customer = (await nav.send("POST", "Customer", {"Name": "Café Zoé", "City": "Köln"})).json()
    companies = await nav.rows(f"Contact?$filter=Customer_No%20eq%20'{customer['No']}'")
    assert [(row["Type"], row["Name"], row["City"]) for row in companies] == [("Company", "Café Zoé", "Köln")]
    person = (
        await nav.send("POST", "Contact", {"Type": "Person", "Company_No": companies[0]["No"], "Surname": "Öberg"})
    ).json()
    assert (person["Customer_No"], person["Company_Name"]) == (customer["No"], "Café Zoé")
    assert [(line["n"], line["op"], line["set"]) for line in nav.writes()] == [
        (1, "create", "Customer"),
        (2, "create", "Contact"),
    ]


async def test_the_name_of_a_person_is_composed_of_its_parts_or_split_into_them(nav: Nav) -> None:
    composed = (await nav.send("POST", "Contact", {"Type": "Person", "First_Name": "Ana", "Surname": "O'Brien"})).json()
    assert composed["Name"] == "Ana O'Brien"
    split = (await nav.send("POST", "Contact", {"Type": "Person", "Name": "Ana Maria O'Brien"})).json()
    assert [split[part] for part in ("First_Name", "Middle_Name", "Surname")] == ["Ana", "Maria", "O'Brien"]


async def test_a_person_of_a_company_that_is_no_customer_has_no_customer(nav: Nav) -> None:
    person = (await nav.send("POST", "Contact", {"Type": "Person", "Company_No": "CT2", "Surname": "X"})).json()
    assert (person["Customer_No"], person["Company_Name"]) == ("", "Prospect")
    moved = await nav.send("PATCH", f"Contact('{person['No']}')", {"Company_No": "CT1"}, If_Match="*")
    assert moved.json()["Customer_No"] == "00001"


# Changing


async def test_a_change_needs_the_etag_of_the_record_or_a_star(nav: Nav) -> None:
    old = (await nav.send("GET", "Customer('00001')")).json()
    path, body = "Customer('00001')", {"Name": "Renamed"}
    assert refusal(await nav.send("PATCH", path, body)) == (400, "BadRequest_InvalidToken")
    assert refusal(await nav.send("PATCH", path, body, If_Match="nonsense")) == (400, "BadRequest_InvalidToken")
    changed = await nav.send("PATCH", path, body, If_Match=old["@odata.etag"])
    assert (changed.status_code, changed.json()["Name"], changed.json()["E_Mail"]) == (200, "Renamed", old["E_Mail"])
    assert changed.json()["SystemModifiedAt"] >= old["SystemModifiedAt"]
    assert refusal(await nav.send("PATCH", path, body, If_Match=old["@odata.etag"])) == (409, "Request_EntityChanged")
    assert (await nav.send("PATCH", path, body, If_Match="*")).status_code == 200


async def test_a_change_of_what_is_not_there_creates_nothing(nav: Nav) -> None:
    assert refusal(await nav.send("PATCH", "Customer('X')", {"Name": "x"}, If_Match="*")) == (
        404,
        "Internal_RecordNotFound",
    )
    assert (await nav.send("GET", "Customer/$count")).text == "7"


async def test_the_company_contact_follows_its_customer(nav: Nav) -> None:
    person = (await nav.send("POST", "Contact", {"Type": "Person", "Company_No": "CT1", "Surname": "X"})).json()
    await nav.send("PATCH", "Customer('00001')", {"Name": "Renamed", "City": "Bonn"}, If_Match="*")
    company = (await nav.send("GET", "Contact('CT1')")).json()
    assert [company[name] for name in ("Name", "Company_Name", "City")] == ["Renamed", "Renamed", "Bonn"]
    assert (await nav.send("GET", f"Contact('{person['No']}')")).json()["Company_Name"] == "Renamed"


async def test_a_renamed_record_keeps_its_system_id_and_its_relations(nav: Nav) -> None:
    old = (await nav.send("GET", "Customer('00001')")).json()
    await nav.send("PATCH", "Customer('00001')", {"No": "k1"}, If_Match="*")
    assert (await nav.send("GET", f"Customer({old['SystemId']})")).json()["No"] == "K1"
    assert (await nav.send("GET", "Contact('CT1')")).json()["Customer_No"] == "K1"
    taken = await nav.send("PATCH", "Customer('K1')", {"No": "00002"}, If_Match="*")
    assert refusal(taken) == (400, "Internal_EntityWithSameKeyExists")


async def test_a_delete_checks_the_etag_only_when_one_was_sent(nav: Nav) -> None:
    assert refusal(await nav.send("DELETE", "Customer('00001')", If_Match='W/"old"')) == (409, "Request_EntityChanged")
    assert (await nav.send("DELETE", "Customer('00001')")).status_code == 204
    assert refusal(await nav.send("DELETE", "Customer('00001')")) == (404, "Internal_RecordNotFound")
    assert (await nav.send("GET", "Contact('CT1')")).json()["Customer_No"] == ""
    assert [(line["op"], line["set"]) for line in nav.writes()] == [("delete", "Customer")]
