"""How fast a run goes, and how fast those before it went, by the moments in which pages were committed; short reads."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.snapshot import JobState, PassSnapshot
from engine.runs.forecast import Course, Lately, look_back, seconds_left
from engine.runs.held import Span, back, between
from engine.store.schema import job, link, page
from engine.store.schema import run as run_table

BAR = 5
"""Seconds of a bar of the throughput."""
_BARS = 60
_RATE_SECONDS = 15
_RUNS_BACK = 1_000
"""How many runs are looked at for what a mapping took the last time."""
_MILLISECONDS = 1_000
_MOMENT = timedelta(milliseconds=1)
_LINKED = Direction.TO_INTEGRATION_TABLE
"""Lookups that wait are mostly CRM's, such as primary contacts."""
_LINK = 1.4
"""What a lookup that waited takes, in records of a pass: its row is read again, and written by itself."""
_MINE = (
    page.c.run_id == sa.bindparam("run"),
    sa.tuple_(page.c.seq, page.c.direction).in_(sa.bindparam("passes", expanding=True)),
)
_LAST_AFTER = sa.select(sa.func.max(page.c.committed_at)).where(*_MINE, page.c.committed_at > sa.bindparam("moment"))
_LAST_UNTIL = sa.select(sa.func.max(page.c.committed_at)).where(*_MINE, page.c.committed_at <= sa.bindparam("moment"))
_PAGES_AFTER = (
    sa.select(page.c.committed_at, sa.func.sum(page.c.read))
    .where(*_MINE, page.c.committed_at > sa.bindparam("moment"))
    .group_by(page.c.committed_at)
    .order_by(page.c.committed_at)
)
"""Made once, as `_LEARNED`."""
_OVER = (JobState.OK, JobState.PART, JobState.FAIL, JobState.SKIP)

Key = tuple[int, Direction]
"""A pass of a run: the number of its job, and its direction."""


def rates(connection: sa.Connection, run_id: int, now: datetime, held: Sequence[Span]) -> dict[int, float]:
    """Records a second of each job over the last seconds of work, by its committed pages; without what was `held`."""
    since = back(now, _RATE_SECONDS, held)
    query = (
        sa.select(page.c.seq, sa.func.sum(page.c.read), sa.func.min(job.c.started_at))
        .join(job, sa.and_(job.c.run_id == page.c.run_id, job.c.seq == page.c.seq, job.c.direction == page.c.direction))
        .where(page.c.run_id == run_id, page.c.committed_at > since)
        .group_by(page.c.seq)
    )
    found = {}
    for seq, read, started in connection.execute(query):
        seconds = between(max(since, started), now, held) if started is not None else 0
        if seconds > 0 and read:
            found[seq] = read / seconds
    return found


def left(
    connection: sa.Connection,
    run_id: int,
    kind: str,
    passes: Sequence[PassSnapshot],
    now: datetime,
    held: Sequence[Span],
) -> tuple[dict[Key, float], float | None]:
    """Seconds that each pass takes yet, without those of which nothing tells; and the whole run, where all tell.

    Passes that go on at once, as those of an undo, are told together only.
    """
    going = [one for one in passes if one.state is JobState.RUN]
    if len(going) > 1:
        begun = [one.started for one in going if one.started is not None]
        if len(begun) < len(going):
            return {}, None  # what is looked at before anything is done tells nothing of that
        return {}, seconds_left([_together(connection, going, min(begun), now, held)], now, held)[0]
    learned = _learned(connection, run_id, kind)
    courses = [
        Course(
            one.direction,
            one.total,
            one.counters.read,
            _seconds(one, now, held),
            one.state in _OVER,
            learned.get((one.mapping, one.direction)),
            _lately(connection, [one], one.started, now, held) if one.state is JobState.RUN and one.started else None,
        )
        for one in passes
    ]
    linking = _linking(connection, passes)
    told = seconds_left([*courses, Course(_LINKED, linking * _LINK, 0, 0.0, over=not linking)], now, held)
    links = told.pop() or 0.0  # where nothing tells of them, they are few or all else is not known either
    of_passes = {(one.seq, one.direction): each for one, each in zip(passes, told, strict=True) if each is not None}
    return of_passes, None if None in told else sum(of_passes.values()) + links


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


def _together(
    connection: sa.Connection, passes: Sequence[PassSnapshot], begun: datetime, now: datetime, held: Sequence[Span]
) -> Course:
    """Passes that go on at once as one."""
    known = [one.total for one in passes if one.total is not None]
    lately = _lately(connection, passes, begun, now, held)
    return Course(
        passes[0].direction,
        sum(known) if len(known) == len(passes) else None,
        sum(one.counters.read for one in passes),
        between(begun, now, held),
        over=False,
        lately=None if lately is None else replace(lately, first=False),
    )


def _linking(connection: sa.Connection, passes: Sequence[PassSnapshot]) -> float:
    """How many lookups are to be written yet once their partners are there: those that wait, and as many more as the
    passes that leave them have still to read.
    """
    waiting = sa.select(link.c.mapping, link.c.direction, sa.func.count()).group_by(link.c.mapping, link.c.direction)
    by_pass = {(one.mapping, one.direction.value): one for one in passes}
    number = 0.0
    for mapping, one_way, count in connection.execute(waiting):
        one = by_pass.get((mapping, one_way))
        if one is not None:
            read = one.counters.read
            more = one.total / read if one.total and 0 < read < one.total and one.state not in _OVER else 1.0
            number += count * more
    return number


def _seconds(one: PassSnapshot, now: datetime, held: Sequence[Span]) -> float:
    if one.started is None or one.state is JobState.STOP:
        return one.spent
    until = one.ended or (now if one.state is JobState.RUN else one.started)
    return one.spent + max(0.0, between(one.started, until, held))


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


def _lately(
    connection: sa.Connection, passes: Sequence[PassSnapshot], begun: datetime, now: datetime, held: Sequence[Span]
) -> Lately | None:
    """The pages of one pass, or of some that go on at once; the last one at least."""
    mine = {"run": passes[0].run, "passes": [(one.seq, one.direction.value) for one in passes]}
    last: Any = connection.scalar(_LAST_AFTER, {**mine, "moment": begun})
    if last is None:
        return None
    until = min(back(now, look_back(between(begun, now, held)), held), last - _MOMENT)
    before: Any = connection.scalar(_LAST_UNTIL, {**mine, "moment": until})
    since = max(before or begun, begun)
    pages = connection.execute(_PAGES_AFTER, {**mine, "moment": since}).all()
    return Lately(since, tuple((at, int(read)) for at, read in pages), first=since == begun)
