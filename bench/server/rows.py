"""The rows of CRM's tables: kept as they were sent until someone reads them, and counted by what tells them apart."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bench.company import guid

_BOUND = re.compile(r"/\w+\(([^)]*)\)")
_STAMP = "2026-01-06T08:00:00Z"


@dataclass(slots=True)
class Row:
    """A row. `sent` is what created it, until it is read or changed; then `values` are what a reader gets."""

    id: str
    sent: bytes = b""
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

    def create(self, id: str | None, address: str | None, sent: bytes) -> Row | None:
        """Make a row and return it; None when there is one under this id."""
        id = id.lower() if id is not None else guid((0xBE << 120) + len(self.rows))
        if id in self.rows:
            self.doubled += 1
            return None
        if address is not None:
            if address in self.distinct:
                self.doubled += 1
            self.distinct.add(address)
        self.created += 1
        row = self.rows[id] = Row(id, sent)
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
            sent = msgspec.json.decode(row.sent, type=dict[str, Any]) if row.sent else {}
            start = {"@odata.etag": 'W/"1"', self.key: row.id, "modifiedon": _STAMP, "statecode": 0}
            row.values = {**self._empty, **start, **_unbound(sent)}
            row.sent = b""
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
