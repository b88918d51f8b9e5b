"""Create, update and delete with NAV's business logic; each is one transaction, and one line in the audit log.

Reference/apis.md section 3, Writing and Errors.
"""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.audit import Operation
from sandbox.nav.contacts import company_contact, company_of, derived, follow, persons_of
from sandbox.nav.schema import PAGES, PageService
from sandbox.nav.state import ETAG, NavState
from sandbox.nav.values import accept, caption, column_of
from sandbox.odata.edm import Row
from sandbox.odata.errors import ODataError

_TAG = re.compile(r'(W/)?"[^"]*"')


def create(state: NavState, page: PageService, body: Mapping[str, Any]) -> Row:
    """Insert a record; a key left out or blank comes from the No. series. Raises ODataError when NAV refuses."""
    values = _validated(state, page, body)
    with state.journal.transaction():
        row = state.blank(page) | values
        if not row[page.key]:
            row[page.key] = _number(state, page)
        if "SystemId" not in values:
            row["SystemId"] = state.new_id()
        _refuse_duplicates(state, page, row)
        if page.name == "Contact":
            row |= derived(row, values, state.tables["Contact"])
        stored = _insert(state, page, row)
        if page.name == "Customer":
            _insert_company_contact(state, stored)
        _audit(state, "create", page, stored, {page.key: stored[page.key]} | values)
    return state.tables[page.name].rows[stored[page.key]]


def update(state: NavState, page: PageService, key: str, if_match: str | None, body: Mapping[str, Any]) -> Row:
    """Modify a record under its ETag; there is no upsert. Raises ODataError when NAV refuses."""
    if if_match is None or (if_match != "*" and not _TAG.fullmatch(if_match)):
        raise ODataError(
            400,
            "BadRequest_InvalidToken",
            "Could not validate the client concurrency token required by the service. "
            "Please provide a valid token in the client request.",
        )
    old = existing(state, page, key)
    _check_tag(old, if_match)
    values = sent = _validated(state, page, body)
    if values.get("SystemId", old["SystemId"]) != old["SystemId"]:
        raise ODataError(400, "Application_FieldValidationException", "SystemId cannot be changed.")
    with state.journal.transaction():
        new_key = values.get(page.key, key)
        if new_key != key:
            _rename(state, page, key, new_key)
        row = {**state.tables[page.name].rows[new_key], **values}
        if page.name == "Contact":
            values = values | derived(row, values, state.tables["Contact"])
        new = _modify(state, page, new_key, values)
        _cascade(state, page, old, new)
        _audit(state, "update", page, new, sent)
    return state.tables[page.name].rows[new_key]


def delete(state: NavState, page: PageService, key: str, if_match: str | None) -> None:
    """Delete a record; the ETag is checked only when one was sent. Raises ODataError when NAV refuses."""
    old = existing(state, page, key)
    if if_match is not None:
        _check_tag(old, if_match)
    with state.journal.transaction():
        state.tables[page.name].delete(key)
        field = {"Customer": "Customer_No", "Contact": "Primary_Contact_No"}.get(page.name)
        if field is not None:
            other = PAGES["Contact" if page.name == "Customer" else "Customer"]
            for row in state.tables[other.name].find(field, key):
                _modify(state, other, row[other.key], {field: ""})
        _audit(state, "delete", page, old, {})


def existing(state: NavState, page: PageService, key: str) -> Row:
    """The record with a primary key; raises ODataError when there is none."""
    row = state.tables[page.name].rows.get(key)
    if row is None:
        raise ODataError(
            404,
            "Internal_RecordNotFound",
            f"The {page.table} does not exist. Identification fields and values: {caption(page.key)}='{key}'",
        )
    return row


def _validated(state: NavState, page: PageService, body: Mapping[str, Any]) -> Row:
    """The values in body order, each checked as its field is; annotations are left out."""
    values: Row = {}
    for name, value in body.items():
        if name.startswith("@") or "@odata." in name:
            continue
        column = column_of(page, name)
        if column.read_only:
            raise ODataError(400, "BadRequest", f"The property '{name}' is read-only.")
        values[name] = accept(page, name, value)
        if not state.relation_holds(column, values[name]):
            raise ODataError(
                400,
                "Internal_InvalidTableRelation",
                f"The field {caption(name)} of table {page.table} contains a value ({values[name]}) that cannot be "
                f"found in the related table ({PAGES[column.relation].table}).",
            )
    return values


def _number(state: NavState, page: PageService) -> str:
    if page.series is None and page.name != "General_Ledger_Setup":
        raise ODataError(
            400, "Application_FieldValidationException", f"{caption(page.key)} must have a value in {page.table}."
        )
    return state.next_number(page) if page.series is not None else ""


def _refuse_duplicates(state: NavState, page: PageService, row: Row) -> None:
    table = state.tables[page.name]
    for name, taken in ((page.key, row[page.key] in table.rows), ("SystemId", table.find("SystemId", row["SystemId"]))):
        if taken:
            raise ODataError(
                400,
                "Internal_EntityWithSameKeyExists",
                f"The record in table {page.table} already exists. "
                f"Identification fields and values: {caption(name)}='{row[name]}'",
            )


def _insert(state: NavState, page: PageService, row: Row) -> Row:
    stored = {ETAG: "", **row, **state.stamps(page, created=True)}
    state.tables[page.name].insert(stored)
    return stored


def _modify(state: NavState, page: PageService, key: str, changes: Row) -> Row:
    return state.tables[page.name].update(key, {**changes, **state.stamps(page)})


def _insert_company_contact(state: NavState, customer: Row) -> None:
    page = PAGES["Contact"]
    row = state.blank(page) | company_of(customer)
    row |= {"No": state.next_number(page), "SystemId": state.new_id()}
    _insert(state, page, row | derived(row, (), state.tables["Contact"]))


def _cascade(state: NavState, page: PageService, old: Row, new: Row) -> None:
    """Have company contact and persons follow what changed in a customer or a company."""
    contacts, contact_page = state.tables["Contact"], PAGES["Contact"]
    if page.name == "Customer":
        company = company_contact(new["No"], contacts)
        changes = follow(old, new)
        if company is not None and changes:
            row = {**company, **changes}
            _cascade(
                state,
                contact_page,
                company,
                _modify(state, contact_page, row["No"], changes | derived(row, (), contacts)),
            )
    elif page.name == "Contact" and new["Type"] == "Company" and old["Company_Name"] != new["Company_Name"]:
        for person in persons_of(new, contacts):
            _modify(state, contact_page, person["No"], {"Company_Name": new["Name"]})


def _rename(state: NavState, page: PageService, old_key: str, new_key: str) -> None:
    """Change a primary key, and every field that relates to it."""
    table = state.tables[page.name]
    if not new_key or new_key in table.rows:
        _refuse_duplicates(state, page, {**table.rows[old_key], page.key: new_key})
        raise ODataError(
            400, "Application_FieldValidationException", f"{caption(page.key)} must have a value in {page.table}."
        )
    _modify(state, page, old_key, {page.key: new_key})
    for other in PAGES.values():
        for name, column in other.columns.items():
            if column.relation == page.name:
                for row in state.tables[other.name].find(name, old_key):
                    _modify(state, other, row[other.key], {name: new_key})


def _check_tag(row: Row, if_match: str) -> None:
    if if_match not in ("*", row[ETAG]):
        raise ODataError(409, "Request_EntityChanged", "Another user has already changed the record.")


def _audit(state: NavState, op: Operation, page: PageService, row: Row, values: Mapping[str, Any]) -> None:
    state.journal.on_commit(lambda: state.audit.write("nav", op, page.name, row["SystemId"], values))
