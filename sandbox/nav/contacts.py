"""What NAV derives in contacts, and keeps the same between a customer and its company contact.

Reference/domain.md sections 1.4 and 1.5.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.nav.schema import PAGES
from sandbox.odata.edm import Row
from sandbox.tables import Table

_PARTS = ("First_Name", "Middle_Name", "Surname")
_SHARED = (
    "Name", "Address", "Address_2", "City", "County", "Post_Code", "Country_Region_Code", "Phone_No", "E_Mail",
    "Fax_No", "Home_Page", "Currency_Code", "Salesperson_Code",
)  # fmt: skip


def derived(row: Row, written: Iterable[str], contacts: Table) -> Row:
    """The fields of a contact that follow from the ones written: name or name parts, company name, customer number."""
    if row["Type"] == "Company":
        return {"Company_No": row["No"], "Company_Name": row["Name"]}
    company = contacts.rows.get(row["Company_No"], {})
    changes = {"Company_Name": company.get("Name", ""), "Customer_No": company.get("Customer_No", "")}
    names = set(written)
    if names & set(_PARTS):
        changes["Name"] = " ".join(row[part] for part in _PARTS if row[part])
    elif "Name" in names:
        changes |= _parts_of(row["Name"])
    return changes


def company_of(customer: Row) -> Row:
    """The fields of the company contact that comes with a customer."""
    return {**{name: customer[name] for name in _SHARED}, "Type": "Company", "Customer_No": customer["No"]}


def follow(old: Row, new: Row) -> Row:
    """The fields of the company contact that follow a change of its customer."""
    return {name: new[name] for name in _SHARED if new[name] != old[name]}


def company_contact(customer_no: str, contacts: Table) -> Row | None:
    """The contact with the business relation to a customer."""
    return next((row for row in contacts.find("Customer_No", customer_no) if row["Type"] == "Company"), None)


def persons_of(company: Row, contacts: Table) -> list[Row]:
    """The persons of a company contact."""
    return [row for row in contacts.find("Company_No", company["No"]) if row["Type"] == "Person"]


def _parts_of(name: str) -> Mapping[str, Any]:
    words = name.split()
    texts = (" ".join(words[:1]) if len(words) > 1 else "", " ".join(words[1:-1]), " ".join(words[-1:]))
    columns = PAGES["Contact"].columns
    return {part: text[: columns[part].max_length] for part, text in zip(_PARTS, texts, strict=True)}
