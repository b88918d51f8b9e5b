"""Failures, skips and warnings: grouped by cause, then record by record."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.outcome import Action
from engine.model.snapshot import Cause, RecordOutcome
from engine.store import undoing
from engine.store.database import Store
from engine.store.naming import called
from engine.store.schema import outcome, run

_PLANS = sa.select(run.c.id).where(run.c.kind == "plan")
"""Among all runs their failures would be there twice: a plan foresees what the run after it meets."""
_TO_DO = (Action.FAILED.value, undoing.LEFT)
"""Kinds of what somebody may have to see to; they come before the rest."""
_FIRST = 50
"""Records of a cause that are looked at for when it was first seen; those that were noted first come first."""


def causes(store: Store, run_id: int | None = None, mapping: str | None = None) -> list[Cause]:
    """Equal failures of a run, or of all, as one line each: failures before the rest, the most frequent first."""
    c = outcome.c
    query = _causes(run_id, mapping).order_by(
        c.run_id.desc(), c.kind.not_in(_TO_DO), sa.desc("number"), c.seq, c.cause, c.kind
    )
    with store.reading() as connection:
        return [_cause(row) for row in connection.execute(query)]


class Causes:
    """The causes of a store for a screen that asks again and again. They are looked for anew only when one has more or
    fewer records than before, which an index tells without any of these.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: tuple[object, list[Cause]] | None = None

    def of(self, run_id: int | None, mapping: str | None) -> list[Cause]:
        """As `causes`; a cause of many records was first seen when the earliest of the first ones was noted."""
        with self._store.reading() as connection:
            counts = _counts(connection, run_id)
            about, kept = (run_id, mapping, counts), self._kept
            if kept is not None and kept[0] == about:
                return kept[1]
            found = _counted(connection, counts, run_id, mapping)
        if found is None:
            found = causes(self._store, run_id, mapping)
        self._kept = about, found
        return found


def worst(store: Store, run_id: int, limit: int) -> tuple[list[Cause], int]:
    """At most so many causes of a run, failures before the rest and the most frequent first, and how many there are."""
    query, failed_last = _causes(run_id, None), outcome.c.kind.not_in(_TO_DO)
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
    words: Sequence[str] = (),
    limit: int = 50,
    offset: int = 0,
) -> list[RecordOutcome]:
    """The records behind causes, in the order of jobs and of NAV numbers; with `words`, those that are called so."""
    c = outcome.c
    where = [*_where(run_id, mapping), *called(outcome, words)]
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


def _counts(connection: sa.Connection, run_id: int | None) -> dict[tuple[int, str, str], int]:
    """How many records are behind a cause, by run, mapping and cause."""
    key = (outcome.c.run_id, outcome.c.mapping, outcome.c.cause)
    query = sa.select(*key, sa.func.count()).where(*_where(run_id, None)).group_by(*key)
    return {(row[0], row[1], row[2]): row[3] for row in connection.execute(query)}


def _counted(
    connection: sa.Connection, counts: Mapping[tuple[int, str, str], int], run_id: int | None, mapping: str | None
) -> list[Cause] | None:
    """The causes with what is counted already: telling them apart costs a third of grouping them. None where one stands
    for problems of several jobs, kinds or codes, so that only grouping tells how many each has.
    """
    c, one = outcome.c, outcome.alias().c
    apart = sa.select(c.run_id, c.seq, c.mapping, c.kind, c.code, c.cause).where(*_where(run_id, mapping))
    each = apart.distinct().subquery()
    same = (one[name] == each.c[name] for name in ("run_id", "mapping", "cause", "kind", "code"))
    some = sa.select(one.at, one.hint).where(*same).limit(_FIRST).correlate(each).subquery().c
    first, hint = (sa.select(sa.func.min(column)).scalar_subquery() for column in (some.at, some.hint))
    query = sa.select(each, first.label("first"), hint.label("hint"))
    found: dict[tuple[int, str, str], Any] = {}
    for number, row in enumerate(connection.execute(query), 1):
        found[row.run_id, row.mapping, row.cause] = row
        if len(found) < number:
            return None
    rows = [(row, counts.get(key, 1)) for key, row in found.items()]  # one that came just now is counted the next time
    rows.sort(key=lambda both: _order(*both))
    return [
        Cause(row.run_id, row.mapping, row.kind, row.code, row.cause, number, row.first, row.hint)
        for row, number in rows
    ]


def _order(row: Any, number: int) -> tuple[object, ...]:
    """As the database orders them."""
    return -row.run_id, row.kind not in _TO_DO, -number, row.seq, row.cause, row.kind


def _cause(row: Any) -> Cause:
    return Cause(row.run_id, row.mapping, row.kind, row.code, row.cause, row.number, row.first, row.hint)


def _where(run_id: int | None, mapping: str | None) -> list[sa.ColumnElement[bool]]:
    where = []
    if run_id is not None:
        where.append(outcome.c.run_id == run_id)
    else:
        where.append(outcome.c.run_id.not_in(_PLANS))
    if mapping is not None:
        where.append(outcome.c.mapping == mapping)
    return where
