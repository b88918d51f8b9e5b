"""How a run ends, seen from outside: what both sides and the state store have, whatever happened on the way."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.runs.company import Company, Row, counted
from tests.runs.made import made_twice

_CRM = {
    "transactioncurrencies": (
        *("currencyname", "isocurrencycode", "currencysymbol", "currencyprecision", "exchangerate", "statecode"),
    ),
    "systemusers": ("internalemailaddress", "fullname", "mobilephone", "isdisabled"),
    "uomschedules": ("name", "baseuomname", "statecode"),
    "uoms": ("name", "quantity", "isschedulebaseuom", "_uomscheduleid_value", "_baseuom_value"),
    "accounts": (
        *("name", "emailaddress1", "telephone1", "address1_city", "creditlimit", "statecode"),
        *("_primarycontactid_value", "_transactioncurrencyid_value", "_ownerid_value"),
        *("customertypecode", "address1_line1", "address1_postalcode", "address1_country", "websiteurl"),
    ),
    "contacts": (
        *("firstname", "lastname", "emailaddress1", "telephone1", "address1_city"),
        *("_parentcustomerid_value", "_ownerid_value", "middlename", "mobilephone", "address1_line1", "statecode"),
    ),
    "products": (
        *("productnumber", "name", "price", "standardcost", "quantityonhand", "statecode"),
        *("_defaultuomid_value", "_pricelevelid_value", "_defaultuomscheduleid_value", "_transactioncurrencyid_value"),
        *("producttypecode", "currentcost", "stockvolume", "stockweight", "vendorid", "vendorpartnumber"),
    ),
    "pricelevels": ("name", "begindate", "enddate", "_transactioncurrencyid_value", "statecode"),
    "productpricelevels": ("amount", "_productid_value", "_uomid_value", "_pricelevelid_value"),
}
_NAV = {
    "Currency": ("Code", "Description", "ISO_Code", "Symbol", "Exchange_Rate_Amount"),
    "Salesperson_Purchaser": ("Code", "Name", "E_Mail", "Phone_No", "Job_Title"),
    "Unit_of_Measure": ("Code", "Description"),
    "Customer": (
        *("Name", "E_Mail", "Phone_No", "City", "Blocked", "Currency_Code", "Salesperson_Code", "Primary_Contact_No"),
        *("Address", "Post_Code", "Country_Region_Code", "Home_Page", "Credit_Limit_LCY"),
    ),
    "Contact": (
        *("Name", "E_Mail", "Phone_No", "City", "Type", "Company_No"),
        *("First_Name", "Middle_Name", "Surname", "Mobile_Phone_No", "Address", "Salesperson_Code"),
    ),
    "Resource": (
        *("No", "Name", "Type", "Base_Unit_of_Measure", "Unit_Price", "Unit_Cost", "Capacity", "Vendor_No", "Blocked"),
    ),
    "Item": (
        *("No", "Description", "Unit_Price", "Unit_Cost", "Base_Unit_of_Measure", "Blocked"),
        *("Gross_Weight", "Unit_Volume", "Inventory", "Vendor_No", "Vendor_Item_No"),
    ),
}
"""What is compared of each table and page. What `tests.runs.people` edits is not among it."""


@dataclass(frozen=True)
class _Both:
    """What a coupled pair has on both sides: the fields of NAV that are `same` in CRM, of a page with that `number` and of
    a table with that `key`.
    """

    page: str
    number: str
    table: str
    key: str
    same: Mapping[str, str]
    prefix: Mapping[str, str] = field(default_factory=dict)

    def read(self, company: Company) -> tuple[dict[str, Row], dict[str, Row]]:
        """The records of NAV by their numbers, and those of CRM by their ids."""
        nav = {row[self.number]: row for row in company.nav(self.page, self.number, *self.same)}
        crm = {row[self.key]: row for row in company.crm(self.table, self.key, *self.same.values())}
        return nav, crm

    def apart(self, nav: Row, crm: Row) -> list[str]:
        """The fields that are not the same."""
        return [
            f"{name}: {nav[name]!r} and {crm[other]!r}"
            for name, other in self.same.items()
            if self._carried(name, nav[name]) != (crm[other] or "")
        ]

    def _carried(self, name: str, value: object) -> object:
        return f"{self.prefix[name]}{value}" if name in self.prefix else value or ""


_PRODUCT = {"No": "productnumber", "Unit_Cost": "standardcost"}
_BOTH = {
    "CURRENCY": _Both(
        *("Currency", "Code", "transactioncurrencies", "transactioncurrencyid"),
        {"Code": "isocurrencycode", "Description": "currencyname"},
    ),
    "SALEPEOPLE": _Both(
        *("Salesperson_Purchaser", "Code", "systemusers", "systemuserid"),
        {"E_Mail": "internalemailaddress", "Name": "fullname", "Phone_No": "mobilephone"},
    ),
    "UNITOFMEASURE": _Both(
        *("Unit_of_Measure", "Code", "uomschedules", "uomscheduleid"), {"Code": "name"}, {"Code": "NAV "}
    ),
    "CUSTOMER": _Both(
        *("Customer", "No", "accounts", "accountid"),
        {"Name": "name", "E_Mail": "emailaddress1", "Phone_No": "telephone1"},
    ),
    "CONTACTS": _Both(
        *("Contact", "No", "contacts", "contactid"),
        {"First_Name": "firstname", "Surname": "lastname", "E_Mail": "emailaddress1", "Mobile_Phone_No": "mobilephone"},
    ),
    "RESOURCE-PRODUCT": _Both("Resource", "No", "products", "productid", {"Name": "name", **_PRODUCT}),
    "ITEM-PRODUCT": _Both("Item", "No", "products", "productid", {"Description": "name", **_PRODUCT}),
}
"""Fields of each mapping that every pair has alike on both sides: none is cut or changed on its way but for the `prefix`."""
_LEADS_ELSEWHERE = ("_value", "Contact_No", "Company_No")
"""The ends of the names of fields that say which record another one is, by an id or number. Which one it got depends on
what came before it, so that its name is compared.
"""
_NAMES = {
    "accounts": ("accountid", "name", "emailaddress1"),
    "contacts": ("contactid", "fullname", "emailaddress1"),
    "products": ("productid", "productnumber"),
    "pricelevels": ("pricelevelid", "name"),
    "systemusers": ("systemuserid", "fullname"),
    "transactioncurrencies": ("transactioncurrencyid", "isocurrencycode"),
    "uoms": ("uomid", "name"),
    "uomschedules": ("uomscheduleid", "name"),
}
"""The keys of tables that are led to, and what the rows are called."""
_MADE_HERE = ("C0", "CT0")
"""How numbers begin that NAV gives to new records: in the order in which these come."""
_OF_THE_LAST_RUN = frozenset({"state", "read", "counters", "settled", "modified"})


class Whole:
    """How a run of a demo ended, seen from outside. When records were modified is not compared: no two runs are the same.

    `values` are those of all mappings' records on both sides, by table and page; `apart` is what coupled pairs have not
    alike, which is nothing in any good end. `settled` counts what each job found or made as it should be, and skipped;
    `modified` is how many of these it says that it wrote. Raises AssertionError where a record was made or coupled twice.
    """

    def __init__(self, company: Company) -> None:
        audit = company.audit()
        assert not (twice := made_twice(audit)), "; ".join(twice)
        self.created = counted(audit, "create")
        names = _names(company)
        pairs = company.lines("couplings")
        for side in ("crm_id", "nav_id"):
            assert len({(one["mapping"], one[side]) for one in pairs}) == len(pairs), f"one {side} is coupled twice"
        self.coupled = sorted((one["mapping"], _number(one["nav_no"], names), one["crm_id"]) for one in pairs)
        self.flags = {one["mapping"]: (one["only_coupled"], one["cleared_by"]) for one in company.lines("mappings")}
        self.values = {
            name: _values(read(name, *fields), fields, names)
            for read, all in ((company.crm, _CRM), (company.nav, _NAV))
            for name, fields in all.items()
        }
        self.apart = _apart(company, pairs)
        found = company.status()
        self.state = (found["state"], found["answer"])
        self.read = found["counters"]["read"]
        self.counters = {one["job"]: (one["inserted"], one["failed"], one["coupled"]) for one in found["jobs"]}

        self.settled = {one["job"]: (one["modified"] + one["unchanged"], one["skipped"]) for one in found["jobs"]}
        self.modified = {one["job"]: one["modified"] for one in found["jobs"]}

    def differences(self, other: "Whole", *, but: Collection[str] = (), calm: bool = False) -> str:
        """What is not the same, in short, and what the other one has not alike on both sides; blank when nothing is.

        What a dying engine wrote and did not commit, the next one finds as it should be: only where the other run was
        `calm` must it say that it modified as many; it may never say that it modified more.
        """
        mine, theirs = {**self._parts(), "apart": []}, other._parts()
        if not calm:
            theirs["modified"] = {job: max(number, self.modified.get(job, 0)) for job, number in other.modified.items()}
        return "; ".join(
            f"{name}: {_only(mine.get(name), theirs.get(name))}"[:400]
            for name in {**mine, **theirs}
            if mine.get(name) != theirs.get(name) and name not in but
        )

    def differences_left(self, other: "Whole") -> str:
        """What is not the same of what is left behind, whatever the last of several runs had still to do."""
        return self.differences(other, but=_OF_THE_LAST_RUN)

    def _parts(self) -> dict[str, object]:
        """All that is compared, by its name."""
        parts = vars(self) | self.values
        del parts["values"]
        return parts


def _apart(company: Company, pairs: Iterable[Row]) -> list[str]:
    """What coupled pairs have not alike, in words; of a record that is gone, nothing is known."""
    sides = {mapping: both.read(company) for mapping, both in _BOTH.items()}
    return [
        f"{one['mapping']} {one['nav_no']}: {told}"
        for one in pairs
        if one["nav_no"] in sides[one["mapping"]][0] and one["crm_id"] in sides[one["mapping"]][1]
        for nav, crm in [(sides[one["mapping"]][0][one["nav_no"]], sides[one["mapping"]][1][one["crm_id"]])]
        for told in _BOTH[one["mapping"]].apart(nav, crm)
    ]


def _names(company: Company) -> dict[str, str]:
    """What records are called, by the ids of CRM and the numbers of NAV."""
    names = {
        row[key]: _called(row, fields)
        for table, (key, *fields) in _NAMES.items()
        for row in company.crm(table, key, *fields)
    }
    for page in ("Customer", "Contact"):
        names |= {row["No"]: _called(row, ("Name", "E_Mail")) for row in company.nav(page, "No", "Name", "E_Mail")}
    return names


def _called(row: Row, fields: Iterable[str]) -> str:
    return " ".join(str(row[name] or "") for name in fields)


def _number(number: str, names: Mapping[str, str]) -> str:
    """What is the same in every run: the number of a record of NAV, or its name where it was made in that run."""
    return names.get(number, number) if number.startswith(_MADE_HERE) else number


def _values(rows: Iterable[Row], fields: Sequence[str], names: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The values of records in an order that does not depend on their keys."""
    return sorted(tuple(_value(row[name] or "", name, names) for name in fields) for row in rows)


def _value(value: object, name: str, names: Mapping[str, str]) -> str:
    text = str(value)
    return names.get(text, text) if name.endswith(_LEADS_ELSEWHERE) else text


def _only(mine: object, theirs: object) -> str:
    """What either has that the other has not."""
    if not isinstance(mine, list) or not isinstance(theirs, list):
        return f"{mine} != {theirs}"
    return f"{[one for one in mine if one not in theirs]} != {[one for one in theirs if one not in mine]}"
