"""What a run changes besides its couplings: values that it overwrites, and rows that come with others.

Both are recorded before anything is sent, so that the run can be undone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import structs

from engine.store.chunks import chunks
from engine.store.schema import coupling, extra, overwritten
from engine.store.upsert import insert

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Bound(msgspec.Struct, frozen=True, array_like=True):
    """How a lookup column is written: property, set of its rows, navigation property."""

    name: str
    entity: str
    navigation: str


class Values(msgspec.Struct, frozen=True, omit_defaults=True):
    """The values of a row before and after a write, by column as it is read; `bound` are its lookups, `base` what its
    coupling remembered before. The write is only done to the version `etag` of the row, which says that it was
    `modified` then; both are blank when not known. Of a write that is not settled, `known` are columns of which it is
    known what came of it all the same.
    """

    old: dict[str, Any]
    new: dict[str, Any]
    bound: dict[str, Bound] = {}
    base: bytes | None = None
    etag: str = ""
    modified: str = ""
    known: tuple[str, ...] = ()

    @property
    def in_question(self) -> dict[str, Any]:
        """What was written and of which it is not known what came of it."""
        return {column: value for column, value in self.new.items() if column not in self.known}


Answered = Mapping[str, Mapping[str, Collection[str]]]
"""Rows by entity and id of which it is known what came of all that was sent to them, but for some columns."""
_DECODER = msgspec.json.Decoder(Values, float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Overwrite:
    """An update that is about to be sent."""

    entity: str
    id: str
    values: Values


@dataclass(frozen=True, slots=True)
class Sent:
    """An update of which nobody knows what came of it: when a run recorded it, and what it says."""

    run: int
    at: datetime
    values: Values


@dataclass(frozen=True, slots=True)
class Extra:
    """A row in CRM that is about to be made. `source` is the id of the row that it comes with, or says what it is."""

    entity: str
    id: str
    source: str


def keep(connection: sa.Connection, key: Mapping[str, Any], updates: Sequence[Overwrite], at: datetime) -> None:
    """Add a row for each update; `key` is the pass. Only a row whose coupling remembers something has to be settled:
    nobody asks who changed another one.
    """
    rows = [
        {
            **key,
            "entity": one.entity,
            "target_id": one.id,
            "values": _ENCODER.encode(one.values),
            "at": at,
            "unsettled": one.values.base is not None,
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
    """Whether there are updates of which nobody knows what came of them, most often as their engine ended too early."""
    return connection.scalar(sa.select(overwritten.c.id).where(overwritten.c.unsettled).limit(1)) is not None


def unsettled(connection: sa.Connection, mapping: str, entity: str, ids: Sequence[str]) -> dict[str, list[Sent]]:
    """What a mapping sent to these rows, by id and in order, and nobody knows what came of it."""
    c = overwritten.c
    found: dict[str, list[Sent]] = {}
    for chunk in chunks(ids):
        query = sa.select(c.target_id, c.run_id, c.at, c["values"])
        sent = query.where(c.unsettled, c.mapping == mapping, c.entity == entity, c.target_id.in_(chunk))
        for id, run, at, values in connection.execute(sent.order_by(c.id)):
            found.setdefault(id, []).append(Sent(run, at, decoded(values)))
    return found


def unsettled_rows(connection: sa.Connection, mapping: str, entity: str) -> list[str]:
    """The ids of all rows to which a mapping sent something, and nobody knows what came of it."""
    c = overwritten.c
    query = sa.select(c.target_id).where(c.unsettled, c.mapping == mapping, c.entity == entity).distinct()
    return list(connection.scalars(query.order_by(c.target_id)))


def settle(connection: sa.Connection, mapping: str, rows: Answered) -> None:
    """Note of what a mapping sent to rows that it is known what came of it."""
    for entity, found in rows.items():
        mine = (overwritten.c.unsettled, overwritten.c.mapping == mapping, overwritten.c.entity == entity)
        for chunk in chunks([id for id, columns in found.items() if not columns]):
            settled = sa.update(overwritten).where(*mine, overwritten.c.target_id.in_(chunk))
            connection.execute(settled.values(unsettled=False))
        for id, columns in found.items():
            if columns:
                _settle_but_for(connection, (*mine, overwritten.c.target_id == id), columns)


def settle_uncoupled(connection: sa.Connection) -> None:
    """The same of all that was sent to rows that are not coupled any more: nobody asks who changed them."""
    c, pair = overwritten.c, coupling.c
    as_nav, as_crm = (
        sa.exists().where(pair.mapping == c.mapping, side == c.target_id) for side in (pair.nav_id, pair.crm_id)
    )
    connection.execute(sa.update(overwritten).where(c.unsettled, ~as_nav, ~as_crm).values(unsettled=False))


def _settle_but_for(
    connection: sa.Connection, mine: Sequence[sa.ColumnElement[bool]], columns: Collection[str]
) -> None:
    c = overwritten.c
    for number, stored in connection.execute(sa.select(c.id, c["values"]).where(*mine)).all():
        values = decoded(stored)
        known = tuple(sorted(column for column in values.new if column not in columns or column in values.known))
        left = _ENCODER.encode(structs.replace(values, known=known))
        changed = sa.update(overwritten).where(c.id == number)
        connection.execute(changed.values({"values": left, "unsettled": len(known) < len(values.new)}))


def decoded(values: bytes) -> Values:
    """The values of a row of `overwritten`."""
    return _DECODER.decode(values)
