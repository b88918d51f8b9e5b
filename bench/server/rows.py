"""The rows of CRM's tables: kept as they were sent until someone reads them, and counted by what tells them apart."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

_BOUND = re.compile(r"/\w+\(([^)]*)\)")
_STAMP = "2026-01-06T08:00:00Z"


class Sent:
    """The body of a request that creates rows. It is taken apart when the first of them is read."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._rows: list[dict[str, Any]] | None = None

    def row(self, place: int) -> dict[str, Any]:
        """What was sent of one of the rows."""
        if self._rows is None:
            content = msgspec.json.decode(self._body, type=dict[str, Any])
            self._rows = content.get("Targets", [content])
            self._body = b""
        return self._rows[place]


class Row(msgspec.Struct, gc=False):
    """A row. `values` are what a reader gets; until there is one it is only known where in a request they are."""

    id: str
    sent: Sent | None = None
    place: int = 0
    values: dict[str, Any] | None = None
    version: int = 1


class Table:
    """One table. `distinct` are the e-mail addresses of what was created, `doubled` says how often a row's id, or
    its address, was there already.
    """

    def __init__(self, key: str, columns: Iterable[str]) -> None:
        self.key = key
        self._empty = dict.fromkeys(columns)
        self.rows: dict[str, Row] = {}
        self.distinct: set[str] = set()
        self.count_anew()

    def count_anew(self) -> None:
        """Count what is written from here on; rows stay."""
        self.created = self.updated = self.doubled = 0

    def create(self, id: str | None, address: str | None, sent: Sent, place: int = 0) -> Row | None:
        """Make a row and return it; None when there is one under this id."""
        id = id.lower() if id is not None else f"be9c4000-0000-4000-8000-{len(self.rows):012x}"
        if id in self.rows:
            self.doubled += 1
            return None
        if address is not None:
            if address in self.distinct:
                self.doubled += 1
            self.distinct.add(address)
        self.created += 1
        row = self.rows[id] = Row(id, sent, place)
        return row

    def update(self, row: Row, values: Mapping[str, Any]) -> None:
        """Change some values of a row."""
        row.values = {**self.read(row), **_unbound(values)}
        row.version += 1
        row.values["@odata.etag"] = f'W/"{row.version}"'
        self.updated += 1

    def read(self, row: Row) -> dict[str, Any]:
        """A row as a reader gets it: every column, lookups by their ids."""
        if row.values is None:
            sent = row.sent.row(row.place) if row.sent is not None else {}
            start = {"@odata.etag": 'W/"1"', self.key: row.id, "modifiedon": _STAMP, "statecode": 0}
            row.values = {**self._empty, **start, **_unbound(sent)}
            row.sent = None
        return row.values


def _unbound(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are read: who was bound by an address is a value of its own."""
    read: dict[str, Any] = {}
    for name, value in values.items():
        if name.endswith("@odata.bind"):
            bound = _BOUND.fullmatch(value)
            read[f"_{name.removesuffix('@odata.bind').lower()}_value"] = bound[1] if bound is not None else None
        elif name != "@odata.type":
            read[name] = value
    return read
