"""What stands behind a row in a path: one property, a related row, or the rows that name it, and their references."""

from typing import Any

from sandbox.crm.entities import Entity
from sandbox.crm.expand import related
from sandbox.crm.keys import existing, read_key, read_target, split_segment
from sandbox.crm.messages import Request, Response, json_response
from sandbox.crm.payload import BIND, read_payload
from sandbox.crm.reads import ROW_OPTIONS, read_property, read_row, shown_rows
from sandbox.crm.refusals import bad_payload, unknown_segment
from sandbox.crm.relationships import TO, Relationship
from sandbox.crm.schema import ENTITIES
from sandbox.crm.store import Store
from sandbox.crm.writes import update
from sandbox.odata.edm import Row
from sandbox.odata.query import parse_query

_REF = "$ref"
_MANY = ROW_OPTIONS | {"$filter", "$orderby", "$top"}


def answer_property(store: Store, entity: Entity, row: Row, rest: list[str], request: Request) -> Response:
    """Read or write what `rest` names of a row; raises ODataError."""
    name, key = split_segment(rest[0])
    navigation, many = entity.navigations().get(name), TO[entity.set].get(name)
    match request.method, rest[1:]:
        case "GET", [] if navigation is not None and key is None:
            other = store.get(navigation.target, row.get(navigation.column) or "")
            return Response(204) if other is None else read_row(store, ENTITIES[navigation.target], other, request)
        case "GET", [] if many is not None and key is None:
            return _list(store, many, row[entity.key], request)
        case "GET", []:
            return read_property(entity, row, rest[0], request)
        case ("POST", ["$ref"]) | ("DELETE", ["$ref"]) if many is not None:
            return _refer(store, many, row[entity.key], key, request)
        case "PUT", ["$ref"] if navigation is not None:
            body: dict[str, Any] = {name + BIND: _named(entity, request)}
        case "DELETE", ["$ref"] if navigation is not None:
            body = {name + BIND: None}
        case "PUT", [] if rest[0] in entity.columns:
            body = {name: request.json(entity.set).get("value")}
        case "DELETE", [] if rest[0] in entity.columns:
            body = {name: None}
        case _:
            raise unknown_segment(rest[-1])
    return _write(store, entity, row[entity.key], body, request)


def _write(store: Store, entity: Entity, id: str, body: dict[str, Any], request: Request) -> Response:
    update(store, entity, id, read_payload(store, entity, body, request.references, creating=False))
    return Response(204)


def _list(store: Store, relationship: Relationship, id: str, request: Request) -> Response:
    """All rows that name a row; there are never so many here that they would need pages."""
    target = relationship.referencing
    query = parse_query(request.query, store.tables[target.set].entity, _MANY)
    value = shown_rows(store, target, related(store, relationship, id, query), query, request)
    return json_response({"@odata.context": f"{request.root}$metadata#{target.set}", "value": value})


def _refer(store: Store, relationship: Relationship, id: str, key: str | None, request: Request) -> Response:
    """Have another row name this one, or no longer."""
    target = relationship.referencing
    if request.method == "POST":
        other, named = read_target(store, _named(target, request), request.references)
        if other is not target:
            raise bad_payload(target.set, f"A '{other.set}' cannot be added to '{relationship.name}'.")
        bound = f"{relationship.referenced.set}({id})"
        row = existing(store, target, named)
        return _write(store, target, row[target.key], {relationship.navigation + BIND: bound}, request)
    if key is None:
        raise unknown_segment(_REF)
    row = existing(store, target, read_key(store, target, key))
    if row.get(relationship.column) != id:
        raise unknown_segment(f"{relationship.name}({key})")
    return _write(store, target, row[target.key], {relationship.navigation + BIND: None}, request)


def _named(entity: Entity, request: Request) -> str:
    """The row that the body of a reference names."""
    value = request.json(entity.set).get("@odata.id")
    if not isinstance(value, str):
        raise bad_payload(entity.set, "A reference must have an @odata.id.")
    return value
