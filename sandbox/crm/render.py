"""Rows as JSON objects: etag, the columns asked for, and annotations when they are preferred."""

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from sandbox.crm.columns import Column
from sandbox.crm.entities import Entity, logical_name
from sandbox.crm.schema import ENTITIES
from sandbox.crm.store import Store
from sandbox.odata.edm import Row, instant

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"


def etag(row: Row) -> str:
    """The version of a row as an entity tag."""
    return f'W/"{row["versionnumber"]}"'


def render(
    store: Store, entity: Entity, rows: Sequence[Row], select: Sequence[str] | None, annotations: str | None
) -> list[Row]:
    """The rows for a client. `annotations` is the value of odata.include-annotations; the key is always there."""
    if select is None:
        empty = _empty(entity.set)
        shown = [{"@odata.etag": etag(row), **empty, **row} for row in rows]
    else:
        names = select if entity.key in select else (*select, entity.key)
        shown = [{"@odata.etag": etag(row), **{name: row.get(name) for name in names}} for row in rows]
    if annotations:
        asked = wanted(annotations)
        shown = [_annotated(store, entity, one, asked) for one in shown]
    return shown


@cache
def _empty(set: str) -> Mapping[str, None]:
    return dict.fromkeys(ENTITIES[set].columns)


def wanted(patterns: str) -> Callable[[str], bool]:
    """Whether odata.include-annotations asks for an annotation."""
    accepted = [pattern.strip() for pattern in patterns.split(",")]
    return lambda name: any(fnmatchcase(name, pattern) for pattern in accepted)


def _annotated(store: Store, entity: Entity, row: Row, asked: Callable[[str], bool]) -> Row:
    formatted, logical, navigation = asked(FORMATTED), asked(LOGICAL_NAME), asked(NAVIGATION)
    shown: Row = {}
    for name, value in row.items():
        shown[name] = value
        column = entity.columns.get(name)
        if value is None or column is None:
            continue
        target = store.target_of(column.targets, value) if column.targets else None
        if formatted and (label := _label(store, column, target, value)) is not None:
            shown[f"{name}@{FORMATTED}"] = label
        if target is not None and logical:
            shown[f"{name}@{LOGICAL_NAME}"] = target.logical
        if target is not None and navigation:
            suffix = f"_{target.logical}" if len(column.targets) > 1 else ""
            shown[f"{name}@{NAVIGATION}"] = logical_name(name) + suffix
    return shown


def _label(store: Store, column: Column, target: Entity | None, value: Any) -> str | None:
    match column.kind:
        case "Picklist" | "State" | "Status":
            return column.options[value]
        case "Boolean":
            return column.options[int(value)]
        case "Integer":
            return f"{value:,}"
        case "Decimal" | "Money":
            return f"{value:,.{column.precision}f}"
        case "DateTime":
            moment = instant(value)
            return f"{moment.month}/{moment.day}/{moment.year} {moment:%I:%M %p}"
        case _ if target is not None:
            return store.tables[target.set].rows[value].get(target.name)
        case _:
            return None
