"""A full synchronization from the first job to the closing question; whatever is done already is not done again.

A synchronization of modified records takes the same way, with the flags as stored and without a question.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from engine.config import Settings
from engine.connectors.protocol import Count, Halted, Side, Write
from engine.model.errors import AccessDenied, ConnectionLost, CouplerError, LockHeld, Refused, RunError, StoreError
from engine.model.mapping import Direction, TableMapping
from engine.model.snapshot import JobState, RunState, Wish
from engine.runs.context import context_of, local_currency_id
from engine.runs.control import on_hold, put_answer, refuse_changed
from engine.runs.pulse import Pulse
from engine.store import foreseen, runs
from engine.store.couplings import counts
from engine.store.database import Store
from engine.store.schema import job
from engine.store.traces import Extra, keep_extras, settle_uncoupled
from engine.store.work import Fenced, Scope
from engine.sync.broken import refuse_mass_loss
from engine.sync.context import Clock, Context, StopRequested, system_clock
from engine.sync.dry import DrySide
from engine.sync.linking import write_links
from engine.sync.organization import Organization, make_local_currency, read_organization, unrecorded
from engine.sync.passes import close_again, modified_since, run_pass
from engine.sync.renames import follow_upgrade
from engine.sync.settling import settle_intents
from engine.sync.undo.given_up import settle_given_up

_BROKEN = (JobState.FAIL.value, JobState.SKIP.value)
READS_ONLY = ("plan", runs.LOOK)
"""The kinds of runs that write on neither side."""


class FullSynchronization:
    """The engine's work on one run: full, of modified records, or a plan; `nav` and `crm` are the two sides."""

    def __init__(
        self, store: Store, settings: Settings, run_id: int, nav: Side, crm: Side, *, clock: Clock = system_clock
    ) -> None:
        self._store = store
        self._settings = settings
        self._run = run_id
        self._sides = (nav, crm)
        self._clock = clock
        self._pulse = Pulse(store, run_id, self._sides, clock)
        self._modified = False
        self._broken_off = False
        self._beats: Mapping[int, runs.Beat] = {}

    async def work(self) -> None:
        """Do all jobs in order and end in the question. What ends it before that is written into the run.

        Raises RunError when there is nothing to work on, LockHeld when another engine has taken over, StoreError when
        nothing can be written; an internal error is written and raised.
        """
        row = await self._store.read(partial(runs.get, run_id=self._run))
        self._modified = row is not None and row.kind == "sync"
        if row is None or row.state != RunState.RUNNING.value:
            raise RunError(f"Run {self._run} is not there to be worked on.", "`coupler status` says what there is.")
        self._pulse.begin(row.worked)
        self._beats, self._broken_off = await self._store.read(runs.left_behind)  # before this engine beats itself
        beats = self._beats
        beating = asyncio.create_task(self._pulse.beat())
        try:
            refuse_changed(self._settings, row)
            await self._refuse_on_hold(row.kind)
            await self._take_over(beats[self._run].at if self._run in beats else None)
            await self._work(beats, plan=row.kind == "plan")
            await self._finish(row.kind, row.created_by, keep_cleared=row.keep_cleared)
        except (StopRequested, Halted) as stop:
            cancel = stop.cancel if isinstance(stop, StopRequested) else self._pulse.wish is Wish.CANCEL
            await self._stopped(row, cancel=cancel)
        except StoreError:
            raise  # nothing can be written into the run
        except Fenced as error:
            raise LockHeld("Another engine has taken over the run.", "Watch it with `coupler attach`.") from error
        except CouplerError as error:
            await self._end(RunState.STOPPED, error.code, error.message, error.hint)
        except Exception as error:
            await self._end(RunState.STOPPED, "internal", f"Internal error ({type(error).__name__}).", _INTERNAL_HINT)
            raise
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating
            if row.kind == "plan":
                await self._store.write(foreseen.keep_last)

    async def _work(self, beats: Mapping[int, runs.Beat], *, plan: bool) -> None:
        await self._greet()
        for name, reason in self._settings.mappings_left_out:
            await self._tell(name, f"left out: {reason}")
        context = await self._context(plan=plan)
        if not plan:
            await settle_intents(context, self._run, beats=beats)
            await settle_given_up(context)
            await self._store.write(settle_uncoupled)
        rows = await self._store.read(partial(runs.job_rows, run_id=self._run))
        names = dict.fromkeys(row.mapping for row in rows)
        await refuse_mass_loss(context, names, self._run, resumed=self._pulse.resumed)
        await self._make_ready(context)
        await self._estimate(context, rows)
        seqs = {row.mapping: row.seq for row in rows}
        for name in names:
            reason = "" if self._settings.run.continue_after_failure else await self._broken(context.mappings[name])
            for row in rows:
                if row.mapping != name or row.state in _BROKEN:
                    continue
                scope = Scope(self._run, row.seq, name, Direction(row.direction), plan)
                if row.state in runs.JOB_DONE:
                    await close_again(context, scope)
                elif reason:
                    await self._set(scope, state=JobState.SKIP.value, message=reason)
                elif not await self._pass(context, scope):
                    reason = "the other direction could not go on"
            if not plan:
                self._pulse.wait_for("")
                await write_links(context, self._run, name, seqs, partial(self._tell, name))

    async def _take_over(self, beat: datetime | None) -> None:
        """Count how long the engine before this one, whose last sign of life that was, worked on what it left."""
        for row in await self._store.read(partial(runs.job_rows, run_id=self._run)):
            if row.state == JobState.RUN.value and row.started_at is not None and beat is not None:
                scope = Scope(self._run, row.seq, row.mapping, Direction(row.direction), plan=False)
                await self._pause(scope, row.started_at, max(beat, row.started_at), "interrupted")

    async def _pause(self, scope: Scope, begun: datetime, until: datetime, why: str) -> None:
        """Leave a pass that is going to be taken up again."""
        spent = job.c.spent + (until - begun).total_seconds()
        await self._set(scope, state=JobState.STOP.value, ended_at=until, spent=spent, message=why)

    async def _pass(self, context: Context, scope: Scope) -> bool:
        """Do one pass and return whether it could go on to its end; what stops the run is raised."""
        begun = self._clock()
        await self._set(scope, state=JobState.RUN.value, started_at=begun, ended_at=None, message="")
        mapping = context.mappings[scope.mapping]
        try:
            await self._announce(context, scope)
            only_coupled = self._modified and await self._only_coupled(mapping)
            await run_pass(context, scope, only_coupled=only_coupled, modified=self._modified)
        except (StopRequested, Halted):
            await self._pause(scope, begun, self._clock(), "stopped")
            raise
        except Refused as error:
            await self._set(scope, state=JobState.FAIL.value, ended_at=self._clock(), message=error.message)
            await self._tell(scope.mapping, f"{_way(scope.direction)}: FAIL {error.message}")
            return False
        except CouplerError as error:
            await self._pause(scope, begun, self._clock(), error.message)
            raise
        read, failed = await self._store.read(partial(runs.read_and_failed, scope=scope))
        state = JobState.PART if failed else JobState.OK
        await self._set(scope, state=state.value, ended_at=self._clock(), total=read, total_exact=True)
        await self._tell(scope.mapping, f"{_way(scope.direction)}: {state.value}, {read:,} read, {failed:,} failed")
        await self._store.write(partial(runs.trim_events, run_id=self._run))
        return True

    async def _announce(self, context: Context, scope: Scope) -> None:
        total = await self._count(context, context.mappings[scope.mapping], scope.direction)
        known = 0 if self._modified else (await self._store.read(counts)).get(scope.mapping, 0)
        number = total.number if total.exact else max(total.number, known)
        await self._set(scope, total=number, total_exact=total.exact)
        await self._tell(scope.mapping, f"{_way(scope.direction)}: {number:,} records")

    async def _count(self, context: Context, mapping: TableMapping, one_way: Direction) -> Count:
        """How many records a pass is going to look at; those that failed before come on top."""
        table = mapping.table(one_way)
        since = await modified_since(context, mapping, one_way) if self._modified else ()
        return await context.source(one_way).count(table.entity, (*table.filter, *since))

    async def _only_coupled(self, mapping: TableMapping) -> bool:
        """Synch. Only Coupled Records as stored."""
        flags = await self._store.read(runs.flags)
        return flags[mapping.name][0] if mapping.name in flags else mapping.only_coupled

    async def _refuse_on_hold(self, kind: str) -> None:
        """Scheduled jobs are on hold while a full synchronization is not finished, and all that writes while an undo is
        not; raises OnHold.
        """
        other = await self._store.read(runs.active)
        if other is None or other.id == self._run or kind in (runs.UNDO, *READS_ONLY):
            return
        if self._modified or other.kind == runs.UNDO:
            raise on_hold(other)

    async def _broken(self, mapping: TableMapping) -> str:
        """Why a job cannot run: a job that it depends on could not go on."""
        rows = await self._store.read(partial(runs.job_rows, run_id=self._run))
        broken = {row.mapping for row in rows if row.state in _BROKEN}
        needs = [name for name in mapping.depends if name in broken]
        return f"needs {', '.join(needs)}" if needs else ""

    async def _estimate(self, context: Context, rows: Any) -> None:
        """Count all sources, so that progress has a total from the start; a pass counts again when it begins."""
        totals: dict[str, int] = {}
        known = await self._store.read(counts)
        for row in rows:
            if row.total is not None:
                continue
            mapping = context.mappings[row.mapping]
            one_way = Direction(row.direction)
            try:
                count = await self._count(context, mapping, one_way)
            except Refused:
                continue  # its pass will meet it, and say so
            # what the first pass creates is read back by the second; what is coupled already is there
            created = 0 if self._modified else max(totals.get(row.mapping, 0) - known.get(row.mapping, 0), 0)
            totals[row.mapping] = count.number
            scope = Scope(self._run, row.seq, row.mapping, one_way, context.plan)
            await self._set(scope, total=created + count.number, total_exact=False)

    async def _greet(self) -> None:
        """Make sure that both sides are there before anything else; a wrong address must not take a minute to show."""
        for side in self._sides:
            for step in await side.probe():
                if not step.ok:
                    raise (AccessDenied if step.denied else ConnectionLost)(f"{step.name}: {step.detail}")

    async def _context(self, *, plan: bool) -> Context:
        nav, crm = (DrySide(side) if plan else side for side in self._sides)
        context = context_of(
            self._store,
            self._settings,
            nav,
            crm,
            await self._organization(nav, crm, local_currency_id(self._settings)),
            plan=plan,
            planned_by=self._run if plan else None,
            checkpoint=self._pulse.checkpoint,
            wait_for=self._pulse.wait_for,
            clock=self._clock,
            broken_off=self._broken_off,
            beats=self._beats,
        )
        await follow_upgrade(context, self._run)
        return context

    async def _organization(self, nav: Side, crm: Side, local: str) -> Organization:
        return await read_organization(nav, crm, local)

    async def _make_ready(self, context: Context) -> None:
        """Make what records of all jobs need, now that nothing speaks against writing."""
        await make_local_currency(context.crm, context.organization, unrecorded if context.plan else self._record_extra)

    async def _record_extra(self, write: Write) -> None:
        """Make durable that a row is about to be made that belongs to no job."""
        extras, at = [Extra(write.entity, str(write.id), write.key)], self._clock()
        await self._store.write(partial(keep_extras, run=self._run, mapping="", extras=extras, at=at))

    async def _finish(self, kind: str, by: str, *, keep_cleared: bool | None) -> None:
        """End in the question, or with the answer that was given in advance, in one commit."""
        at = self._clock()
        state = RunState.ASKING if kind == "run" else RunState.FINISHED

        def finish(connection: sa.Connection) -> None:
            row = runs.get(connection, self._run)
            if runs.wished(row) is Wish.CANCEL:
                raise StopRequested(cancel=True)
            runs.change(connection, self._run, (RunState.RUNNING,), {**_ended(state, at), **self._pulse.times()})
            if state is RunState.ASKING and keep_cleared is not None:
                put_answer(connection, self._run, yes=keep_cleared, by=f"{by}, in advance", at=at)

        await self._store.write(finish)

    async def _end(self, state: RunState, code: str, message: str, hint: str) -> None:
        await self._pulse.change({**_ended(state, self._clock(), code, message, hint), **self._pulse.times()})

    async def _stopped(self, row: sa.Row[Any], *, cancel: bool) -> None:
        """End where an operator wanted it to."""
        if cancel:
            message = "Cancelled by an operator; Synch. Only Coupled Records is as before."
            await self._end(RunState.CANCELLED, "cancelled", message, "")
        else:
            hint = f"Go on with `coupler resume {self._run}`." if row.kind == "run" else ""
            await self._end(RunState.STOPPED, "stopped", "Stopped by an operator at a checkpoint.", hint)

    async def _set(self, scope: Scope, **values: Any) -> None:
        await self._store.write(partial(runs.set_job, scope=scope, **values))

    async def _tell(self, mapping: str, text: str) -> None:
        at = self._clock()
        await self._store.write(partial(runs.add_event, run_id=self._run, mapping=mapping, text=text, at=at))


def _ended(state: RunState, at: datetime, code: str = "", message: str = "", hint: str = "") -> dict[str, Any]:
    end = {"state": state.value, "ended_at": at, "paused": False, "waiting": ""}
    return {**end, "code": code, "message": message, "hint": hint}


def _way(one_way: Direction) -> str:
    return "to CRM" if one_way is Direction.TO_INTEGRATION_TABLE else "to NAV"


_INTERNAL_HINT = (
    "What is committed stays; the engine's log has the details (`coupler paths`). Resume once it is mended."
)
