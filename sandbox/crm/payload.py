"""A JSON body becomes column values: names and lookups are checked here, what a column can hold in `values`."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sandbox.crm.columns import Column
from sandbox.crm.entities import Entity, Navigation, logical_name
from sandbox.crm.keys import existing, read_target
from sandbox.crm.refusals import bad_payload, invalid
from sandbox.crm.schema import ENTITIES
from sandbox.crm.store import Store
from sandbox.crm.values import converters
from sandbox.odata.edm import Row
from sandbox.odata.errors import ODataError

BIND = "@odata.bind"


def read_payload(
    store: Store, entity: Entity, body: Mapping[str, Any], references: Mapping[str, str], *, creating: bool
) -> Row:
    """The values a body sets, by column; raises ODataError for the first that cannot be taken.

    Columns that are not valid for this operation are ignored, as the server does; the key is left to the caller.
    `references` holds what `$n` stands for inside a batch.
    """
    change, navigations = converters(entity.set), _navigations(entity.set)
    values: Row = {}
    for name, value in body.items():
        column = entity.columns.get(name)
        if column is not None and not column.targets:
            if name != entity.key and (column.create if creating else column.update):
                values[name] = None if value is None else change[name](value)
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
    target, key = read_target(store, value, references)
    if target.set != navigation.target:
        raise bad_payload(entity.set, f"A '{target.set}' cannot be bound to the navigation property '{name}'.")
    values[navigation.column] = existing(store, target, key)[target.key]


def _undeclared(entity: Entity, name: str, column: Column | None) -> ODataError:
    if column is not None:
        return bad_payload(entity.set, f"'{name}' cannot be written; use the navigation property with {BIND}.")
    return bad_payload(
        entity.set, f"An undeclared property '{name}' was found in the payload of type '{entity.type_name}'."
    )


@cache
def _navigations(set: str) -> dict[str, Navigation]:
    return ENTITIES[set].navigations()
