"""Lists: keyset pages that can be resumed anywhere, and chains of pages that belong to one answer."""

from collections.abc import AsyncIterator, Iterable, Mapping
from operator import lt
from typing import Any

import httpx

from engine.connectors import urls
from engine.connectors.client import ODataClient
from engine.connectors.filters import Dialect, checked_name, conjunction, guid, literal, selected
from engine.connectors.protocol import Query, Row
from engine.model.errors import ConnectionLost
from engine.model.records import is_guid

_MOST_PAGES = 10_000
"""Pages of one chain. A server that goes on beyond that never ends."""
NEXT = "@odata.nextLink"
_REWRITTEN = "Check that nothing between rewrites requests or answers."


async def key_pages(
    client: ODataClient,
    path: str,
    query: Query,
    dialect: Dialect,
    headers: Mapping[str, str],
    most: int,
    *,
    texts: bool = False,
) -> AsyncIterator[list[Row]]:
    """The records behind `query.after`, each page a request of its own: `$orderby=key&$filter=key gt after`.

    A server's nextLink only says that there is more, as it may not outlive a restart
    (reference/reliability.md section 2.5). `texts`: keys are no GUIDs, and their order is the server's own.
    Raises ConnectionLost when keys repeat or are out of order: rows would be lost.
    """
    size = max(1, min(query.page_size, most))
    key = checked_name(query.key)
    base = conjunction(query.conditions, dialect)
    select = selected(query.fields, key)
    prefer = {**headers, "Prefer": f"odata.maxpagesize={size}"}
    service = urls.shown(client.root)
    order: KeyOrder | NoKeyTwice = NoKeyTwice(service) if texts else KeyOrder(service)
    after = query.after
    while True:
        behind = f"{key} gt {literal(after) if texts else guid(after)}" if after is not None else ""
        options = [
            ("$select", select),
            ("$filter", " and ".join(term for term in (base, behind) if term)),
            ("$orderby", key),
        ]
        rows, more = await _first_rows(client, f"{path}?{urls.query(options)}", prefer)
        if not rows:
            return
        keys = _texts(rows, key) if texts else _keys(rows, key)
        order.check(after, keys)
        for start in range(0, len(rows), size):
            page: list[Row] = [*rows[start : start + size]]
            yield page
        if not more and len(rows) < size:
            return
        after = keys[-1]


async def chain(client: ODataClient, address: str, headers: Mapping[str, str]) -> AsyncIterator[list[dict[str, Any]]]:
    """All pages of one answer; links are followed only within the service, and none twice. Raises ConnectionLost."""
    link: str | httpx.URL | None = address
    seen: set[str] = set()
    while link is not None:
        content = await client.read(link, headers)
        yield _rows(client, content)
        link = client.link(content[NEXT]) if content.get(NEXT) is not None else None
        if link is not None:
            if str(link) in seen or len(seen) >= _MOST_PAGES:
                raise ConnectionLost(f"{urls.shown(client.root)} sends links to further pages that never end.")
            seen.add(str(link))


class KeyOrder:
    """Keys must rise strictly over all pages: as texts, or as SQL Server orders GUIDs (last bytes first)."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._as_text = True
        self._as_sql = True

    def check(self, after: str | None, keys: list[str]) -> None:
        """Raises ConnectionLost when the keys, behind `after`, are in neither order, or one is there twice."""
        line = keys if after is None else [after, *keys]
        if self._as_sql:
            self._as_sql = _rises([_sql_order(key) for key in line])
        if self._as_text:
            self._as_text = _rises(line)
        if not self._as_sql and not self._as_text:
            raise _out_of_order(self._service)


class NoKeyTwice:
    """Keys that are texts: servers sort them as their database does, so that only a key that comes back tells that
    something is wrong.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._seen: set[str] = set()

    def check(self, after: str | None, keys: list[str]) -> None:
        """Raises ConnectionLost when a key, or the one `after` which the keys come, was there before."""
        for key in keys:
            if key in self._seen or key == after:
                raise _out_of_order(self._service)
            self._seen.add(key)


def _out_of_order(service: str) -> ConnectionLost:
    return ConnectionLost(
        f"{service} sends records twice or out of order; going on could lose some.",
        f"The service must sort by the key. {_REWRITTEN}",
    )


async def _first_rows(
    client: ODataClient, address: str, headers: Mapping[str, str]
) -> tuple[list[dict[str, Any]], bool]:
    """The first rows behind an address, and whether there are more. An empty page may still have a next one."""
    seen: set[str] = set()
    content = await client.read(address, headers)
    while True:
        rows = _rows(client, content)
        more = content.get(NEXT) is not None
        if rows or not more:
            return rows, more
        link = client.link(content[NEXT])
        if str(link) in seen or len(seen) >= _MOST_PAGES:
            raise ConnectionLost(f"{urls.shown(client.root)} sends empty pages that never end.")
        seen.add(str(link))
        content = await client.read(link, headers)


def _rows(client: ODataClient, content: dict[str, Any]) -> list[dict[str, Any]]:
    rows = content.get("value")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConnectionLost(
            f"{urls.shown(client.root)} does not answer as an OData service: there is no list of records."
        )
    return rows


def _keys(rows: list[dict[str, Any]], key: str) -> list[str]:
    keys = []
    for row in rows:
        value = row.get(key)
        if not is_guid(value):
            raise ConnectionLost(
                f"The field {key} of a record is no GUID.", "The key of a mapping's table must be its immutable id."
            )
        row[key] = low = str(value).lower()
        keys.append(low)
    return keys


def _texts(rows: list[dict[str, Any]], key: str) -> list[str]:
    keys = [row.get(key) for row in rows]
    if not all(isinstance(one, str) for one in keys):
        raise ConnectionLost(
            f"The field {key} of a record is no text.", "The key of a mapping's table must be its primary key."
        )
    return [str(one) for one in keys]


def by_key(rows: Iterable[Row], key: str) -> dict[str, Row]:
    """Rows that were asked for by their keys. Raises ConnectionLost where one comes without: it would count as gone."""
    found = {}
    for row in rows:
        if not isinstance(value := row.get(key), str):
            raise ConnectionLost(f"A record came without its key, {key}.", _REWRITTEN)
        found[value.lower()] = row
    return found


def counted(content: Mapping[str, Any], service: str, entity: str) -> int:
    """How many rows there are, as an answer says; raises ConnectionLost where it does not."""
    number = content.get("@odata.count")
    if type(number) is not int:
        raise ConnectionLost(f"{service} does not count the records of {entity}.")
    return number


def _rises(keys: list[str]) -> bool:
    return all(map(lt, keys, keys[1:]))


def _sql_order(key: str) -> str:
    # groups from the last to the first; within the first three, bytes run backwards
    return (
        f"{key[24:]}{key[19:23]}{key[16:18]}{key[14:16]}{key[11:13]}{key[9:11]}{key[6:8]}{key[4:6]}{key[2:4]}{key[0:2]}"
    )
