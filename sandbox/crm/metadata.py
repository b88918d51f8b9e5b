"""What the organization says of itself: the sets of the metadata, and which tables have bulk messages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.crm.attributes import CASTS
from sandbox.crm.bulk import MESSAGES
from sandbox.crm.definitions import COLLECTIONS
from sandbox.crm.expand import members
from sandbox.crm.keys import define
from sandbox.crm.kinds import Kind, metadata_id
from sandbox.crm.messages import Request, Response, json_response
from sandbox.crm.refusals import bad_payload, bad_url, unknown_segment
from sandbox.crm.schema import BY_LOGICAL_NAME, ENTITIES
from sandbox.crm.store import Store
from sandbox.odata.edm import Dialect, EdmType, EntityType, Row
from sandbox.odata.errors import ODataError
from sandbox.odata.query import Query, parse_query, project

_FILTER = EntityType(
    "Microsoft.Dynamics.CRM.sdkmessagefilter",
    {"sdkmessagefilterid": EdmType.GUID, "primaryobjecttypecode": EdmType.STRING, "sdkmessageid/name": EdmType.STRING},
    Dialect.CRM,
)
_MANY = frozenset({"$select", "$filter", "$expand", "$count", "$top"})
_ONE = frozenset({"$select", "$expand"})
_SEGMENT = re.compile(r"([\w.]+)(?:\((?:(\w+)=)?'?([\w.-]*)'?\))?")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a path has led: rows of a kind, or the one row that a key or a part chose."""

    kind: Kind
    rows: list[Row]
    single: bool


def answer_metadata(store: Store, path: Sequence[str], request: Request) -> Response:
    """Read a part of the metadata, give a table an alternate key, or take it away; raises ODataError."""
    if request.method == "POST" and len(path) == 2 and path[1] == "Keys":
        return _add_key(store, path, request)
    if request.method == "DELETE" and len(path) == 2 and path[1].startswith("Keys("):
        return _remove_key(store, path)
    if request.method != "GET":
        raise bad_url(f"The requested resource does not support http method '{request.method}'.", 405)
    place = _follow(store, path)
    context = f"{request.root}$metadata#{'/'.join(path)}"
    if place.single:
        if not place.rows:
            return Response(204)
        query = parse_query(request.query, place.kind.type, _ONE)
        return json_response(
            {"@odata.context": f"{context}/$entity", **_shown(store, place.kind, place.rows[0], query)}
        )
    query = parse_query(request.query, place.kind.type, _MANY)
    found = _chosen(place.rows, query)
    count = {"@odata.count": len(found)} if query.count else {}
    value = [_shown(store, place.kind, row, query) for row in found[: query.top]]
    return json_response({"@odata.context": context, **count, "value": value})


def message_filters(request: Request) -> Response:
    """The bulk messages of each table; an empty answer means that a table has none (reference/apis.md section 1)."""
    rows: list[Row] = [
        {"sdkmessagefilterid": metadata_id(f"{entity.logical}/{message}"),
         "primaryobjecttypecode": entity.logical, "sdkmessageid/name": message}
        for entity in ENTITIES.values() if entity.bulk for message in MESSAGES
    ]  # fmt: skip
    query = parse_query(request.query, _FILTER)
    chosen = query.select or ("sdkmessagefilterid", "primaryobjecttypecode")
    value = [project(row, chosen) for row in _chosen(rows, query)]
    return json_response({"@odata.context": f"{request.root}$metadata#sdkmessagefilters", "value": value})


def _follow(store: Store, path: Sequence[str]) -> _Place:
    """The rows to which a path leads: sets, keys, casts to derived types, and parts of a single row."""
    first, *rest = path
    name, field, value = _segment(first)
    kind, rows = COLLECTIONS[name]
    place = _Place(kind, rows(), single=False)
    if value is not None:
        place = _picked(place, field, value)
    for segment in rest:
        name, field, value = _segment(segment)
        if name in CASTS:
            kept = [row for row in place.rows if row.get("@odata.type") == f"#{name}"]
            if place.single and not kept:
                raise unknown_segment(segment)
            place = _Place(CASTS[name], kept, place.single)
        elif place.single and name in place.kind.parts:
            kind, part = place.kind.parts[name]
            found = part(store, place.rows[0])
            place = (
                _Place(kind, found, False) if isinstance(found, list) else _Place(kind, [found] if found else [], True)
            )
        else:
            raise unknown_segment(segment)
        if value is not None:
            place = _picked(place, field, value)
    return place


def _segment(text: str) -> tuple[str, str | None, str | None]:
    found = _SEGMENT.fullmatch(text)
    if found is None:
        raise unknown_segment(text)
    return found[1], found[2], found[3]


def _picked(place: _Place, field: str | None, value: str) -> _Place:
    name = field or "MetadataId"
    if name != "MetadataId" and name not in place.kind.named:
        raise bad_url(f"The key in the request URI is not valid for resource '{place.kind.type.name}'.")
    found = [row for row in place.rows if str(row[name]).lower() == value.lower()]
    if not found:
        raise ODataError(404, "0x80060888", f"Could not find an entity with the key {name}='{value}'.")
    return _Place(place.kind, found, single=True)


def _chosen(rows: Sequence[Row], query: Query) -> list[Row]:
    return [row for row in rows if query.predicate is None or query.predicate.test(row)]


def _shown(store: Store, kind: Kind, row: Row, query: Query) -> Row:
    """A row with what was asked for; its type and id come unasked."""
    always = tuple(name for name in ("@odata.type", "MetadataId") if name in row)
    shown = dict(project(row, (*always, *query.select) if query.select is not None else None))
    for member in members(query.raw.get("$expand")):
        if member.name not in kind.parts:
            raise Dialect.CRM.bad_query(f"Could not find a property named '{member.name}' on type '{kind.type.name}'.")
        inner, part = kind.parts[member.name]
        found = part(store, row)
        if isinstance(found, list):
            options = parse_query(member.options, inner.type, _MANY)
            shown[member.name] = [_shown(store, inner, one, options) for one in _chosen(found, options)[: options.top]]
        else:
            options = parse_query(member.options, inner.type, _ONE)
            shown[member.name] = None if found is None else _shown(store, inner, found, options)
    return shown


def _add_key(store: Store, path: Sequence[str], request: Request) -> Response:
    place = _follow(store, path[:1])
    if not place.single or path[1] not in place.kind.parts:
        raise unknown_segment(path[1])
    (table,) = place.rows
    entity = BY_LOGICAL_NAME[table["LogicalName"]]
    body = request.json("EntityDefinitions")
    name, columns = body.get("SchemaName"), body.get("KeyAttributes")
    if not isinstance(name, str) or not re.fullmatch(r"\w{1,100}", name) or not isinstance(columns, list):
        raise bad_payload("EntityDefinitions", "An entity key needs a SchemaName and KeyAttributes.")
    key = define(store, entity, name, [str(column) for column in columns])
    url = f"{request.root}{path[0]}/Keys({key.id})"
    return Response(204, {"Location": url, "OData-EntityId": url})


def _remove_key(store: Store, path: Sequence[str]) -> Response:
    (key,) = _follow(store, path).rows
    keys = store.keys[BY_LOGICAL_NAME[key["EntityLogicalName"]].set]
    keys[:] = [one for one in keys if one.id != key["MetadataId"]]
    return Response(204)
