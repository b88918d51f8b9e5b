"""How fast a run goes, and how fast those before it went, by the moments in which pages were committed; short reads."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.snapshot import JobState, PassSnapshot
from engine.runs.forecast import Course, Lately, look_back, seconds_left
from engine.store.schema import job, page
from engine.store.schema import run as run_table

BAR = 5
"""Seconds of a bar of the throughput."""
_BARS = 60
_RATE_WINDOW = timedelta(seconds=15)
_RUNS_BACK = 1_000
"""How many runs are looked at for what a mapping took the last time."""
_MILLISECONDS = 1_000
_OVER = (JobState.OK, JobState.PART, JobState.FAIL, JobState.SKIP)

Key = tuple[int, Direction]
"""A pass of a run: the number of its job, and its direction."""


def rates(connection: sa.Connection, run_id: int, now: datetime) -> dict[int, float]:
    """Records a second of each job over the last seconds, by its committed pages."""
    query = (
        sa.select(page.c.seq, sa.func.sum(page.c.read), sa.func.min(job.c.started_at))
        .join(job, sa.and_(job.c.run_id == page.c.run_id, job.c.seq == page.c.seq, job.c.direction == page.c.direction))
        .where(page.c.run_id == run_id, page.c.committed_at > now - _RATE_WINDOW)
        .group_by(page.c.seq)
    )
    found = {}
    for seq, read, started in connection.execute(query):
        seconds = min(_RATE_WINDOW, now - started).total_seconds() if started is not None else 0
        if seconds > 0 and read:
            found[seq] = read / seconds
    return found


def left(
    connection: sa.Connection, run_id: int, kind: str, passes: Sequence[PassSnapshot], now: datetime
) -> dict[Key, float]:
    """Seconds that each pass takes yet, without what comes before it; those of which nothing tells are left out."""
    learned = _learned(connection, run_id, kind)
    courses = [
        Course(
            total=one.total,
            read=one.counters.read,
            seconds=_seconds(one, now),
            over=one.state in _OVER,
            learned=learned.get((one.mapping, one.direction)),
            lately=_lately(connection, one, now) if one.state is JobState.RUN else None,
        )
        for one in passes
    ]
    found = zip(passes, seconds_left(courses, now), strict=True)
    return {(one.seq, one.direction): seconds for one, seconds in found if seconds is not None}


def bars(connection: sa.Connection, run_id: int, started: datetime, now: datetime) -> tuple[float, ...]:
    """Records a second in each of the last whole bars, oldest first, from the start of the run on."""
    width = BAR * _MILLISECONDS
    last = int(now.timestamp()) // BAR  # the bar that is not over yet
    first = max(last - _BARS, int(started.timestamp()) // BAR)
    # as a parameter, PostgreSQL would not know it again behind GROUP BY
    bar = sa.type_coerce(page.c.committed_at, sa.BigInteger) // sa.literal_column(str(width), sa.BigInteger)
    since = datetime.fromtimestamp(first * BAR, now.tzinfo)
    query = sa.select(bar, sa.func.sum(page.c.read)).where(page.c.run_id == run_id, page.c.committed_at >= since)
    read = {int(at): int(number) for at, number in connection.execute(query.group_by(bar))}
    return tuple(read.get(at, 0) / BAR for at in range(first, last))


def _seconds(one: PassSnapshot, now: datetime) -> float:
    if one.started is None:
        return one.spent
    until = one.ended or (now if one.state is JobState.RUN else one.started)
    return one.spent + max(0.0, (until - one.started).total_seconds())


def _learned(connection: sa.Connection, run_id: int, kind: str) -> dict[tuple[str, Direction], float]:
    """Seconds a record took in the newest run of that kind that finished the pass; `total` is what it read then.

    The database picks the newest of many runs, and its row alone is read.
    """
    values = {"run": run_id, "oldest": run_id - _RUNS_BACK, "kind": kind}
    rows = connection.execute(_LEARNED, values)
    return {(mapping, Direction(one_way)): took / _MILLISECONDS for mapping, one_way, took in rows}


def _learned_query() -> sa.Select[Any]:
    c = job.c
    took = (
        c.spent * _MILLISECONDS
        + sa.type_coerce(c.ended_at, sa.BigInteger)
        - sa.type_coerce(c.started_at, sa.BigInteger)
    )
    finished = (c.state.in_((JobState.OK.value, JobState.PART.value)), c.total > 0, took > 0)
    newest = (
        sa.select(c.mapping, c.direction, sa.func.max(c.run_id).label("run_id"))
        .join(run_table)
        .where(
            c.run_id < sa.bindparam("run"),
            c.run_id >= sa.bindparam("oldest"),
            run_table.c.kind == sa.bindparam("kind"),
            *finished,
        )
        .group_by(c.mapping, c.direction)
        .subquery()
    )
    same = [c[name] == newest.c[name] for name in ("run_id", "mapping", "direction")]
    return sa.select(c.mapping, c.direction, took / c.total).join(newest, sa.and_(*same)).where(*finished)


_LEARNED = _learned_query()
"""Made once: screens ask for it several times a second, and to put it together takes longer than to answer it."""


def _lately(connection: sa.Connection, one: PassSnapshot, now: datetime) -> Lately | None:
    if one.started is None:
        return None
    back = now - timedelta(seconds=look_back((now - one.started).total_seconds()))
    c = page.c
    where = (c.run_id == one.run, c.seq == one.seq, c.direction == one.direction.value)
    before: Any = connection.scalar(sa.select(sa.func.max(c.committed_at)).where(*where, c.committed_at <= back))
    since = max(before or one.started, one.started)
    sums = (sa.func.count(), sa.func.sum(c.read), sa.func.max(c.committed_at))
    pages, read, until = connection.execute(sa.select(*sums).where(*where, c.committed_at > since)).one()
    return Lately(since, until, int(pages), int(read)) if pages else None
