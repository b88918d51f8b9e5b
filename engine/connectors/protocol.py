"""What the engine asks of either side, and what it gets back.

Ids are canonical lower-case GUID texts, rows are decoded JSON objects with `decimal.Decimal` for numbers that are not
whole, and every list of results is found by key, never by position.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from engine.model.mapping import Condition
from engine.model.traffic import Traffic

Row = Mapping[str, Any]
ETAG = "@odata.etag"


class Reference(msgspec.Struct, frozen=True):
    """The value of a lookup: a row of another table. `navigation` is the property that binds it."""

    entity: str
    id: str | None
    navigation: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """Records of an entity in key order. `fields` are columns as they are read; `after` is the key to go on behind."""

    entity: str
    key: str
    fields: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    after: str | None = None
    page_size: int = 1000


class WriteKind(StrEnum):
    """CREATE never changes a row that exists, UPDATE never makes one."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Write(msgspec.Struct, frozen=True):
    """One row to write. `key` finds the result again. A CREATE without `id` leaves the id to the server."""

    key: str
    kind: WriteKind
    entity: str
    id: str | None
    values: Mapping[str, Any]
    etag: str | None = None


class Status(StrEnum):
    """What is known about one write."""

    DONE = "done"
    EXISTS = "exists"
    """CREATE: a row with this key is there already."""
    STALE = "stale"
    """UPDATE, DELETE: the row has another version than the etag says."""
    MISSING = "missing"
    """UPDATE, DELETE: there is no such row."""
    REJECTED = "rejected"
    """The service does not accept the values; `message` says why. Nothing was written."""
    UNKNOWN = "unknown"
    """It may or may not have been written; only a look can tell."""


class Result(msgspec.Struct, frozen=True):
    """The answer to one write. `row` is the row after the write, where the service tells."""

    key: str
    status: Status
    id: str | None = None
    row: Row | None = None
    code: str = ""
    message: str = ""


class CutShort(Exception):
    """How far a call that writes had come when an error ended it, which has this for its cause (`how_far`).

    `results` are those of writes that were answered, and `unsent` the keys of writes that were certainly not carried
    out. Of others nothing is known.
    """

    def __init__(self, results: Mapping[str, Result] | None = None, unsent: frozenset[str] = frozenset()) -> None:
        super().__init__("a call that writes ended early")
        self.results = results or {}
        self.unsent = unsent

    def add(self, results: Mapping[str, Result], unsent: Iterable[str] = ()) -> None:
        """Note what is known of more writes of the call."""
        self.results = {**results, **self.results}
        self.unsent |= set(unsent)


class Halted(CutShort):
    """A request waited for its turn when a stop was heard, and was not sent; or it reads, and its answer did not come.

    Of a call that writes it tells itself how far that had come.
    """


def how_far(end: Exception) -> CutShort:
    """What is known of a call that an error ended; what is added to it is kept with the error."""
    known = end if isinstance(end, CutShort) else end.__cause__
    if not isinstance(known, CutShort):
        known = CutShort()
        known.__cause__, end.__cause__ = end.__cause__, known
    return known


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows there are; not exact when the service stops counting at its limit."""

    number: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a connection test; `denied` when the service does not accept who we are."""

    name: str
    ok: bool
    detail: str
    denied: bool = False


class Side(Protocol):
    """One of the two systems.

    All methods wait out throttling and repeat what is safe to repeat. They raise `ConnectionLost` when the service
    cannot be reached or does not answer as OData, `AccessDenied` when it refuses the caller, and `Halted` when they
    wait while a stop is in force. Of `write`, `how_far` tells what was done before.
    """

    client_ids: bool
    """Whether the id of a new row can be chosen by us."""

    ids_from_keys: bool
    """Whether the id of a row is made from its primary key, so that a row that is renamed gets another one."""

    marker: str | None
    """The field of a new row that holds the id of its partner, for services that choose ids themselves."""

    @property
    def waiting(self) -> str:
        """What requests wait for at the moment, such as a pause that the service asked for; blank when nothing."""
        ...

    @property
    def traffic(self) -> Traffic:
        """How the requests go at the moment."""
        ...

    @property
    def now(self) -> datetime | None:
        """The present moment by the clock of the service, as its last answer told; None when none did."""
        ...

    def halt(self, *, stop: bool) -> None:
        """Put a stop in force, or take it back. What waits to be sent ends, what is under way some seconds later."""
        ...

    def pages(self, query: Query) -> AsyncIterator[list[Row]]:
        """The records behind `query.after`, in key order, in lists of at most `page_size`."""
        ...

    async def fetch(self, entity: str, key: str, ids: Sequence[str], fields: tuple[str, ...]) -> dict[str, Row]:
        """The rows with these keys, by key; rows that do not exist are left out."""
        ...

    async def find(
        self,
        entity: str,
        field: str,
        values: Sequence[Any],
        fields: tuple[str, ...],
        conditions: tuple[Condition, ...] = (),
    ) -> list[Row]:
        """The rows whose field has one of the values (texts compare without case) and that meet the conditions."""
        ...

    async def count(self, entity: str, conditions: tuple[Condition, ...]) -> Count:
        """How many rows meet the conditions."""
        ...

    async def labels(self, entity: str, columns: Sequence[str]) -> dict[str, dict[int, str]]:
        """By column, the options of those of these columns that are choices, with their labels; empty where a service
        knows none, or does not tell this user.
        """
        ...

    async def user(self) -> str | None:
        """The id under which this side keeps us as the one who modified a row; None when it does not tell."""
        ...

    def keeps_ids(self, entity: str) -> bool:
        """Whether the service has shown that a new row gets the id that it is given, so that a create whose answer was
        lost can be sent again.
        """
        ...

    async def write(self, writes: Sequence[Write]) -> dict[str, Result]:
        """Send writes of one entity and kind, in batches; every write has a result, found by its key."""
        ...

    async def probe(self) -> list[Step]:
        """Who we are and whether the service is what it should be."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
