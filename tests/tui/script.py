"""A door without an engine behind it: snapshots made by hand, and a note of everything that was asked for."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.model.conflict import Choice, Clash, Conflict
from engine.model.errors import CouplerError, RunError
from engine.model.mapping import Direction
from engine.model.schedule import Entry, EntryState, Keeper, ScheduleRow, ScheduleSnapshot
from engine.model.snapshot import (
    Cause,
    Counters,
    Event,
    FlagChange,
    HomeSnapshot,
    JobSnapshot,
    JobState,
    MappingSnapshot,
    PassSnapshot,
    RecordOutcome,
    RunSnapshot,
    RunState,
    Wish,
)
from engine.model.traffic import Traffic
from tui.door import Kind

NOW = datetime(2026, 3, 12, 12, 4, 34, tzinfo=UTC)
TO, FROM, BOTH = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE, Direction.BIDIRECTIONAL
HOSTILE = "Acme [/] \x1b]0;x\x07[@click=app.quit]x[/]\x9b2J\u202e"

MAPPINGS = (
    ("CURRENCY", TO, "Currency", "transactioncurrency", True, 34),
    ("SALEPEOPLE", FROM, "Salesperson/Purchaser", "systemuser", True, 51),
    ("UNITOFMEASURE", TO, "Unit of Measure", "uomschedule", True, 112),
    ("CUSTOMER", BOTH, "Customer", "account", True, 4_105),
    ("CONTACTS", BOTH, "Contact", "contact", True, 9_800),
    ("RESOURCE-PRODUCT", TO, "Resource", "product", False, 120),
    ("ITEM-PRODUCT", TO, "Item", "product", True, 3_400),
)


def made_pass(
    seq: int, direction: Direction, state: JobState, sums: Counters, total: int, *, run: int = 16
) -> PassSnapshot:
    begun = NOW - timedelta(minutes=8 - seq) if state is not JobState.WAIT else None
    over = state not in (JobState.RUN, JobState.STOP)
    ended = begun + timedelta(seconds=31) if begun is not None and over else None
    return PassSnapshot(
        run, seq, MAPPINGS[seq - 1][0], direction, state, sums, total, state is not JobState.WAIT, begun, ended
    )


def made_job(seq: int, state: JobState, sums: Counters, *, run: int = 16, rate: float | None = None) -> JobSnapshot:
    name, direction, _, _, _, total = MAPPINGS[seq - 1]
    passes = tuple(
        made_pass(seq, one, state, sums if index == 0 else Counters(), total, run=run)
        for index, one in enumerate(direction.passes)
    )
    eta = None if rate is None else (total - sums.read) / rate
    return JobSnapshot(seq, name, direction, state, sums, total, state is not JobState.WAIT, rate, eta, passes)


def all_done(seq: int) -> Counters:
    total = MAPPINGS[seq - 1][5]
    failed = 79 if seq == 4 else 0
    return Counters(
        read=total,
        inserted=total // 3,
        modified=total // 4,
        unchanged=total - total // 3 - total // 4 - failed,
        failed=failed,
    )


def running_jobs(word: JobState = JobState.RUN) -> tuple[JobSnapshot, ...]:
    customer = Counters(read=2_210, inserted=323, modified=1_840, unchanged=44, failed=3)
    return (
        *(made_job(seq, JobState.OK, all_done(seq)) for seq in (1, 2, 3)),
        made_job(4, word, customer, rate=38.1 if word is JobState.RUN else None),
        *(
            replace(made_job(seq, JobState.WAIT, Counters()), eta=eta if word is JobState.RUN else None)
            for seq, eta in ((5, 307.0), (6, 310.0), (7, 399.0))
        ),
    )


def finished_jobs() -> tuple[JobSnapshot, ...]:
    return tuple(made_job(seq, JobState.PART if seq == 4 else JobState.OK, all_done(seq)) for seq in range(1, 8))


def planned_jobs() -> tuple[JobSnapshot, ...]:
    made = []
    for seq, (name, direction, _, _, _, total) in enumerate(MAPPINGS, 1):
        sums = [
            Counters(
                read=total, inserted=total // 2, coupled=total // 9, modified=total // 5, ambiguous=seq, failed=seq // 4
            ),
            Counters(read=total, inserted=12 if seq == 4 else 0),
        ]
        passes = tuple(
            made_pass(seq, one, JobState.OK, sums[index], total, run=15) for index, one in enumerate(direction.passes)
        )
        every = sum((one.counters for one in passes), Counters())
        made.append(
            JobSnapshot(seq, name, direction, JobState.OK, every, total * len(passes), True, None, None, passes)
        )
    return tuple(made)


def flags() -> tuple[FlagChange, ...]:
    return tuple(FlagChange(name, on, False if on else on, False, on) for name, _, _, _, on, _ in MAPPINGS)


EVENTS = (
    Event(NOW - timedelta(seconds=3), "CUSTOMER", "01445021 created account 8f0c1f2a and coupled"),
    Event(NOW - timedelta(seconds=3), "CUSTOMER", "01454545 FAIL CRM 412 duplicate accountnumber"),
    Event(NOW - timedelta(seconds=2), "CUSTOMER", "01445544 updated 3 fields"),
    Event(NOW - timedelta(seconds=1), "", "CRM throttled (429), backing off 4 s"),
)


PACE = tuple(float(rate) for rate in (0, 8, 31, 38, 36, 40, 52, 50, 47, 12, 0, 4, 22, 30, 38, 37, 39, 41, 38, 38))
TRAFFIC = (Traffic("NAV", 1, 8), Traffic("CRM", 6, 48, 0.63, 3, 12))


def made_run(state: RunState = RunState.RUNNING, *, id: int = 16, kind: str = "run") -> RunSnapshot:
    word = JobState.STOP if state.resumable else JobState.RUN
    over = state in (RunState.ASKING, RunState.FINISHED, RunState.CANCELLED)
    return RunSnapshot(
        id=id,
        kind=kind,
        state=state,
        wish=Wish.RUN,
        paused=False,
        environment="uat",
        nav="CRONUS International",
        crm="contoso.crm4",
        started=NOW - timedelta(minutes=6, seconds=41),
        ended=NOW if over else None,
        now=NOW,
        beat=NOW - timedelta(seconds=1),
        waiting="CRM again in 4 s (attempt 2): 429 too many requests" if state is RunState.RUNNING else "",
        code="",
        message="",
        hint="",
        answer=None,
        answered_by=None,
        answered_at=None,
        jobs=planned_jobs() if kind == "plan" else finished_jobs() if over else running_jobs(word),
        flags=flags(),
        events=EVENTS,
        worked=279 if over else 571 if state.resumable else 573,
        pace=PACE if state is RunState.RUNNING else (),
        traffic=TRAFFIC if state is RunState.RUNNING else (),
    )


def made_undo(state: RunState = RunState.STOPPED) -> RunSnapshot:
    return replace(made_run(state, id=23, kind="undo"), undoes=8, flags=(), waiting="")


def made_home(active: RunSnapshot | None = None, last: RunSnapshot | None = None) -> HomeSnapshot:
    by = active.id if active is not None and active.kind == "run" and active.state.active else None
    mappings = tuple(
        MappingSnapshot(
            seq=seq,
            name=name,
            direction=direction,
            nav_table=nav,
            crm_table=crm,
            only_coupled=on,
            cleared_by=by if on else None,
            fields=18,
            nav_filter="Blocked = ' '" if seq == 4 else "",
            crm_filter="",
            match="number, else e-mail and name" if seq == 4 else "number",
            coupled=total,
            last=None if seq > 5 else made_pass(seq, direction.passes[0], JobState.OK, all_done(seq), total, run=14),
            last_counters=None if seq > 5 else all_done(seq),
            last_state=None if seq > 5 else JobState.PART if seq == 4 else JobState.OK,
        )
        for seq, (name, direction, nav, crm, on, total) in enumerate(MAPPINGS, 1)
    )
    return HomeSnapshot("uat", "CRONUS International", "contoso.crm4", NOW, mappings, active, last)


def made_causes() -> list[Cause]:
    return [
        Cause(16, "CUSTOMER", "failed", "crm.duplicate", "CRM 412 duplicate accountnumber", 77, NOW, "Couple by hand."),
        Cause(16, "CUSTOMER", "failed", "crm.length", "address1_country exceeds 80 characters", 2, NOW, "Shorten it."),
    ]


def made_outcome(number: int, cause: Cause) -> RecordOutcome:
    return RecordOutcome(
        run=cause.run,
        seq=4,
        mapping=cause.mapping,
        direction=TO,
        kind=cause.kind,
        code=cause.code,
        cause=cause.cause,
        message=f"A record with matching key values already exists: accountnumber=0145{number:04}",
        hint=cause.hint,
        nav_no=f"0145{number:04}",
        name=("New Concepts Furniture", "Progressive Home Furnishings", "Zoë's Möbelhaus")[number % 3],
        nav_id=f"{number:08x}-0000-4000-8000-000000000000",
        crm_id=None,
        at=NOW,
    )


def made_conflicts(name: str = "New Concepts Furniture", crm: str = "New Concepts Ltd.") -> list[Conflict]:
    fields = (Clash("Name", "name", name, crm), Clash("Phone_No", "telephone1", "0711 1", None))
    ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in (1, 2)]
    return [Conflict("CUSTOMER", id, id, f"0145000{n}", name, 16, NOW, fields) for n, id in enumerate(ids, 1)]


def made_schedule(*, running: bool = True, waiting: str = "") -> ScheduleSnapshot:
    """One entry in each state, and a mapping that is not scheduled."""
    states: dict[str, tuple[EntryState, dict[str, object]]] = {
        "CURRENCY": (EntryState.READY, {"next_at": NOW + timedelta(minutes=20), "last_run": 15, "last_at": NOW - timedelta(minutes=9), "result": "3 modified, 1 failed"}),
        "SALEPEOPLE": (EntryState.INACTIVE, {"next_at": NOW + timedelta(hours=20), "last_run": 15, "last_at": NOW, "result": "nothing to do"}),
        "UNITOFMEASURE": (EntryState.ON_HOLD, {"changed_by": "anna@pc"}),
        "CUSTOMER": (EntryState.READY, {"next_at": NOW, "run": 16}),
        "CONTACTS": (EntryState.ERROR, {"attempts": 10, "code": "refused", "message": "There is no page Contact.", "result": "failed"}),
        "RESOURCE-PRODUCT": (EntryState.READY, {"next_at": NOW - timedelta(seconds=5), "attempts": 2}),
    }  # fmt: skip
    rows = []
    for name, *_ in MAPPINGS:
        state, values = states.get(name, (None, {}))
        entry = None if state is None else Entry(**{"mapping": name, "state": state, "next_at": None, "changed_at": NOW, "changed_by": "ops@bastion", **values})  # type: ignore[arg-type]  # fmt: skip
        rows.append(ScheduleRow(name, "off" if entry is None else "every 30 min", entry))
    keeper = Keeper("ops@bastion, process 4711", NOW - timedelta(hours=3), waiting)
    return ScheduleSnapshot(NOW, running, keeper, tuple(rows))


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
        self.passes: list[PassSnapshot] = [
            made_pass(seq, TO, JobState.PART if seq == 4 else JobState.OK, all_done(seq), MAPPINGS[seq - 1][5], run=run)
            for run in (16, 15)
            for seq in (4, 3, 2, 1)
        ]
        self.left_alone = 2
        self.coupled = 77
        self.waiting = made_conflicts()
        self.schedule_found = made_schedule()
        self.plan_state = RunState.FINISHED
        self.error: CouplerError | None = None
        self.outcome_of = made_outcome
        self.home_of = made_home

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
        return self.home_of(self.now_active, self.last)

    def run(self, run: int) -> RunSnapshot:
        self._check()
        if run not in self.runs:
            raise RunError(f"There is no run {run}.")
        return self.runs[run]

    def going(self) -> RunSnapshot | None:
        return next((one for one in self.runs.values() if one.state is RunState.RUNNING), None)

    def history(self, limit: int) -> list[PassSnapshot]:
        self._check()
        return self.passes[:limit]

    def schedule(self) -> ScheduleSnapshot:
        self._check()
        return self.schedule_found

    def hold(self, mapping: str) -> None:
        self.calls.append(("hold", mapping))

    def resume_entry(self, mapping: str) -> None:
        self.calls.append(("resume entry", mapping))

    def now(self, mapping: str) -> None:
        self.calls.append(("now", mapping))

    def stop_schedule(self) -> None:
        self.calls.append(("stop schedule",))

    def causes(self, run: int | None, mapping: str | None) -> list[Cause]:
        self._check()
        self.calls.append(("causes", run, mapping))
        return self.causes_found if run != 17 else self.of_coupling

    def outcomes(self, cause: Cause, limit: int, offset: int) -> list[RecordOutcome]:
        return [self.outcome_of(number, cause) for number in range(offset, min(cause.count, offset + limit))]

    def retry(self, cause: Cause, record: RecordOutcome | None) -> int:
        self._check()
        self.calls.append(("retry", cause.cause, None if record is None else record.nav_no))
        return self.left_alone

    def skip(self, cause: Cause, record: RecordOutcome | None) -> int:
        self._check()
        self.calls.append(("skip", cause.cause, None if record is None else record.nav_no))
        return self.coupled

    def couple(self, mapping: str, nav: str, crm: str) -> int:
        self._check()
        self.calls.append(("couple", mapping, nav, crm))
        self.runs[17] = made_run(RunState.FINISHED, id=17, kind="couple")
        return 17

    def conflicts(self) -> list[Conflict]:
        self._check()
        return self.waiting

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

    def start(self, kind: Kind) -> int:
        self._check()
        self.calls.append(("start", kind))
        number = 15 if kind == "plan" else 16
        self.put(made_run(self.plan_state if kind == "plan" else RunState.RUNNING, id=number, kind=kind))
        return number

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
