"""A cheap look whether records were modified, on both sides: a request for each source, and what failed or waits in the
store. It writes nothing.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from engine.connectors.protocol import ETAG, Query, Side
from engine.mapping.stamps import changed_since
from engine.mapping.transfer import TO
from engine.model.mapping import ConflictPolicy, Direction, TableMapping
from engine.store import conflicts, troubles, watermarks
from engine.store.database import Store

MOST = 5_000
"""Records that are worth looking at; where more were modified, that is a change."""
_PAGE = 1_000

Found = frozenset[str]
"""What a synchronization would look at: records with their versions, and what is tried again."""


async def look(store: Store, mapping: TableMapping, nav: Side, crm: Side) -> Found | None:
    """What a synchronization of a mapping would look at now; None when that is more than `MOST` records.

    A synchronization that begins later has looked at all that is found, unless it was modified since, and then its
    version is another. Raises ConnectionLost, StoreError.
    """
    found: set[str] = set()
    for one_way in mapping.direction.passes:
        mark, waiting = await store.read(partial(_stored, mapping=mapping, one_way=one_way))
        found.update(f"{one_way} again {id}" for id in waiting)
        table = mapping.table(one_way)
        since = changed_since(table, mark, seconds=one_way is not TO)
        side = nav if one_way is TO else crm
        columns = (table.key, table.modified) if table.modified else (table.key,)
        query = Query(table.entity, table.key, columns, (*table.filter, *since), page_size=_PAGE)
        async for rows in side.pages(query):
            found.update(f"{one_way} {row[table.key]} {row.get(ETAG)} {row.get(table.modified)}" for row in rows)
            if len(found) > MOST:
                return None
    return frozenset(found)


def digest(found: Iterable[str]) -> bytes:
    """What tells one look from another."""
    return hashlib.sha256("\n".join(sorted(found)).encode()).digest()


def _stored(connection: sa.Connection, mapping: TableMapping, one_way: Direction) -> tuple[datetime | None, list[str]]:
    """The watermark of a pass, and what it would try before what was modified, as `engine.sync.retries` does."""
    asks = mapping.conflict is ConflictPolicy.ASK
    settled = (conflicts.chosen if asks else conflicts.listing)(connection, mapping.name)
    failed = troubles.to_retry(connection, mapping.name, one_way)
    return watermarks.get(connection, mapping.name, one_way), [*failed, *(pair.nav_id for pair in settled)]
