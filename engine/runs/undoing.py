"""Taking back a full synchronization: a run of its own kind, with a job for each job of the run that is undone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from engine.config import Settings
from engine.connectors.protocol import Side
from engine.model.errors import ConfigError, RunError
from engine.model.mapping import Direction
from engine.model.snapshot import JobState, JobType, RunState, Wish
from engine.runs.control import fingerprint, refuse_busy, same_systems
from engine.runs.full import FullSynchronization
from engine.store import runs, undoing
from engine.store.database import Store
from engine.store.schema import coupling, extra, overwritten
from engine.store.schema import run as run_table
from engine.store.undoing import DONE, LEFT, REMOVE, RESTORE, TODO, UNCOUPLE
from engine.store.work import Scope
from engine.sync.context import Clock, Context, system_clock
from engine.sync.organization import Organization
from engine.sync.settling import settle_intents
from engine.sync.undo.acting import Acting
from engine.sync.undo.review import Review
from engine.sync.undo.undone import Undone

UNDO = "undo"
_OPEN = (RunState.RUNNING.value, RunState.STOPPED.value)
_READS_ONLY = ("plan", "look")
_NOWHERE = Organization("", "", "", 2, {})


@dataclass(frozen=True, slots=True)
class UndoLine:
    """What is undone of one job; the first three are still to be done in a dry run, and done after a real one."""

    mapping: str
    removed: int
    restored: int
    uncoupled: int
    left: int


def start(store: Store, settings: Settings, run_id: int, *, dry: bool, by: str, clock: Clock = system_clock) -> int:
    """Commit a run that undoes another one, or go on with one that was interrupted, and return its number; an engine
    must be spawned for it.

    Raises LockHeld when an engine works on this store, RunError when the run cannot be undone.
    """
    refuse_busy(store)
    with store.writing() as connection:
        row = _undoable(connection, settings, run_id)
        _refuse_unknown(connection, settings, run_id)
        if not dry:
            if (unfinished := _unfinished(connection, run_id)) is not None:
                return unfinished
            ended = {"state": RunState.CANCELLED.value, "ended_at": clock(), "code": "undone"}
            message = {"message": f"undone by {by}", "hint": ""}
            runs.change(connection, run_id, (RunState.RUNNING, RunState.STOPPED), {**ended, **message})
        jobs: dict[tuple[int, str], list[Direction]] = {}
        for one in runs.job_rows(connection, run_id):
            jobs.setdefault((one.seq, one.mapping), []).append(Direction(one.direction))
        new = runs.NewRun(
            UNDO,
            settings.environment,
            row.nav,
            row.crm,
            fingerprint(settings),
            {},
            None,
            by,
            {"undo": run_id, "dry": dry, "reviewed": False},
            {seq: JobType.UNDO.value for seq, _ in jobs},
        )
        return runs.create(connection, new, [(seq, name, passes) for (seq, name), passes in jobs.items()], clock())


def report(store: Store, run_id: int) -> list[UndoLine]:
    """What a run that undoes did, or a dry one would do, job by job."""
    with store.reading() as connection:
        names = {row.seq: row.mapping for row in runs.job_rows(connection, run_id)}
        counts = undoing.summary(connection, run_id)
    lines = []
    for seq, name in names.items():
        done = {
            kind: sum(n for at, _, what, state, n in counts if (at, what) == (seq, kind) and state != LEFT)
            for kind in (REMOVE, RESTORE, UNCOUPLE)
        }
        left = sum(n for at, _, _, state, n in counts if at == seq and state == LEFT)
        lines.append(UndoLine(name, done[REMOVE], done[RESTORE], done[UNCOUPLE], left))
    return lines


class Undoing(FullSynchronization):
    """The engine's work on one run that undoes another one."""

    async def _work(self, beats: Mapping[int, datetime], *, plan: bool) -> None:
        row = await self._store.read(partial(runs.get, run_id=self._run))
        request: dict[str, Any] = dict(row.request) if row is not None else {}
        target = await self._store.read(partial(runs.get, run_id=int(request["undo"])))
        if target is None:
            raise RunError(f"Run {request['undo']} is not there any more.", "There is nothing to undo.")
        context = await self._context(plan=plan)
        undone = await self._undone(context, target)
        if not request["reviewed"]:
            if not request["dry"]:
                await settle_intents(context, self._run, beats=beats)
            await self._store.write(partial(undoing.forget, run=self._run))
            await self._tell("", f"looks at what run {target.id} did")
            await Review(context, undone, self._run).look()
        if not request["dry"]:
            if not request["reviewed"]:
                await self._store.write(partial(_reviewed, run=self._run, request=request))
            await self._jobs(JobState.RUN)
            await Acting(context, undone, self._run).act()
            await self._store.write(partial(self._put_back, target=target))
        await self._jobs(None)

    async def _organization(self, nav: Side, crm: Side, local: str, *, plan: bool) -> Organization:
        del nav, crm, local, plan
        return _NOWHERE  # nothing is transferred, so that no currency is needed, let alone made

    async def _undone(self, context: Context, target: sa.Row[Any]) -> Undone:
        rows = await self._store.read(partial(runs.job_rows, run_id=target.id))
        seqs = {row.mapping: row.seq for row in rows}
        before = await self._store.read(partial(_undoers, run_id=target.id))
        user = await context.crm.user()
        return Undone(target.id, target.nav_at, target.crm_at, user, seqs, context.mappings, before)

    async def _jobs(self, state: JobState | None) -> None:
        """Show where the jobs are; without a state, how they ended."""
        counts = await self._store.read(partial(undoing.summary, run=self._run))
        rows = await self._store.read(partial(runs.job_rows, run_id=self._run))
        passes = {(row.seq, row.direction) for row in rows}
        for row in rows:
            mine = [
                (kind, now, n)
                for seq, way, kind, now, n in counts
                if seq == row.seq and (way == row.direction or (seq, way) not in passes)
            ]
            left = sum(n for _, now, n in mine if now == LEFT)
            word = JobState.PART if left else JobState.OK
            values: dict[str, Any] = {"state": word.value, "ended_at": self._clock()}
            if state is not None:
                values = {"state": state.value, "started_at": self._clock()}
            values["message"] = _told(mine)
            values["total"] = sum(n for _, _, n in mine)
            scope = Scope(self._run, row.seq, row.mapping, Direction(row.direction), plan=False)
            await self._set(scope, **values)

    def _put_back(self, connection: sa.Connection, target: sa.Row[Any]) -> None:
        """The stored flags as they were before the run, where nobody has changed them since; all is looked at again by
        the next synchronization of modified records.
        """
        at = self._clock()
        for name, (value, version) in target.saved_flags.items():
            if not target.answer or runs.flags(connection).get(name) == (bool(value), version):
                continue
            by = f"undo of run {target.id}"
            expected = int(version) + 1
            if not runs.set_flag(connection, name, value=bool(value), at=at, by=by, expected=expected):
                text = "Synch. Only Coupled Records was changed since the run and stays as it is"
                runs.add_event(connection, self._run, name, text, at)
        undoing.forget_watermarks(connection, list(target.saved_flags))


def _told(counts: list[tuple[str, str, int]]) -> str:
    words = {REMOVE: "to remove", RESTORE: "to write back", UNCOUPLE: "to uncouple"}
    done = {REMOVE: "removed", RESTORE: "written back", UNCOUPLE: "uncoupled"}
    parts = [f"{n:,} {(words if now == TODO else done)[kind]}" for kind, now, n in counts if now in (TODO, DONE)]
    left = sum(n for _, now, n in counts if now == LEFT)
    return ", ".join([*parts, *([f"{left:,} left"] if left else [])])


def _undoable(connection: sa.Connection, settings: Settings, run_id: int) -> sa.Row[Any]:
    row = runs.get(connection, run_id)
    if row is None or row.kind != "run":
        raise RunError(f"There is no full synchronization with the number {run_id}.", "`coupler jobs` lists them.")
    if row.state == RunState.ASKING.value:
        raise RunError(
            f"Run {run_id} waits for its answer.",
            f"Answer it with `coupler answer {run_id} no`, or end it with `coupler cancel {run_id}`; then undo it.",
        )
    other = runs.active(connection)
    if other is not None and other.id != run_id:
        raise RunError(f"Run {other.id} is not finished.", "Finish it, or end it with `coupler cancel`; then undo.")
    if not same_systems(settings, row):
        raise RunError(
            f"Run {run_id} worked on other systems: {row.nav}, {row.crm}.", "Use the configuration that it had."
        )
    return row


def _refuse_unknown(connection: sa.Connection, settings: Settings, run_id: int) -> None:
    """Raise ConfigError when the run used a mapping that is not there any more."""
    names: set[str] = set()
    for table in (coupling, extra, overwritten):
        names |= set(connection.scalars(sa.select(table.c.mapping).where(table.c.run_id == run_id).distinct()))
    gone = sorted(names - {"", *(one.name for one in settings.mappings)})
    if gone:
        raise ConfigError(
            f"Run {run_id} used {', '.join(gone)}, and there is no such mapping any more.",
            f"Put [mapping.{gone[0]}] back into config.toml until the run is undone.",
        )


def _unfinished(connection: sa.Connection, run_id: int) -> int | None:
    """The interrupted undoing of a run, made ready to go on. One that other runs have come after is given up, as what
    it saw is old.
    """
    rows = connection.execute(sa.select(run_table).where(run_table.c.kind == UNDO, run_table.c.state.in_(_OPEN))).all()
    for row in rows:
        request = row.request or {}
        newer = sa.select(run_table.c.request).where(run_table.c.id > row.id, run_table.c.kind.not_in(_READS_ONLY))
        since = [one for one in connection.scalars(newer) if not (one or {}).get("dry")]
        if request.get("undo") == run_id and not request.get("dry") and not since:
            ready = {"state": RunState.RUNNING.value, "wish": Wish.RUN.value, "code": "", "message": "", "hint": ""}
            runs.change(connection, row.id, (RunState.RUNNING, RunState.STOPPED), {**ready, "ended_at": None})
            return int(row.id)
        given_up = {"state": RunState.CANCELLED.value, "code": "given_up", "message": "given up for a newer one"}
        runs.change(connection, row.id, (RunState.RUNNING, RunState.STOPPED), given_up)
    return None


def _undoers(connection: sa.Connection, run_id: int) -> tuple[int, ...]:
    """The runs that have undone a run, or some of it."""
    rows = connection.execute(sa.select(run_table.c.id, run_table.c.request).where(run_table.c.kind == UNDO))
    return tuple(row.id for row in rows if row.request and row.request.get("undo") == run_id)


def _reviewed(connection: sa.Connection, run: int, request: dict[str, Any]) -> None:
    values = {"request": {**request, "reviewed": True}}
    runs.change(connection, run, (RunState.RUNNING,), values)
