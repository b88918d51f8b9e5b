"""The metadata of the CRM organization (reference/apis.md sections 1 and 2)."""

import json
from typing import Any
from urllib.parse import quote_plus
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.sandbox.crm_tools import Crm, refusal

ACCOUNT = "EntityDefinitions(LogicalName='account')"
CAST = "Microsoft.Dynamics.CRM.{}AttributeMetadata"


def test_tables_are_found_by_what_their_definitions_say(crm: Crm) -> None:
    url = "EntityDefinitions?$filter=IsPrivate eq false and (SchemaName eq 'Account')&$select=LogicalName&$count=true"
    body = crm.get(url).json()
    assert body["@odata.count"] == 1
    (row,) = body["value"]
    assert set(row) == {"MetadataId", "LogicalName"}, "the id comes unasked"
    assert crm.get(f"EntityDefinitions({row['MetadataId']})").json()["EntitySetName"] == "accounts"
    tracking = crm.get(f"{ACCOUNT}?$select=CanChangeTrackingBeEnabled,ChangeTrackingEnabled").json()
    assert tracking["CanChangeTrackingBeEnabled"]["Value"] is True
    assert tracking["ChangeTrackingEnabled"] is True


def test_attributes_have_the_fields_of_their_types(crm: Crm) -> None:
    whole = {one["LogicalName"]: one for one in crm.values(f"{ACCOUNT}/Attributes")}
    assert whole["name"]["@odata.type"] == "#" + CAST.format("String")
    assert (whole["name"]["MaxLength"], whole["name"]["IsPrimaryName"]) == (160, True)
    assert (whole["creditlimit"]["MinValue"], whole["creditlimit"]["Precision"]) == (0, 2)
    assert whole["primarycontactid"]["Targets"] == ["contact"]
    assert whole["createdon"]["DateTimeBehavior"] == {"Value": "UserLocal"}
    assert whole["createdon"]["IsValidForUpdate"] is False
    assert whole["accountid"]["RequiredLevel"]["Value"] == "SystemRequired"


def test_a_derived_type_is_asked_for_by_a_cast(crm: Crm) -> None:
    rows = crm.values(f"{ACCOUNT}/Attributes/{CAST.format('DateTime')}?$select=LogicalName,DateTimeBehavior")
    assert {row["LogicalName"] for row in rows} >= {"createdon", "modifiedon"}
    assert {row["DateTimeBehavior"]["Value"] for row in rows} == {"UserLocal"}
    name = f"{ACCOUNT}/Attributes(LogicalName='name')"
    assert crm.get(f"{name}/{CAST.format('String')}?$select=MaxLength").json()["MaxLength"] == 160
    assert refusal(crm.get(f"{name}/{CAST.format('Money')}")) == (404, "0x80060888")
    answer = crm.get(f"{ACCOUNT}/Attributes?$select=MaxLength")
    assert refusal(answer) == (400, "0x80060888"), "the base type has no length"
    assert answer.json()["error"]["message"].endswith("on type 'Microsoft.Dynamics.CRM.AttributeMetadata'.")


@pytest.mark.parametrize(
    ("kind", "column", "labels"),
    [("State", "statecode", ["Active", "Inactive"]), ("Status", "statuscode", ["Active", "Inactive"]),
     ("Picklist", "accountcategorycode", ["Preferred Customer", "Standard"])],
)  # fmt: skip
def test_choices_of_each_kind_have_options(crm: Crm, kind: str, column: str, labels: list[str]) -> None:
    url = f"{ACCOUNT}/Attributes(LogicalName='{column}')/{CAST.format(kind)}"
    options = crm.get(f"{url}?$select=LogicalName&$expand=OptionSet($select=Options)").json()["OptionSet"]["Options"]
    assert [one["Label"]["UserLocalizedLabel"]["Label"] for one in options] == labels
    assert crm.get(f"{url}/OptionSet").json()["Options"] == options
    assert crm.get(f"{url}/GlobalOptionSet").status_code == 204


def test_yes_and_no_have_names_of_their_own(crm: Crm) -> None:
    url = f"{ACCOUNT}/Attributes(LogicalName='creditonhold')/{CAST.format('Boolean')}/OptionSet"
    found = crm.get(url).json()
    assert [found[one]["Label"]["UserLocalizedLabel"]["Label"] for one in ("TrueOption", "FalseOption")] == [
        "Yes",
        "No",
    ]


def test_shared_option_sets_are_listed_and_read_by_name_or_id(crm: Crm) -> None:
    rows = crm.values("GlobalOptionSetDefinitions?$select=Name")
    (one,) = [row for row in rows if row["Name"] == "budgetstatus"]
    for key in ("Name='budgetstatus'", one["MetadataId"]):
        found = crm.get(f"GlobalOptionSetDefinitions({key})").json()
        assert [(option["Value"], option["Label"]["UserLocalizedLabel"]["Label"]) for option in found["Options"]][
            :2
        ] == [
            (0, "No Committed Budget"),
            (1, "May Buy"),
        ]
    assert crm.get("GlobalOptionSetDefinitions(Name='colours')").status_code == 404


def test_relationships_name_both_navigation_properties(crm: Crm) -> None:
    (row,) = crm.values("RelationshipDefinitions?$filter=SchemaName eq 'contact_customer_accounts'")
    assert (row["ReferencedEntity"], row["ReferencingEntity"]) == ("account", "contact")
    assert row["ReferencingEntityNavigationPropertyName"] == "parentcustomerid_account"
    away = {one["SchemaName"] for one in crm.values(f"{ACCOUNT}/ManyToOneRelationships")}
    here = {one["SchemaName"] for one in crm.values(f"{ACCOUNT}/OneToManyRelationships")}
    assert "account_primary_contact" in away - here
    assert "contact_customer_accounts" in here - away
    assert "account_parent_account" in away & here
    assert crm.values(f"{ACCOUNT}/ManyToManyRelationships") == []


def test_the_document_has_the_navigation_to_rows_that_name_a_row(crm: Crm) -> None:
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    types = {one.get("Name"): one for one in ET.fromstring(crm.get("$metadata").text).iter(f"{edm}EntityType")}
    found = {one.get("Name"): one for one in types["account"].iter(f"{edm}NavigationProperty")}
    assert found["contact_customer_accounts"].get("Type") == "Collection(Microsoft.Dynamics.CRM.contact)"
    assert found["contact_customer_accounts"].get("Partner") == "parentcustomerid_account"


@pytest.mark.parametrize(
    ("path", "status"),
    [("EntityDefinitions(LogicalName='colour')", 404), ("EntityDefinitions(Colour='account')", 400),
     ("EntityDefinitions/Attributes", 404), (f"{ACCOUNT}/Colours", 404), (f"{ACCOUNT}/Attributes(LogicalName='x')", 404),
     (f"{ACCOUNT}/Attributes/name", 404), (f"{ACCOUNT}?$expand=Colours", 400), (f"{ACCOUNT}?$filter=IsPrivate eq false", 400),
     ("EntityDefinitions?$filter=DisplayName ne null", 400), ("EntityDefinitions(((", 404),
     ("RelationshipDefinitions?$orderby=SchemaName", 400)],
)  # fmt: skip
def test_a_path_that_leads_nowhere_is_refused(crm: Crm, path: str, status: int) -> None:
    assert refusal(crm.get(path)) == (status, "0x80060888")


def test_the_metadata_cannot_be_written_but_for_keys(crm: Crm) -> None:
    assert refusal(crm.post("EntityDefinitions", {})) == (405, "0x80060888")
    assert refusal(crm.patch(ACCOUNT, {})) == (405, "0x80060888")
    key = {"SchemaName": "by_number", "KeyAttributes": ["accountnumber"]}
    for nowhere in ("EntityDefinitions", "RelationshipDefinitions(SchemaName='contact_customer_accounts')"):
        assert refusal(crm.post(f"{nowhere}/Keys", key)) == (404, "0x80060888"), nowhere


def changes(crm: Crm, query: Any) -> httpx.Response:
    return crm.get(f"RetrieveMetadataChanges(Query=@p1)?@p1={quote_plus(json.dumps(query))}")


def condition(name: str, value: str, operator: str = "Equals") -> dict[str, Any]:
    one = {"PropertyName": name, "ConditionOperator": operator, "Value": {"Type": "System.String", "Value": value}}
    return {"Conditions": [one]}


def test_typed_attributes_of_a_table_come_in_one_answer(crm: Crm) -> None:
    names = ["LogicalName", "MaxLength", "Precision"]
    query = {
        "Properties": {"PropertyNames": ["LogicalName", "Attributes"]},
        "Criteria": condition("LogicalName", "account"),
        "AttributeQuery": {
            "Properties": {"PropertyNames": names},
            "Criteria": condition("AttributeType", "Memo", "NotEquals"),
        },
    }
    (table,) = changes(crm, query).json()["EntityMetadata"]
    assert table["LogicalName"] == "account"
    found = {one["LogicalName"]: one for one in table["Attributes"]}
    assert (found["name"]["MaxLength"], found["creditlimit"]["Precision"]) == (160, 2)
    assert "MaxLength" not in found["creditlimit"], "its type has none"
    assert "description" not in found
    whole = changes(crm, {"Properties": {"AllProperties": True}, "Criteria": condition("LogicalName", "uom")}).json()
    assert [one["EntitySetName"] for one in whole["EntityMetadata"]] == ["uoms"]


@pytest.mark.parametrize("query", [1, {"Criteria": 1}, {"Criteria": condition("LogicalName", "x", "GreaterThan")}])
def test_a_query_for_metadata_that_is_not_understood_is_refused(crm: Crm, query: Any) -> None:
    assert refusal(changes(crm, query)) == (400, "0x80048d19")
    assert refusal(crm.get("RetrieveMetadataChanges(Query=@p1)")) == (400, "0x80048d19")
    assert refusal(crm.get("RetrieveMetadataChanges()")) == (404, "0x80060888")
