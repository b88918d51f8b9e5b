"""Which operation a request asks for; the same for requests that come alone and inside a batch."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from sandbox.crm.bulk import MESSAGES, run_message
from sandbox.crm.bulk_delete import bulk_delete
from sandbox.crm.definitions import COLLECTIONS
from sandbox.crm.edmx import edmx
from sandbox.crm.entities import NAMESPACE, Entity
from sandbox.crm.keys import Key, existing, find, read_key, split_segment
from sandbox.crm.messages import Request, Response, error_response, json_response
from sandbox.crm.metadata import answer_metadata, message_filters
from sandbox.crm.metadata_changes import metadata_changes
from sandbox.crm.payload import read_payload
from sandbox.crm.privileges import USER_PRIVILEGES, user_privileges
from sandbox.crm.properties import answer_property
from sandbox.crm.reads import ANNOTATIONS, ROW_OPTIONS, count_rows, list_rows, one_row, read_row
from sandbox.crm.refusals import bad_url, duplicate_key, unknown_segment, version_mismatch
from sandbox.crm.render import etag
from sandbox.crm.schema import ENTITIES
from sandbox.crm.store import Store
from sandbox.crm.writes import create, delete, update
from sandbox.odata.edm import Row
from sandbox.odata.errors import ODataError
from sandbox.odata.query import parse_query

_ALIAS = re.compile(r"Query=(@\w+)")
_ACTION = f"{NAMESPACE}."


def handle(store: Store, request: Request) -> Response:
    """Carry out one operation; a refusal is an answer too."""
    try:
        return _route(store, request)
    except ODataError as error:
        return error_response(error, annotated=request.preferences().get(ANNOTATIONS) == "*")


def _route(store: Store, request: Request) -> Response:
    path = _dereferenced(request)
    first, *rest = _segments(path)
    name, key = split_segment(first)
    if request.method == "GET" and not rest and (answer := _function(store, name, key, request)) is not None:
        return answer
    if name == "BulkDelete" and request.method == "POST" and not rest:
        return bulk_delete(store, request)
    if name in COLLECTIONS:
        return answer_metadata(store, [first, *rest], request)
    if (
        request.method == "GET"
        and name == "systemusers"
        and [one.removesuffix("()") for one in rest] == [USER_PRIVILEGES]
    ):
        return user_privileges(store, request)
    entity = ENTITIES.get(name)
    if entity is None:
        raise unknown_segment(name)
    if key is None:
        return _on_set(store, entity, rest, request)
    wanted = read_key(store, entity, key)
    if rest:
        return answer_property(store, entity, existing(store, entity, wanted), rest, request)
    return _on_row(store, entity, wanted, request)


def _segments(path: str) -> list[str]:
    """The parts between slashes; a slash inside quotes is part of a key."""
    pieces = path.split("'")
    pieces[::2] = [piece.replace("/", "\n") for piece in pieces[::2]]
    return "'".join(pieces).split("\n")


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
    context = f"{request.root}$metadata#{NAMESPACE}.{name}Response"
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
        case "RetrieveMetadataChanges", str() if (alias := _ALIAS.fullmatch(key)) is not None:
            return metadata_changes(store, request, alias[1])
        case "", None:
            sets = [{"name": set, "kind": "EntitySet", "url": set} for set in ENTITIES]
            return json_response({"@odata.context": f"{request.root}$metadata", "value": sets})
        case _:
            return None


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


def _on_row(store: Store, entity: Entity, key: Key, request: Request) -> Response:
    match request.method:
        case "GET":
            return read_row(store, entity, existing(store, entity, key), request)
        case "PATCH":
            return _upsert(store, entity, key, request)
        case "DELETE":
            row = existing(store, entity, key)
            _check_match(row, request.condition("if-match"))
            delete(store, entity, row[entity.key])
            return Response(204)
        case _:
            raise _no_such_method(request)


def _create(store: Store, entity: Entity, request: Request) -> Response:
    body = request.json(entity.set)
    row = create(
        store,
        entity,
        read_payload(store, entity, body, request.references, creating=True),
        _own_id(store, entity, body),
    )
    return _written(store, entity, row, row[entity.key], 201, request)


def _own_id(store: Store, entity: Entity, body: Mapping[str, Any]) -> str | None:
    """The id that a client chose for a new row."""
    value = body.get(entity.key)
    return None if value is None else read_key(store, entity, str(value)).id


def _upsert(store: Store, entity: Entity, key: Key, request: Request) -> Response:
    """Create or update; what a body says of the columns of an alternate key counts only for a new row."""
    old = find(store, entity, key)
    body = request.json(entity.set)
    match, none_match = request.condition("if-match"), request.condition("if-none-match")
    if old is not None and none_match == "*":
        raise duplicate_key()
    if match is not None:
        _check_match(existing(store, entity, key), match)
    if old is None:
        values = {**key.values, **read_payload(store, entity, body, request.references, creating=True)}
        id = key.id or _own_id(store, entity, body)
        return _written(store, entity, create(store, entity, values, id), key.text, 201, request)
    rest = {name: value for name, value in body.items() if name not in key.values}
    values = read_payload(store, entity, rest, request.references, creating=False)
    return _written(store, entity, update(store, entity, old[entity.key], values), key.text, 200, request)


def _check_match(row: Row | None, condition: str | None) -> None:
    if row is not None and condition not in (None, "*", etag(row)):
        raise version_mismatch()


def _written(store: Store, entity: Entity, row: Row, key: str, status: int, request: Request) -> Response:
    """204 with the URL of the row, its key as the client wrote it; or the row itself when that is preferred."""
    reference = f"{entity.set}({row[entity.key]})"
    if request.preferences().get("return") == "representation":
        query = parse_query(request.query, store.tables[entity.set].entity, ROW_OPTIONS)
        body = one_row(store, entity, row, query, request)
        return json_response(body, status, {"Preference-Applied": "return=representation"}, reference)
    by_key = quote(key, safe="=,'")
    url = f"{request.root}{entity.set}({by_key})"
    return Response(204, {"Location": url, "OData-EntityId": url}, entity=reference)


def _no_such_method(request: Request) -> ODataError:
    return bad_url(f"The requested resource does not support http method '{request.method}'.", 405)
