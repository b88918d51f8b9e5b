"""How a run ends, seen from outside: what both sides and the state store have, whatever happened on the way."""

from collections.abc import Iterable, Sequence

from tests.runs.company import Company, Row, counted

_ACCOUNT = (
    *("name", "emailaddress1", "telephone1", "address1_city", "creditlimit", "statecode"),
    *("_primarycontactid_value", "_transactioncurrencyid_value"),
)
_CONTACT = ("firstname", "lastname", "emailaddress1", "telephone1", "address1_city", "_parentcustomerid_value")
_PRODUCT = (
    *("productnumber", "name", "price", "standardcost", "quantityonhand", "statecode"),
    *("_defaultuomid_value", "_pricelevelid_value"),
)
_PRICE = ("amount", "_productid_value", "_uomid_value", "_pricelevelid_value")
_CUSTOMER = ("Name", "E_Mail", "Phone_No", "City", "Blocked", "Currency_Code", "Primary_Contact_No")
_PERSON = ("Name", "E_Mail", "Phone_No", "City", "Type", "Company_No")
_ITEM = ("No", "Description", "Unit_Price", "Unit_Cost", "Base_Unit_of_Measure", "Blocked")
_LEADS_ELSEWHERE = ("_value", "Contact_No", "Company_No")
"""The ends of the names of fields of which only counts whether there is something: which number or id another record got
depends on what came before it.
"""


class Whole:
    """How a run of a demo ended, seen from outside. When records were modified is not compared: no two runs are the same."""

    def __init__(self, company: Company) -> None:
        audit = company.audit()
        created = [line for line in audit if line["op"] == "create"]
        assert len(created) == sum(counted(audit, "create").values()), "no id is given twice"
        self.created = counted(audit, "create")
        pairs = company.lines("couplings")
        assert len({(one["mapping"], one["crm_id"]) for one in pairs}) == len(pairs)
        self.coupled = sorted(
            (one["mapping"], one["crm_id"]) for one in pairs if not one["nav_no"].startswith(("C0", "CT0"))
        )
        self.couplings = len(pairs)
        self.flags = {one["mapping"]: (one["only_coupled"], one["cleared_by"]) for one in company.lines("mappings")}
        self.accounts = _values(company.crm("accounts", *_ACCOUNT), _ACCOUNT)
        self.contacts = _values(company.crm("contacts", *_CONTACT), _CONTACT)
        self.products = _values(company.crm("products", *_PRODUCT), _PRODUCT)
        self.prices = _values(company.crm("productpricelevels", *_PRICE), _PRICE)
        self.customers = _values(company.nav("Customer", *_CUSTOMER), _CUSTOMER)
        self.people = _values(company.nav("Contact", *_PERSON), _PERSON)
        self.items = _values(company.nav("Item", *_ITEM), _ITEM)
        found = company.status()
        self.state = (found["state"], found["answer"])
        self.read = found["counters"]["read"]
        self.counters = {one["job"]: (one["inserted"], one["failed"], one["coupled"]) for one in found["jobs"]}

    def differences(self, other: "Whole") -> str:
        """What is not the same, in short; blank when all is."""
        mine, theirs = vars(self), vars(other)
        return "; ".join(
            f"{name}: {_only(mine[name], theirs[name])}"[:400] for name in mine if mine[name] != theirs[name]
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Whole) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # it is only compared


def _values(rows: Iterable[Row], fields: Sequence[str]) -> list[tuple[str, ...]]:
    """The values of records in an order that does not depend on their keys."""
    return sorted(
        tuple(str(bool(row[name]) if name.endswith(_LEADS_ELSEWHERE) else row[name] or "") for name in fields)
        for row in rows
    )


def _only(mine: object, theirs: object) -> str:
    """What either has that the other has not."""
    if not isinstance(mine, list) or not isinstance(theirs, list):
        return f"{mine} != {theirs}"
    return f"{[one for one in mine if one not in theirs]} != {[one for one in theirs if one not in mine]}"
