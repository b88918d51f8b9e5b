"""A door without an engine behind it: snapshots made by hand, and a note of everything that was asked for."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

from engine.config import changes
from engine.config.changes import Proposal
from engine.model.conflict import Choice, Conflict, ConflictPage
from engine.model.coupled import BothRecords, CoupledPage, CoupledRow, Partner, Place
from engine.model.detail import Change, MappingDetail
from engine.model.errors import CouplerError, RunError
from engine.model.mapping import Direction
from engine.model.matches import Ambiguous, AmbiguousPage, Review
from engine.model.plan import Difference, Effect, Foreseen, number
from engine.model.schedule import ScheduleSnapshot
from engine.model.snapshot import (
    Cause,
    Counters,
    HomeSnapshot,
    JobSnapshot,
    JobState,
    PassSnapshot,
    RecordOutcome,
    RunSnapshot,
    RunState,
    Wish,
)
from engine.model.trouble import LeftAlone, Trouble
from engine.model.undo import UndoLine
from engine.runs import logs
from engine.runs.logs import LogPage
from tests.reports.made import made_report
from tests.tui.made.connections import ScriptedConnections
from tests.tui.made.couplings import made_couplings, made_records
from tests.tui.made.log import made_log
from tests.tui.made.mappings import made_detail, made_schedule
from tests.tui.made.plans import made_difference, made_foreseen
from tests.tui.made.runs import (
    MAPPINGS,
    NOW,
    TO,
    all_done,
    made_home,
    made_job,
    made_pass,
    made_run,
    made_undo,
    planned_jobs,
)
from tests.tui.made.troubles import (
    made_ambiguous,
    made_broken,
    made_causes,
    made_conflicts,
    made_left_alone,
    made_outcome,
    made_partner,
    made_review,
)
from tui.door import Connections, Kind, Mending, Side
from tui.reports import files
from tui.reports.page import page
from tui.widgets import passes


def called(one: RecordOutcome | Foreseen | Ambiguous | Conflict, words: tuple[str, ...]) -> bool:
    return all(word.casefold() in f"{one.nav_no} {one.name}".casefold() for word in words)


class ScriptedDoor:
    """Fields are what reads return; `calls` is what was asked for. A test changes the fields to make time pass."""

    environment = "uat"

    def __init__(self, *, production: bool = False, demo: bool = False) -> None:
        self.production = production
        self.demo = demo
        self.calls: list[tuple[object, ...]] = []
        self.now_active: RunSnapshot | None = None
        self.last: RunSnapshot | None = None
        self.runs: dict[int, RunSnapshot] = {}
        self.causes_found = made_causes()
        self.of_coupling: list[Cause] = []
        """What went wrong when a pair was coupled by hand, in run 17."""
        self.coupling_sums = Counters(read=1, coupled=1)
        self.passes: list[PassSnapshot] = [
            made_pass(seq, TO, JobState.PART if seq == 4 else JobState.OK, all_done(seq), MAPPINGS[seq - 1][5], run=run)
            for run in (16, 15)
            for seq in (4, 3, 2, 1)
        ]
        self.partner_of: Callable[[str], Partner] = made_partner
        self.skipped_ones = 2
        self.coupled_ones = 77
        self.waiting = made_conflicts()
        self.schedule_found = made_schedule()
        self.coupled = made_couplings()
        self.records_of = made_records
        self.uncoupling = RunState.FINISHED
        self.set_aside = made_left_alone()
        self.broken_ones = made_broken()
        self.not_mended: list[RecordOutcome] = []
        """What went wrong when couplings with a lost record were mended, in run 25."""
        self.mending = RunState.FINISHED
        self.detail_of = made_detail
        self.plan_state = RunState.FINISHED
        self.undo_lines = [
            UndoLine(name, removed=total // 3, restored=total // 4, uncoupled=total, left=seq // 4 * 3)
            for seq, (name, *_, total) in enumerate(MAPPINGS, 1)
        ]
        self.planned: int | None = None
        self.ambiguous_found = [made_ambiguous(no) for no in range(120)]
        self.review_found = made_review()
        self.couple_state = RunState.FINISHED
        self.couple_failed = 0
        self.foreseen_of = made_foreseen
        self.difference_found = made_difference()
        self.error: CouplerError | None = None
        self.outcome_of = made_outcome
        self.home_of = made_home
        self.scripted = ScriptedConnections(calls=self.calls)
        self.connections: Connections = self.scripted
        self.log_found = made_log()
        self.log_file: Path | None = None
        """A real file, instead of what was found."""

    def put(self, run: RunSnapshot) -> None:
        """This run is the active one now, or the last one when it is over."""
        self.runs[run.id] = run
        if run.kind in ("run", "undo"):
            self.now_active = run if run.state.active else None
        if run.kind == "run":
            self.last = run

    def change(self, run: int, **values: object) -> None:
        self.put(replace(self.runs[run], **values))  # type: ignore[arg-type]

    def _check(self) -> None:
        if self.error is not None:
            raise self.error

    def home(self) -> HomeSnapshot:
        self._check()
        return replace(self.home_of(self.now_active, self.last), plan=self.planned, going=self.going())

    def run(self, run: int) -> RunSnapshot:
        self._check()
        if run not in self.runs:
            raise RunError(f"There is no run {run}.")
        return self.runs[run]

    def write_report(self, run: int) -> Path:
        self._check()
        self.calls.append(("report", run))
        return files.write_new(f"coupler-run-{run}", ".html", page(made_report()))

    def going(self) -> RunSnapshot | None:
        return next((one for one in self.runs.values() if one.state is RunState.RUNNING), None)

    def history(self, limit: int, offset: int, words: tuple[str, ...]) -> list[PassSnapshot]:
        self._check()
        found = [one for one in self.passes if all(word in passes.words(one) for word in words)]
        return found[offset : offset + limit]

    def mapping(self, name: str) -> MappingDetail:
        self._check()
        home = self.home_of(self.now_active, self.last)
        return self.detail_of(next(one for one in home.mappings if one.name == name))

    def setting(self, mapping: str, key: str) -> Change:
        self._check()
        return changes.read(self.scripted.read().draft, mapping, key)

    def propose(self, mapping: str, key: str, value: str | None) -> Proposal:
        self._check()
        return changes.propose(self.scripted.read().draft, mapping, key, value)

    def write(self, proposal: Proposal) -> None:
        self._check()
        self.calls.append(("write", *proposal.lines))
        self.scripted.text = proposal.draft.text

    def couplings(self, mapping: str | None, search: str, after: Place | None, limit: int) -> CoupledPage:
        self._check()
        self.calls.append(("couplings", mapping, search, None if after is None else after.nav_no))
        found = [
            one
            for one in self.coupled
            if mapping in (None, one.mapping)
            and any(text.casefold().startswith(search.casefold()) for text in (one.nav_no, one.nav_id, one.crm_id))
        ]
        begin = 0 if after is None else [one.nav_id for one in found].index(after.nav_id) + 1
        rows, more = found[begin : begin + limit], len(found) > begin + limit
        place = Place(rows[-1].mapping, rows[-1].nav_no, rows[-1].nav_id) if more else None
        return CoupledPage(tuple(rows), place, {"CUSTOMER": ("CONTACTS",), "CURRENCY": ()})

    def count_couplings(self, mapping: str | None) -> int:
        self._check()
        return sum(mapping in (None, one.mapping) for one in self.coupled)

    def both_records(self, one: CoupledRow) -> BothRecords:
        self._check()
        self.calls.append(("both records", one.nav_no))
        return self.records_of(one)

    def uncouple(self, one: CoupledRow) -> int:
        self._check()
        self.calls.append(("uncouple", one.mapping, one.nav_id))
        sums = {4: Counters(read=1, uncoupled=1), 5: Counters(read=3, uncoupled=3)}
        jobs = tuple(made_job(seq, JobState.OK, each) for seq, each in sums.items())
        self.put(replace(made_run(self.uncoupling, id=17, kind="uncouple"), jobs=jobs))
        self.coupled = [each for each in self.coupled if each.nav_id != one.nav_id]
        return 17

    def address(self, one: CoupledRow) -> str:
        self._check()
        return f"https://contoso.crm4.dynamics.com/main.aspx?pagetype=entityrecord&etn=account&id={one.crm_id}"

    def left_alone(self, limit: int, offset: int) -> LeftAlone:
        self._check()
        return LeftAlone(len(self.set_aside), tuple(self.set_aside[offset : offset + limit]))

    def try_again(self, one: Trouble | None) -> int:
        self._check()
        self.calls.append(("try again", None if one is None else one.source_id))
        left = [] if one is None else [each for each in self.set_aside if each.source_id != one.source_id]
        number, self.set_aside = len(self.set_aside) - len(left), left
        return number

    def look_for_broken(self, mapping: str | None) -> int:
        self._check()
        self.calls.append(("look for broken", mapping))
        counters = Counters(read=4105, failed=len(self.broken_ones))
        self.put(replace(made_run(self.plan_state, id=24, kind="look"), jobs=(made_job(4, JobState.OK, counters),)))
        return 24

    def noted(self, run: int, limit: int, offset: int) -> list[RecordOutcome]:
        self._check()
        of_coupling = [one for cause in self.of_coupling for one in self.outcomes(cause, 1, 0)]
        found = {17: of_coupling, 25: self.not_mended}.get(run, self.broken_ones)
        return found[offset : offset + limit]

    def mend(self, action: Mending, mapping: str | None, nav_id: str | None) -> int:
        self._check()
        self.calls.append(("mend", action, mapping, nav_id))
        failed = len(self.not_mended)
        done = Counters(inserted=1 - failed) if action == "restore" else Counters(uncoupled=1 - failed)
        counters = replace(done, read=1, failed=failed)
        self.put(replace(made_run(self.mending, id=25, kind="mend"), jobs=(made_job(4, JobState.OK, counters),)))
        return 25

    def log(self, end: int | None, words: tuple[str, ...]) -> LogPage:
        self._check()
        return self.log_found if self.log_file is None else logs.before(self.log_file, end, 100, words)

    def log_after(self, start: int, words: tuple[str, ...]) -> LogPage:
        self._check()
        return self.log_found if self.log_file is None else logs.after(self.log_file, start, 100, words)

    def schedule(self) -> ScheduleSnapshot:
        self._check()
        return self.schedule_found

    def hold(self, mapping: str) -> None:
        self.calls.append(("hold", mapping))

    def resume_entry(self, mapping: str) -> None:
        self.calls.append(("resume entry", mapping))

    def now(self, mapping: str) -> None:
        self.calls.append(("now", mapping))

    def start_schedule(self) -> None:
        self._check()
        self.calls.append(("start schedule",))
        self.schedule_found = made_schedule()

    def stop_schedule(self) -> None:
        self.calls.append(("stop schedule",))

    def causes(self, run: int | None, mapping: str | None) -> list[Cause]:
        self._check()
        self.calls.append(("causes", run, mapping))
        return self.causes_found if run != 17 else self.of_coupling

    def outcomes(self, cause: Cause, limit: int, offset: int, words: tuple[str, ...] = ()) -> list[RecordOutcome]:
        found = (self.outcome_of(number, cause) for number in range(cause.count))
        return list(islice((one for one in found if called(one, words)), offset, offset + limit))

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
        self._check()
        self.calls.append(("foreseen", run, seq, one_way, effect, limit, offset))
        counters = next(
            one.counters for job in planned_jobs() if job.seq == seq for one in job.passes if one.direction is one_way
        )
        count = number(counters, effect) if effect.listed else 0
        found = (self.foreseen_of(no, seq, one_way, effect) for no in range(count))
        return list(islice((one for one in found if called(one, words)), offset, offset + limit))

    def difference(self, record: Foreseen) -> Difference:
        self._check()
        self.calls.append(("difference", record.nav_no, record.effect))
        return self.difference_found

    def ambiguous(self, limit: int, offset: int, words: tuple[str, ...] = ()) -> AmbiguousPage:
        self._check()
        self.calls.append(("ambiguous", limit, offset))
        found = [one for one in self.ambiguous_found if called(one, words)]
        return AmbiguousPage(len(found), tuple(found[offset : offset + limit]))

    def candidates(self, record: Ambiguous) -> Review:
        self._check()
        self.calls.append(("candidates", record.nav_no))
        return self.review_found

    def couple_match(self, record: Ambiguous, partner: str) -> int:
        self._check()
        self.calls.append(("couple", record.mapping, record.source_id, partner))
        job = JobSnapshot(
            4, "CUSTOMER", TO, JobState.OK, Counters(read=1, coupled=1 - self.couple_failed, failed=self.couple_failed),
            1, True, None, None, (),
        )  # fmt: skip
        self.put(replace(made_run(self.couple_state, id=30, kind="couple"), jobs=(job,), waiting=""))
        if self.couple_state is RunState.FINISHED and not self.couple_failed:
            self.ambiguous_found = [one for one in self.ambiguous_found if one.source_id != record.source_id]
        return 30

    def retry(self, cause: Cause, record: RecordOutcome | None) -> int:
        self._check()
        self.calls.append(("retry", cause.cause, None if record is None else record.nav_no))
        return self.skipped_ones

    def skip(self, cause: Cause, record: RecordOutcome | None) -> int:
        self._check()
        self.calls.append(("skip", cause.cause, None if record is None else record.nav_no))
        return self.coupled_ones

    def partner(self, record: RecordOutcome, typed: str) -> Partner:
        self._check()
        self.calls.append(("partner", record.nav_no, typed))
        return self.partner_of(typed)

    def named(self, mapping: str, side: Side, typed: str, other: Partner | None) -> Partner:
        self._check()
        self.calls.append(("named", mapping, side, typed, None if other is None else other.number))
        return self.partner_of(typed)

    def couple(self, mapping: str, nav: str, crm: str, lead: Side | None = None) -> int:
        self._check()
        self.calls.append(("couple", mapping, nav, crm, *(() if lead is None else (lead,))))
        jobs = (made_job(4, JobState.OK, self.coupling_sums),)
        self.runs[17] = replace(made_run(RunState.FINISHED, id=17, kind="couple"), jobs=jobs)
        return 17

    def match(self, mapping: str, *, create: bool) -> int:
        self._check()
        self.calls.append(("match", mapping, create))
        self.put(made_run(RunState.RUNNING, id=26, kind="match"))
        return 26

    def conflicts(self, limit: int, offset: int, words: tuple[str, ...] = ()) -> ConflictPage:
        self._check()
        found = [one for one in self.waiting if called(one, words)]
        return ConflictPage(len(found), tuple(found[offset : offset + limit]))

    def choose(self, conflict: Conflict, choices: Mapping[str, Choice]) -> None:
        self._check()
        self.calls.append(("choose", conflict.nav_no, dict(choices)))
        self.waiting = [
            replace(
                one, fields=tuple(replace(clash, choice=choices.get(clash.key, clash.choice)) for clash in one.fields)
            )
            if one.nav_id == conflict.nav_id
            else one
            for one in self.waiting
        ]

    def start(self, kind: Kind, only: tuple[str, ...] = ()) -> int:
        self._check()
        self.calls.append(("start", kind, *only))
        number = {"plan": 15, "run": 16, "sync": 18}[kind]
        self.put(made_run(self.plan_state if kind == "plan" else RunState.RUNNING, id=number, kind=kind))
        return number

    def undo(self, run: int, *, dry: bool) -> int:
        self._check()
        self.calls.append(("undo", run, dry))
        if dry:
            self.put(replace(made_run(self.plan_state, id=22, kind="look"), message=""))
        else:
            self.put(replace(made_undo(RunState.RUNNING), undoes=run))
        return 22 if dry else 23

    def undone(self, run: int) -> list[UndoLine]:
        self._check()
        return self.undo_lines

    def resume(self, run: int) -> None:
        self.calls.append(("resume", run))
        self.change(run, state=RunState.RUNNING)

    def wish(self, run: int, wish: Wish) -> None:
        self.calls.append(("wish", run, wish))
        self.change(run, wish=wish)

    def cancel(self, run: int) -> None:
        self.calls.append(("cancel", run))
        self.change(run, state=RunState.CANCELLED)

    def answer(self, run: int, *, keep_cleared: bool) -> None:
        self.calls.append(("answer", run, keep_cleared))
        self.change(
            run,
            state=RunState.FINISHED,
            answer="yes" if keep_cleared else "no",
            answered_by="ops@bastion",
            answered_at=NOW,
        )

    def set_only_coupled(self, mapping: str, *, value: bool) -> None:
        self.calls.append(("only_coupled", mapping, value))
