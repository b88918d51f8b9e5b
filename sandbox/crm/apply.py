"""$apply: filter, groupby and aggregate (reference/apis.md section 1, Query)."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandbox.crm.expand import split
from sandbox.odata.edm import Dialect, EdmType, EntityType, Row, comparable
from sandbox.odata.errors import ODataError
from sandbox.odata.filter import Paths, compile_filter
from sandbox.odata.query import Query
from sandbox.tables import Table

LIMIT = 50_000
"""As many rows as an aggregate may look at."""

_STEP = re.compile(r"\s*(filter|groupby|aggregate)\s*\((.*)\)\s*", re.DOTALL)
_GROUP = re.compile(r"\s*\(([\w\s,]+)\)\s*(?:,\s*aggregate\s*\((.*)\))?\s*", re.DOTALL)
_TERM = re.compile(r"\s*(?:\$count|(\w+)\s+with\s+(sum|average|min|max|countdistinct))\s+as\s+(\w+)\s*")
_NUMERIC = frozenset({EdmType.INT, EdmType.LONG, EdmType.DECIMAL})
Term = tuple[str, str | None, str | None]
"""The name of the result, the column and what is made of it; rows are counted where there is no column."""


def aggregated(table: Table, query: Query, text: str, paths: Paths) -> list[Row]:
    """The rows that an $apply makes of a table; raises ODataError."""
    if refused := [name for name in query.raw if name.startswith("$") and name != "$apply"]:
        raise Dialect.CRM.bad_query(f"The query parameter {refused[0]} is not supported together with $apply.")
    rows: Iterable[Row] = table.rows.values()
    for at, step in enumerate(steps := split(text, "/")):
        found = _STEP.fullmatch(step)
        if found is None or (found[1] != "filter" and at < len(steps) - 1):
            raise _unknown(step)
        if found[1] == "filter":
            entity = table.entity
            predicate = compile_filter(found[2], entity.fields, Dialect.CRM, type_name=entity.name, paths=paths)
            rows = [row for row in rows if predicate.test(row)]
        elif found[1] == "groupby":
            return _grouped(table.entity, _limited(rows), found[2])
        else:
            return [_totals(table.entity, _limited(rows), _terms(table.entity, found[2]))]
    raise _unknown(text)


def _grouped(entity: EntityType, rows: Sequence[Row], text: str) -> list[Row]:
    found = _GROUP.fullmatch(text)
    if found is None:
        raise _unknown(text)
    names = [name.strip() for name in found[1].split(",")]
    changes = [comparable(entity.type_of(name), Dialect.CRM) for name in names]
    terms = _terms(entity, found[2]) if found[2] is not None else []
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        values = (row.get(name) for name in names)
        key = tuple(None if value is None else change(value) for value, change in zip(values, changes, strict=True))
        groups.setdefault(key, []).append(row)
    return [
        {**{name: group[0].get(name) for name in names}, **_totals(entity, group, terms)} for group in groups.values()
    ]


def _terms(entity: EntityType, text: str) -> list[Term]:
    terms: list[Term] = []
    for part in split(text, ","):
        found = _TERM.fullmatch(part)
        if found is None:
            raise _unknown(part)
        edm = entity.type_of(found[1]) if found[1] is not None else None
        if found[2] in ("sum", "average") and edm not in _NUMERIC:
            raise Dialect.CRM.bad_query(f"The aggregation method '{found[2]}' cannot be used with '{found[1]}'.")
        terms.append((found[3], found[1], found[2]))
    return terms


def _totals(entity: EntityType, rows: Sequence[Row], terms: Sequence[Term]) -> Row:
    found: Row = {}
    for name, column, method in terms:
        if column is None or method is None:
            found[name] = len(rows)
            continue
        values = [row[column] for row in rows if row.get(column) is not None]
        found[name] = _METHODS[method](values, comparable(entity.type_of(column), Dialect.CRM))
    return found


def _average(values: Sequence[Any], _change: Callable[[Any], Any]) -> Any:
    return Decimal(sum(values)) / len(values) if values else None


_METHODS: Mapping[str, Callable[[Sequence[Any], Callable[[Any], Any]], Any]] = {
    "sum": lambda values, _change: sum(values),
    "average": _average,
    "min": lambda values, change: min(values, key=change, default=None),
    "max": lambda values, change: max(values, key=change, default=None),
    "countdistinct": lambda values, change: len({change(value) for value in values}),
}


def _limited(rows: Iterable[Row]) -> list[Row]:
    found = list(rows)
    if len(found) > LIMIT:
        message = "AggregateQueryRecordLimit exceeded. Cannot perform this operation."
        raise ODataError(400, "0x8004e023", message)
    return found


def _unknown(text: str) -> ODataError:
    return Dialect.CRM.bad_query(f"The $apply expression '{text.strip()}' is not supported.")
