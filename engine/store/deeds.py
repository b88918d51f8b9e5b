"""What a run did, as the store has it: couplings, rows that come with others, and updates; for its undo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.store.chunks import CHUNK
from engine.store.schema import coupling, extra, outcome, overwritten
from engine.store.schema import run as runs
from engine.store.traces import Values, decoded


@dataclass(frozen=True, slots=True)
class Pair:
    """A coupling that a run made; `born` is the side whose record it made too."""

    mapping: str
    nav_id: str
    crm_id: str
    nav_no: str
    base: bytes | None
    born: str | None


@dataclass(frozen=True, slots=True)
class Made:
    """A row that a run was about to make besides those of its mappings."""

    entity: str
    id: str
    mapping: str
    source: str


@dataclass(frozen=True, slots=True)
class Written:
    """All updates of one row by a run, in order."""

    entity: str
    id: str
    seq: int
    direction: Direction
    mapping: str
    values: tuple[Values, ...]


def pairs_of(connection: sa.Connection, run: int, after: tuple[str, str] | None) -> list[Pair]:
    """Some couplings that a run made, behind the last ones, in key order."""
    c = coupling.c
    query = sa.select(c.mapping, c.nav_id, c.crm_id, c.nav_no, c.base, c.born).where(c.run_id == run)
    if after is not None:
        query = query.where(sa.tuple_(c.mapping, c.nav_id) > after)
    return [Pair(*row) for row in connection.execute(query.order_by(c.mapping, c.nav_id).limit(CHUNK))]


def made_by(connection: sa.Connection, run: int, after: tuple[str, str] | None) -> list[Made]:
    """Some rows that come with others, behind the last ones; those that a later run made again are not in it."""
    c, again = extra.c, extra.alias()
    later = sa.exists().where(again.c.run_id > run, again.c.entity == c.entity, again.c.id == c.id)
    query = sa.select(c.entity, c.id, c.mapping, c.source).where(c.run_id == run, ~later)
    if after is not None:
        query = query.where(sa.tuple_(c.entity, c.id) > after)
    return [Made(*row) for row in connection.execute(query.order_by(c.entity, c.id).limit(CHUNK))]


def told_of(connection: sa.Connection, run: int, code: str, after: tuple[int, str, str] | None) -> list[sa.Row[Any]]:
    """Some rows of `outcome` of a run with a code, behind the last one (job, direction, source id), in key order."""
    key = (outcome.c.seq, outcome.c.direction, outcome.c.source_id)
    query = sa.select(outcome).where(outcome.c.run_id == run, outcome.c.code == code)
    if after is not None:
        query = query.where(sa.tuple_(*key) > after)
    return list(connection.execute(query.order_by(*key).limit(CHUNK)))


def sources(connection: sa.Connection, run: int, ids: Sequence[str]) -> dict[str, str]:
    """Of rows that come with others, the ids of these others."""
    c = extra.c
    query = sa.select(c.id, c.source).where(c.run_id == run, c.id.in_(ids))
    return {row.id: row.source for row in connection.execute(query) if len(row.source) == len(row.id)}


def written_by(connection: sa.Connection, run: int, after: tuple[str, str] | None) -> list[Written]:
    """Some rows that a run updated, behind the last ones, with all its updates of them."""
    c = overwritten.c
    keys = sa.select(c.entity, c.target_id).where(c.run_id == run).distinct()
    if after is not None:
        keys = keys.where(sa.tuple_(c.entity, c.target_id) > after)
    chosen = connection.execute(keys.order_by(c.entity, c.target_id).limit(CHUNK)).all()
    return _written(connection, run, [(row.entity, row.target_id) for row in chosen])


def written(connection: sa.Connection, run: int, entity: str, ids: Sequence[str]) -> list[Written]:
    """The updates of these rows by a run."""
    return _written(connection, run, [(entity, id) for id in ids])


def later_writers(connection: sa.Connection, run: int, ids: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Of rows that later runs updated too, the newest of these runs and its kind."""
    c = overwritten.c
    newest = sa.select(c.target_id, sa.func.max(c.run_id).label("run_id")).where(c.run_id > run, c.target_id.in_(ids))
    found = newest.group_by(c.target_id).subquery()
    query = sa.select(found.c.target_id, runs.c.id, runs.c.kind).join(runs, runs.c.id == found.c.run_id)
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def _written(connection: sa.Connection, run: int, keys: Sequence[tuple[str, str]]) -> list[Written]:
    c = overwritten.c
    found: dict[tuple[str, str], list[sa.Row[Any]]] = {key: [] for key in keys}
    for entity in dict.fromkeys(entity for entity, _ in keys):
        ids = [id for name, id in keys if name == entity]
        query = sa.select(overwritten).where(c.run_id == run, c.entity == entity, c.target_id.in_(ids))
        for row in connection.execute(query.order_by(c.id)):
            found[entity, row.target_id].append(row)
    return [
        Written(
            entity,
            id,
            rows[0].seq,
            Direction(rows[0].direction),
            rows[0].mapping,
            tuple(decoded(row._mapping["values"]) for row in rows),  # noqa: SLF001 - `values` is a method of rows too
        )
        for (entity, id), rows in found.items()
        if rows
    ]
