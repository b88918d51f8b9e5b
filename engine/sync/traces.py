"""What updates are about to overwrite, read off the writes themselves."""

from collections.abc import Iterable, Mapping
from typing import Any

from engine.connectors.protocol import Reference, Row, Write
from engine.store.traces import Bound, Overwrite, Values
from engine.sync.item import Item


def overwrites(
    updates: Iterable[tuple[Row, Write]], bases: Mapping[str, bytes | None], modified: str | None = None
) -> list[Overwrite]:
    """Of each update of a row, the columns that are written, as they are and as they will be.

    Columns that were not read are left out: nobody can say what they held. `bases` has, by key of the write, what the
    coupling of the row remembers; `modified` is the column that says when a row was modified last.
    """
    return [
        Overwrite(write.entity, str(write.id), _values(row, write, bases.get(write.key), modified))
        for row, write in updates
    ]


def bases_of(items: Iterable[Item]) -> dict[str, bytes | None]:
    """What the couplings of records remember, by source id."""
    return {item.id: item.coupling.base for item in items if item.coupling is not None}


def _values(row: Row, write: Write, base: bytes | None, modified: str | None) -> Values:
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    bound: dict[str, Bound] = {}
    for name, value in write.values.items():
        column = f"_{name}_value" if type(value) is Reference else name
        if column not in row:
            continue
        old[column] = row[column]
        new[column] = value
        if type(value) is Reference:
            new[column] = value.id
            bound[column] = Bound(name, value.entity, value.navigation)
    etag = write.etag if write.etag not in (None, "*") else ""
    return Values(old, new, bound, base, etag or "", str(row.get(modified) or "") if modified else "")
