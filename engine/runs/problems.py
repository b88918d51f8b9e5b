"""Failures, skips and warnings: grouped by cause, then record by record."""

from typing import Any

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.outcome import Action
from engine.model.snapshot import Cause, RecordOutcome
from engine.store.database import Store
from engine.store.schema import outcome


def causes(store: Store, run_id: int | None = None, mapping: str | None = None) -> list[Cause]:
    """Equal failures of a run, or of all, as one line each, the most frequent first."""
    c = outcome.c
    query = _causes(run_id, mapping).order_by(c.run_id.desc(), sa.desc("number"), c.seq, c.cause, c.kind)
    with store.reading() as connection:
        return [_cause(row) for row in connection.execute(query)]


def worst(store: Store, run_id: int, limit: int) -> tuple[list[Cause], int]:
    """At most so many causes of a run, failures before the rest and the most frequent first, and how many there are."""
    query, failed_last = _causes(run_id, None), outcome.c.kind != Action.FAILED.value
    with store.reading() as connection:
        number = connection.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
        first = query.order_by(failed_last, sa.desc("number"), outcome.c.seq, outcome.c.cause, outcome.c.kind)
        return [_cause(row) for row in connection.execute(first.limit(limit))], int(number or 0)


def outcomes(
    store: Store,
    run_id: int | None = None,
    *,
    mapping: str | None = None,
    cause: str | None = None,
    code: str | None = None,
    kind: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[RecordOutcome]:
    """The records behind causes, in the order of jobs and of NAV numbers."""
    c = outcome.c
    where = _where(run_id, mapping)
    if cause is not None:
        where.append(c.cause == cause)
    if code is not None:
        where.append(c.code == code)
    if kind is not None:
        where.append(c.kind == kind)
    order: list[sa.ColumnElement[Any]] = [c.nav_no, c.direction, c.source_id, c.kind, c.seq]
    if run_id is None or mapping is None:
        # else SQLite would go through all of a run in this order rather than find a cause by its index
        order = [c.run_id.desc(), c.seq, *order]
    query = sa.select(outcome).where(*where).order_by(*order)
    with store.reading() as connection:
        return [record(row) for row in connection.execute(query.limit(limit).offset(offset))]


def record(row: Any) -> RecordOutcome:
    """A row of `outcome`."""
    return RecordOutcome(
        run=row.run_id,
        seq=row.seq,
        mapping=row.mapping,
        direction=Direction(row.direction),
        kind=row.kind,
        code=row.code,
        cause=row.cause,
        message=row.message,
        hint=row.hint,
        nav_no=row.nav_no,
        name=row.name,
        nav_id=row.nav_id,
        crm_id=row.crm_id,
        at=row.at,
    )


def _causes(run_id: int | None, mapping: str | None) -> sa.Select[Any]:
    c = outcome.c
    key = (c.run_id, c.seq, c.mapping, c.kind, c.code, c.cause)
    sums = (sa.func.count().label("number"), sa.func.min(c.at).label("first"), sa.func.min(c.hint).label("hint"))
    return sa.select(*key, *sums).where(*_where(run_id, mapping)).group_by(*key)


def _cause(row: Any) -> Cause:
    return Cause(row.run_id, row.mapping, row.kind, row.code, row.cause, row.number, row.first, row.hint)


def _where(run_id: int | None, mapping: str | None) -> list[sa.ColumnElement[bool]]:
    where = []
    if run_id is not None:
        where.append(outcome.c.run_id == run_id)
    if mapping is not None:
        where.append(outcome.c.mapping == mapping)
    return where
