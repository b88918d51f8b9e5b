"""The page services as data: fields, longest values, options and table relations.

Field names: reference/apis.md section 3; what the built-in mappings use: reference/domain.md sections 1.1 to 1.7;
lengths as in Business Central (reference/domain.md section 8.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sandbox.odata.edm import EdmType
from sandbox.tables import Field


@dataclass(frozen=True, slots=True)
class Column(Field):
    """A page field. `code` values are upper-cased and trimmed.

    `relation` names the page service that must know the value, by a record of `related_type` when that is given.
    """

    code: bool = False
    options: tuple[str, ...] = ()
    relation: str = ""
    related_type: str = ""
    read_only: bool = False

    @property
    def empty(self) -> Any:
        """The value of a field that nobody filled in: NAV has no null (reference/apis.md section 3, Writing)."""
        return self.options[0] if self.options else _EMPTY[self.type]


@dataclass(frozen=True, slots=True)
class PageService:
    """One published page. `table` is the caption in messages, `series` the prefix of its No. series, if it has one."""

    name: str
    table: str
    key: str
    columns: Mapping[str, Column]
    series: str | None = None


_EMPTY: Mapping[EdmType, Any] = {
    EdmType.STRING: "",
    EdmType.DECIMAL: Decimal(0),
    EdmType.BOOLEAN: False,
    EdmType.DATE: "0001-01-01",
    EdmType.GUID: "00000000-0000-0000-0000-000000000000",
    EdmType.DATETIME: "0001-01-01T00:00:00.000Z",
}

_SYSTEM: Mapping[str, Column] = {
    "Last_Date_Modified": Column(EdmType.DATE, read_only=True),
    "SystemId": Column(EdmType.GUID),
    "SystemCreatedAt": Column(EdmType.DATETIME, read_only=True),
    "SystemModifiedAt": Column(EdmType.DATETIME, read_only=True),
}


def _text(length: int, *, read_only: bool = False) -> Column:
    return Column(EdmType.STRING, length, read_only=read_only)


def _code(length: int, relation: str = "", *, read_only: bool = False) -> Column:
    return Column(EdmType.STRING, length, code=True, relation=relation, read_only=read_only)


def _option(*options: str) -> Column:
    return Column(EdmType.STRING, options=options)


def _page(name: str, table: str, columns: Mapping[str, Column], series: str | None = None) -> PageService:
    return PageService(name, table, next(iter(columns)), MappingProxyType({**columns, **_SYSTEM}), series)


_AMOUNT = Column(EdmType.DECIMAL)
_YES_NO = Column(EdmType.BOOLEAN)
_ADDRESS: Mapping[str, Column] = {
    "Address": _text(100), "Address_2": _text(50), "City": _text(30), "County": _text(30), "Post_Code": _code(20),
    "Country_Region_Code": _code(10), "Phone_No": _text(30),
}  # fmt: skip
_INTERNET: Mapping[str, Column] = {"Fax_No": _text(30), "E_Mail": _text(80), "Home_Page": _text(80)}
_CURRENCY = _code(10, "Currency")
_SALESPERSON = _code(20, "Salesperson_Purchaser")
_UNIT = _code(10, "Unit_of_Measure")
_COMPANY = Column(EdmType.STRING, 20, code=True, relation="Contact", related_type="Company")
_MARKER: Mapping[str, Column] = {"CRM_Id": _text(36)}

_ALL = (
    _page("Currency", "Currency", {
        "Code": _code(10), "Description": _text(30), "ISO_Code": _code(3), "Symbol": _text(10),
        "Exchange_Rate_Amount": _AMOUNT,
    }),
    _page("Salesperson_Purchaser", "Salesperson/Purchaser", {
        "Code": _code(20), "Name": _text(50), "E_Mail": _text(80), "Phone_No": _text(30),
        "Job_Title": _text(30), "E_Mail_2": _text(80), "Commission_Percent": _AMOUNT, **_MARKER,
    }),
    _page("Unit_of_Measure", "Unit of Measure", {"Code": _code(10), "Description": _text(50)}),
    _page("Customer", "Customer", {
        "No": _code(20), "Name": _text(100), **_ADDRESS, **_INTERNET, "Contact": _text(100),
        "Mobile_Phone_No": _text(30), "Currency_Code": _CURRENCY, "Salesperson_Code": _SALESPERSON,
        "Credit_Limit_LCY": _AMOUNT,
        "Blocked": _option(" ", "Ship", "Invoice", "All"), "Primary_Contact_No": _code(20, "Contact"),
        "Shipment_Method_Code": _code(10), "Shipping_Agent_Code": _code(10), "Payment_Terms_Code": _code(10), **_MARKER,
    }, series="C"),
    _page("Contact", "Contact", {
        "No": _code(20), "Type": _option("Company", "Person"), "Company_No": _COMPANY,
        "Company_Name": _text(100, read_only=True), "Customer_No": _code(20, "Customer", read_only=True),
        "Name": _text(100), "First_Name": _text(30), "Middle_Name": _text(30), "Surname": _text(30), **_ADDRESS,
        "Salutation_Code": _code(10), "Job_Title": _text(30), "Mobile_Phone_No": _text(30), "Pager": _text(30),
        **_INTERNET,
        "Currency_Code": _CURRENCY, "Salesperson_Code": _SALESPERSON, **_MARKER,
    }, series="CT"),
    _page("Resource", "Resource", {
        "No": _code(20), "Name": _text(100), "Type": _option("Person", "Machine"), "Base_Unit_of_Measure": _UNIT,
        "Unit_Price": _AMOUNT, "Unit_Cost": _AMOUNT, "Capacity": _AMOUNT, "Vendor_No": _code(20), "Blocked": _YES_NO,
        **_MARKER,
    }, series="R"),
    _page("Item", "Item", {
        "No": _code(20), "Description": _text(100), "Base_Unit_of_Measure": _UNIT, "Unit_Price": _AMOUNT,
        "Unit_Cost": _AMOUNT, "Gross_Weight": _AMOUNT, "Unit_Volume": _AMOUNT,
        "Inventory": Column(EdmType.DECIMAL, read_only=True),
        "Vendor_No": _code(20), "Vendor_Item_No": _text(50), "Blocked": _YES_NO, **_MARKER,
    }, series="I"),
    _page("Vendor", "Vendor", {
        "No": _code(20), "Name": _text(100), **_ADDRESS, **_INTERNET, "Currency_Code": _CURRENCY,
        "Blocked": _option(" ", "Payment", "All"), **_MARKER,
    }, series="V"),
    _page("General_Ledger_Setup", "General Ledger Setup", {"Primary_Key": _code(10), "LCY_Code": _code(10)}),
)  # fmt: skip

PAGES: Mapping[str, PageService] = MappingProxyType({page.name: page for page in _ALL})
VERSIONS = ("bc", "2018", "2016")
"""Business Central, and the two versions of Dynamics NAV whose page services are older."""

_NOT_YET = frozenset({"SystemId", "SystemCreatedAt", "SystemModifiedAt"})
_UNDATED = frozenset({"Unit_of_Measure", "Salesperson_Purchaser", "General_Ledger_Setup"})
_SHORTER = frozenset({"Name", "Name_2", "Address", "Description", "Contact", "Company_Name"})
_LENGTH_BEFORE = 50


def pages_of(version: str) -> Mapping[str, PageService]:
    """The pages as a version publishes them: Dynamics NAV has no SystemId, tells at most the day of a change, and
    keeps shorter names (reference/apis.md section 3, reference/domain.md sections 8.1 and 8.2).
    """
    if version == "bc":
        return PAGES
    return MappingProxyType({name: replace(page, columns=_columns_before(page)) for name, page in PAGES.items()})


def _columns_before(page: PageService) -> Mapping[str, Column]:
    hidden = _NOT_YET | {"Last_Date_Modified"} if page.name in _UNDATED else _NOT_YET
    return MappingProxyType(
        {
            name: replace(column, max_length=_LENGTH_BEFORE)
            if name in _SHORTER and (column.max_length or 0) > _LENGTH_BEFORE
            else column
            for name, column in page.columns.items()
            if name not in hidden
        }
    )
