"""Change tracking: what came, changed and went since a delta token (reference/apis.md section 1, Change tracking)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from sandbox.crm.entities import Entity
from sandbox.crm.messages import Request
from sandbox.crm.refusals import invalid
from sandbox.crm.store import Store
from sandbox.odata.edm import Dialect, Row
from sandbox.odata.errors import ODataError
from sandbox.odata.query import Order

PREFERENCE = "odata.track-changes"
DELTA = "$deltatoken"
_LIFETIME = timedelta(days=7)
_TIME = "%m/%d/%Y %H:%M:%S"
_COOKIE = re.compile(
    r'<cookie pagenumber="(\d{1,9})" pagingcookie="([01])%7C([0-9a-f-]{0,36})%7C(\d{1,18})" istracking="True" />'
)
_DELTA_TOKEN = re.compile(r"(\d{1,18})!(.{19})")
_REFUSED = ("$filter", "$orderby", "$expand", "$top", "$apply")


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a reader has come: among rows (0) or removals (1), behind which key or version, in what is up to then."""

    page: int
    phase: int
    behind: str
    until: int


@dataclass(frozen=True, slots=True)
class Changes:
    """One page: rows, ids of removed rows, and either the token of the next page or the delta token."""

    rows: list[Row]
    removed: list[str]
    skip: str | None
    delta: str | None


def is_tracked(preferences: Mapping[str, str], options: Mapping[str, str]) -> bool:
    """Whether a request for a set is one for its changes, or for the pages before the first of them."""
    return PREFERENCE in preferences or DELTA in options or 'istracking="True"' in options.get("$skiptoken", "")


def changes(store: Store, entity: Entity, options: Mapping[str, str], size: int) -> Changes:
    """At most `size` changes since the delta token, or rows where there is none yet; raises ODataError."""
    if not entity.bulk:
        raise invalid(f"Entity: {entity.logical} isn't enabled for change tracking.")
    for name in _REFUSED:
        if name in options:
            raise Dialect.CRM.bad_query(
                f'The "{name}" query parameter isn\'t supported when Change Tracking is enabled.'
            )
    since = _since(store, options[DELTA]) if DELTA in options else None
    table = store.tables[entity.set]
    skip = options.get("$skiptoken")
    place = _Place(1, 0, "", table.next_version()) if skip is None else _read(skip)
    rows, more = _rows(store, entity, place, since, size) if place.phase == 0 else ([], False)
    if more:
        behind = rows[-1][entity.key] if since is None else str(rows[-1]["versionnumber"])
        return Changes(rows, [], _write(_Place(place.page + 1, 0, behind, place.until)), None)
    removed = [] if since is None else _removals(store, entity, place, since)
    room = size - len(rows)
    if len(removed) > room:
        removed = removed[:room]
        behind = str(removed[-1][0]) if removed else ""
        return Changes(rows, [id for _, id in removed], _write(_Place(place.page + 1, 1, behind, place.until)), None)
    return Changes(rows, [id for _, id in removed], None, f"{place.until}!{_now(store):{_TIME}}")


def count_changes(store: Store, entity: Entity, options: Mapping[str, str]) -> int:
    """How many changes there are since the delta token."""
    found = changes(store, entity, options, len(store.tables[entity.set].rows) + len(store.removed[entity.set]) + 1)
    return len(found.rows) + len(found.removed)


def removal(request: Request, entity: Entity, id: str) -> Row:
    """A row that is gone, as a page of changes tells of it."""
    context = f"{request.root}$metadata#{entity.set}/$deletedEntity"
    return {"@odata.context": context, "id": id, "reason": "deleted"}


def link(request: Request, entity: Entity, options: Mapping[str, Any], name: str, token: str) -> str:
    """The URL that goes on with a token, with the options that a reader may repeat."""
    kept = {key: value for key, value in options.items() if key not in ("$skiptoken", name)}
    kept[name] = token
    query = "&".join(f"{key}={quote(value, safe=',')}" for key, value in kept.items())
    return f"{request.root}{entity.set}?{query}"


def _rows(store: Store, entity: Entity, place: _Place, since: int | None, size: int) -> tuple[list[Row], bool]:
    """Rows in the order of their ids at first, of their versions later, and whether more follow."""
    table = store.tables[entity.set]
    if since is None:
        after = {entity.key: place.behind} if place.behind else None
        page = table.select(None, (), size, after)
        return page.rows, page.more
    version = _version(place.behind) if place.behind else since
    last = {"versionnumber": version, entity.key: "ffffffff-ffff-ffff-ffff-ffffffffffff"}
    page = table.select(None, (Order("versionnumber"),), size, last)
    rows = [row for row in page.rows if row["versionnumber"] <= place.until]
    return rows, page.more and len(rows) == len(page.rows)


def _removals(store: Store, entity: Entity, place: _Place, since: int) -> list[tuple[int, str]]:
    """The rows that are gone and that the reader has not been told of, with the versions of their deletions."""
    told = _version(place.behind) if place.phase == 1 and place.behind else since
    return sorted((version, id) for id, version in store.removed[entity.set].items() if told < version <= place.until)


def _since(store: Store, token: str) -> int:
    found = _DELTA_TOKEN.fullmatch(token)
    try:
        at = datetime.strptime(found[2], _TIME).replace(tzinfo=UTC) if found is not None else None
    except ValueError:
        at = None
    if found is None or at is None:
        raise invalid("The delta token is malformed.")
    if _now(store) - at > _LIFETIME:
        raise ODataError(
            400,
            "0x80044352",
            "Version stamp associated with the client has expired. Please perform a full sync.",
        )
    return int(found[1])


def _now(store: Store) -> datetime:
    return datetime.fromisoformat(store.now())


def _write(place: _Place) -> str:
    inner = quote(f"{place.phase}|{place.behind}|{place.until}", safe="")
    return f'<cookie pagenumber="{place.page}" pagingcookie="{inner}" istracking="True" />'


def _version(text: str) -> int:
    if not text.isdigit():
        raise invalid("The paging cookie is malformed or belongs to another query.")
    return int(text)


def _read(token: str) -> _Place:
    found = _COOKIE.fullmatch(token)
    if found is None:
        raise invalid("The paging cookie is malformed or belongs to another query.")
    return _Place(int(found[1]), int(found[2]), found[3], int(found[4]))
