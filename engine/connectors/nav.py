"""NAV and Business Central: page services published over OData V4 (reference/apis.md section 3)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from engine.connectors import urls
from engine.connectors.auth import Secret
from engine.connectors.batches import all_carried_out, carry_out, sliced
from engine.connectors.client import Limits, ODataClient, TransportFactory
from engine.connectors.filters import Dialect, checked_name, comparison, conjunction, distinct, packed, selected
from engine.connectors.gate import Gate
from engine.connectors.jsonbatch import MOST
from engine.connectors.metadata import Shape, read_metadata
from engine.connectors.nav_writes import SYSTEM_ID, Key, NavWriter
from engine.connectors.paging import by_key, chain, counted, key_pages
from engine.connectors.protocol import Count, Query, Result, Row, Step, Write
from engine.connectors.together import all_or_none
from engine.model.errors import AccessDenied, ConfigError, ConnectionLost
from engine.model.mapping import Condition
from engine.model.traffic import Traffic

MOST_ROWS = 20_000
_LIST_BYTES = 6 * 1024
"""The values in a URL: the web server below NAV takes 16 KB for a request with all its headers, the token too."""
_LIST_VALUES = 100
_PROBE_PATIENCE = 5.0


class NavPages:
    """NAV as one of the two sides (`protocol.Side`). NAV gives new records their ids; `marker` names the field, if the
    pages have one, that holds the id of the partner.

    `url` ends with ODataV4, as in https://host:7048/BC/ODataV4. With `user`, `secret` is the password or web service
    access key, without it a bearer token. `batch` is how many records go in one request; older versions of NAV, which
    know no batches, get each record in a request of its own, as with a batch of 1.
    """

    client_ids = False
    ids_from_keys = False
    ids_published = False
    """Whether `metadata` found ids where none were looked for."""

    def __init__(
        self,
        url: str,
        secret: Secret,
        company: str,
        *,
        marker: str | None = None,
        user: str = "",
        batch: int = MOST,
        concurrency: int = 5,
        name: str = "NAV",
        limits: Limits | None = None,
        gate: Gate | None = None,
        ca_file: str | None = None,
        transport: TransportFactory | None = None,
    ) -> None:
        if not company.strip():
            raise ConfigError(
                "The NAV company is blank.", "Write its name as NAV shows it; upper and lower case count."
            )
        if not 1 <= batch <= MOST:
            raise ValueError(f"a batch has 1 to {MOST} records")
        self.marker = None if marker is None else checked_name(marker)
        self._client = ODataClient(
            name,
            url,
            secret,
            user=user,
            gate=gate or Gate(name, concurrency),
            limits=limits,
            ca_file=ca_file,
            transport=transport,
        )
        self._company = company
        self._writer = NavWriter(self._client, singly=batch == 1, marked=marker is not None)
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
        return self._pages(query)

    async def fetch(self, entity: str, key: str, ids: Sequence[str], fields: tuple[str, ...]) -> dict[str, Row]:
        """The records with these keys, by key."""
        rows = await self.find(entity, key, ids, (*fields, key))
        return by_key(rows, key)

    async def find(
        self,
        entity: str,
        field: str,
        values: Sequence[Any],
        fields: tuple[str, ...],
        conditions: tuple[Condition, ...] = (),
    ) -> list[Row]:
        """The records whose field has one of the values and that meet the conditions."""
        select = selected(fields)
        rest = [urls.percent(conjunction(conditions, Dialect.NAV))] if conditions else []
        name, key = checked_name(field), await self._key(entity)
        guids = field == key.field and not key.text
        terms = (comparison(name, value, guids=guids) for value in distinct(values))
        path = await self._set(entity)
        addresses = []
        # `or` stands only between terms on one field (reference/apis.md section 3, Reading)
        for chunk in packed(terms, " or ", _LIST_BYTES, _LIST_VALUES):
            options = [("$select", select), ("$filter", urls.Encoded("%20and%20".join([f"({chunk})", *rest])))]
            addresses.append(f"{path}?{urls.query(options)}")
        lists = await all_or_none(self._whole(address) for address in addresses)
        return [row for rows in lists for row in rows]

    async def count(self, entity: str, conditions: tuple[Condition, ...]) -> Count:
        """How many records meet the conditions."""
        options = [("$filter", conjunction(conditions, Dialect.NAV)), ("$count", "true"), ("$top", "1")]
        content = await self._client.read(f"{await self._set(entity)}?{urls.query(options)}")
        return Count(counted(content, urls.shown(self._client.root), entity), exact=True)

    async def labels(self, entity: str, columns: Sequence[str]) -> dict[str, dict[int, str]]:
        """None: options of pages are texts."""
        del entity, columns
        return {}

    async def user(self) -> str | None:
        """None: pages do not say who modified a record."""
        return None

    def keeps_ids(self, entity: str) -> bool:
        """Never: NAV chooses them."""
        del entity
        return False

    async def write(self, writes: Sequence[Write]) -> dict[str, Result]:
        """Send writes of one entity and kind; every write has a result, found by its key."""
        if not writes:
            return {}
        send = partial(self._writer.send, company=await self._company_path(), key=await self._key(writes[0].entity))
        return await all_carried_out(sliced(writes, self._batch), partial(carry_out, self._client, send=send))

    async def probe(self) -> list[Step]:
        """Whether NAV answers, and has the company."""
        try:
            content = await self._client.read("Company", patience=_PROBE_PATIENCE)
        except ConnectionLost as error:
            denied = isinstance(error, AccessDenied)
            return [Step("Company list", ok=False, detail=error.told, denied=denied)]
        listed = content.get("value")
        if not isinstance(listed, list):
            detail = f"{urls.shown(self._client.root)} does not answer as NAV's OData V4; check [nav] url."
            return [Step("Company list", ok=False, detail=detail)]
        names = [str(row.get("Name")) for row in listed if isinstance(row, dict)]
        return self._company_steps(names)

    async def metadata(self) -> Mapping[str, Shape]:
        """The pages that are published, by their names."""
        return await read_metadata(self._client)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    def _company_steps(self, names: Sequence[str], number: int | None = None) -> list[Step]:
        """How many companies there are, which may have several names each, and whether ours is among them."""
        number = len(names) if number is None else number
        listed = Step("Company list", ok=True, detail="1 company" if number == 1 else f"{number} companies")
        if self._company in names:
            return [listed, Step(self._company, ok=True, detail="found")]
        others = f"it has {', '.join(names)}" if names else "it shows none to this user"
        return [listed, Step(self._company, ok=False, detail=f'NAV has no company "{self._company}"; {others}')]

    async def _company_path(self) -> str:
        return f"Company({urls.key_segment(self._company)})"

    async def _key(self, entity: str) -> Key:
        del entity
        return SYSTEM_ID

    async def _set(self, entity: str) -> str:
        return f"{await self._company_path()}/{checked_name(entity)}"

    async def _pages(self, query: Query) -> AsyncIterator[list[Row]]:
        key = await self._key(query.entity)
        path = await self._set(query.entity)
        async for rows in key_pages(self._client, path, query, Dialect.NAV, {}, MOST_ROWS, texts=key.text):
            yield rows

    async def _whole(self, address: str) -> list[Row]:
        return [row async for page in chain(self._client, address, {}) for row in page]
