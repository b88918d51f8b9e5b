"""Integration synchronization jobs, one mapping and one direction each, as the store has them; short reads."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.snapshot import Counters, JobState, JobType, PassSnapshot
from engine.store import runs
from engine.store.schema import job, page
from engine.store.schema import run as run_table

_PASS = (page.c.run_id, page.c.seq, page.c.direction)
_SUMS = (
    sa.select(*_PASS, *(sa.func.sum(page.c[name]) for name in Counters.__slots__))
    .where(page.c.run_id.in_(sa.bindparam("runs", expanding=True)))
    .group_by(*_PASS)
)
"""Made once: screens ask for it several times a second."""


def counters(connection: sa.Connection, run_ids: Sequence[int]) -> dict[tuple[int, int, str], Counters]:
    """The sums over the committed pages of each pass of the runs, by run, number of the job and direction."""
    rows = connection.execute(_SUMS, {"runs": run_ids})
    return {(row[0], row[1], row[2]): Counters(*map(int, row[3:])) for row in rows}


def pass_of(row: sa.Row[Any], sums: Mapping[tuple[int, int, str], Counters], kind: str = "run") -> PassSnapshot:
    """The pass of a row of `job`, in a run of a `kind`, with its sums."""
    return PassSnapshot(
        run=row.run_id,
        seq=row.seq,
        mapping=row.mapping,
        direction=Direction(row.direction),
        state=JobState(row.state),
        counters=sums.get((row.run_id, row.seq, row.direction), Counters()),
        total=row.total,
        total_exact=row.total_exact,
        started=row.started_at,
        ended=row.ended_at,
        message=row.message,
        type=JobType(row.type),
        spent=row.spent,
        kind=kind,
    )


def newest(connection: sa.Connection) -> dict[str, list[PassSnapshot]]:
    """The passes of each mapping in the newest run that started it."""
    last = (
        sa.select(job.c.mapping, sa.func.max(job.c.run_id).label("run_id"))
        .join(run_table)
        .where(run_table.c.kind.in_(runs.SYNCHRONIZATIONS), job.c.started_at.is_not(None))
        .group_by(job.c.mapping)
        .subquery()
    )
    query = sa.select(job).join(last, sa.and_(job.c.mapping == last.c.mapping, job.c.run_id == last.c.run_id))
    rows = connection.execute(query).all()
    sums = counters(connection, sorted({row.run_id for row in rows}))
    found: dict[str, list[PassSnapshot]] = {}
    for row in sorted(rows, key=lambda row: row.direction != Direction.TO_INTEGRATION_TABLE.value):
        found.setdefault(row.mapping, []).append(pass_of(row, sums))
    return found
