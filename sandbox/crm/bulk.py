"""CreateMultiple, UpdateMultiple and UpsertMultiple: all rows or none (reference/apis.md section 1, Bulk messages)."""

from collections.abc import Mapping
from typing import Any

from sandbox.crm.entities import Entity
from sandbox.crm.messages import Request, Response, json_response
from sandbox.crm.payload import bad_key, guid, read_payload, target_key
from sandbox.crm.refusals import MISSING, bad_payload, invalid
from sandbox.crm.store import Store
from sandbox.crm.writes import create, update
from sandbox.odata.edm import Row
from sandbox.odata.errors import ODataError

MESSAGES = ("CreateMultiple", "UpdateMultiple", "UpsertMultiple")


def run_message(store: Store, entity: Entity, message: str, request: Request) -> Response:
    """Carry out one bulk message; raises ODataError, and then no row has changed."""
    targets = _targets(entity, request)
    ids = [_id(entity, target, request) for target in targets]
    known = [id for id in ids if id is not None]
    if len(set(known)) < len(known):
        raise invalid(f"Duplicate Ids are not allowed in the Target list of {message}.")
    if message != "CreateMultiple" and len(known) < len(ids):
        raise invalid(f"Every target of {message} must have its primary key.")
    if message == "UpdateMultiple":
        gone = [id for id in known if store.get(entity.set, id) is None]
        if gone:
            raise ODataError(404, MISSING, f"{entity.logical.capitalize()} With Ids = {', '.join(gone)} Do Not Exist")
    with store.journal.transaction():
        written = [_write(store, entity, message, target, id, request) for target, id in zip(targets, ids, strict=True)]
    if message != "CreateMultiple":
        return Response(204)
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
    return json_response({"@odata.context": context, "Ids": [row[entity.key] for row in written]})


def _write(
    store: Store, entity: Entity, message: str, target: Mapping[str, Any], id: str | None, request: Request
) -> Row:
    exists = id is not None and store.get(entity.set, id) is not None
    if id is None or message == "CreateMultiple" or (message == "UpsertMultiple" and not exists):
        return create(store, entity, read_payload(store, entity, target, request.references, creating=True), id)
    return update(store, entity, id, read_payload(store, entity, target, request.references, creating=False))


def _targets(entity: Entity, request: Request) -> list[dict[str, Any]]:
    body = request.json(entity.set)
    targets = body.get("Targets")
    if not isinstance(targets, list) or not all(isinstance(target, dict) for target in targets) or len(body) != 1:
        raise bad_payload(entity.set, "The parameter 'Targets' must be an array of objects.")
    for target in targets:
        if str(target.get("@odata.type", "")).removeprefix("#") != entity.type_name:
            raise bad_payload(entity.set, f"Every target must have an @odata.type of '{entity.type_name}'.")
    return targets


def _id(entity: Entity, target: Mapping[str, Any], request: Request) -> str | None:
    by_url = target.get("@odata.id")
    if isinstance(by_url, str):
        set, id = target_key(by_url, request.references)
        if set != entity.set:
            raise bad_key(entity)
        return id
    value = target.get(entity.key)
    if value is None:
        return None
    try:
        return guid(value)
    except ValueError as error:
        raise bad_payload(entity.set, f"Cannot convert the value '{value}' of '{entity.key}' to Edm.Guid.") from error
