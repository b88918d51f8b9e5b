"""Taking back a full synchronization: a run of its own kind, with a job for each job of the run that is undone."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa

from engine.config import Settings
from engine.connectors.protocol import Side
from engine.model.decision import Decision, Deed
from engine.model.errors import ConfigError, OnHold, RunError
from engine.model.mapping import Direction
from engine.model.snapshot import JobState, JobType, RunState
from engine.model.undo import UndoLine
from engine.runs.control import fingerprint, refuse_busy, same_systems, unfinished_undo
from engine.runs.full import FullSynchronization
from engine.store import decisions, runs, undoing
from engine.store.database import Store
from engine.store.schema import coupling, extra, overwritten
from engine.store.schema import run as run_table
from engine.store.undoing import DONE, DUE, REMOVE, RESTORE, UNCOUPLE
from engine.store.work import Scope
from engine.sync.context import Clock, Context, system_clock
from engine.sync.deletions import COUPLING_REMOVED
from engine.sync.organization import NOWHERE, Organization
from engine.sync.settling import settle_intents
from engine.sync.undo.acting import Acting
from engine.sync.undo.review import Review
from engine.sync.undo.undone import Undone


def start(store: Store, settings: Settings, run_id: int, *, dry: bool, by: str, clock: Clock = system_clock) -> int:
    """Commit a run that undoes another one, or go on with one that was interrupted, and return its number; an engine
    must be spawned for it.

    Raises LockHeld when an engine works on this store, OnHold when another run is not finished, RunError when the run
    cannot be undone.
    """
    refuse_busy(store)
    with store.writing() as connection:
        other = runs.active(connection)
        if other is not None and other.kind == runs.UNDO and other.id == run_id:
            run_id = other.request["undo"]  # who names an undo that was broken off means what it takes back
        row = _undoable(connection, settings, run_id)
        _refuse_unknown(connection, settings, run_id)
        if not dry:
            if (unfinished := _unfinished(connection, run_id)) is not None:
                decisions.note(connection, unfinished, Decision(clock(), by, Deed.RESUME))
                return unfinished
            ended = {"state": RunState.CANCELLED.value, "ended_at": clock(), "code": "undone"}
            message = {"message": f"undone by {by}", "hint": ""}
            runs.change(connection, run_id, (RunState.RUNNING, RunState.STOPPED), {**ended, **message})
        jobs: dict[tuple[int, str], list[Direction]] = {}
        for one in runs.job_rows(connection, run_id):
            jobs.setdefault((one.seq, one.mapping), []).append(Direction(one.direction))
        new = runs.NewRun(
            runs.UNDO,
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
        row = runs.get(connection, run_id)
        names = {one.seq: one.mapping for one in runs.job_rows(connection, run_id)}
        counts = undoing.summary(connection, run_id)
        left = undoing.left(connection, run_id)
    counted = DUE if row is not None and row.request["dry"] else DONE
    lines = []
    for seq, name in names.items():
        done = {
            kind: sum(n for at, _, what, state, n in counts if (at, what, state) == (seq, kind, counted))
            for kind in (REMOVE, RESTORE, UNCOUPLE)
        }
        number = sum(n for (at, _), n in left.items() if at == seq)
        lines.append(UndoLine(name, done[REMOVE], done[RESTORE], done[UNCOUPLE], number))
    return lines


def kept_flags(store: Store, run_id: int) -> list[str]:
    """The mappings whose Synch. Only Coupled Records somebody changed, so that a run that undoes left it alone."""
    with store.reading() as connection:
        row = runs.get(connection, run_id)
    return [] if row is None else list(row.kept_edits or ())


class Undoing(FullSynchronization):
    """The engine's work on one run that undoes another one."""

    async def _work(self, beats: Mapping[int, runs.Beat], *, plan: bool) -> None:
        row = await self._store.read(partial(runs.get, run_id=self._run))
        if row is None:
            raise RunError(f"Run {self._run} is not there any more.", "`coupler jobs` lists the runs there are.")
        request: dict[str, Any] = dict(row.request)
        target = await self._store.read(partial(runs.get, run_id=int(request["undo"])))
        if target is None:
            raise RunError(f"Run {request['undo']} is not there any more.", "There is nothing to undo.")
        context = await self._context(plan=plan)
        undone = await self._undone(context, target)
        rest = await self._store.read(partial(_rest, run_id=target.id)) if request["dry"] else None
        if rest is not None:
            await self._look_at_rest(context, undone, rest)
        elif not request["reviewed"]:
            if not request["dry"]:
                await settle_intents(context, self._run, beats=beats)
            await self._store.write(partial(undoing.forget, run=self._run))
            await self._begin_look(undone)
            await Review(context, undone, self._run, partial(self._tell, "")).look()
        if not request["dry"]:
            if not request["reviewed"]:
                await self._store.write(partial(undoing.forget_looked, run=self._run))
                await self._store.write(partial(_reviewed, run=self._run, request=request, target=target))
            await self._jobs(JobState.RUN)
            await self._tell("", f"takes back what run {target.id} did")
            acting = Acting(context, undone, self._run, self._sign_of_life)
            if request["reviewed"]:
                await acting.look_again(row.nav_at, row.crm_at)
            await acting.act()
            await self._store.write(partial(self._put_back, target=target))
        await self._jobs(None)

    async def _begin_look(self, undone: Undone) -> None:
        """Say how much there is to look at, so that people see how far it is."""
        found = await self._store.read(partial(undoing.to_look_at, run=undone.id, code=COUPLING_REMOVED))
        totals: dict[int, int] = {}
        for mapping, number in found.items():
            totals[undone.seq(mapping)] = totals.get(undone.seq(mapping), 0) + number
        for row in await self._store.read(partial(runs.job_rows, run_id=self._run)):
            scope = Scope(self._run, row.seq, row.mapping, Direction(row.direction), plan=False)
            total = totals.pop(row.seq, 0)
            # without a beginning: what only looked is no integration synchronization job
            await self._set(scope, state=JobState.RUN.value, total=total, total_exact=True)

    async def _look_at_rest(self, context: Context, undone: Undone, rest: sa.Row[Any]) -> None:
        """See what an undo that was broken off would still do, just as it will see that itself: much of what a look at
        the whole run would take for somebody's changes is its own work.
        """
        await self._store.write(partial(undoing.take_over, run=self._run, other=rest.id))
        await self._tell("", f"looks at what run {rest.id} has still to take back")
        await Acting(context, undone, self._run, self._sign_of_life).look_again(rest.nav_at, rest.crm_at)

    def _sign_of_life(self, connection: sa.Connection) -> None:
        runs.change(connection, self._run, (RunState.RUNNING,), {"beat_at": self._clock(), **self._pulse.times()})

    async def _organization(self, nav: Side, crm: Side, local: str) -> Organization:
        del nav, crm, local
        return NOWHERE

    async def _undone(self, context: Context, target: sa.Row[Any]) -> Undone:
        rows = await self._store.read(partial(runs.job_rows, run_id=target.id))
        seqs = {row.mapping: row.seq for row in rows}
        before = await self._store.read(partial(_undoers, run_id=target.id))
        user = await context.crm.user()
        return Undone(target.id, target.nav_at, target.crm_at, user, seqs, context.mappings, before)

    async def _jobs(self, state: JobState | None) -> None:
        """Show where the jobs are; without a state, how they ended."""
        counts = await self._store.read(partial(undoing.summary, run=self._run))
        all_left = await self._store.read(partial(undoing.left, run=self._run))
        rows = await self._store.read(partial(runs.job_rows, run_id=self._run))
        passes = {(row.seq, row.direction) for row in rows}
        for row in rows:
            mine = [(kind, now, n) for seq, way, kind, now, n in counts if _belongs(seq, way, row, passes)]
            left = sum(n for (seq, way), n in all_left.items() if _belongs(seq, way, row, passes))
            scope = Scope(self._run, row.seq, row.mapping, Direction(row.direction), plan=False)
            if state is not None:
                total = sum(n for _, _, n in mine)
                begun = {"started_at": self._clock(), "ended_at": None}
                values: dict[str, Any] = {"state": state.value, **begun, "total": total}
            else:
                word = JobState.PART if left else JobState.OK
                read, _ = await self._store.read(partial(runs.read_and_failed, scope=scope))
                values = {"state": word.value, "ended_at": self._clock(), "total": read}
            await self._set(scope, **values, message=_told(mine, left))

    def _put_back(self, connection: sa.Connection, target: sa.Row[Any]) -> None:
        """The stored flags as they were before the run, where the answer changed them and nobody did during the run or
        since.
        """
        at, by = self._clock(), f"undo of run {target.id}"
        stored, kept = runs.flags(connection), []
        for name, (value, version) in target.saved_flags.items() if target.answer else ():
            if name not in stored or stored[name][0] is bool(value):
                continue
            edited = name in (target.kept_edits or ())
            expected = int(version) + 1
            if edited or not runs.set_flag(connection, name, value=bool(value), at=at, by=by, expected=expected):
                when = "during" if edited else "since"
                text = f"Synch. Only Coupled Records was changed {when} the run and stays as it is"
                runs.add_event(connection, self._run, name, text, at)
                kept.append(name)
        runs.change(connection, self._run, (RunState.RUNNING,), {"kept_edits": kept})

    async def _stopped(self, row: sa.Row[Any], *, cancel: bool) -> None:
        if row.request["dry"]:
            await self._end(RunState.CANCELLED, "cancelled", "Cancelled by an operator; nothing was done.", "")
        elif cancel:
            message = "Given up by an operator; what it took back stays so."
            await self._end(RunState.CANCELLED, "cancelled", message, "")
        else:
            hint = f"Go on with `coupler undo {row.request['undo']}`, or give it up with `coupler cancel {row.id}`."
            await self._end(RunState.STOPPED, "stopped", "Stopped by an operator at a checkpoint.", hint)


def _belongs(seq: int, way: str, row: sa.Row[Any], passes: set[tuple[int, str]]) -> bool:
    """Whether steps of a job and a direction are shown with a pass; those of a direction that it did not have, too."""
    return bool(seq == row.seq and (way == row.direction or (seq, way) not in passes))


def _told(counts: list[tuple[str, str, int]], left: int) -> str:
    words = {REMOVE: "to remove", RESTORE: "to write back", UNCOUPLE: "to uncouple"}
    done = {REMOVE: "removed", RESTORE: "written back", UNCOUPLE: "uncoupled"}
    parts = [f"{n:,} {(words if now == DUE else done)[kind]}" for kind, now, n in counts if now in (DUE, DONE)]
    return ", ".join([*parts, *([f"{left:,} left"] if left else [])])


def _undoable(connection: sa.Connection, settings: Settings, run_id: int) -> sa.Row[Any]:
    row = runs.get(connection, run_id)
    if row is None:
        raise RunError(f"There is no run with the number {run_id}.", "`coupler jobs` lists the runs there are.")
    if row.kind != "run":
        raise RunError(f"Run {run_id} is no full synchronization.", "Only full synchronizations can be undone.")
    if row.state == RunState.ASKING.value:
        raise RunError(
            f"Run {run_id} waits for its answer.",
            f"Answer it with `coupler answer {run_id} no`, or end it with `coupler cancel {run_id}`; then undo it.",
        )
    other = runs.active(connection)
    if other is not None and other.kind == runs.UNDO and other.request["undo"] != run_id:
        raise unfinished_undo(other)
    if other is not None and other.kind != runs.UNDO and other.id != run_id:
        raise OnHold(f"Run {other.id} is not finished.", "Finish it, or end it with `coupler cancel`; then undo.")
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
    """The undoing of a run that is not finished, made ready to go on; nothing wrote since, as all else is on hold."""
    row = runs.active(connection)
    if row is None or row.kind != runs.UNDO or row.request["undo"] != run_id:
        return None
    runs.change(connection, row.id, (RunState.RUNNING, RunState.STOPPED), runs.READY)
    return int(row.id)


def _rest(connection: sa.Connection, run_id: int) -> sa.Row[Any] | None:
    """The undo of a run that was broken off after it had looked at all of it, if there is one."""
    row = runs.active(connection)
    if row is None or row.kind != runs.UNDO or row.request["undo"] != run_id or not row.request["reviewed"]:
        return None
    return row


def _undoers(connection: sa.Connection, run_id: int) -> tuple[int, ...]:
    """The runs that have undone a run, or some of it."""
    rows = connection.execute(sa.select(run_table.c.id, run_table.c.request).where(run_table.c.kind == runs.UNDO))
    return tuple(row.id for row in rows if row.request and row.request.get("undo") == run_id)


def _reviewed(connection: sa.Connection, run: int, request: dict[str, Any], target: sa.Row[Any]) -> None:
    """From now on records are changed: the next synchronization of modified records looks at everything, also when this
    is given up half-way.
    """
    values = {"request": {**request, "reviewed": True}}
    runs.change(connection, run, (RunState.RUNNING,), values)
    undoing.forget_watermarks(connection, list(target.saved_flags))
