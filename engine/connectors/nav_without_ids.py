"""Page services of Dynamics NAV 2016 and 2018, whose records have no SystemId, only a primary key.

The id of a record is made from its table and primary key, so that everything else can go on as if NAV had ids. A
renamed record gets another id: `engine.sync.renames` looks for those (reference/domain.md section 8.1).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import structs

from engine.connectors.metadata import Property, Shape, read_metadata
from engine.connectors.nav import MOST_ROWS, NavPages
from engine.connectors.nav_writes import SYSTEM_ID, Key
from engine.connectors.protocol import Halted, Query, Result, Row, Status, Write, WriteKind, how_far
from engine.model.errors import ConnectionLost, Refused
from engine.model.mapping import Condition
from engine.model.records import record_id


@dataclass(slots=True)
class _Seen:
    """The primary keys that are known, by id; `all_read` once all that there were have been looked at."""

    keys: dict[str, str] = field(default_factory=dict)
    all_read: bool = False
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class NavWithoutIds(NavPages):
    """NAV as one of the two sides (`protocol.Side`), with ids that stand for primary keys.

    Which key an id stands for is known from the records that were read. For others, the keys of the table are read
    once.
    """

    ids_from_keys = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._shapes: Mapping[str, Shape] = {}
        self._asking = asyncio.Lock()
        self._seen: dict[str, _Seen] = {}

    async def find(
        self,
        entity: str,
        field: str,
        values: Sequence[Any],
        fields: tuple[str, ...],
        conditions: tuple[Condition, ...] = (),
    ) -> list[Row]:
        """The records whose field has one of the values and that meet the conditions."""
        key = await self._key(entity)
        if field == SYSTEM_ID.field:
            known = await self._numbers(entity, [str(value).lower() for value in values])
            field, values = key.field, list(known.values())
        rows = await super().find(entity, field, values, _columns(fields, key), conditions)
        return self._named(entity, key, rows)

    async def write(self, writes: Sequence[Write]) -> dict[str, Result]:
        """Send writes of one entity and kind; every write has a result, found by its key."""
        if not writes:
            return {}
        entity, key = writes[0].entity, await self._key(writes[0].entity)
        there, gone = writes, {}
        if writes[0].kind is not WriteKind.CREATE:
            known = await self._numbers(entity, [str(one.id) for one in writes])
            there = [structs.replace(one, id=known[str(one.id)]) for one in writes if one.id in known]
            gone = {one.key: Result(one.key, Status.MISSING, one.id) for one in writes if one.id not in known}
        try:
            results = await super().write(there)
        except (Halted, ConnectionLost) as end:
            so_far = how_far(end)
            so_far.results = gone | self._results(entity, key, so_far.results)
            raise
        return gone | self._results(entity, key, results)

    async def metadata(self) -> Mapping[str, Shape]:
        """The pages that are published, by their names, with the ids that stand for their keys."""
        shapes = await super().metadata()
        self.ids_published = any(SYSTEM_ID.field in shape.properties for shape in shapes.values())
        id = {SYSTEM_ID.field: Property("Edm.Guid")}
        return {name: replace(shape, properties={**shape.properties, **id}) for name, shape in shapes.items()}

    async def _pages(self, query: Query) -> AsyncIterator[list[Row]]:
        key = await self._key(query.entity)
        after = None
        if query.after is not None:
            # a record that is gone leaves no place to go on from: everything is looked at again
            after = (await self._numbers(query.entity, [query.after])).get(query.after)
        inner = replace(query, key=key.field, fields=_columns(query.fields, key), after=after)
        async for rows in super()._pages(inner):
            yield self._named(query.entity, key, rows)

    async def _key(self, entity: str) -> Key:
        """The primary key of a page, as $metadata names it; raises Refused when it is not one field."""
        async with self._asking:
            if not self._shapes:
                self._shapes = await read_metadata(self._client, patience=None)
        shape = self._shapes.get(entity)
        if shape is None:
            raise Refused(
                f'NAV publishes no page "{entity}".', "Publish the page under that name, or leave the mapping out."
            )
        if len(shape.key) != 1:
            raise Refused(
                f'The NAV page "{entity}" has a primary key of {len(shape.key)} fields.',
                "Only records that one field identifies can be coupled in this version of NAV; leave the mapping out.",
            )
        return Key(shape.key[0], text=True)

    async def _numbers(self, entity: str, ids: Iterable[str]) -> dict[str, str]:
        """The primary keys that ids stand for; an id that no record has is left out."""
        seen, wanted = self._seen.setdefault(entity, _Seen()), set(ids)
        async with seen.reading:
            if not seen.all_read and not wanted <= seen.keys.keys():
                async for _ in self._pages(Query(entity, SYSTEM_ID.field, (), page_size=MOST_ROWS)):
                    continue  # reading a page notes the keys of its records
                seen.all_read = True
        return {id: seen.keys[id] for id in wanted if id in seen.keys}

    def _named(self, entity: str, key: Key, rows: Iterable[Row]) -> list[Row]:
        found: list[Row] = []
        known = self._seen.setdefault(entity, _Seen()).keys
        for row in rows:
            id = record_id(entity, str(row[key.field]))
            known[id] = str(row[key.field])
            found.append({**row, SYSTEM_ID.field: id})
        return found

    def _results(self, entity: str, key: Key, results: Mapping[str, Result]) -> dict[str, Result]:
        return {name: self._result(entity, key, result) for name, result in results.items()}

    def _result(self, entity: str, key: Key, result: Result) -> Result:
        if result.row is None or key.of(result.row) is None:
            return result if result.id is None else structs.replace(result, id=record_id(entity, result.id))
        (row,) = self._named(entity, key, [result.row])
        return structs.replace(result, id=str(row[SYSTEM_ID.field]), row=row)


def _columns(fields: Iterable[str], key: Key) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(name for name in fields if name != SYSTEM_ID.field), key.field)))
