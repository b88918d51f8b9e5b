"""Which operation a request asks for; the same for requests that come alone and inside a batch."""

import re
from urllib.parse import unquote

from sandbox.crm.bulk import MESSAGES, run_message
from sandbox.crm.entities import Entity
from sandbox.crm.messages import Request, Response, error_response, json_response
from sandbox.crm.metadata import definition, definitions, edmx, message_filters
from sandbox.crm.payload import BIND, bad_key, guid, read_payload
from sandbox.crm.privileges import USER_PRIVILEGES, user_privileges
from sandbox.crm.reads import count_rows, list_rows, one_row, read_property, read_row
from sandbox.crm.refusals import bad_url, duplicate_key, missing, unknown_segment, version_mismatch
from sandbox.crm.render import etag
from sandbox.crm.schema import ENTITIES
from sandbox.crm.store import Store
from sandbox.crm.writes import create, delete, update
from sandbox.odata.edm import Row
from sandbox.odata.errors import ODataError
from sandbox.odata.query import READ_OPTIONS, parse_query

_SEGMENT = re.compile(r"(\w+)(?:\((.*)\))?")
_ACTION = "Microsoft.Dynamics.CRM."


def handle(store: Store, request: Request) -> Response:
    """Carry out one operation; a refusal is an answer too."""
    try:
        return _route(store, request)
    except ODataError as error:
        return error_response(error)


def _route(store: Store, request: Request) -> Response:
    path = _dereferenced(request)
    first, *rest = path.split("/") if path else [""]
    found = _SEGMENT.fullmatch(first)
    name = found[1] if found is not None else first
    key = found[2] if found is not None else None
    if request.method == "GET" and not rest and (answer := _function(store, name, key, request)) is not None:
        return answer
    if (
        request.method == "GET"
        and name == "systemusers"
        and [one.removesuffix("()") for one in rest] == [USER_PRIVILEGES]
    ):
        return user_privileges(store, request)
    if name == "EntityDefinitions" and request.method == "GET":
        return definition(key, rest, request) if key is not None else definitions(request)
    entity = ENTITIES.get(name)
    if entity is None:
        raise unknown_segment(name)
    if key is None:
        return _on_set(store, entity, rest, request)
    id = _id(entity, key)
    return _on_property(store, entity, id, rest, request) if rest else _on_row(store, entity, id, key, request)


def _dereferenced(request: Request) -> str:
    path = unquote(request.path).strip("/")
    if not path.startswith("$") or path in ("$metadata", "$batch"):
        return path
    name, slash, rest = path[1:].partition("/")
    if name not in request.references:
        raise bad_url(f"Content-ID Reference: '${name}' does not exist in the batch context.")
    return request.references[name] + slash + rest


def _function(store: Store, name: str, key: str | None, request: Request) -> Response | None:
    """The functions and documents of the service; `key` is what stands between parentheses."""
    context = f"{request.root}$metadata#Microsoft.Dynamics.CRM.{name}Response"
    match name, key:
        case "WhoAmI", None | "":
            answer = {
                "@odata.context": context,
                "BusinessUnitId": store.business_unit_id,
                "UserId": store.user_id,
                "OrganizationId": store.organization_id,
            }
            return json_response(answer, headers={"x-ms-dop-hint": "4"})
        case "RetrieveVersion", None | "":
            return json_response({"@odata.context": context, "Version": "9.2.25063.182"})
        case "$metadata", None:
            return Response(200, {"Content-Type": "application/xml"}, edmx())
        case "sdkmessagefilters", None:
            return message_filters(request)
        case "", None:
            sets = [{"name": set, "kind": "EntitySet", "url": set} for set in ENTITIES]
            return json_response({"@odata.context": f"{request.root}$metadata", "value": sets})
        case _:
            return None


def _id(entity: Entity, key: str) -> str:
    name, equals, value = key.rpartition("=")
    if equals and (name.strip() != entity.key or not entity.named_key):
        raise bad_key(entity)
    try:
        return guid(value.strip())
    except ValueError as error:
        raise bad_key(entity) from error


def _on_set(store: Store, entity: Entity, rest: list[str], request: Request) -> Response:
    match request.method, rest:
        case "GET", []:
            return list_rows(store, entity, request)
        case "GET", ["$count"]:
            return count_rows(store, entity, request)
        case "POST", []:
            return _create(store, entity, request)
        case "POST", [action] if action.removeprefix(_ACTION) in MESSAGES and entity.bulk:
            return run_message(store, entity, action.removeprefix(_ACTION), request)
        case _, [segment, *_]:
            raise unknown_segment(segment)
        case _:
            raise _no_such_method(request)


def _on_row(store: Store, entity: Entity, id: str, key: str, request: Request) -> Response:
    match request.method:
        case "GET":
            return read_row(store, entity, id, request)
        case "PATCH":
            return _upsert(store, entity, id, key, request)
        case "DELETE":
            _check_match(store.get(entity.set, id), request.condition("if-match"))
            delete(store, entity, id)
            return Response(204)
        case _:
            raise _no_such_method(request)


def _on_property(store: Store, entity: Entity, id: str, rest: list[str], request: Request) -> Response:
    name = rest[0]
    match request.method, rest[1:]:
        case "GET", []:
            return read_property(store, entity, id, name, request)
        case "PUT", [] if name in entity.columns:
            body = {name: request.json(entity.set).get("value")}
        case "DELETE", [] if name in entity.columns:
            body = {name: None}
        case "DELETE", ["$ref"]:
            body = {name + BIND: None}
        case _:
            raise unknown_segment(rest[-1])
    update(store, entity, id, read_payload(store, entity, body, request.references, creating=False))
    return Response(204)


def _create(store: Store, entity: Entity, request: Request) -> Response:
    body = request.json(entity.set)
    id = _id(entity, str(body[entity.key])) if body.get(entity.key) is not None else None
    row = create(store, entity, read_payload(store, entity, body, request.references, creating=True), id)
    return _written(store, entity, row, row[entity.key], 201, request)


def _upsert(store: Store, entity: Entity, id: str, key: str, request: Request) -> Response:
    old = store.get(entity.set, id)
    body = request.json(entity.set)
    match, none_match = request.condition("if-match"), request.condition("if-none-match")
    if old is not None and none_match == "*":
        raise duplicate_key()
    if match is not None:
        if old is None:
            raise missing(entity.logical, id)
        _check_match(old, match)
    values = read_payload(store, entity, body, request.references, creating=old is None)
    if old is None:
        return _written(store, entity, create(store, entity, values, id), key, 201, request)
    return _written(store, entity, update(store, entity, id, values), key, 200, request)


def _check_match(row: Row | None, condition: str | None) -> None:
    if row is not None and condition not in (None, "*", etag(row)):
        raise version_mismatch()


def _written(store: Store, entity: Entity, row: Row, key: str, status: int, request: Request) -> Response:
    """204 with the URL of the row, its key as the client wrote it; or the row itself when that is preferred."""
    reference = f"{entity.set}({row[entity.key]})"
    if request.preferences().get("return") == "representation":
        query = parse_query(request.query, store.tables[entity.set].entity, READ_OPTIONS)
        body = one_row(store, entity, row, query, request)
        return json_response(body, status, {"Preference-Applied": "return=representation"}, reference)
    url = f"{request.root}{entity.set}({key})"
    return Response(204, {"Location": url, "OData-EntityId": url}, entity=reference)


def _no_such_method(request: Request) -> ODataError:
    return bad_url(f"The requested resource does not support http method '{request.method}'.", 405)
