"""Create, update and delete one row: rules, stamps, versions, what follows for other rows, and the audit line."""

import uuid
from collections.abc import Mapping
from typing import Any

from sandbox.audit import Operation
from sandbox.crm.entities import Entity
from sandbox.crm.keys import check_unique
from sandbox.crm.refusals import denied, duplicate_key, in_use, missing
from sandbox.crm.rules import born_with, check_delete, prepare_create, prepare_update
from sandbox.crm.schema import ENTITIES, REFERRERS
from sandbox.crm.store import Store
from sandbox.odata.edm import Row


def create(store: Store, entity: Entity, values: Mapping[str, Any], id: str | None) -> Row:
    """Add a row on behalf of the caller, under its id or a new one; raises ODataError and then changes nothing."""
    if not entity.creatable:
        raise denied(f"prvCreate{entity.logical.capitalize()}")
    with store.journal.transaction():
        row = add(store, entity, values, id)
        _audit(store, "create", entity, row[entity.key], values)
    return row


def add(store: Store, entity: Entity, values: Mapping[str, Any], id: str | None) -> Row:
    """Add a row by the same rules without asking who does it and without an audit line, as seeding does."""
    id = id or str(uuid.uuid4())
    table = store.tables[entity.set]
    if id in table.rows:
        raise duplicate_key()
    now = store.now()
    row: Row = {
        entity.key: id,
        **values,
        "createdon": now,
        "modifiedon": now,
        "_createdby_value": store.user_id,
        "_modifiedby_value": store.user_id,
        "versionnumber": table.next_version(),
    }
    prepare_create(store, entity, row)
    check_unique(store, entity, row)
    with store.journal.transaction():
        table.insert(row)
        _forget_removal(store, entity, id)
        for set, born in born_with(entity, row):
            add(store, ENTITIES[set], born, None)
    return row


def update(store: Store, entity: Entity, id: str, values: Mapping[str, Any]) -> Row:
    """Change a row on behalf of the caller; raises ODataError and then changes nothing."""
    if not entity.updatable:
        raise denied(f"prvWrite{entity.logical.capitalize()}")
    old = store.tables[entity.set].rows.get(id)
    if old is None:
        raise missing(entity.logical, id)
    changes = dict(values)
    prepare_update(store, entity, old, changes)
    check_unique(store, entity, {**old, **changes})
    row = _stamp(store, entity, id, changes)
    _audit(store, "update", entity, id, values)
    return row


def delete(store: Store, entity: Entity, id: str) -> None:
    """Remove a row on behalf of the caller; raises ODataError and then changes nothing."""
    if not entity.creatable:
        raise denied(f"prvDelete{entity.logical.capitalize()}")
    if store.get(entity.set, id) is None:
        raise missing(entity.logical, id)
    with store.journal.transaction():
        check_delete(store, entity, store.tables[entity.set].rows[id])
        _remove(store, entity, id)
        _audit(store, "delete", entity, id, {})


def _remove(store: Store, entity: Entity, id: str) -> None:
    """Rows that name the deleted one lose the link, go with it, or forbid it, as their lookup says."""
    store.tables[entity.set].delete(id)
    _note_removal(store, entity, id)
    for other, name in REFERRERS[entity.set]:
        for row in store.tables[other.set].find(name, id):
            other_id = row[other.key]
            match other.columns[name].on_delete:
                case "restrict":
                    raise in_use(entity.logical)
                case "cascade" if other_id in store.tables[other.set].rows:
                    _remove(store, other, other_id)
                case "remove_link":
                    _stamp(store, other, other_id, {name: None})


def _note_removal(store: Store, entity: Entity, id: str) -> None:
    """Change tracking tells of rows that are gone."""
    removed = store.removed[entity.set]
    removed[id] = store.tables[entity.set].next_version()
    store.journal.on_rollback(lambda: removed.pop(id))


def _forget_removal(store: Store, entity: Entity, id: str) -> None:
    removed = store.removed[entity.set]
    version = removed.pop(id, None)
    if version is not None:
        store.journal.on_rollback(lambda: removed.__setitem__(id, version))


def _stamp(store: Store, entity: Entity, id: str, changes: Mapping[str, Any]) -> Row:
    table = store.tables[entity.set]
    by = {"modifiedon": store.now(), "_modifiedby_value": store.user_id, "versionnumber": table.next_version()}
    return table.update(id, {**changes, **by})


def _audit(store: Store, op: Operation, entity: Entity, id: str, values: Mapping[str, Any]) -> None:
    store.journal.on_commit(lambda: store.audit.write("crm", op, entity.set, id, values))
