"""Records that failed because several others match: of the ledger, and of the last plan, which keeps no ledger."""

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.matches import Ambiguous, AmbiguousPage
from engine.model.outcome import Action
from engine.store.foreseen import AMBIGUOUS, last_plan
from engine.store.schema import coupling, outcome, trouble


def page(connection: sa.Connection, limit: int, offset: int) -> AmbiguousPage:
    """Those that are still uncoupled, by mapping, records of NAV first and in the order of their numbers."""
    found = _found(last_plan(connection)).subquery()
    c = found.c
    total = connection.scalar(sa.select(sa.func.count()).select_from(found))
    order = (c.mapping, c.direction.desc(), c.nav_no, c.source_id)
    query = sa.select(found).order_by(*order).limit(limit).offset(offset)
    records = tuple(
        Ambiguous(
            row.mapping,
            Direction(row.direction),
            row.source_id,
            row.nav_no,
            row.name,
            row.message,
            row.run_id,
            row.at,
        )
        for row in connection.execute(query)
    )
    return AmbiguousPage(int(total or 0), records)


def _found(plan: int | None) -> sa.CompoundSelect[tuple[object, ...]]:
    known = trouble.alias()
    same = (known.c.mapping == outcome.c.mapping, known.c.direction == outcome.c.direction)
    in_ledger = sa.exists().where(*same, known.c.source_id == outcome.c.source_id, known.c.code == AMBIGUOUS)
    planned = (outcome.c.run_id == (plan or 0), outcome.c.kind == Action.FAILED.value, outcome.c.code == AMBIGUOUS)
    return sa.union_all(
        _columns(trouble).where(trouble.c.code == AMBIGUOUS, ~_coupled(trouble)),
        _columns(outcome).where(*planned, ~in_ledger, ~_coupled(outcome)),
    )


def _columns(table: sa.Table) -> sa.Select[tuple[object, ...]]:
    names = ("mapping", "direction", "source_id", "nav_no", "name", "message", "run_id", "at")
    return sa.select(*(table.c[name] for name in names))


def _coupled(table: sa.Table) -> sa.ColumnElement[bool]:
    """Whether the record has a partner by now, by whichever way."""
    c, to_crm = table.c, table.c.direction == Direction.TO_INTEGRATION_TABLE.value
    mine = coupling.c.mapping == c.mapping
    return sa.or_(
        sa.and_(to_crm, sa.exists().where(mine, coupling.c.nav_id == c.source_id)),
        sa.and_(~to_crm, sa.exists().where(mine, coupling.c.crm_id == c.source_id)),
    )
