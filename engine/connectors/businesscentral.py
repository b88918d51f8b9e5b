"""Business Central API v2.0: the records of NAV under other names, with ids that clients choose.

Reference/apis.md section 3; reference/reliability.md section 2.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec import structs

from engine.connectors import urls
from engine.connectors.filters import literal, packed
from engine.connectors.metadata import Shape, read_metadata
from engine.connectors.nav import NavPages
from engine.connectors.nav_writes import Key
from engine.connectors.protocol import (
    ETAG,
    Count,
    Halted,
    Query,
    Result,
    Row,
    Status,
    Step,
    Write,
    WriteKind,
    how_far,
)
from engine.model.errors import AccessDenied, ConnectionLost, Refused
from engine.model.mapping import Condition
from engine.model.records import is_guid
from engine.model.wording import TableWords, Wording

_ID = Key("id")
_RATES = "currencyExchangeRates"
_RATE_FIELDS = "currencyCode,startingDate,exchangeRateAmount,relationalExchangeRateAmount"
_SETUP = "General_Ledger_Setup"
_CODES_BYTES = 4 * 1024
_CODES = 100


@dataclass(frozen=True, slots=True)
class _Table:
    """A table as this service has it: its set, and the names of fields in both directions."""

    set: str
    words: TableWords
    theirs: Mapping[str, str]
    ours: Mapping[str, str]


class BusinessCentral(NavPages):
    """API v2.0 as one of the two sides (`protocol.Side`). Tables and fields are named as pages name them; `wording`
    says what they are called here.

    `url` ends with api/v2.0, as in https://host:7048/BC/api/v2.0. A new record gets the id that is given, once the
    service has shown that it keeps it: until then creates of a table go one at a time.
    """

    client_ids = True

    def __init__(self, url: str, *arguments: Any, wording: Wording, **options: Any) -> None:
        super().__init__(url, *arguments, **options)
        self._wording = wording
        self._known: dict[str, _Table] = {}
        self._asking = asyncio.Lock()
        self._path = ""
        self._local: str | None = None
        self._keeping: set[str] = set()
        self._changing: set[str] = set()
        self._first: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def keeps_ids(self, entity: str) -> bool:
        """Whether a record of this table got the id that it was given."""
        return entity in self._keeping

    async def find(
        self,
        entity: str,
        field: str,
        values: Sequence[Any],
        fields: tuple[str, ...],
        conditions: tuple[Condition, ...] = (),
    ) -> list[Row]:
        """The records whose field has one of the values and that meet the conditions."""
        table = await self._table(entity)
        sought = [self._word_value(table, field, one) for one in values]
        rows = await super().find(
            entity, _word(table, field), sought, _columns(table, fields), self._conditions(table, conditions)
        )
        return await self._rows(table, rows, fields)

    async def count(self, entity: str, conditions: tuple[Condition, ...]) -> Count:
        """How many records meet the conditions."""
        return await super().count(entity, self._conditions(await self._table(entity), conditions))

    async def write(self, writes: Sequence[Write]) -> dict[str, Result]:
        """Send writes of one entity and kind; every write has a result, found by its key."""
        if not writes:
            return {}
        entity = writes[0].entity
        table = await self._table(entity)
        left = [
            structs.replace(
                one,
                entity=table.set,
                values={_word(table, name): self._word_value(table, name, value) for name, value in one.values.items()},
            )
            for one in writes
        ]
        results: dict[str, Result] = {}
        try:
            if left[0].kind is WriteKind.CREATE and entity not in self._keeping:
                async with self._first[entity]:
                    while left and entity not in self._keeping | self._changing:
                        first = left.pop(0)
                        result = (await super().write([first]))[first.key]
                        results[first.key] = result
                        if result.status is Status.DONE and first.id is not None:  # it shows whether ids are kept
                            (self._keeping if result.id == first.id else self._changing).add(entity)
                if entity in self._changing:
                    results |= {one.key: _not_kept(one) for one in left}
                    left = []
            rest, left = left, []
            results |= await super().write(rest)
        except (Halted, ConnectionLost) as end:
            so_far = how_far(end)
            so_far.add(results, (one.key for one in left))
            so_far.results = self._results(table, so_far.results)
            raise
        return self._results(table, results)

    async def probe(self) -> list[Step]:
        """Whether the API answers, and has the company."""
        try:
            companies = await self._companies()
        except ConnectionLost as error:
            denied = isinstance(error, AccessDenied)
            return [Step("Company list", ok=False, detail=error.told, denied=denied)]
        return self._company_steps(list(companies), len(set(companies.values())))

    async def metadata(self) -> Mapping[str, Shape]:
        """The tables that the API has, with names as on pages."""
        return self._reworded(await super().metadata())

    async def _pages(self, query: Query) -> AsyncIterator[list[Row]]:
        table = await self._table(query.entity)
        inner = replace(
            query,
            key=_word(table, query.key),
            fields=_columns(table, query.fields),
            conditions=self._conditions(table, query.conditions),
        )
        async for rows in super()._pages(inner):
            yield await self._rows(table, rows, (*query.fields, query.key))

    async def _company_path(self) -> str:
        async with self._asking:
            if not self._path:
                companies = await self._companies()
                if self._company not in companies:
                    raise ConnectionLost(
                        f"Business Central has no company {self._company!r}; it has {', '.join(companies)}.",
                        "Mend [nav] company; upper and lower case count.",
                    )
                self._path = f"companies({companies[self._company]})"
        return self._path

    async def _companies(self) -> dict[str, str]:
        """The ids of the companies by their names, and by the names that they show."""
        content = await self._client.read("companies")
        listed = content.get("value")
        if not isinstance(listed, list):
            raise ConnectionLost(
                f"{urls.shown(self._client.root)} does not answer as Business Central API v2.0.", "Check [nav] url."
            )
        rows = [row for row in listed if isinstance(row, dict) and is_guid(row.get("id"))]
        return {str(row[key]): str(row["id"]) for key in ("displayName", "name") for row in rows if row.get(key)}

    async def _key(self, entity: str) -> Key:
        del entity
        return _ID

    async def _set(self, entity: str) -> str:
        return await super()._set((await self._table(entity)).set)

    async def _table(self, entity: str) -> _Table:
        """The names of a table here; raises Refused when the API does not have it."""
        async with self._asking:
            if not self._known:
                shapes = await read_metadata(self._client, patience=None)
                self._known = {page: one for page, words in self._wording.items() if (one := _found(words, shapes))}
        if entity not in self._known:
            raise Refused(
                f"Business Central API v2.0 has no {entity}.", 'Leave the mapping out, or use [nav] kind = "odata".'
            )
        table = self._known[entity]
        if table.words.local and self._local is None:
            self._local = await self._local_currency()
        return table

    async def _local_currency(self) -> str:
        rows = [row async for page in self._pages(Query(_SETUP, "SystemId", ("LCY_Code",))) for row in page]
        return str(rows[0].get("LCY_Code") or "") if rows else ""

    def _reworded(self, shapes: Mapping[str, Shape]) -> Mapping[str, Shape]:
        found = {}
        for page, words in self._wording.items():
            if (table := _found(words, shapes)) is not None:
                theirs = shapes[table.set].properties
                properties = {ours: theirs[name] for ours, name in table.theirs.items()}
                rates = shapes.get(_RATES)
                if rates is not None:
                    properties |= dict.fromkeys(words.rates, rates.properties["exchangeRateAmount"])
                found[page] = Shape(properties)
        return found

    def _conditions(self, table: _Table, conditions: Iterable[Condition]) -> tuple[Condition, ...]:
        return tuple(
            replace(one, field=_word(table, one.field), value=self._word_value(table, one.field, one.value))
            for one in conditions
        )

    def _word_value(self, table: _Table, field: str, value: Any) -> Any:
        return self._local if field in table.words.local and value in ("", None) else value

    async def _rows(self, table: _Table, rows: Sequence[Row], fields: tuple[str, ...]) -> list[Row]:
        found: list[dict[str, Any]] = [self._row(table, row) for row in rows]
        wanted = table.words.rates & set(fields)
        if wanted and found:
            rates = await self._rates([str(row["Code"]) for row in found])
            for row in found:
                row.update(dict.fromkeys(wanted, rates.get(row["Code"], Decimal(0))))
        return list(found)

    def _row(self, table: _Table, row: Row) -> dict[str, Any]:
        named = {table.ours.get(name, name): value for name, value in row.items()}
        for field in table.words.local & named.keys():
            named[field] = "" if named[field] == self._local else named[field]
        return named

    def _results(self, table: _Table, results: Mapping[str, Result]) -> dict[str, Result]:
        return {
            key: result if result.row is None else structs.replace(result, row=self._row(table, result.row))
            for key, result in results.items()
        }

    async def _rates(self, codes: Sequence[str]) -> dict[str, Decimal]:
        """By currency, the amount for one local unit that is in effect: the newest that has begun."""
        today = (self.now or datetime.now(UTC)).date()
        path = f"{await self._company_path()}/{_RATES}"
        found: dict[str, tuple[str, Decimal]] = {}
        for chunk in packed((f"currencyCode eq {literal(code)}" for code in codes), " or ", _CODES_BYTES, _CODES):
            in_effect = urls.percent(f" and startingDate le {today.isoformat()}")
            options = [("$select", _RATE_FIELDS), ("$filter", urls.Encoded(f"({chunk}){in_effect}"))]
            for row in await self._whole(f"{path}?{urls.query(options)}"):
                begun, code = str(row.get("startingDate")), str(row.get("currencyCode"))
                per = Decimal(str(row.get("relationalExchangeRateAmount") or 0))
                rate = Decimal(str(row.get("exchangeRateAmount") or 0)) / per if per else Decimal(0)
                found[code] = max(found.get(code, ("", rate)), (begun, rate))
        return {code: rate for code, (_, rate) in found.items()}


def _found(words: TableWords, shapes: Mapping[str, Shape]) -> _Table | None:
    name = next((one for one in words.sets if one in shapes), None)
    if name is None:
        return None
    properties = shapes[name].properties
    theirs = {
        ours: word
        for ours, several in words.fields.items()
        if (word := next((one for one in several if one in properties), None)) is not None
    }
    return _Table(name, words, theirs, {word: ours for ours, word in theirs.items()})


def _word(table: _Table, name: str) -> str:
    """The name of a field here; raises Refused when the service lacks it."""
    if name not in table.theirs:
        raise Refused(
            f"Business Central API v2.0 has no {name} in {table.set}.",
            "Switch the field mapping off (enabled = false); `coupler config check` names each.",
        )
    return table.theirs[name]


def _columns(table: _Table, fields: Iterable[str]) -> tuple[str, ...]:
    """The columns to read: of rates, the code that they are found by."""
    names = dict.fromkeys("Code" if name in table.words.rates else name for name in fields if name != ETAG)
    return tuple(_word(table, name) for name in names)


def _not_kept(one: Write) -> Result:
    return Result(
        one.key,
        Status.REJECTED,
        None,
        None,
        "id_not_kept",
        "Business Central gives new records of this table ids of its own, so that one whose answer is lost could be "
        'made twice; use [nav] kind = "odata" with a marker_field.',
    )
