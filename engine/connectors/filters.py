"""Literals and filters as OData texts: the only place where a value becomes part of a query.

A value never reaches a URL in any other way, so that no text can end its literal (OASIS OData ABNF; reference/apis.md
sections 1 and 3). The texts are not percent-encoded; `engine.connectors.urls.query` does that.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from engine.connectors.protocol import ETAG
from engine.connectors.urls import Encoded, percent
from engine.model.errors import ConfigError
from engine.model.mapping import OPERATORS, Condition, FieldKind
from engine.model.records import is_guid

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class Dialect(Enum):
    """Whose OData it is. NAV has no null and compares texts with case; CRM has null and compares without."""

    CRM = "crm"
    NAV = "nav"


def checked_name(text: str) -> str:
    """The name of a table or a column; raises ConfigError when it cannot be one."""
    if _NAME.fullmatch(text) is None:
        raise ConfigError(
            f"{text!r} is not the name of a table or field in OData.",
            "Names are letters, digits and _, at most 128 of them; correct the mapping.",
        )
    return text


def guid(text: str) -> str:
    """A GUID as literal and as key; raises ValueError when it is none."""
    if not is_guid(text):
        raise ValueError(f"{text!r} is not a GUID")
    return text.lower()


def literal(value: Any) -> str:
    """The literal of a value by its type; raises ValueError when OData has none."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case int():
            return str(value)
        case Decimal() if value.is_finite():
            return f"{value:f}"
        case UUID():
            return str(value)
        case datetime() if value.tzinfo is not None:
            return value.isoformat().replace("+00:00", "Z")
        case date() if not isinstance(value, datetime):
            return value.isoformat()
    raise ValueError(f"{value!r} has no OData literal")


def condition(one: Condition, dialect: Dialect) -> str:
    """One term of a filter; raises ConfigError for an operator or a field that there cannot be."""
    if one.operator not in OPERATORS:
        raise ConfigError(
            f"The filter on {one.field} has the operator {one.operator!r}.",
            f"Use one of {', '.join(sorted(OPERATORS))}.",
        )
    return f"{checked_name(one.field)} {one.operator} {_operand(one, dialect)}"


def conjunction(conditions: Iterable[Condition], dialect: Dialect) -> str:
    """All conditions as one filter text; empty when there are none."""
    return " and ".join(condition(one, dialect) for one in conditions)


def comparison(field: str, value: Any, *, guids: bool = False) -> str:
    """NAV: the field has the value; `guids`: it is a column of GUIDs.

    NAV compares texts with case: lower case on both sides undoes that. Texts of GUIDs are in lower case anyway.
    """
    if guids:
        return f"{field} eq {guid(value)}"
    if isinstance(value, str) and not is_guid(value) and value.upper() != value.lower():
        return f"tolower({field}) eq {literal(value.lower())}"
    return f"{field} eq {literal(value)}"


def list_item(value: Any) -> str:
    """CRM: the value as it stands in the list of Microsoft.Dynamics.CRM.In: a JSON text for any type of column."""
    text = value if isinstance(value, str) else literal(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').translate(_CONTROLS) + '"'


def selected(fields: Iterable[str], *more: str) -> str:
    """The columns of a $select, each once; annotations come by themselves."""
    names = dict.fromkeys((*fields, *more))
    names.pop(ETAG, None)
    return ",".join(checked_name(name) for name in names)


def distinct(values: Iterable[Any]) -> list[Any]:
    """The values, each once; texts that differ only in case are one value, and None is none."""
    return list({(one.casefold() if isinstance(one, str) else one): one for one in values if one is not None}.values())


def packed(terms: Iterable[str], joint: str, length: int, count: int) -> Iterator[Encoded]:
    """The terms joined into percent-encoded texts of at most `count` terms and `length` bytes."""
    between = percent(joint)
    chunk: list[str] = []
    room = length
    for term in map(percent, terms):
        size = len(term) + len(between)
        if chunk and (size > room or len(chunk) == count):
            yield Encoded(between.join(chunk))
            chunk, room = [], length
        chunk.append(term)
        room -= size
    if chunk:
        yield Encoded(between.join(chunk))


def _operand(one: Condition, dialect: Dialect) -> str:
    value = one.value
    if dialect is Dialect.NAV and value is None:
        return {FieldKind.DECIMAL: "0", FieldKind.BOOLEAN: "false"}.get(one.kind, "''")
    lookup = one.kind is FieldKind.LOOKUP or (one.field.startswith("_") and one.field.endswith("_value"))
    if dialect is Dialect.CRM and lookup and isinstance(value, str) and is_guid(value):
        return guid(value)
    return literal(value)


_CONTROLS = {code: f"\\u{code:04x}" for code in range(32)}
