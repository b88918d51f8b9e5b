"""CreateMultiple, UpdateMultiple and UpsertMultiple: all rows or none (reference/apis.md section 1, Bulk messages)."""

from collections.abc import Mapping
from typing import Any

from sandbox.crm.entities import Entity
from sandbox.crm.keys import Key, existing, find, read_key, read_target
from sandbox.crm.messages import Request, Response, json_response
from sandbox.crm.payload import read_payload
from sandbox.crm.refusals import MISSING, bad_key, bad_payload, invalid
from sandbox.crm.store import Store
from sandbox.crm.writes import create, update
from sandbox.odata.edm import Row
from sandbox.odata.errors import ODataError

MESSAGES = ("CreateMultiple", "UpdateMultiple", "UpsertMultiple")


def run_message(store: Store, entity: Entity, message: str, request: Request) -> Response:
    """Carry out one bulk message; raises ODataError, and then no row has changed."""
    targets = _targets(entity, request)
    keys = [_key(store, entity, target, request) for target in targets]
    named = [key for key in keys if key is not None]
    ids = [key.id for key in named if key.id is not None]
    if len(set(ids)) < len(ids):
        raise invalid(f"Duplicate Ids are not allowed in the Target list of {message}.")
    if message != "CreateMultiple" and len(named) < len(keys):
        raise invalid(f"Every target of {message} must have its primary key.")
    if message == "UpdateMultiple":
        gone = [id for id in ids if store.get(entity.set, id) is None]
        if gone:
            raise ODataError(404, MISSING, f"{entity.logical.capitalize()} With Ids = {', '.join(gone)} Do Not Exist")
    with store.journal.transaction():
        written = [
            _write(store, entity, message, target, key, request) for target, key in zip(targets, keys, strict=True)
        ]
    if message != "CreateMultiple":
        return Response(204)
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
    return json_response({"@odata.context": context, "Ids": [row[entity.key] for row in written]})


def _write(
    store: Store, entity: Entity, message: str, target: Mapping[str, Any], key: Key | None, request: Request
) -> Row:
    if key is None or message == "CreateMultiple":
        values = read_payload(store, entity, target, request.references, creating=True)
        return create(store, entity, values, key.id if key is not None else None)
    row = existing(store, entity, key) if message == "UpdateMultiple" else find(store, entity, key)
    if row is None:
        if not key.values.keys().isdisjoint(target):
            raise ODataError(400, "0x80040216", "An unexpected error occurred.")
        values = read_payload(store, entity, target, request.references, creating=True)
        return create(store, entity, {**key.values, **values}, key.id)
    rest = {name: value for name, value in target.items() if name not in key.values}
    values = read_payload(store, entity, rest, request.references, creating=False)
    return update(store, entity, row[entity.key], values)


def _targets(entity: Entity, request: Request) -> list[dict[str, Any]]:
    body = request.json(entity.set)
    targets = body.get("Targets")
    if not isinstance(targets, list) or not all(isinstance(target, dict) for target in targets) or len(body) != 1:
        raise bad_payload(entity.set, "The parameter 'Targets' must be an array of objects.")
    for target in targets:
        if str(target.get("@odata.type", "")).removeprefix("#") != entity.type_name:
            raise bad_payload(entity.set, f"Every target must have an @odata.type of '{entity.type_name}'.")
    return targets


def _key(store: Store, entity: Entity, target: Mapping[str, Any], request: Request) -> Key | None:
    by_url = target.get("@odata.id")
    if isinstance(by_url, str):
        other, key = read_target(store, by_url, request.references)
        if other is not entity:
            raise bad_key(entity)
        return key
    value = target.get(entity.key)
    if value is None:
        return None
    try:
        return read_key(store, entity, str(value))
    except ODataError as error:
        raise bad_payload(entity.set, f"Cannot convert the value '{value}' of '{entity.key}' to Edm.Guid.") from error
