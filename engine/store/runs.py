"""Runs, their jobs, the flags and the events, as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.model.mapping import Direction
from engine.model.snapshot import JobState, JobType, RunState, Wish
from engine.store.schema import event, flag, job, page, run
from engine.store.traces import any_unsettled
from engine.store.upsert import insert
from engine.store.work import Scope

UNDO = "undo"
"""The kind of runs that undo another one."""

LOOK = "look"
"""The kind of runs that write on neither side and leave couplings as they are, but for what an upgrade of NAV asks for
(`engine.sync.renames`); they are no jobs.
"""

SYNCHRONIZATIONS = ("run", "sync")
"""The kinds of runs that synchronize whole mappings."""

RESUMED = ("run", UNDO)
"""The kinds of runs that go on after they were stopped."""

JOB_DONE = (JobState.OK.value, JobState.PART.value)
"""The states of jobs that got to their end."""

ACTIVE = (RunState.RUNNING.value, RunState.STOPPED.value, RunState.ASKING.value)
READY: Mapping[str, Any] = {
    "state": RunState.RUNNING.value,
    "wish": Wish.RUN.value,
    "code": "",
    "message": "",
    "hint": "",
    "ended_at": None,
}
"""What a run has that an engine may go on with."""

_EVENTS_KEPT = 500


@dataclass(frozen=True, slots=True)
class NewRun:
    """What a run starts with. `saved_flags` has, by mapping, the flag and its version."""

    kind: str
    environment: str
    nav: str
    crm: str
    fingerprint: str
    saved_flags: Mapping[str, tuple[bool, int]]
    keep_cleared: bool | None
    by: str
    request: Mapping[str, Any] | None = None
    types: Mapping[int, str] = field(default_factory=dict)
    """By number of the job, its type when that is not Synchronization."""


def create(
    connection: sa.Connection, new: NewRun, jobs: Sequence[tuple[int, str, Sequence[Direction]]], at: datetime
) -> int:
    """Add a run with its jobs; raises IntegrityError when another one is active."""
    values = {
        "kind": new.kind,
        "state": RunState.RUNNING.value,
        "wish": Wish.RUN.value,
        "environment": new.environment,
        "nav": new.nav,
        "crm": new.crm,
        "fingerprint": new.fingerprint,
        "saved_flags": {name: list(pair) for name, pair in new.saved_flags.items()},
        "keep_cleared": new.keep_cleared,
        "created_at": at,
        "created_by": new.by,
        "request": sa.null() if new.request is None else dict(new.request),
    }
    run_id = int(connection.execute(sa.insert(run).values(values)).inserted_primary_key[0])  # type: ignore[index]  # one row has one
    rows = [
        {
            "run_id": run_id,
            "seq": seq,
            "direction": one.value,
            "mapping": name,
            "state": JobState.WAIT.value,
            "type": new.types.get(seq, JobType.SYNCHRONIZATION.value),
        }
        for seq, name, passes in jobs
        for one in passes
    ]
    connection.execute(sa.insert(job), rows)
    return run_id


def get(connection: sa.Connection, run_id: int) -> sa.Row[Any] | None:
    """A run's row."""
    return connection.execute(sa.select(run).where(run.c.id == run_id)).one_or_none()


def active(connection: sa.Connection) -> sa.Row[Any] | None:
    """The run that others wait for, if any: a full synchronization, or the undo of one, that is not finished."""
    query = sa.select(run).where(run.c.kind.in_(RESUMED), run.c.state.in_(ACTIVE)).order_by(run.c.id)
    rows = connection.execute(query)
    return next((row for row in rows if row.kind == "run" or not row.request["dry"]), None)


def wished(row: sa.Row[Any] | None) -> Wish:
    """What is wanted of a run; who ended it before its engine gave a first sign of life wanted it cancelled."""
    if row is None:
        return Wish.STOP
    return Wish(row.wish) if row.state == RunState.RUNNING.value else Wish.CANCEL


def at_work(connection: sa.Connection) -> sa.Row[Any] | None:
    """The run, of whatever kind, whose engine gave the last sign of life; it works as long as there is an engine."""
    newest = sa.func.coalesce(run.c.beat_at, run.c.created_at).desc()
    query = sa.select(run).where(run.c.state == RunState.RUNNING.value).order_by(newest, run.c.id.desc())
    return connection.execute(query.limit(1)).one_or_none()


@dataclass(frozen=True, slots=True)
class Beat:
    """When an engine gave its last sign of life: by its own clock, and by NAV's where that was known."""

    at: datetime
    nav_at: datetime | None


def left_behind(connection: sa.Connection) -> tuple[dict[int, Beat], bool]:
    """What there is of earlier engines: their last signs of life, and whether one left updates unsettled."""
    return beats(connection), any_unsettled(connection)


def beats(connection: sa.Connection) -> dict[int, Beat]:
    """The last sign of life of the engine of each run."""
    query = sa.select(run.c.id, run.c.beat_at, run.c.nav_at).where(run.c.beat_at.is_not(None))
    return {row.id: Beat(row.beat_at, row.nav_at) for row in connection.execute(query)}


def change(connection: sa.Connection, run_id: int, expected: Sequence[RunState], values: Mapping[str, Any]) -> bool:
    """Change a run that is in one of the expected states; False when it is not."""
    states = [state.value for state in expected]
    statement = sa.update(run).where(run.c.id == run_id, run.c.state.in_(states)).values(**values)
    return connection.execute(statement).rowcount == 1


def set_job(connection: sa.Connection, scope: Scope, **values: Any) -> None:
    """Change columns of a job row."""
    where = (job.c[name] == value for name, value in scope.key.items())
    connection.execute(sa.update(job).where(*where).values(**values))


def job_rows(connection: sa.Connection, run_id: int) -> Sequence[sa.Row[Any]]:
    """The job rows of a run in run order: to the integration table before from it."""
    rows = connection.execute(sa.select(job).where(job.c.run_id == run_id)).all()
    return sorted(rows, key=lambda row: (row.seq, row.direction != Direction.TO_INTEGRATION_TABLE.value))


def read_and_failed(connection: sa.Connection, scope: Scope) -> tuple[int, int]:
    """How many records a pass has read and how many of them failed, by its committed pages."""
    where = (page.c[name] == value for name, value in scope.key.items())
    sums = (sa.func.coalesce(sa.func.sum(column), 0) for column in (page.c.read, page.c.failed))
    read, failed = connection.execute(sa.select(*sums).where(*where)).one()
    return int(read), int(failed)


def flags(connection: sa.Connection) -> dict[str, tuple[bool, int]]:
    """The stored Synch. Only Coupled Records flags with their versions; those never changed are not in it."""
    rows = connection.execute(sa.select(flag.c.mapping, flag.c.only_coupled, flag.c.version))
    return {row[0]: (row[1], row[2]) for row in rows}


def set_flag(
    connection: sa.Connection, mapping: str, *, value: bool, at: datetime, by: str, expected: int | None = None
) -> bool:
    """Store a flag; with `expected` only when its version is still that (0: not stored yet). False when it is not."""
    values = {"only_coupled": value, "changed_at": at, "changed_by": by}
    statement = (
        insert(connection, flag)
        .values(mapping=mapping, version=1, **values)
        .on_conflict_do_update(
            index_elements=[flag.c.mapping],
            set_={**values, "version": flag.c.version + 1},
            where=None if expected is None else flag.c.version == expected,
        )
        .returning(flag.c.mapping)
    )
    return connection.scalar(statement) is not None


def add_event(connection: sa.Connection, run_id: int, mapping: str, text: str, at: datetime) -> None:
    """Append a line to the tail of a run."""
    connection.execute(sa.insert(event).values(run_id=run_id, at=at, mapping=mapping, text=text))


def trim_events(connection: sa.Connection, run_id: int) -> None:
    """Keep the newest lines of the tail."""
    newest = sa.select(event.c.id).where(event.c.run_id == run_id).order_by(event.c.id.desc()).offset(_EVENTS_KEPT)
    border = connection.scalar(newest.limit(1))
    if border is not None:
        connection.execute(sa.delete(event).where(event.c.run_id == run_id, event.c.id <= border))
