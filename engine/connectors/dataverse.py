"""CRM: the Dataverse Web API (reference/apis.md section 1)."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from engine.connectors import urls
from engine.connectors.auth import Secret
from engine.connectors.batches import all_carried_out, carry_out, sliced
from engine.connectors.client import Limits, ODataClient, TransportFactory
from engine.connectors.dataverse_writes import DataverseWriter
from engine.connectors.filters import Dialect, checked_name, conjunction, distinct, list_item, packed, selected
from engine.connectors.gate import Gate
from engine.connectors.labels import option_labels
from engine.connectors.metadata import Shape, read_metadata
from engine.connectors.paging import by_key, chain, counted, key_pages
from engine.connectors.protocol import Count, Query, Result, Row, Step, Write
from engine.connectors.rights import Rights, read_rights
from engine.connectors.together import all_or_none
from engine.model.errors import AccessDenied, ConnectionLost
from engine.model.mapping import Condition
from engine.model.records import is_guid
from engine.model.traffic import Traffic

MOST_ROWS = 5000
"""Rows in a page, and where counting ends."""
_NO_CACHE = {"If-None-Match": "null"}
_LIST_BYTES = 24 * 1024
"""The values in a URL, which may have 32 KB."""
_LIST_VALUES = 500
_PROBE_PATIENCE = 5.0


class Dataverse:
    """CRM as one of the two sides (`protocol.Side`). New rows are made under ids that we choose.

    `url` ends with the version of the API, as in https://org.crm4.dynamics.com/api/data/v9.2. A text as `secret` is a
    bearer token. `batch` is how many rows go in one request.
    """

    client_ids = True
    ids_from_keys = False
    marker: str | None = None

    def __init__(
        self,
        url: str,
        secret: Secret,
        *,
        batch: int = 100,
        concurrency: int | None = None,
        name: str = "CRM",
        limits: Limits | None = None,
        gate: Gate | None = None,
        ca_file: str | None = None,
        transport: TransportFactory | None = None,
    ) -> None:
        if not 1 <= batch <= 1000:
            raise ValueError("a batch has 1 to 1000 rows")
        self._client = ODataClient(
            name,
            url,
            secret,
            gate=gate or Gate(name, concurrency),
            limits=limits,
            ca_file=ca_file,
            transport=transport,
        )
        self._writer = DataverseWriter(self._client)
        self._batch = batch

    @property
    def service(self) -> ODataClient:
        """The service itself, for a look at the connection."""
        return self._client

    @property
    def waiting(self) -> str:
        """What requests wait for now, for the progress screen; empty when for nothing."""
        return self._client.gate.waiting

    @property
    def traffic(self) -> Traffic:
        """How the requests go, for the progress screen."""
        return self._client.gate.traffic

    @property
    def now(self) -> datetime | None:
        """The present moment by the clock of the service."""
        return self._client.now

    def halt(self, *, stop: bool) -> None:
        """Let waits end with Halted, or go on."""
        self._client.gate.halt(stop=stop)

    def pages(self, query: Query) -> AsyncIterator[list[Row]]:
        """The records behind `query.after`, in key order."""
        return key_pages(self._client, checked_name(query.entity), query, Dialect.CRM, _NO_CACHE, MOST_ROWS)

    async def fetch(self, entity: str, key: str, ids: Sequence[str], fields: tuple[str, ...]) -> dict[str, Row]:
        """The rows with these keys, by key."""
        rows = await self._listed(entity, key, ids, (*fields, key), ())
        return by_key(rows, key)

    async def find(
        self,
        entity: str,
        field: str,
        values: Sequence[Any],
        fields: tuple[str, ...],
        conditions: tuple[Condition, ...] = (),
    ) -> list[Row]:
        """The rows whose field has one of the values and that meet the conditions."""
        return await self._listed(entity, field, values, fields, conditions)

    async def count(self, entity: str, conditions: tuple[Condition, ...]) -> Count:
        """How many rows meet the conditions; the service stops counting at 5,000."""
        options = [("$filter", conjunction(conditions, Dialect.CRM)), ("$count", "true"), ("$top", "1")]
        content = await self._client.read(f"{checked_name(entity)}?{urls.query(options)}", _NO_CACHE)
        number = counted(content, urls.shown(self._client.root), entity)
        return Count(number, number < MOST_ROWS)

    async def labels(self, entity: str, columns: Sequence[str]) -> dict[str, dict[int, str]]:
        """The options of choice columns with their labels in the language of our user."""
        return await option_labels(self._client, entity, columns) if columns else {}

    async def user(self) -> str | None:
        """The id of our user, as WhoAmI tells."""
        id = (await self._client.read("WhoAmI")).get("UserId")
        return str(id).lower() if is_guid(id) else None

    async def rights(self, entities: Iterable[str]) -> dict[str, Rights]:
        """What our user may do with these tables, and which bulk messages they have."""
        user = await self.user()
        if user is None:
            raise ConnectionLost(f"{urls.shown(self._client.root)} does not tell who we are.", "Check [crm] url.")
        return await read_rights(self._client, user, entities)

    def keeps_ids(self, entity: str) -> bool:
        """Always (reference/apis.md section 1, Create)."""
        del entity
        return True

    async def write(self, writes: Sequence[Write]) -> dict[str, Result]:
        """Send writes of one entity and kind; every write has a result, found by its key."""
        if not writes:
            return {}
        batches = sliced(writes, self._batch)
        bulk = await self._writer.bulk_table(checked_name(writes[0].entity), writes[0].kind)
        return await all_carried_out(batches, partial(self._one_batch, bulk=bulk))

    async def probe(self) -> list[Step]:
        """Who we are and which version answers."""
        steps: list[Step] = []
        try:
            who = await self._client.read("WhoAmI", patience=_PROBE_PATIENCE)
            if "UserId" not in who:
                root = urls.shown(self._client.root)
                return [
                    Step("WhoAmI", ok=False, detail=f"{root} does not answer as Dataverse's Web API; check [crm] url.")
                ]
            steps.append(Step("WhoAmI", ok=True, detail=f"user {who['UserId']} of {who.get('OrganizationId')}"))
            version = await self._client.read("RetrieveVersion", patience=_PROBE_PATIENCE)
            steps.append(Step("RetrieveVersion", "Version" in version, str(version.get("Version"))))
        except ConnectionLost as error:
            name = "RetrieveVersion" if steps else "WhoAmI"
            denied = isinstance(error, AccessDenied)
            steps.append(Step(name, ok=False, detail=error.told, denied=denied))
        return steps

    async def metadata(self) -> Mapping[str, Shape]:
        """The tables of the organization by their set names."""
        return await read_metadata(self._client)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _one_batch(self, batch: Sequence[Write], bulk: tuple[str, str] | None) -> dict[str, Result]:
        if bulk is not None and all(one.id is not None for one in batch):
            results = await self._writer.create_multiple(batch, *bulk)
            if results is not None:
                return results
        return await carry_out(self._client, batch, self._writer.send)

    async def _listed(
        self,
        entity: str,
        field: str,
        values: Sequence[Any],
        fields: tuple[str, ...],
        conditions: tuple[Condition, ...],
    ) -> list[Row]:
        terms = [f"Microsoft.Dynamics.CRM.In(PropertyName='{checked_name(field)}',PropertyValues=@p1)"]
        terms += [conjunction(conditions, Dialect.CRM)] if conditions else []
        options = [("$select", selected(fields)), ("$filter", " and ".join(terms))]
        addresses = [
            f"{checked_name(entity)}?{urls.query([*options, ('@p1', urls.Encoded(f'%5B{chunk}%5D'))])}"
            for chunk in packed(map(list_item, distinct(values)), ",", _LIST_BYTES, _LIST_VALUES)
        ]
        lists = await all_or_none(self._whole(address) for address in addresses)
        return [row for rows in lists for row in rows]

    async def _whole(self, address: str) -> list[Row]:
        return [row async for page in chain(self._client, address, _NO_CACHE) for row in page]
