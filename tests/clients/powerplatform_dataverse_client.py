"""Microsoft's own client for Dataverse. It offers no functions, no numbers of rows, no change tracking and no versions of its own."""

import os
import time
from typing import Any

from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from tests.clients.report import feature, report

_FORMATTED = "OData.Community.Display.V1.FormattedValue"


class _Credential:
    """Hands out the token of the sandbox."""

    def get_token(self, *_scopes: str, **_more: Any) -> AccessToken:
        return AccessToken(os.environ["TOKEN"], int(time.time()) + 3600)


client = DataverseClient(os.environ["CRM_URL"].removesuffix("/api/data/v9.2"), _Credential())
records, tables = client.records, client.tables


def new(**values: Any) -> str:
    id: str = records.create("account", {"name": "Adventure Works", **values})
    return id


def refusal(call: Any, *arguments: Any) -> tuple[int, str]:
    """Status and code of a call that must be refused."""
    try:
        call(*arguments)
    except HttpError as error:
        return error.status_code, error.details["service_error_code"]
    raise AssertionError("it was not refused")


def names(ids: list[str]) -> list[str]:
    return [records.retrieve("account", id, select=["name"])["name"] for id in ids]


@feature("create")
def create() -> None:
    assert len(new()) == 36


@feature("read")
def read() -> None:
    row = records.retrieve("account", new(telephone1="555"), select=["name", "telephone1"])
    assert (row["name"], row["telephone1"]) == ("Adventure Works", "555")
    found = records.list("account", filter="name eq 'Adventure Works' and telephone1 eq '555'", select=["name"])
    assert len(found) == 1
    for number in range(3):
        new(fax=str(number))
    query = client.query.builder("account").select("fax").where(col("fax").in_(["0", "2"]) & (col("statecode") == 0))
    assert [row["fax"] for row in query.order_by("fax").execute()] == ["0", "2"]


@feature("update")
def update() -> None:
    id = new()
    records.update("account", id, {"name": "Adventure Works Cycles"})
    assert names([id]) == ["Adventure Works Cycles"]


@feature("delete")
def delete() -> None:
    one, *more = [new() for _ in range(3)]
    records.delete("account", one)
    assert records.retrieve("account", one, select=["name"]) is None
    assert records.delete("account", more), "the job of a bulk deletion"
    assert [records.retrieve("account", id, select=["name"]) for id in more] == [None, None]


@feature("alternate keys")
def alternate_keys() -> None:
    made = tables.create_alternate_key("account", "account_number", ["accountnumber"])
    (key,) = tables.get_alternate_keys("account")
    assert (key.metadata_id, key.key_attributes, key.status) == (made.metadata_id, ["accountnumber"], "Active")
    id = new(accountnumber="A/1 'x'")
    assert records.retrieve("account", "accountnumber='A/1 ''x'''", select=["name"])["accountid"] == id
    tables.create_alternate_key("contact", "contact_name", ["firstname", "lastname"])
    records.upsert("contact", [UpsertItem({"firstname": "Ada", "lastname": "Byron"}, {"jobtitle": "Analyst"})])
    (row,) = records.list("contact", filter="lastname eq 'Byron'", select=["firstname", "jobtitle"])
    assert (row["firstname"], row["jobtitle"]) == ("Ada", "Analyst")
    tables.delete_alternate_key("contact", tables.get_alternate_keys("contact")[0].metadata_id)
    assert tables.get_alternate_keys("contact") == []


@feature("upsert")
def upsert() -> None:
    for name in ("Made", "Changed"):
        records.upsert("account", [UpsertItem({"accountnumber": "U1"}, {"name": name})])
        (row,) = records.list("account", filter="accountnumber eq 'U1'", select=["name"])
        assert row["name"] == name


@feature("CreateMultiple")
def create_multiple() -> None:
    ids = records.create("account", [{"name": f"Many {number}"} for number in range(3)])
    assert names(ids) == ["Many 0", "Many 1", "Many 2"]


@feature("UpdateMultiple")
def update_multiple() -> None:
    ids = [new(), new()]
    records.update("account", ids, {"name": "Same"})
    assert names(ids) == ["Same", "Same"]
    records.update("account", ids, [{"name": "One"}, {"name": "Two"}])
    assert names(ids) == ["One", "Two"]


@feature("UpsertMultiple")
def upsert_multiple() -> None:
    new(accountnumber="M1", name="Old")
    records.upsert("account", [UpsertItem({"accountnumber": number}, {"name": "New"}) for number in ("M1", "M2")])
    found = records.list("account", filter="startswith(accountnumber,'M')", select=["accountnumber", "name"])
    assert sorted((row["accountnumber"], row["name"]) for row in found) == [("M1", "New"), ("M2", "New")]


@feature("$batch")
def batch() -> None:
    id = new()
    request = client.batch.new()
    request.records.update("account", id, {"name": "By batch"})
    request.records.retrieve("account", id, select=["name"])
    request.records.list("account", filter="name eq 'By batch'", select=["name"])
    request.records.retrieve("account", "00000000-0000-0000-0000-000000000001")
    result = request.execute(continue_on_error=True)
    assert [one.status_code for one in result.responses] == [204, 200, 200, 404]
    assert result.responses[1].data["name"] == "By batch"
    assert len(result.responses[2].data["value"]) == 1
    assert result.failed[0].error_code == "0x80040217"


@feature("change sets")
def change_sets() -> None:
    request = client.batch.new()
    with request.changeset() as changes:
        account = changes.records.create("account", {"name": "In a set"})
        changes.records.create("contact", {"lastname": "Of it", "parentcustomerid_account@odata.bind": account})
        changes.records.update("account", account, {"telephone1": "1"})
    result = request.execute()
    assert not result.has_errors, result.failed
    row = records.retrieve("contact", result.entity_ids[1], expand=["parentcustomerid_account"])
    assert row["parentcustomerid_account"]["telephone1"] == "1"
    request = client.batch.new()
    with request.changeset() as changes:
        changes.records.create("account", {"name": "Undone"})
        changes.records.create("account", {"name": "x" * 161})
    assert request.execute().failed[0].error_code == "0x80044331"
    assert len(records.list("account", filter="name eq 'Undone'", select=["name"])) == 0


@feature("paging")
def paging() -> None:
    made = records.create("contact", [{"lastname": f"Of a page {number:02}"} for number in range(25)])
    asked = {"select": ["lastname"], "filter": "startswith(lastname,'Of a page')", "orderby": ["lastname asc"]}
    pages = [[row["contactid"] for row in page] for page in records.list_pages("contact", page_size=10, **asked)]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [id for page in pages for id in page] == made


@feature("lookups")
def lookups() -> None:
    contact, id = records.create("contact", {"lastname": "Bound"}), new()
    records.update("contact", contact, client.query.odata_bind("contact", "account", id))
    assert records.retrieve("contact", contact)["_parentcustomerid_value"] == id
    records.update("contact", contact, {"parentcustomerid_account@odata.bind": None})
    assert records.retrieve("contact", contact)["_parentcustomerid_value"] is None


@feature("$expand")
def expand() -> None:
    contact = records.create("contact", {"lastname": "First"})
    id = new(**{"primarycontactid@odata.bind": f"/contacts({contact})"})
    row = records.retrieve("account", id, select=["name"], expand=["primarycontactid($select=fullname)"])
    assert row["primarycontactid"]["fullname"] == "First"
    records.update("contact", contact, {"parentcustomerid_account@odata.bind": f"/accounts({id})"})
    row = records.retrieve("account", id, select=["name"], expand=["contact_customer_accounts($select=lastname)"])
    assert [one["lastname"] for one in row["contact_customer_accounts"]] == ["First"]


@feature("option sets")
def option_sets() -> None:
    id = new(paymenttermscode="2% 10, Net 30")
    assert records.retrieve("account", id, select=["paymenttermscode"])["paymenttermscode"] == 2


@feature("formatted values")
def formatted_values() -> None:
    row = records.retrieve(
        "account", new(creditlimit=1234.5), select=["creditlimit", "statecode"], include_annotations="*"
    )
    assert row[f"creditlimit@{_FORMATTED}"] == "1,234.50"
    assert row[f"statecode@{_FORMATTED}"] == "Active"


@feature("etag preconditions")
def preconditions() -> str:
    gone = "00000000-0000-0000-0000-000000000001"
    assert refusal(records.update, "account", gone, {"name": "x"}) == (404, "0x80040217")
    assert records.retrieve("account", gone, select=["name"]) is None, "without If-Match it would have been made"
    return "If-Match: * on each update"


@feature("error bodies and codes")
def errors() -> None:
    new(accountnumber="E1")
    assert refusal(records.create, "account", {"accountnumber": "E1"}) == (412, "0x80060892")
    assert refusal(records.create, "account", {"colour": 1}) == (400, "0x80048d19")
    assert refusal(records.create, "account", {"name": "x" * 161}) == (400, "0x80044331")
    assert refusal(records.delete, "account", "00000000-0000-0000-0000-000000000001") == (404, "0x80040217")


@feature("metadata")
def metadata() -> None:
    table = tables.get("account")
    assert (table.entity_set_name, table.primary_id_attribute) == ("accounts", "accountid")
    assert "contact" in {one["LogicalName"] for one in tables.list(select=["LogicalName"])}
    columns = {one["LogicalName"]: one for one in tables.list_columns("account")}
    assert columns["name"]["MaxLength"] == 160
    typed = tables.get_column("account", "creditlimit", typed=True)
    assert (typed["AttributeType"], typed["Precision"], typed["MinValue"]) == ("Money", 2, 0)
    assert len(tables.list_columns("account", typed=True)) == len(columns)
    found = {(one["nav_property"], one["target_table"]) for one in client.query.odata_expands("contact")}
    assert ("parentcustomerid_account", "account") in found, found


if __name__ == "__main__":
    report("powerplatform-dataverse-client", "CRM")
