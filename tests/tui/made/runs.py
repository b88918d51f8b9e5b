"""Runs, plans and undoings as the store would show them, and the first screen with them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.model.mapping import Direction
from engine.model.snapshot import (
    Counters,
    Event,
    FlagChange,
    HomeSnapshot,
    JobSnapshot,
    JobState,
    MappingSnapshot,
    PassSnapshot,
    RunSnapshot,
    RunState,
    Wish,
)
from engine.model.traffic import Traffic

NOW = datetime(2026, 3, 12, 12, 4, 34, tzinfo=UTC)
TO, FROM, BOTH = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE, Direction.BIDIRECTIONAL
MAPPINGS = (
    ("CURRENCY", TO, "Currency", "transactioncurrency", True, 34),
    ("SALEPEOPLE", FROM, "Salesperson/Purchaser", "systemuser", True, 51),
    ("UNITOFMEASURE", TO, "Unit of Measure", "uomschedule", True, 112),
    ("CUSTOMER", BOTH, "Customer", "account", True, 4_105),
    ("CONTACTS", BOTH, "Contact", "contact", True, 9_800),
    ("RESOURCE-PRODUCT", TO, "Resource", "product", False, 120),
    ("ITEM-PRODUCT", TO, "Item", "product", True, 3_400),
)


LOOKUPS = {
    "CUSTOMER": ("SALEPEOPLE", "CURRENCY", "CONTACTS"),
    "CONTACTS": ("CUSTOMER", "SALEPEOPLE", "CURRENCY"),
    "RESOURCE-PRODUCT": ("UNITOFMEASURE",),
    "ITEM-PRODUCT": ("UNITOFMEASURE",),
}


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
        *(made_job(seq, JobState.WAIT, Counters()) for seq in (5, 6, 7)),
    )


def finished_jobs() -> tuple[JobSnapshot, ...]:
    return tuple(made_job(seq, JobState.PART if seq == 4 else JobState.OK, all_done(seq)) for seq in range(1, 8))


def planned_jobs() -> tuple[JobSnapshot, ...]:
    made = []
    for seq, (name, direction, _, _, _, total) in enumerate(MAPPINGS, 1):
        failed, back = seq + seq // 4, 12 if seq == 4 else 0
        sums = [
            Counters(
                read=total,
                inserted=total // 2,
                coupled=total // 9,
                modified=total // 5,
                unchanged=total - total // 2 - total // 5 - failed,
                ambiguous=seq,
                failed=failed,
            ),
            Counters(read=total, inserted=back, unchanged=total - back),
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
        eta=399.0 if state is RunState.RUNNING else None,
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
            failing=None if seq > 5 else 79 if seq == 4 else 0,
            not_coupled=None if seq > 5 else 41 if seq == 4 else 0,
            lookups=LOOKUPS.get(name, ()),
        )
        for seq, (name, direction, nav, crm, on, total) in enumerate(MAPPINGS, 1)
    )
    return HomeSnapshot("uat", "CRONUS International", "contoso.crm4", NOW, mappings, active, last)
