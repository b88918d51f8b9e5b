"""GET of a set, of one row, and of one property."""

from typing import Any
from urllib.parse import quote, unquote

from sandbox.crm.cookie import read_cookie, write_cookie
from sandbox.crm.entities import Entity
from sandbox.crm.messages import Request, Response, json_response
from sandbox.crm.refusals import unknown_segment
from sandbox.crm.render import etag, render
from sandbox.crm.schema import ENTITIES
from sandbox.crm.store import Store
from sandbox.odata.edm import EdmType, Row
from sandbox.odata.filter import Paths, Read
from sandbox.odata.query import READ_OPTIONS, Query, parse_query

PAGE_LIMIT = 5000
ANNOTATIONS = "odata.include-annotations"
PAGE_SIZE = "odata.maxpagesize"


def list_rows(store: Store, entity: Entity, request: Request) -> Response:
    """One page of a set, at most 5,000 rows (reference/apis.md section 1, Query)."""
    table = store.tables[entity.set]
    query = parse_query(request.query, table.entity, paths=paths(store, entity))
    preferences = request.preferences()
    preferred = preferences.get(PAGE_SIZE, "")
    paged = preferred.isascii() and preferred.isdigit() and int(preferred) > 0
    by_top = query.top is not None and not paged
    limit = min(
        int(preferred) if paged else PAGE_LIMIT,
        query.top if by_top and query.top is not None else PAGE_LIMIT,
        PAGE_LIMIT,
    )
    order = table.complete(query.order)
    number, after = read_cookie(query.skiptoken, order, table.entity) if query.skiptoken else (1, None)
    page = table.select(query.predicate, query.order, limit, after)
    annotations = preferences.get(ANNOTATIONS)
    body: dict[str, Any] = {"@odata.context": _context(request, entity, query)}
    if query.count:
        body["@odata.count"] = min(table.count(query.predicate), PAGE_LIMIT)
    body["value"] = render(store, entity, page.rows, query.select, annotations)
    if page.more and page.rows and not by_top:
        body["@odata.nextLink"] = _next_link(request, entity, write_cookie(number + 1, page.rows[-1], order))
    applied = [f"{PAGE_SIZE}={limit}"] if paged else []
    applied += [f'{ANNOTATIONS}="{annotations}"'] if annotations else []
    return json_response(body, headers={"Preference-Applied": ",".join(applied)} if applied else None)


def count_rows(store: Store, entity: Entity, request: Request) -> Response:
    """`set/$count`: a number as plain text, at most 5,000."""
    table = store.tables[entity.set]
    query = parse_query(request.query, table.entity, frozenset({"$filter"}), paths(store, entity))
    number = min(table.count(query.predicate), PAGE_LIMIT)
    return Response(200, {"Content-Type": "text/plain"}, str(number).encode())


def read_row(store: Store, entity: Entity, row: Row, request: Request) -> Response:
    """One row; 304 when If-None-Match names the version it has."""
    query = parse_query(request.query, store.tables[entity.set].entity, READ_OPTIONS)
    annotations = request.preferences().get(ANNOTATIONS)
    if not annotations and request.condition("if-none-match") == etag(row):
        return Response(304, {"ETag": etag(row)})
    headers = {"ETag": etag(row)}
    if annotations:
        headers["Preference-Applied"] = f'{ANNOTATIONS}="{annotations}"'
    return json_response(one_row(store, entity, row, query, request), headers=headers)


def one_row(store: Store, entity: Entity, row: Row, query: Query, request: Request) -> Row:
    """The body of an answer that holds one row."""
    annotations = request.preferences().get(ANNOTATIONS)
    shown = render(store, entity, [row], query.select, annotations)[0]
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


def _context(request: Request, entity: Entity, query: Query) -> str:
    chosen = f"({','.join(query.select)})" if query.select else ""
    return f"{request.root}$metadata#{entity.set}{chosen}"


def _next_link(request: Request, entity: Entity, cookie: str) -> str:
    kept = [part for part in request.query.split("&") if part and unquote(part.partition("=")[0]) != "$skiptoken"]
    return f"{request.root}{entity.set}?{'&'.join([*kept, '$skiptoken=' + quote(cookie, safe='')])}"
