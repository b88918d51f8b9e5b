"""Business Central API v2.0 as data: its sets, and what their properties are of the records that pages show.

Names as in Microsoft's API pages (reference/apis.md section 3, reference/domain.md section 8.1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from sandbox.nav.schema import PAGES, Column
from sandbox.odata.edm import EdmType


class Kind(Enum):
    """What a property is of a page field."""

    SAME = auto()
    LOCAL = auto()
    """A currency code that names the local currency, which fields leave blank."""
    RELATED = auto()
    """The id of the record that the field names by its code; zeros for none."""
    FIXED = auto()
    """The same in each record; `fixed` holds it."""
    RELATION = auto()
    """Whether the record belongs to a customer."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property, the field that it shows, and how."""

    column: str
    kind: Kind = Kind.SAME
    required: bool = False
    fixed: Any = None
    type: EdmType = EdmType.STRING
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ApiSet:
    """A set of the API over the records of a page. Records without a value in `needs` are not in it."""

    name: str
    entity: str
    page: str
    properties: Mapping[str, Property]
    writable: bool = True
    needs: str = ""
    columns: Mapping[str, Column] = field(init=False)

    def __post_init__(self) -> None:
        columns = {name: self._column(one) for name, one in self.properties.items()}
        object.__setattr__(self, "columns", MappingProxyType(columns))

    def _column(self, one: Property) -> Column:
        match one.kind:
            case Kind.RELATED:
                return Column(EdmType.GUID)
            case Kind.RELATION:
                return Column(EdmType.STRING, read_only=True)
            case Kind.FIXED:
                return Column(one.type, read_only=one.read_only)
        column = PAGES[self.page].columns[one.column]
        return column if one.kind is Kind.SAME else Column(EdmType.STRING, column.max_length)


def _set(
    name: str, entity: str, page: str, own: Mapping[str, str | Property], *, writable: bool = True, needs: str = ""
) -> ApiSet:
    named = {"id": "SystemId", **own, "lastModifiedDateTime": "SystemModifiedAt"}
    properties = {key: Property(one) if isinstance(one, str) else one for key, one in named.items()}
    return ApiSet(name, entity, page, MappingProxyType(properties), writable, needs)


def _only(value: Any) -> Property:
    """What may be written, and then must be this text."""
    return Property("", Kind.FIXED, fixed=value)


def _shown(value: Any, type: EdmType = EdmType.STRING) -> Property:
    """What is this value in each record and cannot be written."""
    return Property("", Kind.FIXED, fixed=value, type=type, read_only=True)


_ADDRESS: Mapping[str, str] = {
    "addressLine1": "Address", "addressLine2": "Address_2", "city": "City", "state": "County",
    "country": "Country_Region_Code", "postalCode": "Post_Code", "phoneNumber": "Phone_No",
}  # fmt: skip
_NAME = Property("Name", required=True)
_CURRENCY: Mapping[str, Property] = {
    "currencyId": Property("Currency_Code", Kind.RELATED), "currencyCode": Property("Currency_Code", Kind.LOCAL),
}  # fmt: skip

_ALL = (
    _set("currencies", "currency", "Currency", {
        "code": "Code", "displayName": "Description", "symbol": "Symbol",
        "amountDecimalPlaces": _shown("2:2"),
    }),
    _set("currencyExchangeRates", "currencyExchangeRate", "Currency", {
        "currencyCode": "Code", "startingDate": _shown("2020-01-01", EdmType.DATE),
        "exchangeRateAmount": "Exchange_Rate_Amount", "relationalCurrencyCode": _shown(""),
        "relationalExchangeRateAmount": _shown(1, EdmType.DECIMAL),
    }, writable=False, needs="Exchange_Rate_Amount"),
    _set("salespeoplePurchasers", "salespersonPurchaser", "Salesperson_Purchaser", {
        "code": "Code", "displayName": "Name", "email": "E_Mail", "email2": "E_Mail_2", "phoneNo": "Phone_No",
        "jobTitle": "Job_Title", "commisionPercent": "Commission_Percent",
    }),
    _set("unitsOfMeasure", "unitOfMeasure", "Unit_of_Measure", {"code": "Code", "displayName": "Description"}),
    _set("customers", "customer", "Customer", {
        "number": "No", "displayName": _NAME, "type": _only("Company"), **_ADDRESS, "email": "E_Mail",
        "website": "Home_Page", "salespersonCode": "Salesperson_Code", "creditLimit": "Credit_Limit_LCY", **_CURRENCY,
        "blocked": "Blocked",
    }),
    _set("vendors", "vendor", "Vendor", {
        "number": "No", "displayName": _NAME, **_ADDRESS, "email": "E_Mail", "website": "Home_Page", **_CURRENCY,
        "blocked": "Blocked",
    }),
    _set("contacts", "contact", "Contact", {
        "number": "No", "type": "Type", "displayName": _NAME, "jobTitle": "Job_Title", "companyNumber": "Company_No",
        "companyName": "Company_Name", "contactBusinessRelation": Property("Customer_No", Kind.RELATION), **_ADDRESS,
        "mobilePhoneNumber": "Mobile_Phone_No", "email": "E_Mail", "website": "Home_Page",
    }),
    _set("items", "item", "Item", {
        "number": "No", "displayName": "Description", "type": _only("Inventory"), "blocked": "Blocked",
        "inventory": "Inventory", "unitPrice": "Unit_Price", "unitCost": "Unit_Cost",
        "baseUnitOfMeasureId": Property("Base_Unit_of_Measure", Kind.RELATED),
        "baseUnitOfMeasureCode": "Base_Unit_of_Measure",
    }),
    _set("generalLedgerSetup", "generalLedgerSetup", "General_Ledger_Setup", {
        "localCurrencyCode": "LCY_Code",
    }, writable=False),
    _set("companyInformation", "companyInformation", "General_Ledger_Setup", {
        "currencyCode": "LCY_Code",
    }, writable=False),
)  # fmt: skip

API_SETS: Mapping[str, ApiSet] = MappingProxyType({one.name: one for one in _ALL})
