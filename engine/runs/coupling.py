"""Runs about couplings: couple, match, uncouple, mend, import. Each is a run of its own kind with jobs of its own type.

They change no flag and ask no closing question, so they may also run while a full synchronization is stopped or waits
for its answer.
"""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from engine.config import Settings
from engine.connectors.protocol import Halted, Side
from engine.mapping.transfer import FROM, TO
from engine.model.errors import ConfigError, CouplerError
from engine.model.mapping import Direction, TableMapping
from engine.model.snapshot import JobState, JobType
from engine.runs.control import fingerprint, refuse_busy, refuse_unfinished_undo
from engine.runs.coupling_files import digest, parse, read_file
from engine.runs.full import FullSynchronization
from engine.runs.requests import Couple, Import, Match, Mend, Request, Uncouple, packed, unpacked
from engine.store import runs
from engine.store.database import Store
from engine.store.work import Scope
from engine.sync.broken import look, remove_broken, restore_broken
from engine.sync.context import Clock, Context, StopRequested, system_clock
from engine.sync.coupling import couple, create_partner
from engine.sync.importing import import_lines
from engine.sync.linking import write_links
from engine.sync.match_job import direction_after, match
from engine.sync.organization import NOWHERE, Organization
from engine.sync.settling import settle_intents
from engine.sync.uncoupling import dependants, uncouple
from engine.sync.undo.given_up import settle_given_up

_SECOND = 100
"""What is added to the number of a job that synchronizes what a coupling job has coupled."""


@dataclass(frozen=True, slots=True)
class _Job:
    seq: int
    mapping: str
    type: JobType
    directions: tuple[Direction, ...] = (TO,)


def start(store: Store, settings: Settings, request: Request, *, by: str, clock: Clock = system_clock) -> int:
    """Commit a run for a request and return its number; an engine must be spawned for it.

    Raises LockHeld when an engine works on this store, OnHold while an undo is not finished, ConfigError when a mapping
    does not do what is asked.
    """
    jobs = list(_jobs(settings.mappings, request))
    if not jobs:
        raise ConfigError("There is nothing to do.", "None of the mappings has what this needs.")
    refuse_busy(store)
    new = runs.NewRun(
        kind_of(request),
        settings.environment,
        f"{settings.nav.company} {settings.nav.url}",
        settings.crm.url,
        fingerprint(settings),
        {},
        None,
        by,
        packed(request),
        {job.seq: job.type.value for job in jobs},
    )
    with store.writing() as connection:
        if new.kind != runs.LOOK:
            refuse_unfinished_undo(connection)
        return runs.create(connection, new, [(job.seq, job.mapping, job.directions) for job in jobs], clock())


def kind_of(request: Request) -> str:
    """The kind of run that a request makes."""
    match request:
        case Couple():
            return "couple"
        case Match():
            return "match"
        case Uncouple():
            return "uncouple"
        case Mend(action=""):
            return runs.LOOK
        case Mend():
            return "mend"
        case Import(dry_run=True):
            return runs.LOOK
        case Import():
            return "import"


def _transfers(request: Request) -> bool:
    """Whether values of records may be carried over, and not only couplings looked at, made or removed."""
    match request:
        case Couple() | Match():
            return True
        case Mend():
            return request.action == "restore"
        case Uncouple() | Import():
            return False


class CouplingRun(FullSynchronization):
    """The engine's work on one run about couplings."""

    async def _work(self, beats: Mapping[int, runs.Beat], *, plan: bool) -> None:
        request = await self._request()
        context = await self._context(plan=plan)
        if kind_of(request) != runs.LOOK:
            await settle_intents(context, self._run, beats=beats)
            await settle_given_up(context)
        rows = await self._store.read(partial(runs.job_rows, run_id=self._run))
        scopes = {
            (one.seq, Direction(one.direction)): Scope(
                self._run, one.seq, one.mapping, Direction(one.direction), plan=False
            )
            for one in rows
        }
        await self._make_ready(context)
        await self._carry_out(context, request, scopes)

    async def _request(self) -> Request:
        row = await self._store.read(partial(runs.get, run_id=self._run))
        return unpacked(None if row is None else row.request)

    async def _organization(self, nav: Side, crm: Side, local: str) -> Organization:
        if not _transfers(await self._request()):
            return NOWHERE
        return await super()._organization(nav, crm, local)

    async def _carry_out(self, context: Context, request: Request, scopes: dict[tuple[int, Direction], Scope]) -> None:
        every = list(scopes.values())
        match request:
            case Couple(create=True):
                scope = every[0]
                await self._job(every, create_partner(context, scope, request.nav or request.crm))
                await self._link(context, scope)
            case Couple():
                scope, *follow = every
                work = couple(context, scope, request.nav, request.crm, follow[0] if follow else None)
                await self._job(every, work)
                await self._link(context, scope)
            case Match():
                for (seq, _), scope in scopes.items():
                    if seq < _SECOND:
                        await self._match(context, request, scope, scopes)
            case Uncouple():
                parts = {scope.mapping: scope for scope in every[1:]}
                await self._job(every, uncouple(context, every[0], request.records, parts))
            case Mend(action=""):
                for scope in every:
                    await self._job([scope], look(context, scope))
            case Mend(action="remove"):
                for scope in every:
                    await self._job([scope], remove_broken(context, scope, request.records))
            case Mend():
                for name in dict.fromkeys(scope.mapping for scope in every):
                    both = {scope.direction: scope for scope in every if scope.mapping == name}
                    await self._job(list(both.values()), restore_broken(context, both, request.records))
                    await self._link(context, next(iter(both.values())))
            case Import():
                await self._job(every, self._import(context, request, {scope.mapping: scope for scope in every}))

    async def _match(
        self, context: Context, request: Match, scope: Scope, scopes: dict[tuple[int, Direction], Scope]
    ) -> None:
        mapping = context.mappings[scope.mapping]
        second = scopes.get((scope.seq + _SECOND, direction_after(mapping)))
        create = scopes.get((scope.seq + _SECOND, TO)) if creates(mapping, wanted=request.create) else None
        after = second if mapping.sync_after_coupling else None
        involved = list(dict.fromkeys([scope, *(one for one in (after, create) if one is not None)]))
        await self._job(involved, match(context, scope, after, create))
        await self._link(context, scope)

    async def _import(self, context: Context, request: Import, scopes: dict[str, Scope]) -> None:
        content = await asyncio.to_thread(read_file, request.path)
        if digest(content) != request.digest:
            raise ConfigError(f"The file {request.path} was changed meanwhile.", "Start the import again.")
        lines = parse(content, self._settings.mappings, request.mapping).lines
        await import_lines(context, lines, scopes, skip_bad=request.skip_bad, dry_run=request.dry_run)

    async def _job(self, scopes: Sequence[Scope], work: Awaitable[None]) -> None:
        """Do the work of one or several jobs that go together."""
        started = self._clock()
        for scope in scopes:
            await self._set(scope, state=JobState.RUN.value, started_at=started)
        try:
            await work
        except (StopRequested, Halted):
            await self._stop(scopes, "stopped")
            raise
        except CouplerError as error:
            await self._stop(scopes, error.message)
            raise
        for scope in scopes:
            read, failed = await self._store.read(partial(runs.read_and_failed, scope=scope))
            state = JobState.PART if failed else JobState.OK
            await self._set(scope, state=state.value, ended_at=self._clock(), total=read, total_exact=True)
            await self._tell(scope.mapping, f"{state.value}, {read:,} read, {failed:,} failed")

    async def _stop(self, scopes: Sequence[Scope], message: str) -> None:
        for scope in scopes:
            await self._set(scope, state=JobState.STOP.value, message=message)

    async def _link(self, context: Context, scope: Scope) -> None:
        """Write what waited for records that are coupled now."""
        rows = await self._store.read(partial(runs.job_rows, run_id=self._run))
        seqs = {row.mapping: row.seq for row in rows}
        await write_links(context, self._run, scope.mapping, seqs, partial(self._tell, scope.mapping))


def creates(mapping: TableMapping, *, wanted: bool) -> bool:
    """Whether matching makes CRM rows for NAV records without a match; users are never made."""
    return (wanted or mapping.create_unmatched) and mapping.direction.includes(TO)


def _jobs(mappings: Sequence[TableMapping], request: Request) -> Iterator[_Job]:
    numbered = {one.name: (seq, one) for seq, one in enumerate(mappings, 1)}
    match request:
        case Couple():
            yield from _couple_jobs(*numbered[request.mapping], request)
        case Match():
            for seq, one in numbered.values():
                if request.mappings and one.name not in request.mappings:
                    continue
                if one.match:
                    yield _Job(seq, one.name, JobType.COUPLING)
                    if second := _second(one, request):
                        yield _Job(seq + _SECOND, one.name, JobType.SYNCHRONIZATION, second)
        case Uncouple():
            yield _Job(numbered[request.mapping][0], request.mapping, JobType.UNCOUPLING)
            for part, _ in dependants({one.name: one for one in mappings}, request.mapping):
                yield _Job(numbered[part.name][0], part.name, JobType.UNCOUPLING)
        case Mend():
            for seq, one in numbered.values():
                if request.mapping in ("", one.name):
                    restore = request.action == "restore"
                    kind = JobType.UNCOUPLING if request.action == "remove" else JobType.SYNCHRONIZATION
                    yield _Job(seq, one.name, kind, one.direction.passes if restore else (TO,))
        case Import():
            for name in request.mappings:
                yield _Job(numbered[name][0], name, JobType.COUPLING)


def _couple_jobs(seq: int, mapping: TableMapping, request: Couple) -> Iterator[_Job]:
    wanted = request.lead
    if request.create:
        wanted = TO if request.nav else FROM
    if wanted is not None and not mapping.direction.includes(wanted):
        raise ConfigError(
            f"{mapping.name} is not configured for {wanted.value} synchronization.",
            f"Its direction is {mapping.direction.value}.",
        )
    if request.create:
        yield _Job(seq, mapping.name, JobType.COUPLING, (wanted or TO,))
        return
    yield _Job(seq, mapping.name, JobType.COUPLING)
    if wanted is not None:
        yield _Job(seq + _SECOND, mapping.name, JobType.SYNCHRONIZATION, (wanted,))


def _second(mapping: TableMapping, request: Match) -> tuple[Direction, ...]:
    """The directions in which a mapping is synchronized after matching."""
    wanted = {direction_after(mapping)} if mapping.sync_after_coupling else set()
    if creates(mapping, wanted=request.create):
        wanted.add(TO)
    return tuple(one for one in (TO, FROM) if one in wanted)
