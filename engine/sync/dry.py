"""A side that only pretends to write, for plans."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from engine.connectors.protocol import Count, Query, Result, Row, Side, Status, Step, Write
from engine.model.mapping import Condition
from engine.model.traffic import Traffic


class DrySide:
    """Reads from a real side; every write is answered as done, under an id that nobody has."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self.client_ids = side.client_ids
        self.ids_from_keys = side.ids_from_keys
        self.marker = side.marker

    @property
    def waiting(self) -> str:
        """What the real side waits for."""
        return self._side.waiting

    @property
    def traffic(self) -> Traffic:
        """How the requests to the real side go."""
        return self._side.traffic

    @property
    def now(self) -> datetime | None:
        """The real clock."""
        return self._side.now

    def halt(self, *, stop: bool) -> None:
        """The real side stops."""
        self._side.halt(stop=stop)

    def pages(self, query: Query) -> AsyncIterator[list[Row]]:
        """The real records."""
        return self._side.pages(query)

    async def fetch(self, entity: str, key: str, ids: Sequence[str], fields: tuple[str, ...]) -> dict[str, Row]:
        """The real rows."""
        return await self._side.fetch(entity, key, ids, fields)

    async def find(
        self,
        entity: str,
        field: str,
        values: Sequence[Any],
        fields: tuple[str, ...],
        conditions: tuple[Condition, ...] = (),
    ) -> list[Row]:
        """The real rows."""
        return await self._side.find(entity, field, values, fields, conditions)

    async def count(self, entity: str, conditions: tuple[Condition, ...]) -> Count:
        """The real number."""
        return await self._side.count(entity, conditions)

    async def labels(self, entity: str, columns: Sequence[str]) -> dict[str, dict[int, str]]:
        """The real options."""
        return await self._side.labels(entity, columns)

    async def user(self) -> str | None:
        """The real user."""
        return await self._side.user()

    def keeps_ids(self, entity: str) -> bool:
        """As the real side does."""
        return self._side.keeps_ids(entity)

    async def write(self, writes: Sequence[Write]) -> dict[str, Result]:
        """Nothing is sent."""
        return {
            one.key: Result(one.key, Status.DONE, one.id or str(uuid5(NAMESPACE_OID, f"{one.entity} {one.key}")))
            for one in writes
        }

    async def probe(self) -> list[Step]:
        """The real test."""
        return await self._side.probe()

    async def close(self) -> None:
        """Close the real side."""
        await self._side.close()
