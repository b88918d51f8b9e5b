"""GET of a set, of one row, and of one property."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from sandbox.crm.apply import aggregated
from sandbox.crm.cookie import read_cookie, write_cookie
from sandbox.crm.entities import Entity
from sandbox.crm.expand import attach
from sandbox.crm.messages import Request, Response, json_response
from sandbox.crm.refusals import unknown_segment
from sandbox.crm.render import etag, render, wanted
from sandbox.crm.schema import ENTITIES
from sandbox.crm.store import Store
from sandbox.crm.tracking import DELTA, PREFERENCE, changes, count_changes, is_tracked, link, removal
from sandbox.odata.edm import EdmType, Row
from sandbox.odata.filter import Paths, Read
from sandbox.odata.query import LIST_OPTIONS, READ_OPTIONS, Query, parse_query

PAGE_LIMIT = 5000
ANNOTATIONS = "odata.include-annotations"
PAGE_SIZE = "odata.maxpagesize"
ROW_OPTIONS = READ_OPTIONS | {"$expand"}
_OPTIONS = LIST_OPTIONS | {"$expand", "$apply", DELTA}
_TOTAL = "Microsoft.Dynamics.CRM.totalrecordcount"


def list_rows(store: Store, entity: Entity, request: Request) -> Response:
    """One page of a set, at most 5,000 rows (reference/apis.md section 1, Query)."""
    table = store.tables[entity.set]
    query = parse_query(request.query, table.entity, _OPTIONS, paths(store, entity))
    if (apply := query.raw.get("$apply")) is not None:
        rows = aggregated(table, query, apply, paths(store, entity))
        return json_response({"@odata.context": _context(request, entity, query), "value": rows})
    preferences = request.preferences()
    size = _preferred_size(preferences)
    if is_tracked(preferences, query.raw):
        return _tracked(store, entity, request, query, size)
    by_top = query.top is not None and size is None
    limit = min(size or PAGE_LIMIT, query.top if by_top and query.top is not None else PAGE_LIMIT, PAGE_LIMIT)
    order = table.complete(query.order)
    number, after = read_cookie(query.skiptoken, order, table.entity) if query.skiptoken else (1, None)
    page = table.select(query.predicate, query.order, limit, after)
    body: dict[str, Any] = {"@odata.context": _context(request, entity, query)}
    if query.count:
        body |= _counted(table.count(query.predicate), preferences)
    body["value"] = shown_rows(store, entity, page.rows, query, request)
    if page.more and page.rows and not by_top:
        body["@odata.nextLink"] = _next_link(request, entity, write_cookie(number + 1, page.rows[-1], order))
    return json_response(body, headers=_applied(preferences, limit if size is not None else None))


def _tracked(store: Store, entity: Entity, request: Request, query: Query, size: int | None) -> Response:
    """One page of what changed since a delta token, or of all rows, with a delta token at the end."""
    found = changes(store, entity, query.raw, min(size or PAGE_LIMIT, PAGE_LIMIT))
    preferences = request.preferences()
    context = _context(request, entity, query)
    value = shown_rows(store, entity, found.rows, query, request)
    body: dict[str, Any] = {
        "@odata.context": f"{context}/$delta" if DELTA in query.raw else context,
        "value": value + [removal(request, entity, id) for id in found.removed],
    }
    if found.skip is not None:
        body["@odata.nextLink"] = link(request, entity, query.raw, "$skiptoken", found.skip)
    if found.delta is not None:
        body["@odata.deltaLink"] = link(request, entity, query.raw, DELTA, found.delta)
    return json_response(body, headers=_applied(preferences, size))


def count_rows(store: Store, entity: Entity, request: Request) -> Response:
    """`set/$count`: a number as plain text, at most 5,000; with a delta token, how many changes there are."""
    table = store.tables[entity.set]
    query = parse_query(request.query, table.entity, frozenset({"$filter", DELTA}), paths(store, entity))
    found = count_changes(store, entity, query.raw) if DELTA in query.raw else table.count(query.predicate)
    return Response(200, {"Content-Type": "text/plain"}, str(min(found, PAGE_LIMIT)).encode())


def read_row(store: Store, entity: Entity, row: Row, request: Request) -> Response:
    """One row; 304 when If-None-Match names the version it has."""
    query = parse_query(request.query, store.tables[entity.set].entity, ROW_OPTIONS)
    annotations = request.preferences().get(ANNOTATIONS)
    if not annotations and "$expand" not in query.raw and request.condition("if-none-match") == etag(row):
        return Response(304, {"ETag": etag(row)})
    headers = {"ETag": etag(row)}
    if annotations:
        headers["Preference-Applied"] = f'{ANNOTATIONS}="{annotations}"'
    return json_response(one_row(store, entity, row, query, request), headers=headers)


def one_row(store: Store, entity: Entity, row: Row, query: Query, request: Request) -> Row:
    """The body of an answer that holds one row."""
    (shown,) = shown_rows(store, entity, [row], query, request)
    return {"@odata.context": f"{_context(request, entity, query)}/$entity", **shown}


def read_property(entity: Entity, row: Row, name: str, request: Request) -> Response:
    """The value of one property; 204 when it is null."""
    if name not in entity.columns:
        raise unknown_segment(name)
    if row.get(name) is None:
        return Response(204)
    return json_response(
        {"@odata.context": f"{request.root}$metadata#{entity.set}({row[entity.key]})/{name}", "value": row[name]}
    )


def paths(store: Store, entity: Entity) -> Paths:
    """Resolves `navigation/column` in a filter."""

    def resolve(path: str) -> tuple[EdmType, Read] | None:
        first, _, last = path.partition("/")
        navigation = entity.navigations().get(first)
        target = ENTITIES.get(navigation.target) if navigation is not None else None
        if navigation is None or target is None or last not in target.columns:
            return None
        column, rows = navigation.column, store.tables[target.set].rows

        def read(row: Row) -> Any:
            found = rows.get(row.get(column) or "")
            return found.get(last) if found is not None else None

        return target.columns[last].type, read

    return resolve


def shown_rows(store: Store, entity: Entity, rows: Sequence[Row], query: Query, request: Request) -> list[Row]:
    """Rows for a client, with the annotations and the related rows that it asked for."""
    annotations = request.preferences().get(ANNOTATIONS)
    shown = render(store, entity, rows, query.select, annotations)
    if (text := query.raw.get("$expand")) is not None:
        attach(store, entity, rows, shown, text, annotations)
    return shown


def _preferred_size(preferences: Mapping[str, str]) -> int | None:
    """The page size that a client prefers, when it is one."""
    text = preferences.get(PAGE_SIZE, "")
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None


def _counted(number: int, preferences: Mapping[str, str]) -> Row:
    found: Row = {"@odata.count": min(number, PAGE_LIMIT)}
    if wanted(preferences.get(ANNOTATIONS, ""))(_TOTAL):
        found[f"@{_TOTAL}"] = min(number, PAGE_LIMIT)
        found[f"@{_TOTAL}limitexceeded"] = number > PAGE_LIMIT
    return found


def _applied(preferences: Mapping[str, str], size: int | None) -> dict[str, str]:
    """The header that says which preferences were honoured."""
    applied = [PREFERENCE] if PREFERENCE in preferences else []
    applied += [f"{PAGE_SIZE}={size}"] if size is not None else []
    applied += [f'{ANNOTATIONS}="{preferences[ANNOTATIONS]}"'] if preferences.get(ANNOTATIONS) else []
    return {"Preference-Applied": ",".join(applied)} if applied else {}


def _context(request: Request, entity: Entity, query: Query) -> str:
    chosen = f"({','.join(query.select)})" if query.select else ""
    return f"{request.root}$metadata#{entity.set}{chosen}"


def _next_link(request: Request, entity: Entity, cookie: str) -> str:
    kept = [part for part in request.query.split("&") if part and unquote(part.partition("=")[0]) != "$skiptoken"]
    return f"{request.root}{entity.set}?{'&'.join([*kept, '$skiptoken=' + quote(cookie, safe='')])}"
