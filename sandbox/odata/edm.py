"""Primitive types, and how the values of each compare on either side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from sandbox.odata.errors import ODataError

Row = dict[str, Any]
"""A record as JSON values; never changed once it is in a table."""

GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
"""A pattern: a GUID as URLs and bodies write it."""


class EdmType(Enum):
    """The primitive types the two servers use, and one for values that queries may only select."""

    STRING = "Edm.String"
    GUID = "Edm.Guid"
    BOOLEAN = "Edm.Boolean"
    INT = "Edm.Int32"
    LONG = "Edm.Int64"
    DECIMAL = "Edm.Decimal"
    DATE = "Edm.Date"
    DATETIME = "Edm.DateTimeOffset"
    COMPLEX = "Edm.ComplexType"


def units(text: str) -> int:
    """The length of a text as both products count it: UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Dialect(Enum):
    """Whose OData it is: the two products differ in comparison, in limits and in error codes."""

    NAV = "nav"
    CRM = "crm"

    def bad_query(self, message: str) -> ODataError:
        """The refusal of a query option that cannot be understood."""
        return ODataError(400, "0x80060888" if self is Dialect.CRM else "BadRequest", message)


@dataclass(frozen=True, slots=True)
class EntityType:
    """The properties that query options may name. `name` is qualified, as error messages give it."""

    name: str
    fields: Mapping[str, EdmType]
    dialect: Dialect

    def type_of(self, field: str) -> EdmType:
        """The type of a property; raises ODataError when there is no such property."""
        edm = self.fields.get(field)
        if edm is None:
            raise self.dialect.bad_query(f"Could not find a property named '{field}' on type '{self.name}'.")
        return edm


@lru_cache(maxsize=65536)
def instant(text: str) -> datetime:
    """A date-time value as an aware moment; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def guid_order(guid: str) -> str:
    """A key that sorts GUIDs as SQL Server's uniqueidentifier does: last six bytes first."""
    g = guid
    return f"{g[24:]}{g[19:23]}{g[16:18]}{g[14:16]}{g[11:13]}{g[9:11]}{g[6:8]}{g[4:6]}{g[2:4]}{g[0:2]}".lower()


def _as_it_is(value: Any) -> Any:
    return value


def comparable(edm: EdmType, dialect: Dialect) -> Callable[[Any], Any]:
    """The function that turns a stored, non-null value into what is compared, sorted and indexed."""
    match edm:
        case EdmType.GUID:
            return guid_order
        case EdmType.DATETIME:
            return instant
        case EdmType.STRING if dialect is Dialect.CRM:
            return str.casefold
        case _:
            return _as_it_is
