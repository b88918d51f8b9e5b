"""A JSON body becomes column values: names, types, lengths, ranges and lookups are checked here."""

import re
import uuid
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote

from sandbox.clock import whole_seconds
from sandbox.crm.columns import Column
from sandbox.crm.entities import Entity, Navigation, logical_name
from sandbox.crm.refusals import bad_payload, bad_url, invalid, missing
from sandbox.crm.schema import ENTITIES
from sandbox.crm.store import Store
from sandbox.odata.edm import EdmType, Row, instant, units
from sandbox.odata.errors import ODataError

Convert = Callable[[Any], Any]
BIND = "@odata.bind"
_CANONICAL = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TARGET = re.compile(r"(?:.*/)?(\w+)\((?:(\w+)=)?([^()]*)\)")


def read_payload(
    store: Store, entity: Entity, body: Mapping[str, Any], references: Mapping[str, str], *, creating: bool
) -> Row:
    """The values a body sets, by column; raises ODataError for the first that cannot be taken.

    Columns that are not valid for this operation are ignored, as the server does; the key is left to the caller.
    `references` holds what `$n` stands for inside a batch.
    """
    converters, navigations = _converters(entity.set), _navigations(entity.set)
    values: Row = {}
    for name, value in body.items():
        column = entity.columns.get(name)
        if column is not None and not column.targets:
            if name != entity.key and (column.create if creating else column.update):
                values[name] = None if value is None else converters[name](value)
        elif name.endswith(BIND):
            _bind(store, entity, name.removesuffix(BIND), value, references, values, creating=creating)
        elif name in navigations and value is None:
            _bind(store, entity, name, value, references, values, creating=creating)
        elif "@" not in name:
            raise _undeclared(entity, name, column)
    for name, value in values.items():
        if value is None and entity.columns[name].required:
            raise invalid(
                f"The '{logical_name(name)}' attribute of the '{entity.logical}' entity cannot be set to NULL."
            )
    return values


def convert(entity: Entity, name: str, value: Any) -> Any:
    """A non-null JSON value as the column keeps it; raises ODataError when the column cannot hold it."""
    return _converters(entity.set)[name](value)


def guid(text: Any) -> str:
    """The canonical form of a GUID; raises ValueError."""
    if isinstance(text, str) and _CANONICAL.fullmatch(text):
        return text.lower()
    return str(uuid.UUID(str(text)))


def target_key(text: str, references: Mapping[str, str]) -> tuple[str, str]:
    """The set and the id that a bind value or @odata.id names; raises ODataError when it names none."""
    if text.startswith("$"):
        if text[1:] not in references:
            raise bad_url(f"Content-ID Reference: '{text}' does not exist in the batch context.")
        text = references[text[1:]]
    return _parsed_target(text)


@lru_cache(maxsize=4096)
def _parsed_target(text: str) -> tuple[str, str]:
    found = _TARGET.fullmatch(unquote(text))
    if found is None:
        raise bad_url(f"Resource not found for the segment '{text}'.", 404)
    entity = ENTITIES.get(found[1])
    if entity is None:
        raise bad_url(f"Resource not found for the segment '{found[1]}'.", 404)
    if found[2] not in (None, entity.key) or (found[2] is not None and not entity.named_key):
        raise bad_key(entity)
    try:
        return entity.set, guid(found[3])
    except ValueError as error:
        raise bad_key(entity) from error


def bad_key(entity: Entity) -> ODataError:
    """A key that is none of the table's keys."""
    return bad_url(
        f"The key in the request URI is not valid for resource '{entity.type_name}'. Ensure that the names and number "
        "of key properties match the declared or alternate key properties."
    )


def _bind(
    store: Store,
    entity: Entity,
    name: str,
    value: Any,
    references: Mapping[str, str],
    values: Row,
    *,
    creating: bool,
) -> None:
    navigation = _navigations(entity.set).get(name)
    if navigation is None:
        raise _undeclared(entity, name, None)
    column = entity.columns[navigation.column]
    if not (column.create if creating else column.update):
        return
    if value is None:
        values.setdefault(navigation.column, None)
        return
    if not isinstance(value, str):
        raise bad_payload(entity.set, f"The value of '{name}{BIND}' must be a string.")
    set, id = target_key(value, references)
    if set != navigation.target:
        raise bad_payload(entity.set, f"A '{set}' cannot be bound to the navigation property '{name}'.")
    if store.get(set, id) is None:
        raise missing(ENTITIES[set].logical, id)
    values[navigation.column] = id


def _undeclared(entity: Entity, name: str, column: Column | None) -> ODataError:
    if column is not None:
        return bad_payload(entity.set, f"'{name}' cannot be written; use the navigation property with {BIND}.")
    return bad_payload(
        entity.set, f"An undeclared property '{name}' was found in the payload of type '{entity.type_name}'."
    )


@cache
def _navigations(set: str) -> dict[str, Navigation]:
    return ENTITIES[set].navigations()


@cache
def _converters(set: str) -> dict[str, Convert]:
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
