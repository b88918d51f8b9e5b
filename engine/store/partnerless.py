"""How many records the last plan found without a partner; where it does not know, nothing is said."""

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.outcome import Action
from engine.store.foreseen import AMBIGUOUS
from engine.store.runs import JOB_DONE
from engine.store.schema import coupling, job, outcome, page, planned


def by_plan(connection: sa.Connection, plan: int | None, most: int) -> dict[str, int | None]:
    """By mapping, what the plan would make or couple, what several others match, and what fails and is not coupled.

    A mapping of which not all was counted is left out. One is None when more than `most` of its records fail, since
    each of them is looked up.
    """
    c = page.c
    query = (
        sa.select(
            job.c.mapping,
            job.c.state,
            sa.func.coalesce(sa.func.sum(c.inserted + c.coupled + c.ambiguous), 0),
            sa.func.coalesce(sa.func.sum(c.failed - c.ambiguous), 0),
        )
        .outerjoin(page, sa.and_(job.c.run_id == c.run_id, job.c.seq == c.seq, job.c.direction == c.direction))
        .where(job.c.run_id == plan)
        .group_by(job.c.mapping, job.c.state, job.c.direction)
    )
    passes = connection.execute(query).all() if plan is not None else []
    broken = {name for name, state, *_ in passes if state not in JOB_DONE}
    alone: dict[str, int] = {}
    failed: dict[str, int] = {}
    for name, _, without, failing in passes:
        if name not in broken:
            alone[name] = alone.get(name, 0) + int(without)
            failed[name] = failed.get(name, 0) + int(failing)
    few = [name for name, number in failed.items() if 0 < number <= most]
    uncoupled = _failed(connection, plan, few) if plan is not None and few else {}
    return {name: number + uncoupled.get(name, 0) if failed[name] <= most else None for name, number in alone.items()}


def _failed(connection: sa.Connection, plan: int, mappings: list[str]) -> dict[str, int]:
    """How many records of each mapping fail, are not ambiguous, and have no partner: now, or by the plan."""
    o = outcome.c
    query = (
        sa.select(o.mapping, sa.func.count())
        .where(o.run_id == plan, o.mapping.in_(mappings), o.kind == Action.FAILED.value, o.code != AMBIGUOUS)
        .where(~_is_one_of(coupling), ~_is_one_of(planned, planned.c.run_id == plan))
        .group_by(o.mapping)
    )
    return {name: int(number) for name, number in connection.execute(query)}


def _is_one_of(pairs: sa.Table, *which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    o, p = outcome.c, pairs.c
    to_crm = o.direction == Direction.TO_INTEGRATION_TABLE.value
    mine = sa.or_(sa.and_(to_crm, p.nav_id == o.source_id), sa.and_(~to_crm, p.crm_id == o.source_id))
    return sa.exists().where(p.mapping == o.mapping, mine, *which)
