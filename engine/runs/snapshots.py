"""One consistent, immutable picture of the store for screens and reports; short reads, no locks."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.config import Settings
from engine.config.listing import condition_text
from engine.model.decision import Deed
from engine.model.errors import RunError
from engine.model.mapping import Condition, TableMapping
from engine.model.snapshot import (
    Counters,
    CouplingRow,
    Event,
    FlagChange,
    HomeSnapshot,
    MappingSnapshot,
    PassSnapshot,
    RunSnapshot,
    RunState,
    Wish,
)
from engine.model.states import STARTING
from engine.model.traffic import Traffic
from engine.runs import paces
from engine.runs import passes as stored_passes
from engine.runs.held import held
from engine.runs.jobs import at_rest, jobs_of, last_state
from engine.runs.problems import causes, outcomes
from engine.store import ambiguous as stored_ambiguous
from engine.store import conflicts as stored_conflicts
from engine.store import couplings as stored_couplings
from engine.store import decisions, foreseen, partnerless, runs, schedule, troubles, undoing
from engine.store.database import Store
from engine.store.lock import engine_lives
from engine.store.schema import event, job
from engine.store.schema import run as run_table
from engine.sync.context import Clock, system_clock

__all__ = ["active", "at_work", "causes", "couplings", "history", "home", "last", "latest", "live", "outcomes", "run"]

_EVENTS_SHOWN = 100
_LEDGER_LOOKED_THROUGH = 500
"""Entries of the ledger of failures, or failures of a mapping in a plan, each of which is looked up at each look at the
mappings.
"""
_COUNTED = 2_000
"""Entries of the ledger, and records that several others match, that each look at the mappings goes through."""
_COUPLINGS_PAGE = 2000
_HISTORY = (*runs.SYNCHRONIZATIONS, "couple", "match", "uncouple", "mend", "import", "undo")
"""The kinds of runs whose passes are integration synchronization jobs."""


def home(store: Store, settings: Settings, *, clock: Clock = system_clock) -> HomeSnapshot:
    """The mappings with their flags and last jobs, and the run that is active."""
    active_run = active(store, clock=clock)
    begun = active_run is not None and active_run.state is RunState.RUNNING
    with store.reading() as connection:
        flags = runs.flags(connection)
        counts = stored_couplings.counts(connection)
        newest = stored_passes.newest(connection)
        conflicts = stored_conflicts.unchosen(connection)
        plan = foreseen.last_plan(connection)
        planned = partnerless.by_plan(connection, plan, _LEDGER_LOOKED_THROUGH)
        alone = troubles.uncoupled(connection, _LEDGER_LOOKED_THROUGH)
        failing = troubles.numbers(connection)
        ambiguous, exact = stored_ambiguous.glance(connection, plan, _COUNTED)
        left_alone, in_error = troubles.with_left_alone(connection, _COUNTED), schedule.in_error(connection)
    last_run = latest(store, clock=clock)
    used = {one.mapping for one in active_run.flags} if active_run is not None else set()
    mappings = []
    for seq, one in enumerate(settings.mappings, 1):
        passes = newest.get(one.name, [])
        mappings.append(
            MappingSnapshot(
                seq=seq,
                name=one.name,
                direction=one.direction,
                nav_table=one.nav.caption,
                crm_table=one.crm.caption,
                only_coupled=flags[one.name][0] if one.name in flags else one.only_coupled,
                cleared_by=active_run.id if active_run is not None and one.name in used else None,
                fields=len(one.fields),
                nav_filter=_filter_text(one.nav.filter),
                crm_filter=_filter_text(one.crm.filter),
                match=_match_text(one),
                coupled=counts.get(one.name, 0),
                last=passes[-1] if passes else None,
                last_counters=sum((each.counters for each in passes), Counters()) if passes else None,
                last_state=last_state(passes, active_run) if passes else None,
                failing=failing.get(one.name, 0) if passes else failing.get(one.name),
                not_coupled=_not_coupled(one.name, passes, plan, planned, alone),
                left_alone=one.name in left_alone,
                in_error=one.name in in_error,
                lookups=tuple(dict.fromkeys(each.lookup for each in one.fields if each.lookup not in ("", one.name))),
            )
        )
    return HomeSnapshot(
        environment=settings.environment,
        nav=settings.nav.company,
        crm=settings.crm.url,
        now=clock(),
        mappings=tuple(mappings),
        active=active_run,
        last_run=last_run,
        conflicts=conflicts,
        plan=plan,
        ambiguous=ambiguous,
        ambiguous_exact=exact,
        going=active_run if begun else at_work(store, clock=clock),
        taken_back_by=None if last_run is None else _taken_back_by(store, last_run.id),
    )


def run(store: Store, run_id: int, *, clock: Clock = system_clock) -> RunSnapshot:
    """A run as it is now; raises RunError when there is none of that number."""
    alive = engine_lives(store)
    with store.reading() as connection:
        row = runs.get(connection, run_id)
        if row is None:
            raise RunError(f"There is no run {run_id}.", "`coupler jobs` lists the runs there are.")
        return _run(connection, row, clock(), alive=alive)


def active(store: Store, *, clock: Clock = system_clock) -> RunSnapshot | None:
    """The full synchronization, or the undo of one, that is running, stopped, interrupted or waits for its answer."""
    with store.reading() as connection:
        row = runs.active(connection)
    return None if row is None else run(store, row.id, clock=clock)


def at_work(store: Store, *, clock: Clock = system_clock) -> RunSnapshot | None:
    """The run, of whatever kind, that an engine works on."""
    if not engine_lives(store):
        return None
    with store.reading() as connection:
        row = runs.at_work(connection)
    return None if row is None else run(store, row.id, clock=clock)


def latest(store: Store, kind: str = "run", *, clock: Clock = system_clock) -> RunSnapshot | None:
    """The newest full synchronization, or plan."""
    return _newest(store, (kind,), clock)


def last(store: Store, *, clock: Clock = system_clock) -> RunSnapshot | None:
    """The newest run of any kind whose passes are integration synchronization jobs: all but plans and looks, and undos
    that only look.
    """
    return _newest(store, _HISTORY, clock)


def _taken_back_by(store: Store, run_id: int) -> int | None:
    c = run_table.c
    undoes = (c.kind == runs.UNDO, c.state == RunState.FINISHED.value, c.id > run_id)
    whole = (c.request["undo"].as_integer() == run_id, c.request["dry"].as_boolean().is_(False))
    with store.reading() as connection:
        newest: int | None = connection.scalar(sa.select(sa.func.max(c.id)).where(*undoes, *whole))
    return newest


def _newest(store: Store, kinds: Sequence[str], clock: Clock) -> RunSnapshot | None:
    c = run_table.c
    query = sa.select(sa.func.max(c.id)).where(c.kind.in_(kinds))
    with store.reading() as connection:
        newest = connection.scalar(query.where(sa.or_(c.kind != runs.UNDO, c.request["dry"].as_boolean().is_(False))))
    return None if newest is None else run(store, newest, clock=clock)


def live(store: Store) -> bool:
    """Whether an engine works on the store."""
    return engine_lives(store)


def history(
    store: Store,
    *,
    limit: int = 50,
    offset: int = 0,
    run: int | None = None,
    words: Sequence[str] = (),
    types: Mapping[str, str] | None = None,
) -> list[PassSnapshot]:
    """The integration synchronization jobs, newest first; jobs that never started are left out. With `words`, those in
    whose line each of them is; `types` says in lower case what a job of a kind of run is called there.
    """
    of_run = (run_table.c.state.label("run_state"), run_table.c.kind, run_table.c.beat_at)
    query = sa.select(job, *of_run).join(run_table)
    query = query.where(run_table.c.kind.in_(_HISTORY), job.c.started_at.is_not(None))
    if run is not None:
        query = query.where(job.c.run_id == run)
    if words:
        line = _line(types or {})
        query = query.where(*(line.contains(word, autoescape=True) for word in words))
    order = (job.c.run_id.desc(), job.c.seq.desc(), job.c.direction)
    alive = engine_lives(store)
    with store.reading() as connection:
        rows = connection.execute(query.order_by(*order).limit(limit).offset(offset)).all()
        counters = stored_passes.counters(connection, sorted({row.run_id for row in rows}))
    made = [(row, stored_passes.pass_of(row, counters, row.kind)) for row in rows]
    running = RunState.RUNNING.value
    return [one if alive and row.run_state == running else at_rest(one, row.beat_at) for row, one in made]


def _line(types: Mapping[str, str]) -> sa.ColumnElement[str]:
    kind = run_table.c.kind
    type_ = sa.case(*((kind == name, text) for name, text in types.items()), else_=kind) if types else kind
    parts = (sa.cast(job.c.run_id, sa.String), job.c.mapping, job.c.direction, job.c.state, type_, job.c.message)
    line: sa.ColumnElement[str] = sa.literal("")
    for part in parts:
        line = line.concat(sa.type_coerce(part, sa.String)).concat(" ")
    return sa.func.lower(line)


def couplings(store: Store, mapping: str | None = None) -> Iterator[CouplingRow]:
    """All couplings, or those of one mapping, in key order; read in pages, so that no reader stays open."""
    after: tuple[str, str] | None = None
    while True:
        with store.reading() as connection:
            rows = stored_couplings.listing(connection, mapping, after, _COUPLINGS_PAGE)
        for name, pair in rows:
            yield CouplingRow(name, pair.nav_no, pair.nav_id, pair.crm_id)
        if len(rows) < _COUPLINGS_PAGE:
            return
        after = (rows[-1][0], rows[-1][1].nav_id)


def _run(connection: sa.Connection, row: sa.Row[Any], now: datetime, *, alive: bool) -> RunSnapshot:
    state = RunState(row.state)
    if state is RunState.RUNNING and not alive and not _just_started(row, now):
        state = RunState.INTERRUPTED
    counters = stored_passes.counters(connection, [row.id])
    passes = [stored_passes.pass_of(one, counters) for one in runs.job_rows(connection, row.id)]
    if state is not RunState.RUNNING:
        passes = [at_rest(one, row.beat_at) for one in passes]
    going = state is RunState.RUNNING
    undoes = int(row.request["undo"]) if row.kind == runs.UNDO and not row.request["dry"] else None
    said = (row.traffic or {}) if going else {}
    spans = held(said.get("held", ()), row.beat_at, now)
    rates = paces.rates(connection, row.id, now, spans) if going else {}
    left, eta = paces.left(connection, row.id, row.kind, passes, now, spans) if going and not row.paused else ({}, None)
    stored = runs.flags(connection)
    lines = connection.execute(
        sa.select(event).where(event.c.run_id == row.id).order_by(event.c.id.desc()).limit(_EVENTS_SHOWN)
    ).all()
    return RunSnapshot(
        id=row.id,
        kind=row.kind,
        state=state,
        wish=Wish(row.wish),
        paused=row.paused,
        environment=row.environment,
        nav=row.nav,
        crm=row.crm,
        started=row.created_at,
        ended=row.ended_at,
        now=now,
        beat=row.beat_at,
        waiting=row.waiting,
        code=row.code,
        message=row.message,
        hint=row.hint,
        answer=None if row.answer is None else ("yes" if row.answer else "no"),
        answered_by=row.answered_by,
        answered_at=row.answered_at,
        jobs=jobs_of(passes, rates, left, state, paused=row.paused),
        flags=tuple(_flag(name, saved, stored, row) for name, saved in _ordered(row, passes)),
        events=tuple(Event(line.at, line.mapping, line.text) for line in reversed(lines)),
        left_alone=troubles.left_alone(connection, {one.mapping for one in passes})
        if row.kind in runs.SYNCHRONIZATIONS and state is not RunState.RUNNING
        else 0,
        worked=row.worked,
        eta=eta,
        undoes=undoes,
        undone=None if undoes is None or going else undoing.done(connection, row.id),
        resumed=decisions.last(connection, row.id, Deed.RESUME),
        pace=paces.bars(connection, row.id, row.created_at, now) if going else (),
        traffic=tuple(Traffic(**one) for one in said.get("services", ())),
    )


def _just_started(row: sa.Row[Any], now: datetime) -> bool:
    """Whether a run is so new that its engine need not hold the lock yet."""
    return row.beat_at is None and now - row.created_at < timedelta(seconds=STARTING)


def _ordered(row: sa.Row[Any], passes: Sequence[PassSnapshot]) -> list[tuple[str, list[Any]]]:
    names = dict.fromkeys(one.mapping for one in passes)
    return [(name, row.saved_flags[name]) for name in names if name in row.saved_flags]


def _flag(name: str, saved: Sequence[Any], stored: Mapping[str, tuple[bool, int]], row: sa.Row[Any]) -> FlagChange:
    before, version = bool(saved[0]), int(saved[1])
    value, newest = stored.get(name, (before, version))
    ended = RunState(row.state) in (RunState.FINISHED, RunState.CANCELLED)
    edited = name in (row.kept_edits or ()) if ended else newest != version
    kept = value if edited else before
    # In effect: a run that is not over overrides what is stored, a plan never does.
    now = value if ended or row.kind == "plan" else False
    return FlagChange(name, before, now, if_yes=value if edited else False, if_no=kept, edited=edited)


def _not_coupled(
    name: str,
    passes: Sequence[PassSnapshot],
    plan: int | None,
    planned: Mapping[str, int | None],
    alone: Mapping[str, int] | None,
) -> int | None:
    if name in planned and plan is not None and (not passes or passes[-1].run < plan):
        return planned[name]
    return None if not passes or alone is None else alone.get(name, 0)


def _filter_text(conditions: Sequence[Condition]) -> str:
    return ", ".join(map(condition_text, conditions))


def _match_text(mapping: TableMapping) -> str:
    return ", else ".join(" and ".join(f"{nav} = {crm}" for nav, crm in rule.pairs) for rule in mapping.match)
