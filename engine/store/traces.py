"""What a run changes besides its couplings: values that it overwrites, and rows that come with others.

Both are recorded before anything is sent, so that the run can be undone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa

from engine.store.chunks import chunks
from engine.store.schema import extra, overwritten
from engine.store.upsert import insert

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Bound(msgspec.Struct, frozen=True, array_like=True):
    """How a lookup column is written: property, set of its rows, navigation property."""

    name: str
    entity: str
    navigation: str


class Values(msgspec.Struct, frozen=True):
    """The values of a row before and after a write, by column as it is read; `bound` are its lookups, `base` what its
    coupling remembered before.
    """

    old: dict[str, Any]
    new: dict[str, Any]
    bound: dict[str, Bound] = {}
    base: bytes | None = None


_DECODER = msgspec.json.Decoder(Values, float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Overwrite:
    """An update that is about to be sent."""

    entity: str
    id: str
    values: Values


@dataclass(frozen=True, slots=True)
class Extra:
    """A row in CRM that is about to be made. `source` is the id of the row that it comes with, or says what it is."""

    entity: str
    id: str
    source: str


def keep(connection: sa.Connection, key: Mapping[str, Any], updates: Sequence[Overwrite], at: datetime) -> None:
    """Add a row for each update; `key` is the pass."""
    rows = [
        {
            **key,
            "entity": one.entity,
            "target_id": one.id,
            "values": _ENCODER.encode(one.values),
            "at": at,
            "unsettled": True,
        }
        for one in sorted(updates, key=lambda one: one.id)
    ]
    connection.execute(sa.insert(overwritten), rows)


def keep_extras(connection: sa.Connection, run: int, mapping: str, extras: Sequence[Extra], at: datetime) -> None:
    """Add a row for each extra that has none yet."""
    rows = [
        {"run_id": run, "mapping": mapping, "entity": one.entity, "id": one.id, "source": one.source, "at": at}
        for one in sorted(extras, key=lambda one: one.id)
    ]
    connection.execute(insert(connection, extra).on_conflict_do_nothing(), rows)


def any_unsettled(connection: sa.Connection) -> bool:
    """Whether there are updates of which nobody knows what came of them: their engine ended before it could say."""
    return connection.scalar(sa.select(overwritten.c.id).where(overwritten.c.unsettled).limit(1)) is not None


def unsettled(connection: sa.Connection, entity: str, ids: Sequence[str]) -> dict[str, list[Values]]:
    """What was sent to these rows, by id, and nobody knows what came of it."""
    c = overwritten.c
    found: dict[str, list[Values]] = {}
    for chunk in chunks(ids):
        query = sa.select(c.target_id, c["values"]).where(c.unsettled, c.entity == entity, c.target_id.in_(chunk))
        for row in connection.execute(query):
            found.setdefault(row.target_id, []).append(decoded(row[1]))
    return found


def settle(connection: sa.Connection, entity: str, ids: Sequence[str]) -> None:
    """Note of all that was sent to these rows that it is known what came of it."""
    c = overwritten.c
    for chunk in chunks(ids):
        mine = sa.update(overwritten).where(c.unsettled, c.entity == entity, c.target_id.in_(chunk))
        connection.execute(mine.values(unsettled=False))


def decoded(values: bytes) -> Values:
    """The values of a row of `overwritten`."""
    return _DECODER.decode(values)
