"""Records that failed because several others match: of the ledger, and of the last plan, which keeps no ledger.

Both have an index in the order of the list, so that a page costs what it shows, however many records wait.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.matches import Ambiguous, AmbiguousPage
from engine.store.foreseen import last_plan
from engine.store.naming import called
from engine.store.schema import coupling, is_ambiguous, outcome, trouble

COUNTED = 10_000
"""How many records, from the first of a page on, are counted."""

_KEY = ("mapping", "direction", "nav_no", "source_id")
_TOLD = ("name", "message", "run_id", "at")


def page(connection: sa.Connection, limit: int, offset: int, words: Sequence[str] = ()) -> AmbiguousPage:
    """Those that are still uncoupled, by mapping, records of NAV first and in the order of their numbers. With `words`,
    those that are called so.
    """
    plan = last_plan(connection) or 0
    keys, most = _keys(plan, words), offset + COUNTED
    total = connection.scalar(sa.select(sa.func.count()).select_from(keys.limit(most + 1).subquery())) or 0
    rows = connection.execute(_told(keys.limit(limit).offset(offset).subquery(), plan))
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
        for row in rows
    )
    return AmbiguousPage(min(total, most), records, exact=total <= most)


def glance(connection: sa.Connection, plan: int | None, most: int) -> tuple[int, bool]:
    """How many of the first `most` records of the ledger and of that plan are still uncoupled, and whether these are
    all there are: never more is looked at, however many have a partner by now.
    """
    first = _keys(plan or 0, (), coupled_too=True).limit(most + 1).subquery()
    alone = sa.func.sum(sa.case((_coupled(first), 0), else_=1))
    looked_at, number = connection.execute(sa.select(sa.func.count(), alone).select_from(first)).one()
    return min(int(number or 0), most), int(looked_at) <= most


def _keys(plan: int, words: Sequence[str], *, coupled_too: bool = False) -> sa.CompoundSelect[tuple[object, ...]]:
    """The records in their order, each once: merging two sorted lists costs nothing, where looking each record of the
    plan up in the ledger would.
    """
    of_ledger = sa.select(*(trouble.c[name] for name in _KEY)).where(is_ambiguous(trouble), *called(trouble, words))
    of_plan = sa.select(*(outcome.c[name] for name in _KEY)).where(
        outcome.c.run_id == plan, is_ambiguous(outcome), *called(outcome, words)
    )
    if not coupled_too:
        of_ledger, of_plan = of_ledger.where(~_coupled(trouble)), of_plan.where(~_coupled(outcome))
    both = sa.union(of_ledger, of_plan)
    c = both.selected_columns
    return both.order_by(c.mapping, c.direction.desc(), c.nav_no, c.source_id)


def _told(keys: sa.Subquery, plan: int) -> sa.Select[tuple[object, ...]]:
    """What the ledger says of records, or the plan where it says nothing."""
    k, known, planned = keys.c, trouble.alias(), outcome.alias()
    in_ledger = (*_same(keys, known, "mapping", "direction", "source_id"), is_ambiguous(known))
    in_plan = (planned.c.run_id == plan, *_same(keys, planned, *_KEY), is_ambiguous(planned))
    told = (sa.func.coalesce(known.c[name], planned.c[name]).label(name) for name in _TOLD)
    return (
        sa.select(*k, *told)
        .outerjoin_from(keys, known, sa.and_(*in_ledger))
        .outerjoin(planned, sa.and_(*in_plan))
        .where(sa.or_(known.c.nav_no.is_(None), known.c.nav_no == k.nav_no))  # the plan may know it by an older one
        .order_by(k.mapping, k.direction.desc(), k.nav_no, k.source_id)
    )


def _same(one: sa.FromClause, other: sa.FromClause, *names: str) -> list[sa.ColumnElement[bool]]:
    return [one.c[name] == other.c[name] for name in names]


def _coupled(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether the record has a partner by now, by whichever way."""
    c, to_crm = table.c, table.c.direction == Direction.TO_INTEGRATION_TABLE.value
    mine = coupling.c.mapping == c.mapping
    return sa.or_(
        sa.and_(to_crm, sa.exists().where(mine, coupling.c.nav_id == c.source_id)),
        sa.and_(~to_crm, sa.exists().where(mine, coupling.c.crm_id == c.source_id)),
    )
