"""What a report of a run is made from; short reads, in pages, so that no reader stays open while a run goes."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from engine.model.decision import Decision, Deed
from engine.model.report import Group, Most, Report, Slot
from engine.model.snapshot import Cause, RecordOutcome, RunSnapshot, RunState
from engine.runs import problems, snapshots
from engine.runs.control import yes_no
from engine.runs.throughput import bars
from engine.store import conflicts, decisions, runs
from engine.store.database import Store
from engine.store.schema import outcome, page
from engine.store.schema import run as run_table
from engine.sync.context import Clock, system_clock

_PAGE = 2_000
_SLOTS = 36_000
"""Seconds of work that are told apart; of longer runs, as many parts."""
_MILLISECONDS = 1_000
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def report(store: Store, run_id: int, most: Most, *, clock: Clock = system_clock) -> Report:
    """A run as it is now, with at most so much of each kind; raises RunError when there is none of that number."""
    found = snapshots.run(store, run_id, clock=clock)
    causes, all_causes = problems.worst(store, run_id, most.causes)
    with store.reading() as connection:
        of_run = conflicts.of_run(connection, run_id, most.conflicts)
        all_conflicts = conflicts.count(connection, run_id)
        all_problems = _problems(connection, run_id)
        slots = _slots(connection, found)
        kept = decisions.listing(connection, run_id, most.decisions)
        all_kept = decisions.count(connection, run_id)
        row_ones = _of_rows(connection, found)
    return Report(
        run=found,
        bars=bars(slots, _begun(found), _until(found)),
        groups=tuple(_group(store, cause, most.records) for cause in causes),
        all_causes=all_causes,
        all_problems=all_problems,
        conflicts=tuple(of_run),
        all_conflicts=all_conflicts,
        decisions=tuple(sorted([*row_ones, *kept], key=lambda one: one.at)),
        all_decisions=len(row_ones) + all_kept,
    )


def _group(store: Store, cause: Cause, most: int) -> Group:
    """A cause with the first records that have it."""
    if not most:
        return Group(cause, ())
    found = problems.outcomes(
        store, cause.run, mapping=cause.mapping, cause=cause.cause, code=cause.code, kind=cause.kind, limit=most
    )
    return Group(cause, tuple(found))


def records(store: Store, run_id: int) -> Iterator[RecordOutcome]:
    """Every record of a run that something is to be said about, by job, however many there are."""
    c = outcome.c
    key = (c.seq, c.direction, c.source_id, c.kind)
    query = sa.select(outcome).where(c.run_id == run_id).order_by(*key).limit(_PAGE)
    after = None
    while True:
        with store.reading() as connection:
            where = () if after is None else (sa.tuple_(*key) > after,)
            rows = connection.execute(query.where(*where)).all()
        yield from map(problems.record, rows)
        if len(rows) < _PAGE:
            return
        last = rows[-1]
        after = (last.seq, last.direction, last.source_id, last.kind)


def _problems(connection: sa.Connection, run_id: int) -> int:
    query = sa.select(sa.func.count()).select_from(outcome).where(outcome.c.run_id == run_id)
    return int(connection.scalar(query) or 0)


def _slots(connection: sa.Connection, run: RunSnapshot) -> list[Slot]:
    """What was read in each second, or in as many longer parts."""
    width = _MILLISECONDS * max(1, -(-int(run.worked) // _SLOTS))
    # as a parameter, PostgreSQL would not know it again behind GROUP BY
    moment = sa.type_coerce(page.c.committed_at, sa.BigInteger) // sa.literal_column(str(width), sa.BigInteger)
    sums = (sa.func.sum(page.c.read), sa.func.sum(page.c.failed))
    query = sa.select(moment, page.c.seq, *sums).where(page.c.run_id == run.id).group_by(moment, page.c.seq)
    return [
        Slot(_EPOCH + timedelta(milliseconds=int(at) * width), seq, int(read), int(failed))
        for at, seq, read, failed in connection.execute(query.order_by(moment, page.c.seq))
    ]


def _begun(run: RunSnapshot) -> datetime:
    """When its first job began, as far as is known: a pass that was resumed forgets when it first did."""
    return min((one.started for job in run.jobs for one in job.passes if one.started is not None), default=run.started)


def _until(run: RunSnapshot) -> datetime:
    if run.state is RunState.RUNNING:
        return run.now
    return run.ended or run.beat or run.started


def _of_rows(connection: sa.Connection, run: RunSnapshot) -> list[Decision]:
    """What the rows of the run, and of those that undo it, say: its start, its answer, its undoing."""
    row = runs.get(connection, run.id)
    if row is None:
        return []
    options = [] if row.keep_cleared is None else [f"keep cleared: {yes_no(row.keep_cleared)}"]
    options += [f"{name}: {_said(value)}" for name, value in sorted((row.request or {}).items()) if _tells(name, value)]
    found = [Decision(row.created_at, row.created_by, Deed.START, text="; ".join(options))]
    if row.answer is not None and row.answered_at is not None:
        text = f"keep cleared: {yes_no(row.answer)}"
        found.append(Decision(row.answered_at, row.answered_by or "", Deed.ANSWER, text=text))
    undoers = sa.select(run_table.c.id, run_table.c.created_at, run_table.c.created_by, run_table.c.request)
    found.extend(
        Decision(other.created_at, other.created_by, Deed.UNDO, text=f"run {other.id}")
        for other in connection.execute(undoers.where(run_table.c.kind == runs.UNDO).order_by(run_table.c.id))
        if other.request["undo"] == run.id and not other.request["dry"]
    )
    return found


def _tells(name: str, value: object) -> bool:
    """Whether that part of a request says something to people."""
    return name not in ("digest", "type", "reviewed") and value not in (None, "", False, [])


def _said(value: object) -> str:
    if isinstance(value, bool):
        return yes_no(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value[:20])) + (f" and {len(value) - 20} more" if len(value) > 20 else "")
    return str(value)
