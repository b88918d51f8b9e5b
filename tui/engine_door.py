"""The door to the real engine: `engine.runs` over the state store."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from engine.config import Settings, changes, load
from engine.config.changes import Proposal
from engine.config.edit import read_draft
from engine.model.conflict import Choice, Conflict, ConflictPage
from engine.model.coupled import BothRecords, CoupledPage, CoupledRow, Partner, Place
from engine.model.detail import Change, MappingDetail
from engine.model.errors import LockHeld
from engine.model.mapping import Direction
from engine.model.matches import Ambiguous, AmbiguousPage, Review
from engine.model.plan import Difference, Effect, Foreseen
from engine.model.schedule import ScheduleSnapshot
from engine.model.snapshot import Cause, HomeSnapshot, PassSnapshot, RecordOutcome, RunSnapshot, RunState, Wish
from engine.model.trouble import LeftAlone, Trouble
from engine.model.undo import UndoLine
from engine.runs import (
    browsing,
    changing,
    control,
    coupling,
    logs,
    partners,
    plans,
    process,
    queues,
    reporting,
    reviews,
    snapshots,
    undoing,
)
from engine.runs.failures import Failures
from engine.runs.logs import LogPage
from engine.runs.problems import Causes
from engine.runs.requests import Couple, Match, Mend, Request, Uncouple
from engine.runs.schedule import starting, wishes
from engine.runs.unchanged import Unchanged
from engine.store.database import Store
from tui.connections import FileConnections
from tui.door import Connections, Kind, Mending, Side
from tui.reports import files, page, sections
from tui.widgets import passes

_TO_SIDE = {"crm": Direction.TO_INTEGRATION_TABLE, "nav": Direction.FROM_INTEGRATION_TABLE}
"""The direction whose records come to a side."""
_TRIES = 30
_PAUSE = 0.1
_LINES = 100
"""Lines of the log at a time."""


class EngineDoor:
    """A `tui.door.Door`; every call is a short transaction or a start of a process."""

    def __init__(self, settings: Settings, store: Store, *, demo: bool = False) -> None:
        self._settings = settings
        self._store = store
        self.production = settings.production
        self.environment = settings.environment
        self.demo = demo
        self._causes = Causes(store)
        self._unchanged = Unchanged(store)
        self._failures = Failures(process.log_path(settings))
        self.connections: Connections = FileConnections(settings.path, self._use)

    def _use(self, settings: Settings) -> None:
        """What is started from now on uses what was saved."""
        self._settings = settings

    def home(self) -> HomeSnapshot:
        """The mappings and the active run."""
        found = self._unchanged.home(self._settings)
        return found if found.active is None else replace(found, active=self._failures.told(found.active))

    def run(self, run: int) -> RunSnapshot:
        """A run as it is now."""
        return self._failures.told(self._unchanged.run(run))

    def write_report(self, run: int) -> Path:
        """Writes the report of a run as a page to a new file; its path."""
        found = reporting.report(self._store, run, sections.MOST)
        return files.write_new(f"coupler-run-{run}", ".html", page.page(found))

    def going(self) -> RunSnapshot | None:
        """The run, of whatever kind, that an engine works on, or is about to, if any."""
        found = snapshots.active(self._store)
        return found if found is not None and found.state is RunState.RUNNING else snapshots.at_work(self._store)

    def log(self, end: int | None, words: tuple[str, ...]) -> LogPage:
        """The lines of the engine's log before a place in it, or at its end, that have all of the words."""
        return logs.before(process.log_path(self._settings), end, _LINES, words)

    def log_after(self, start: int, words: tuple[str, ...]) -> LogPage:
        """The lines from a place on."""
        return logs.after(process.log_path(self._settings), start, _LINES, words)

    def history(self, limit: int, offset: int, words: tuple[str, ...]) -> list[PassSnapshot]:
        """The integration synchronization jobs that have all of the words, newest first."""
        return snapshots.history(self._store, limit=limit, offset=offset, words=words, types=passes.TYPES)

    def causes(self, run: int | None, mapping: str | None) -> list[Cause]:
        """Problems, equal ones as one."""
        return self._causes.of(run, mapping)

    def outcomes(self, cause: Cause, limit: int, offset: int, words: tuple[str, ...] = ()) -> list[RecordOutcome]:
        """The records with one problem, or those of them that have all of the words in their number or name."""
        return snapshots.outcomes(
            self._store,
            cause.run,
            mapping=cause.mapping,
            cause=cause.cause,
            code=cause.code,
            words=words,
            limit=limit,
            offset=offset,
        )

    def foreseen(
        self,
        run: int,
        seq: int,
        one_way: Direction,
        effect: Effect,
        limit: int,
        offset: int,
        words: tuple[str, ...] = (),
    ) -> list[Foreseen]:
        """The records of a pass of a plan with an effect, or those of them that have all of the words."""
        return plans.records(self._store, run, seq, one_way, effect, limit=limit, offset=offset, words=words)

    def difference(self, record: Foreseen) -> Difference:
        """What would be written for a record of a plan, read from both sides now."""
        return plans.difference(self._store, self._settings, record)

    def ambiguous(self, limit: int, offset: int, words: tuple[str, ...] = ()) -> AmbiguousPage:
        """The records that several others match, or those of them that have all of the words in number or name."""
        return reviews.page(self._store, limit=limit, offset=offset, words=words)

    def candidates(self, record: Ambiguous) -> Review:
        """One of them beside those that match it, read from both sides now."""
        return reviews.candidates(self._store, self._settings, record)

    def couple_match(self, record: Ambiguous, partner: str) -> int:
        """Starts an engine that couples it with the record of that id; the number of the run."""
        self._refuse_unreadable()
        run = reviews.begin(self._store, self._settings, record, partner)
        self._spawn(run)
        return run

    def retry(self, cause: Cause, record: RecordOutcome | None) -> int:
        """Lets records that are left alone, or one of them, take part in the next pass; how many these were."""
        return queues.retry_cause(self._store, cause, record)

    def skip(self, cause: Cause, record: RecordOutcome | None) -> int:
        """Leaves coupled records with a problem, or one of them, alone; how many these were."""
        return queues.skip_cause(self._store, cause, record)

    def partner(self, record: RecordOutcome, typed: str) -> Partner:
        """The record of the other side that an id or a number names, and why it cannot be coupled with this one."""
        mine = record.nav_id if record.direction is Direction.TO_INTEGRATION_TABLE else record.crm_id
        called = " ".join(filter(None, (record.mapping, record.nav_no, record.name)))
        one_way, own = record.direction, (self._store, self._settings, record.mapping)
        return partners.named(*own, one_way, mine, called, typed)

    def named(self, mapping: str, side: Side, typed: str, other: Partner | None) -> Partner:
        """The record of a side that an id, number or name names, and why it cannot be coupled with the other one."""
        mine, called = (
            (None, "") if other is None else (other.id, f"{mapping} {other.number or other.name or other.id}")
        )
        return partners.named(self._store, self._settings, mapping, _TO_SIDE[side], mine, called, typed)

    def couple(self, mapping: str, nav: str, crm: str, lead: Side | None = None) -> int:
        """Starts an engine that couples a NAV record, by number or id, and a CRM row, by id, or makes the one that is
        blank; the number of the run. The values of the side `lead` are written to the other one then.
        """
        one_way = None if lead is None else _TO_SIDE["nav" if lead == "crm" else "crm"]
        return self._begin(Couple(mapping, nav, crm, one_way))

    def conflicts(self, limit: int, offset: int, words: tuple[str, ...] = ()) -> ConflictPage:
        """The conflicts that wait for a choice, or for a pass to apply it, or those of them that have all of the words
        in number or name.
        """
        found = queues.conflict_page(self._store, limit, offset, words)
        return replace(found, records=tuple(queues.with_names(self._store, found.records, self._settings.mappings)))

    def match(self, mapping: str, *, create: bool) -> int:
        """Starts an engine that couples what matches by the rules of the mapping; with `create`, NAV records without a
        match get CRM rows. The number of the run.
        """
        return self._begin(Match((mapping,), create))

    def mapping(self, name: str) -> MappingDetail:
        """All about a mapping."""
        return self._unchanged.mapping(self._settings, name)

    def setting(self, mapping: str, key: str) -> Change:
        """A setting of a mapping as config.toml has it, and what it can be."""
        return changes.read(read_draft(self._settings.path), mapping, key)

    def propose(self, mapping: str, key: str, value: str | None) -> Proposal:
        """What config.toml would be with another value, or with the default."""
        return changes.propose(read_draft(self._settings.path), mapping, key, value)

    def write(self, proposal: Proposal) -> None:
        """Writes it; from now on everything here uses what it says."""
        self._use(changing.write(self._store, self._settings, proposal.draft))

    def couplings(self, mapping: str | None, search: str, after: Place | None, limit: int) -> CoupledPage:
        """Couplings of a mapping, or of all, behind a place: those whose number or id begins with `search`."""
        return browsing.couplings(self._store, self._settings, mapping, search, after, limit)

    def count_couplings(self, mapping: str | None) -> int:
        """How many couplings there are."""
        return browsing.number(self._store, mapping)

    def both_records(self, one: CoupledRow) -> BothRecords:
        """Both records of a coupling, as the servers have them; it may take half a minute."""
        return browsing.both_records(self._store, self._settings, one)

    def address(self, one: CoupledRow) -> str:
        """Where the web client of CRM shows the row of a coupling."""
        return browsing.address(self._settings, one)

    def uncouple(self, one: CoupledRow) -> int:
        """Commits a run that removes a coupling, and starts an engine for it; the number of the run."""
        return self._begin(Uncouple(one.mapping, (one.nav_id,)))

    def look_for_broken(self, mapping: str | None) -> int:
        """Starts an engine that looks for couplings with a lost record, of a mapping or of all; the run's number."""
        return self._begin(Mend(mapping or ""))

    def noted(self, run: int, limit: int, offset: int) -> list[RecordOutcome]:
        """What a run has noted of records, by job and NAV number: failures, warnings, couplings with a lost record."""
        return snapshots.outcomes(self._store, run, limit=limit, offset=offset)

    def mend(self, action: Mending, mapping: str | None, nav_id: str | None) -> int:
        """Starts an engine that makes lost records again, or removes their couplings: of one NAV record of the mapping,
        of all of it, or of all mappings; the number of the run.
        """
        return self._begin(Mend(mapping or "", action, () if nav_id is None else (nav_id,)))

    def left_alone(self, limit: int, offset: int) -> LeftAlone:
        """The records of all mappings that no run tries any more, as they failed twice alike."""
        return queues.left_alone(self._store, limit, offset)

    def try_again(self, one: Trouble | None) -> int:
        """Lets one of them, or all, take part in the next pass; how many these were."""
        return queues.retry(self._store) if one is None else queues.retry_one(self._store, one)

    def schedule(self) -> ScheduleSnapshot:
        """When each mapping has its turn, and how the last one ended."""
        return wishes.look_up(self._store, self._settings)

    def hold(self, mapping: str) -> None:
        """Puts the entry of a mapping on hold."""
        wishes.hold(self._store, self._settings, [mapping], by=control.who())

    def resume_entry(self, mapping: str) -> None:
        """Lets the entry of a mapping go on."""
        wishes.resume(self._store, self._settings, [mapping], by=control.who())

    def now(self, mapping: str) -> None:
        """Gives the entry of a mapping its turn at once."""
        wishes.now(self._store, self._settings, [mapping], by=control.who())

    def start_schedule(self) -> None:
        """Starts a process that keeps the schedule, and goes on when the program ends."""
        self._refuse_unreadable()
        starting.start(self._store, self._settings)

    def stop_schedule(self) -> None:
        """Tells the process that keeps the schedule to end."""
        wishes.stop(self._store, by=control.who())

    def choose(self, conflict: Conflict, choices: Mapping[str, Choice]) -> None:
        """Stores which side's value fields get, by `Clash.key`."""
        queues.choose(self._store, conflict, choices)

    def start(self, kind: Kind, only: tuple[str, ...] = ()) -> int:
        """Commits a run, of all mappings or `only` some, and starts an engine for it; the number of the run."""
        return self._start(partial(control.start, self._store, self._settings, kind=kind, only=only, by=control.who()))

    def undo(self, run: int, *, dry: bool) -> int:
        """Starts an engine that takes a run back, or only looks what that would do; the number of its run."""
        return self._start(partial(undoing.start, self._store, self._settings, run, dry=dry, by=control.who()))

    def undone(self, run: int) -> list[UndoLine]:
        """What a run that undoes did, or a dry one would do."""
        return undoing.report(self._store, run)

    def _refuse_unreadable(self) -> None:
        """Raise ConfigError where an engine could not read the configuration by now, so that nothing is begun."""
        load(self._settings.path)

    def _spawn(self, run: int) -> None:
        self._failures.begin(run)
        process.spawn(self._settings, run)

    def _start(self, commit: Callable[[], int]) -> int:
        self._refuse_unreadable()
        run = _patiently(commit)
        self._spawn(run)
        return run

    def _begin(self, request: Request) -> int:
        return self._start(partial(coupling.start, self._store, self._settings, request, by=control.who()))

    def resume(self, run: int) -> None:
        """Starts an engine that goes on with the run, or with an undo."""
        if (undone := snapshots.run(self._store, run).undoes) is not None:
            self.undo(undone, dry=False)
            return
        self._refuse_unreadable()
        control.resume(self._store, self._settings, run)
        self._spawn(run)

    def wish(self, run: int, wish: Wish) -> None:
        """Tells the engine of a run what is wanted."""
        control.wish(self._store, run, wish)

    def cancel(self, run: int) -> None:
        """Ends a run; the flags are as before."""
        control.cancel(self._store, run, control.who())
        process.tell(self._settings, run)

    def answer(self, run: int, *, keep_cleared: bool) -> None:
        """Answers the closing question."""
        control.answer(self._store, run, yes=keep_cleared, by=control.who())
        process.tell(self._settings, run)

    def set_only_coupled(self, mapping: str, *, value: bool) -> None:
        """An operator's own change of the stored flag."""
        control.set_only_coupled(self._store, self._settings, mapping, value=value, by=control.who())


def _patiently(commit: Callable[[], int]) -> int:
    """The engine that just finished a plan takes a moment to go; nobody should have to press the key twice for it."""
    for _ in range(_TRIES):
        try:
            return commit()
        except LockHeld:
            time.sleep(_PAUSE)
    return commit()
