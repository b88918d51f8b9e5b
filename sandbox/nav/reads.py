"""Lists with server paging, single records and counts (reference/apis.md section 3, Reading)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sandbox.nav.exchange import Answer, Request, decode, encode
from sandbox.nav.state import ETAG
from sandbox.odata.edm import EntityType, Row
from sandbox.odata.errors import ODataError
from sandbox.odata.query import NAV_LIST_OPTIONS, READ_OPTIONS, Query, parse_query, project
from sandbox.tables import Page, Table

MAX_PAGE = 20_000
"""Records in one page, most and default."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A set of a company as it is read: its table, what of it is published, its address, and what answers give as
    their context.
    """

    table: Table
    entity: EntityType
    url: str
    context: str


@dataclass(frozen=True, slots=True)
class _Window:
    """Which part of a list an answer holds: its rows, and how many of $top are left after them."""

    page: Page
    left: int | None


def read_list(resource: Resource, request: Request) -> Answer:
    """One page of a list, with the link to the next when more records follow."""
    table = resource.table
    query = parse_query(request.query, resource.entity, NAV_LIST_OPTIONS)
    preferred = request.prefers("odata.maxpagesize") or request.prefers("maxpagesize") or ""
    asked = int(preferred) if preferred.isascii() and preferred.isdigit() else 0
    window = _window(table, query, min(asked or MAX_PAGE, MAX_PAGE))
    content: dict[str, Any] = {"@odata.context": resource.context}
    if query.count:
        content["@odata.count"] = table.count(query.predicate)
    content["value"] = [_shown(resource, row, query) for row in window.page.rows]
    if window.page.more and window.left != 0:
        last = window.page.rows[-1]
        token = urlsafe_b64encode(encode([last[one.field] for one in table.complete(query.order)])).decode().rstrip("=")
        content["@odata.nextLink"] = _next_link(resource, request, token, window.left)
    applied = {"Preference-Applied": f"odata.maxpagesize={asked}"} if asked else {}
    return Answer(200, encode(content), applied)


def read_one(resource: Resource, request: Request, row: Row) -> Answer:
    """A single record."""
    query = parse_query(request.query, resource.entity, READ_OPTIONS)
    return single(resource, _shown(resource, row, query))


def read_count(resource: Resource, request: Request) -> Answer:
    """How many records there are, as plain text."""
    table = resource.table
    query = parse_query(request.query, resource.entity, frozenset({"$filter"}))
    return Answer(200, str(table.count(query.predicate)).encode(), content_type="text/plain")


def single(resource: Resource, row: Row, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """The answer that holds one record."""
    content = {"@odata.context": f"{resource.context}/$entity", **_published(resource, row)}
    return Answer(status, encode(content), {"ETag": row[ETAG], **(headers or {})})


def _shown(resource: Resource, row: Row, query: Query) -> Row:
    return _published(resource, row) if query.select is None else {ETAG: row[ETAG], **project(row, query.select)}


def _published(resource: Resource, row: Row) -> Row:
    """The row without what the company keeps for itself."""
    hidden = row.keys() - resource.entity.fields.keys() - {ETAG}
    return {name: value for name, value in row.items() if name not in hidden} if hidden else row


def _window(table: Table, query: Query, size: int) -> _Window:
    left = query.top
    limit = size if left is None else min(size, left)
    if query.skiptoken is None:
        page = table.select(query.predicate, query.order, limit + query.skip)
        page = Page(page.rows[query.skip :], page.more)
    else:
        try:
            page = table.select(query.predicate, query.order, limit, _after(table, query))
        except (TypeError, ValueError, AttributeError) as error:  # values of other types than the order's
            raise _bad_token() from error
    return _Window(page, None if left is None else left - len(page.rows))


def _after(table: Table, query: Query) -> Mapping[str, Any]:
    token = query.skiptoken or ""
    fields = [one.field for one in table.complete(query.order)]
    try:
        values = decode(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return dict(zip(fields, values, strict=True))
    except (ValueError, TypeError, msgspec.DecodeError) as error:
        raise _bad_token() from error


def _bad_token() -> ODataError:
    return ODataError(400, "BadRequest", "The value of the query parameter $skiptoken is not valid.")


def _next_link(resource: Resource, request: Request, token: str, left: int | None) -> str:
    kept = [part for part in request.query.split("&") if part and _option(part) not in ("$skiptoken", "$top", "$skip")]
    top = [] if left is None else [f"$top={left}"]
    return f"{resource.url}?{'&'.join([*kept, *top, f'$skiptoken={token}'])}"


def _option(part: str) -> str:
    return part.partition("=")[0].replace("%24", "$").lower()
