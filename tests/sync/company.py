"""A small company in which each of the seven jobs has something of every kind to do, and a picture of how it ends."""

from collections.abc import Mapping
from typing import Any

from engine.model.snapshot import Counters, RunSnapshot
from tests.sync.test_contacts import company, contact, person
from tests.sync.test_currencies import currency
from tests.sync.test_customers import account, customer
from tests.sync.test_products import PLACE, item, product, resource
from tests.sync.test_salespeople import user
from tests.sync.world import Row, World, counters

NAV: Mapping[str, list[Row]] = {
    "Currency": [currency("GBP"), currency("PLN", "0")],
    "Salesperson_Purchaser": [{"Code": "ANNA", "Name": "Anna", "E_Mail": "anna@x.example"}],
    "Unit_of_Measure": [{"Code": "PCS"}, {"Code": "HOUR"}],
    "Customer": [
        customer("C1", Currency_Code="GBP", Salesperson_Code="ANNA", Primary_Contact_No="P1"),
        customer("C2", City="Köln"),
        customer("C3", Currency_Code="PLN"),
    ],
    "Contact": [company("K1", "C1"), company("K2", "C2"), person("P1", "K1", "C1"), person("P2", "K2", "C2")],
    "Resource": [resource("R1")],
    "Item": [item("I1"), item("I2", Base_Unit_of_Measure="")],
}
CRM: Mapping[str, list[Row]] = {
    "systemuser": [user("Anna"), user("John")],
    "uomschedule": [{"name": "NAV PCS", "baseuomname": "Piece"}],
    "account": [account("Firm C2", "c2@x.example", fax="1"), account("Neu", "n@x.example")],
    "contact": [contact("Kis", "Neu")],
    "product": [{**product("CRM-1"), **PLACE, "defaultuomid": "Piece", "price": 50}],
}

_NATURAL = {
    "transactioncurrencies": "isocurrencycode", "systemusers": "fullname", "uomschedules": "name", "uoms": "name",
    "accounts": "name", "contacts": "fullname", "products": "productnumber", "pricelevels": "name",
    "productpricelevels": "productnumber", "organizations": "name",
}  # fmt: skip
_PASSING = {
    "@odata.etag", "versionnumber", "createdon", "modifiedon", "SystemModifiedAt", "SystemCreatedAt", "Last_Date_Modified",
    "SystemId",
}  # fmt: skip


def prepare(world: World) -> None:
    """What seeds cannot say: the account that only CRM has knows its primary contact."""
    kis = world.crm("contacts", lastname="Kis")[0]["contactid"]
    world.sandbox.crm.tables["accounts"].update(
        world.crm("accounts", name="Neu")[0]["accountid"], {"_primarycontactid_value": kis}
    )


def picture(world: World) -> dict[str, Any]:
    """Both sides and the couplings, without what no two runs have in common: ids and numbers given by servers."""
    names: dict[str, str] = {}
    crm = {set: world.crm(set) for set in _NATURAL}
    nav = {page: world.nav(page) for page in world.sandbox.nav.tables if page != "General_Ledger_Setup"}
    for set, rows in crm.items():
        key = world.sandbox.crm.tables[set].key
        names.update({row[key]: f"{set}/{row[_NATURAL[set]]}" for row in rows})
    for page, rows in nav.items():
        for row in rows:
            what = next(row[name] for name in ("E_Mail", "Name", "Description", "Code") if row.get(name))
            names[row["SystemId"]] = f"{page}/{row.get('Type', '')}{what}"
            if row.get("CRM_Id") or str(row.get("No", "")).startswith("CT0"):
                names[row[world.sandbox.nav.tables[page].key]] = names[row["SystemId"]]

    def shown(row: Row) -> list[tuple[str, Any]]:
        return sorted(
            (name, names.get(value, value) if isinstance(value, str) else value)
            for name, value in row.items()
            if name not in _PASSING and value is not None
        )

    found: dict[str, Any] = {
        name: sorted((shown(row) for row in rows), key=repr) for name, rows in (*crm.items(), *nav.items())
    }
    mappings = ("CURRENCY", "SALEPEOPLE", "UNITOFMEASURE", "CUSTOMER", "CONTACTS", "RESOURCE-PRODUCT", "ITEM-PRODUCT")
    found["couplings"] = sorted(
        (mapping, names[pair.nav_id], names[pair.crm_id], names.get(pair.nav_no, pair.nav_no))
        for mapping in mappings
        for pair in world.couplings(mapping)
    )
    return found


def sums(run: RunSnapshot, name: str) -> dict[str, int]:
    """A counter of each job."""
    return {job.mapping: value for job in run.jobs if (value := getattr(job.counters, name))}


def passes(run: RunSnapshot) -> dict[tuple[str, str], Row]:
    """The counters of each pass."""
    return {
        (one.mapping, str(one.direction)): {
            name: value for name in Counters.__slots__ if (value := getattr(one.counters, name))
        }
        for each in run.jobs
        for one in each.passes
    }


def made(world: World, since: int = 0) -> dict[str, int]:
    """How many records of each job the audit log has as created; what comes with others is left out."""
    sets = {
        "transactioncurrencies": "CURRENCY", "Salesperson_Purchaser": "SALEPEOPLE", "uomschedules": "UNITOFMEASURE",
        "accounts": "CUSTOMER", "Customer": "CUSTOMER", "contacts": "CONTACTS", "Contact": "CONTACTS",
        "Resource": "RESOURCE-PRODUCT", "Item": "ITEM-PRODUCT",
    }  # fmt: skip
    found: dict[str, int] = {}
    for line in world.audit(since, op="create"):
        name = sets.get(line["set"])
        if line["set"] == "products":
            name = {1: "ITEM-PRODUCT", 3: "RESOURCE-PRODUCT"}[line["values"]["producttypecode"]]
        if name is not None:
            found[name] = found.get(name, 0) + 1
    return found


__all__ = ["CRM", "NAV", "counters", "made", "passes", "picture", "prepare", "sums"]
