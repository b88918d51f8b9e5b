"""How a run ends, seen from outside: what both sides and the state store have, whatever happened on the way."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from tests.runs.company import Company, Row, counted
from tests.runs.made import made_twice

_ACCOUNT = (
    *("name", "emailaddress1", "telephone1", "address1_city", "creditlimit", "statecode"),
    *("_primarycontactid_value", "_transactioncurrencyid_value", "_ownerid_value"),
)
_CONTACT = (
    *("firstname", "lastname", "emailaddress1", "telephone1", "address1_city"),
    *("_parentcustomerid_value", "_ownerid_value"),
)
_PRODUCT = (
    *("productnumber", "name", "price", "standardcost", "quantityonhand", "statecode"),
    *("_defaultuomid_value", "_pricelevelid_value"),
)
_PRICE = ("amount", "_productid_value", "_uomid_value", "_pricelevelid_value")
_CUSTOMER = (
    *("Name", "E_Mail", "Phone_No", "City", "Blocked", "Currency_Code", "Salesperson_Code", "Primary_Contact_No"),
)
_PERSON = ("Name", "E_Mail", "Phone_No", "City", "Type", "Company_No")
_ITEM = ("No", "Description", "Unit_Price", "Unit_Cost", "Base_Unit_of_Measure", "Blocked")
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
}
"""The keys of tables that are led to, and what the rows are called."""
_MADE_HERE = ("C0", "CT0")
"""How numbers begin that NAV gives to new records: in the order in which these come."""
_OF_THE_LAST_RUN = ("state", "read", "counters")


class Whole:
    """How a run of a demo ended, seen from outside. When records were modified is not compared: no two runs are the same.

    Raises AssertionError where a record was made or coupled twice.
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
        self.accounts = _values(company.crm("accounts", *_ACCOUNT), _ACCOUNT, names)
        self.contacts = _values(company.crm("contacts", *_CONTACT), _CONTACT, names)
        self.products = _values(company.crm("products", *_PRODUCT), _PRODUCT, names)
        self.prices = _values(company.crm("productpricelevels", *_PRICE), _PRICE, names)
        self.customers = _values(company.nav("Customer", *_CUSTOMER), _CUSTOMER, names)
        self.people = _values(company.nav("Contact", *_PERSON), _PERSON, names)
        self.items = _values(company.nav("Item", *_ITEM), _ITEM, names)
        found = company.status()
        self.state = (found["state"], found["answer"])
        self.read = found["counters"]["read"]
        self.counters = {one["job"]: (one["inserted"], one["failed"], one["coupled"]) for one in found["jobs"]}

    def differences(self, other: "Whole", *, but: Collection[str] = ()) -> str:
        """What is not the same, in short; blank when all is."""
        mine, theirs = vars(self), vars(other)
        return "; ".join(
            f"{name}: {_only(mine[name], theirs[name])}"[:400]
            for name in mine
            if mine[name] != theirs[name] and name not in but
        )

    def differences_left(self, other: "Whole") -> str:
        """What is not the same of what is left behind, whatever the last of several runs had still to do."""
        return self.differences(other, but=_OF_THE_LAST_RUN)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Whole) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # it is only compared


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
