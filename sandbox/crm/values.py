"""What a column keeps of a JSON value: types, lengths and ranges are checked here."""

import re
import uuid
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from sandbox.clock import whole_seconds
from sandbox.crm.columns import Column
from sandbox.crm.entities import Entity
from sandbox.crm.refusals import bad_payload
from sandbox.crm.schema import ENTITIES
from sandbox.odata.edm import GUID, EdmType, instant, units
from sandbox.odata.errors import ODataError

Convert = Callable[[Any], Any]
_CANONICAL = re.compile(GUID)


def convert(entity: Entity, name: str, value: Any) -> Any:
    """A non-null JSON value as the column keeps it; raises ODataError when the column cannot hold it."""
    return converters(entity.set)[name](value)


def guid(text: Any) -> str:
    """The canonical form of a GUID; raises ValueError."""
    if isinstance(text, str) and _CANONICAL.fullmatch(text):
        return text.lower()
    return str(uuid.UUID(str(text)))


@cache
def converters(set: str) -> dict[str, Convert]:
    """The conversion of each column of a table."""
    entity = ENTITIES[set]
    return {name: _converter(entity, name, column) for name, column in entity.columns.items()}


def _converter(entity: Entity, name: str, column: Column) -> Convert:
    def wrong(value: Any) -> ODataError:
        return bad_payload(entity.set, f"Cannot convert the value '{value}' of '{name}' to {column.type.value}.")

    def to_text(value: Any) -> str | None:
        if not isinstance(value, str):
            raise wrong(value)
        if column.max_length is not None and units(value) > column.max_length:
            raise ODataError(
                400,
                "0x80044331",
                f"A validation error occurred.  The length of the '{name}' attribute of the '{entity.logical}' entity "
                f"exceeded the maximum allowed length of '{column.max_length}'.",
            )
        return value or None  # the database keeps no empty strings

    def to_number(value: Any) -> int | Decimal:
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise wrong(value)
        whole = column.type is EdmType.INT
        if whole and value != int(value):
            raise wrong(value)
        if (column.low is not None and value < column.low) or (column.high is not None and value > column.high):
            raise ODataError(
                400,
                "0x8004432F" if whole else "0x80044330",
                f"A validation error occurred.  The value {value} of '{name}' on record of type '{entity.logical}' is "
                f"outside the valid range. Accepted range is from {column.low:f} to {column.high:f}.",
            )
        return int(value) if whole else rounded(Decimal(value), column.precision)

    def to_option(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong(value)
        if value not in column.options:
            accepted = ",".join(map(str, column.options))
            raise ODataError(
                400,
                "0x8004431A",
                f"A validation error occurred. The value {value} of '{name}' on record of type '{entity.logical}' is "
                f"outside the valid range. Accepted Values: {accepted}",
            )
        return value

    def to_boolean(value: Any) -> bool:
        if not isinstance(value, bool):
            raise wrong(value)
        return value

    def to_moment(value: Any) -> str:
        try:
            return whole_seconds(instant(value))
        except (TypeError, ValueError, OverflowError) as error:
            raise wrong(value) from error

    def to_guid(value: Any) -> str:
        try:
            return guid(value)
        except ValueError as error:
            raise wrong(value) from error

    match column.kind:
        case "Picklist" | "State" | "Status":
            return to_option
        case "Boolean":
            return to_boolean
        case "DateTime":
            return to_moment
        case "Integer" | "Decimal" | "Money" | "BigInt":
            return to_number
        case "Uniqueidentifier":
            return to_guid
        case _:
            return to_text


@cache
def _unit(precision: int) -> Decimal:
    return Decimal(1).scaleb(-precision)


def rounded(value: Decimal, precision: int) -> Decimal:
    """The value with at most that many decimals, none of them a trailing zero beyond what it had."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= precision:
        return value
    return value.quantize(_unit(precision), ROUND_HALF_UP)
