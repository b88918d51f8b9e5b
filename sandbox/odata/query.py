"""Query options of a list or a single read: decoding, validation, order and projection."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from sandbox.odata.edm import EntityType, Row, comparable
from sandbox.odata.filter import Paths, compile_filter
from sandbox.odata.predicate import Predicate

LIST_OPTIONS = frozenset({"$filter", "$select", "$orderby", "$top", "$count", "$skiptoken"})
NAV_LIST_OPTIONS = LIST_OPTIONS | {"$skip"}
"""CRM knows no $skip."""
READ_OPTIONS = frozenset({"$select"})


@dataclass(frozen=True, slots=True)
class Order:
    """One member of an order."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """The validated options; `raw` keeps every option as decoded text, aliases and custom ones too."""

    predicate: Predicate | None = None
    select: tuple[str, ...] | None = None
    order: tuple[Order, ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    skiptoken: str | None = None
    raw: Mapping[str, str] = field(default_factory=dict)


def options(text: str) -> dict[str, str]:
    """The options of a query string; only percent-encoding is undone, a plus stays a plus."""
    pairs = (part.partition("=") for part in text.split("&") if part)
    return {unquote(name): unquote(value) for name, _, value in pairs}


def parse_query(
    text: str, entity: EntityType, allowed: frozenset[str] = LIST_OPTIONS, paths: Paths | None = None
) -> Query:
    """Validate a query string against an entity type; raises ODataError for what is unknown or not allowed.

    Both products take a plus for a space, which many clients write.
    """
    raw = options(text.replace("+", "%20"))
    for name in raw:
        if name.startswith("$") and name not in allowed:
            raise entity.dialect.bad_query(f"The query parameter {name} is not supported.")
    predicate = None
    if (filter_text := raw.get("$filter")) is not None:
        aliases = {name: value for name, value in raw.items() if name.startswith("@")}
        predicate = compile_filter(
            filter_text, entity.fields, entity.dialect, type_name=entity.name, aliases=aliases, paths=paths
        )
    return Query(
        predicate=predicate,
        select=_select(raw.get("$select"), entity),
        order=_order(raw.get("$orderby"), entity),
        top=_number("$top", raw.get("$top"), entity),
        skip=_number("$skip", raw.get("$skip"), entity) or 0,
        count=_count(raw.get("$count"), entity),
        skiptoken=raw.get("$skiptoken"),
        raw=raw,
    )


def sort_key(order: Sequence[Order], entity: EntityType) -> Callable[[Row], tuple[Any, ...]]:
    """The key that sorts rows in an order: nulls first, as SQL Server does (last when descending)."""
    parts = [(one.field, one.descending, comparable(entity.type_of(one.field), entity.dialect)) for one in order]

    def key(row: Row) -> tuple[Any, ...]:
        members: list[Any] = []
        for name, descending, change in parts:
            value = row.get(name)
            present = value is not None
            member = change(value) if present else None
            members += (not present, Reversed(member)) if descending else (present, member)
        return tuple(members)

    return key


class Reversed:
    """A value that sorts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: "Reversed") -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reversed) and bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash(self.value)


def project(row: Row, select: Sequence[str] | None) -> Row:
    """The row with only the selected properties, in the order asked for."""
    return row if select is None else {name: row.get(name) for name in select}


def _select(text: str | None, entity: EntityType) -> tuple[str, ...] | None:
    names = tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))
    if not names or "*" in names:
        return None
    for name in names:
        entity.type_of(name)
    return names


def _order(text: str | None, entity: EntityType) -> tuple[Order, ...]:
    order: dict[str, Order] = {}
    for part in (text or "").split(","):
        if not part.strip():
            continue
        found = re.fullmatch(r"\s*(\w+)(?:\s+(asc|desc))?\s*", part)
        if found is None:
            raise entity.dialect.bad_query(f"Syntax error in the $orderby expression '{part.strip()}'.")
        entity.type_of(found[1])
        order.setdefault(found[1], Order(found[1], found[2] == "desc"))
    return tuple(order.values())


def _number(name: str, text: str | None, entity: EntityType) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise entity.dialect.bad_query(f"Invalid value '{text}' for {name} query option found.")
    return int(text)


def _count(text: str | None, entity: EntityType) -> bool:
    if text not in (None, "true", "false"):
        raise entity.dialect.bad_query(f"Invalid value '{text}' for $count query option found.")
    return text == "true"
