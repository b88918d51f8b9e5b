"""Values on their way into a record: types, lengths, options, and the refusals NAV gives.

Reference/apis.md section 3, Errors.
"""

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.nav.schema import Column, PageService
from sandbox.odata.edm import GUID, EdmType, units
from sandbox.odata.errors import ODataError

_GUID = re.compile(GUID)


def caption(name: str) -> str:
    """The name of a field as messages give it."""
    return name.replace("_", " ")


def column_of(page: PageService, name: str) -> Column:
    """The column of a property; raises ODataError when the page has none of that name."""
    column = page.columns.get(name)
    if column is None:
        raise ODataError(
            400,
            "BadRequest",
            f"The property '{name}' does not exist on type 'NAV.{page.name}'. "
            "Make sure to only use property names that are defined by the type.",
        )
    return column


def accept(page: PageService, name: str, value: Any) -> Any:
    """A JSON value as the field stores it; raises ODataError when it does not fit."""
    column = column_of(page, name)
    if value is None:
        return column.empty
    match column.type:
        case EdmType.STRING if isinstance(value, str):
            return _string(name, column, value)
        case EdmType.BOOLEAN if isinstance(value, bool):
            return value
        case EdmType.DECIMAL if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return Decimal(str(value))
        case EdmType.GUID if isinstance(value, str) and _GUID.fullmatch(value):
            return value.lower()
        case EdmType.DATE | EdmType.DATETIME if isinstance(value, str) and _is_moment(column.type, value):
            return value
    raise ODataError(
        400, "BadRequest", f"Cannot convert the value of property '{name}' to the expected type '{column.type.value}'."
    )


def from_text(column: Column, text: str) -> Any:
    """The JSON value of a cell of a csv file, null when it is blank; raises ValueError when it stands for none."""
    if text == "":
        return None
    match column.type:
        case EdmType.DECIMAL:
            try:
                number = Decimal(text)
            except InvalidOperation as error:
                raise ValueError(f"'{text}' is not a number") from error
            if not number.is_finite():
                raise ValueError(f"'{text}' is not a number")
            return number
        case EdmType.BOOLEAN:
            if text.lower() not in ("true", "false"):
                raise ValueError(f"'{text}' is neither true nor false")
            return text.lower() == "true"
        case _:
            return text


def _string(name: str, column: Column, value: str) -> str:
    if column.options:
        return _option(name, column, value)
    text = value.strip().upper() if column.code else value
    if column.max_length is not None and units(text) > column.max_length:
        raise ODataError(
            400,
            "Application_StringExceededLength",
            f"The length of the string is {units(text)}, but it must be less than or equal to {column.max_length} "
            f"characters. Value: {text}",
        )
    return text


def _option(name: str, column: Column, value: str) -> str:
    if value in column.options:
        return value
    if value == "" and column.options[0] == " ":
        return " "
    raise ODataError(
        400,
        "Application_EvaluateException",
        f"'{value}' is not an option of {caption(name)}. The existing options are: {','.join(column.options)}",
    )


def _is_moment(edm: EdmType, text: str) -> bool:
    try:
        date.fromisoformat(text) if edm is EdmType.DATE else datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
