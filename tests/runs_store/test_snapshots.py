"""What screens and reports are shown of runs, jobs, flags and couplings."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from engine.config import Settings
from engine.model.conflict import Choice, Clash, Conflict
from engine.model.errors import RunError
from engine.model.mapping import Direction
from engine.model.outcome import Action
from engine.model.schedule import Entry, EntryState
from engine.model.snapshot import Counters, FlagChange, JobState, RunSnapshot, RunState, Wish
from engine.model.traffic import Traffic
from engine.runs import control, snapshots
from engine.runs.held import Held
from engine.store import conflicts, pages, runs, schedule, troubles
from engine.store.database import Store
from engine.store.lock import engine_lock
from engine.store.schema import link
from tests.runs_store.tools import JOBS, STORED_STATES, add_page, at, put, scope_of, set_job, with_nav
from tests.store.tools import AT, FROM, TO, couple, crm, done, failed, later, nav, pair, pairs, problem

RUNNING, STOPPED, ASKING = RunState.RUNNING, RunState.STOPPED, RunState.ASKING
FINISHED, CANCELLED, INTERRUPTED = RunState.FINISHED, RunState.CANCELLED, RunState.INTERRUPTED


def start(store: Store, settings: Settings, state: RunState = RUNNING, *, seconds: float = 0, **options: Any) -> int:
    number = control.start(store, settings, by="me@here", clock=at(seconds), **options)
    put(store, number, state)
    return number


def page(
    store: Store, number: int, mapping: str, one_way: Direction, read: int, *, seconds: float, key: str = ""
) -> None:
    """A page that read and inserted so many records was committed then."""
    outcomes = [done(one) for one in range(read)]
    result = pages.PageResult(None, key or f"k{seconds}", read, outcomes, [])
    add_page(store, scope_of(number, mapping, one_way), result, later(seconds))


def job(store: Store, number: int, mapping: str, one_way: Direction, state: str, **values: Any) -> None:
    set_job(store, scope_of(number, mapping, one_way), state=state, **values)


# The state of a run, and whether its engine lives.


def test_a_run_that_is_not_there_is_told(store: Store) -> None:
    with pytest.raises(RunError, match="There is no run 7"):
        snapshots.run(store, 7)
    assert snapshots.active(store) is None
    assert snapshots.latest(store) is None


@pytest.mark.parametrize("alive", [True, False])
@pytest.mark.parametrize("state", STORED_STATES)
def test_a_running_run_without_an_engine_is_interrupted(
    store: Store, settings: Settings, state: RunState, alive: bool
) -> None:
    number = start(store, settings, state)
    put(store, number, beat_at=later(1))
    if alive:
        with engine_lock(store):
            assert snapshots.live(store)
            shown = snapshots.run(store, number, clock=at(2)).state
    else:
        assert not snapshots.live(store)
        shown = snapshots.run(store, number, clock=at(2)).state
    assert shown is (INTERRUPTED if state is RUNNING and not alive else state)


@pytest.mark.parametrize(("seconds", "beat", "shown"), [
    (0, None, RUNNING), (29.9, None, RUNNING), (30, None, INTERRUPTED), (1, 0.5, INTERRUPTED),
])  # fmt: skip
def test_a_new_run_has_some_seconds_until_its_engine_must_live(
    store: Store, settings: Settings, seconds: float, beat: float | None, shown: RunState
) -> None:
    number = start(store, settings)
    if beat is not None:
        put(store, number, beat_at=later(beat))
    assert snapshots.run(store, number, clock=at(seconds)).state is shown


@pytest.mark.parametrize(
    ("state", "active", "resumable"),
    [
        (RUNNING, True, False),
        (INTERRUPTED, True, True),
        (STOPPED, True, True),
        (ASKING, True, False),
        (FINISHED, False, False),
        (CANCELLED, False, False),
    ],
)
def test_what_can_be_done_with_a_run(state: RunState, active: bool, resumable: bool) -> None:
    assert (state.active, state.resumable) == (active, resumable)


@pytest.mark.parametrize("state", STORED_STATES)
def test_the_active_run_is_the_one_that_overrides_the_flags(store: Store, settings: Settings, state: RunState) -> None:
    number = start(store, settings, state)
    found = snapshots.active(store, clock=at(99))
    assert (found is not None and found.id == number) is state.active


def test_the_latest_run_and_the_latest_plan_are_two_things(store: Store, settings: Settings) -> None:
    start(store, settings, FINISHED)
    plan = start(store, settings, FINISHED, kind="plan")
    last = start(store, settings, CANCELLED)
    newest, planned = snapshots.latest(store), snapshots.latest(store, "plan")
    assert newest is not None
    assert planned is not None
    assert (newest.id, planned.id, planned.kind) == (last, plan, "plan")
    assert snapshots.active(store) is None


@pytest.mark.parametrize("kind", ["run", "sync", "couple", "match", "uncouple", "mend", "import", "undo"])
def test_the_last_run_is_of_any_kind_that_has_jobs(store: Store, settings: Settings, kind: str) -> None:
    assert snapshots.last(store) is None
    start(store, settings, FINISHED)
    number = start(store, settings, FINISHED)
    put(store, number, kind=kind, request={"undo": 1, "dry": False} if kind == "undo" else None)
    for other in ("plan", "look"):
        put(store, start(store, settings, FINISHED), kind=other)
    put(store, start(store, settings, FINISHED), kind="undo", request={"undo": 1, "dry": True})
    found = snapshots.last(store)
    assert found is not None
    assert (found.id, found.kind) == (number, kind)


def test_a_snapshot_has_what_the_engine_last_said(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    said: dict[str, Any] = {
        "paused": True,
        "waiting": "for NAV",
        "code": "c",
        "message": "m",
        "hint": "h",
        "wish": "pause",
    }
    put(store, number, beat_at=later(3), ended_at=later(4), **said)
    with engine_lock(store):
        found = snapshots.run(store, number, clock=at(5))
    assert (found.started, found.beat, found.ended, found.now) == (later(0), later(3), later(4), later(5))
    assert (found.paused, found.waiting, found.wish) == (True, "for NAV", Wish.PAUSE)
    assert (found.code, found.message, found.hint) == ("c", "m", "h")
    assert (found.environment, found.crm) == ("uat", "https://crm.example")


@pytest.mark.parametrize(("yes", "word"), [(True, "yes"), (False, "no")])
def test_the_answer_is_a_word(store: Store, settings: Settings, yes: bool, word: str) -> None:
    number = start(store, settings, ASKING)
    assert snapshots.run(store, number).answer is None
    control.answer(store, number, yes=yes, by="boss", clock=at(8))
    found = snapshots.run(store, number)
    assert (found.answer, found.answered_by, found.answered_at) == (word, "boss", later(8))


def test_the_tail_is_the_newest_lines_oldest_first(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_EVENTS_SHOWN", 3)
    number, other = start(store, settings, FINISHED), start(store, settings, FINISHED)
    with store.writing() as connection:
        for line in range(5):
            runs.add_event(connection, number, "CUSTOMER", f"line {line}", later(line))
        runs.add_event(connection, other, "CUSTOMER", "of another run", later(9))
    found = snapshots.run(store, number).events
    assert [(one.text, one.mapping, one.at) for one in found] == [
        (f"line {line}", "CUSTOMER", later(line)) for line in (2, 3, 4)
    ]


# Jobs.


def test_jobs_come_in_run_order_with_their_passes_and_sums(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    page(store, number, "CUSTOMER", TO, 3, seconds=1)
    page(store, number, "CUSTOMER", TO, 2, seconds=2)
    page(store, number, "CUSTOMER", FROM, 4, seconds=3)
    page(store, number, "CURRENCY", TO, 1, seconds=4)
    found = snapshots.run(store, number, clock=at(5))
    assert [one.mapping for one in found.jobs] == JOBS
    customer = found.jobs[3]
    assert (customer.seq, customer.direction) == (4, Direction.BIDIRECTIONAL)
    assert [(one.direction, one.counters.read) for one in customer.passes] == [(TO, 5), (FROM, 4)]
    assert customer.counters == Counters(read=9, inserted=9)
    assert customer.done == 9
    assert found.jobs[0].direction is TO
    assert found.counters == Counters(read=10, inserted=10)


def test_counters_of_every_kind_are_summed() -> None:
    one = Counters(1, 2, 3, 4, 5, 6, 7, 8, 9)
    assert one + one == Counters(2, 4, 6, 8, 10, 12, 14, 16, 18)
    assert one + Counters() == one


@pytest.mark.parametrize(
    ("to_crm", "to_nav", "running", "interrupted"),
    [
        ("WAIT", "WAIT", "WAIT", "WAIT"),
        ("RUN", "WAIT", "RUN", "STOP"),
        ("OK", "WAIT", "RUN", "STOP"),
        ("OK", "RUN", "RUN", "STOP"),
        ("PART", "RUN", "RUN", "STOP"),
        ("OK", "OK", "OK", "OK"),
        ("PART", "OK", "PART", "PART"),
        ("OK", "PART", "PART", "PART"),
        ("STOP", "WAIT", "WAIT", "STOP"),
        ("OK", "STOP", "RUN", "STOP"),
        ("FAIL", "WAIT", "FAIL", "FAIL"),
        ("SKIP", "SKIP", "SKIP", "SKIP"),
        ("OK", "FAIL", "FAIL", "FAIL"),
    ],
)
def test_a_job_is_what_its_passes_are_together(
    store: Store, settings: Settings, to_crm: str, to_nav: str, running: str, interrupted: str
) -> None:
    number = start(store, settings)
    put(store, number, beat_at=later(0))
    job(store, number, "CUSTOMER", TO, to_crm)
    job(store, number, "CUSTOMER", FROM, to_nav)
    assert snapshots.run(store, number, clock=at(1)).jobs[3].state is JobState(interrupted)
    with engine_lock(store):
        assert snapshots.run(store, number, clock=at(1)).jobs[3].state is JobState(running)
        put(store, number, paused=True)
        paused = "PAUSE" if running == "RUN" else running
        assert snapshots.run(store, number, clock=at(1)).jobs[3].state is JobState(paused)


@pytest.mark.parametrize(
    ("to_crm", "to_nav", "read", "total", "exact"),
    [
        ((None, True), (None, True), 0, None, True),
        ((5, True), (None, True), 0, None, True),
        ((5, True), (7, True), 0, 12, True),
        ((5, False), (7, True), 0, 12, False),
        ((5, False), (7, True), 6, 13, False),
        ((5, True), (7, True), 6, 12, True),
    ],
)
def test_the_total_of_a_job_is_known_when_that_of_each_pass_is(
    store: Store, settings: Settings, to_crm: Any, to_nav: Any, read: int, total: int | None, exact: bool
) -> None:
    number = start(store, settings)
    for one_way, (count, is_exact) in ((TO, to_crm), (FROM, to_nav)):
        job(store, number, "CUSTOMER", one_way, "WAIT", total=count, total_exact=is_exact)
    page(store, number, "CUSTOMER", TO, read, seconds=0)
    found = snapshots.run(store, number, clock=at(1)).jobs[3]
    assert (found.total, found.total_exact) == (total, exact)


def test_the_message_of_a_job_is_the_first_of_its_passes(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    job(store, number, "CUSTOMER", FROM, "SKIP", message="needs CURRENCY")
    found = snapshots.run(store, number, clock=at(1))
    assert (found.jobs[3].message, found.jobs[4].message) == ("needs CURRENCY", "")


# Speed.


def test_the_rate_is_of_the_last_seconds_and_the_time_that_is_left_by_the_last_half(
    store: Store, settings: Settings
) -> None:
    number = start(store, settings)
    job(store, number, "CUSTOMER", TO, "RUN", started_at=later(0), total=1_000, total_exact=True)
    job(store, number, "CUSTOMER", FROM, "WAIT", total=500, total_exact=True)
    page(store, number, "CUSTOMER", TO, 300, seconds=10)
    page(store, number, "CUSTOMER", TO, 450, seconds=40)
    with engine_lock(store):
        found = snapshots.run(store, number, clock=at(40))
    assert found.jobs[3].rate == pytest.approx(30.0)
    assert found.jobs[3].eta == pytest.approx(750 / (450 / 30)), "450 records from the page at 10 s to the one at 40 s"
    assert [(one.rate, one.eta) for one in found.jobs if one.mapping != "CUSTOMER"] == [(None, None)] * 6


def test_what_the_last_run_took_tells_when_each_job_is_over(store: Store, settings: Settings) -> None:
    ended: dict[str, Any] = {"total": 100, "started_at": later(0), "total_exact": True}
    for older, seconds in ((start(store, settings, FINISHED), 300), (start(store, settings, FINISHED), 20)):
        for name in JOBS:
            for one_way in settings_passes(settings, name):
                job(store, older, name, one_way, "OK", **ended, ended_at=later(seconds))
    plan = start(store, settings, FINISHED, kind="plan")
    job(store, plan, "CURRENCY", TO, "OK", **ended, ended_at=later(1))
    number = start(store, settings, seconds=500)
    for name in JOBS:
        for one_way in settings_passes(settings, name):
            job(store, number, name, one_way, "WAIT", total=50, total_exact=False)
    with engine_lock(store):
        found = snapshots.run(store, number, clock=at(500))
    passes = sum(len(settings_passes(settings, name)) for name in JOBS)
    assert found.eta == pytest.approx(10 * passes), "as in the newest one"
    assert [one.eta for one in found.jobs] == [None] * len(JOBS), "none of them goes on"
    job(store, number, "CUSTOMER", TO, "RUN", started_at=later(500))
    with engine_lock(store):
        found = snapshots.run(store, number, clock=at(500))
    assert found.jobs[3].eta == pytest.approx(20), "both of its passes"
    assert found.eta == pytest.approx(10 * passes)
    job(store, number, "ITEM-PRODUCT", TO, "WAIT", total=None)
    with engine_lock(store):
        assert snapshots.run(store, number, clock=at(500)).eta is None, "nobody knows of one job"


def test_passes_that_go_on_at_once_are_told_together(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    put(store, number, kind="undo", request={"undo": 1, "dry": False})
    for name in ("CURRENCY", "CUSTOMER"):
        job(store, number, name, TO, "RUN", total=500, total_exact=True)
    page(store, number, "CUSTOMER", TO, 10, seconds=1)
    with engine_lock(store):
        found = snapshots.run(store, number, clock=at(2))
    assert (found.eta, found.jobs[3].eta) == (None, None), "that it looks says nothing of what it does then"
    for name in ("CURRENCY", "CUSTOMER"):
        job(store, number, name, TO, "RUN", started_at=later(0))
    for seconds in range(2, 21):
        page(store, number, "CUSTOMER", TO, 10, seconds=seconds)
    with engine_lock(store):
        found = snapshots.run(store, number, clock=at(20))
    assert found.eta == pytest.approx(80, rel=0.01), "1,000 records, ten a second, of which 200 are done"
    assert [one.eta for one in found.jobs] == [None] * len(JOBS)


def test_lookups_that_wait_for_their_partners_count_in_what_is_left(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    job(store, number, "CUSTOMER", TO, "OK", started_at=later(0), ended_at=later(100), total=1_000, total_exact=True)
    page(store, number, "CUSTOMER", TO, 1_000, seconds=100)
    with store.writing() as connection:
        for name in JOBS:
            for one_way in settings_passes(settings, name):
                if (name, one_way) != ("CUSTOMER", TO):
                    runs.set_job(connection, scope_of(number, name, one_way), state="SKIP")
        keys = [{"mapping": "CUSTOMER", "direction": TO.value, "source_id": nav(one)} for one in range(40)]
        connection.execute(sa.insert(link), [{**key, "partner_mapping": "CONTACTS", "field": "f"} for key in keys])
    with engine_lock(store):
        assert snapshots.run(store, number, clock=at(100)).eta == pytest.approx(40 * 1.4 * 0.1)
        job(store, number, "CUSTOMER", TO, "RUN", ended_at=None, total=2_000)
        found = snapshots.run(store, number, clock=at(100)).eta
    each = 100 / 2_000
    assert found == pytest.approx(1_000 * each + 80 * 1.4 * each), "the other half is under way, and leaves as many"


def test_what_the_engine_was_held_up_by_is_in_no_rate(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    job(store, number, "CUSTOMER", TO, "RUN", started_at=later(0), total=10_000, total_exact=True)
    job(store, number, "CUSTOMER", FROM, "OK")
    for seconds in range(1, 21):
        page(store, number, "CUSTOMER", TO, 10, seconds=seconds)
    put(store, number, beat_at=later(20))
    with engine_lock(store):
        calm = snapshots.run(store, number, clock=at(20.5)).jobs[3].rate
        waits = snapshots.run(store, number, clock=at(50)).jobs[3]
    assert calm == pytest.approx(10, rel=0.1)
    assert waits.rate == pytest.approx(10, rel=0.1), "no sign of life: others have the store"
    assert waits.eta == pytest.approx(9_800 / 10, rel=0.1)
    mine = Held()
    mine.add(later(20), later(50))
    put(store, number, beat_at=later(55), traffic={"services": [], "held": mine.stored()})
    for seconds in range(51, 56):
        page(store, number, "CUSTOMER", TO, 10, seconds=seconds)
    with engine_lock(store):
        found = snapshots.run(store, number, clock=at(55)).jobs[3]
    assert found.rate == pytest.approx(10, rel=0.1), "it waited for half a minute"
    assert found.eta == pytest.approx(9_750 / 10, rel=0.1)


def test_a_look_at_a_run_reads_as_many_rows_whatever_number_of_runs_was_before(
    store: Store, settings: Settings
) -> None:
    ended: dict[str, Any] = {"total": 100, "started_at": later(0), "ended_at": later(10), "total_exact": True}
    read = []
    for times in (2, 20):
        for older in [start(store, settings, FINISHED) for _ in range(times)]:
            job(store, older, "CURRENCY", TO, "OK", **ended)
        number = start(store, settings)
        job(store, number, "CURRENCY", TO, "RUN", total=100, total_exact=True, started_at=later(1))
        with engine_lock(store):
            read.append(rows_read(store, partial(snapshots.run, store, number, clock=at(1))))
        put(store, number, FINISHED)
    assert read[0] == read[1]


def rows_read(store: Store, looks: Callable[[], RunSnapshot]) -> int:
    """How many rows the database gives for it."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        assert looks().jobs[0].eta == pytest.approx(10)
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)
    with store.reading() as connection:
        asked = [one for one in asked if one[0].lstrip().startswith("SELECT")]
        assert asked
        return sum(len(connection.exec_driver_sql(*one).fetchall()) for one in asked)


def settings_passes(settings: Settings, name: str) -> tuple[Direction, ...]:
    (found,) = [one for one in settings.mappings if one.name == name]
    return found.direction.passes


def test_the_throughput_is_told_in_bars_of_five_seconds_of_which_the_last_is_whole(
    store: Store, settings: Settings
) -> None:
    number = start(store, settings)
    begun = AT.timestamp() // 5 * 5 - AT.timestamp()  # bars begin at whole multiples
    for seconds, read in ((1, 10), (4, 15), (12, 5), (16, 500)):
        page(store, number, "CUSTOMER", TO, read, seconds=begun + 5 + seconds)
    with engine_lock(store):
        found = snapshots.run(store, number, clock=at(begun + 22))
        assert found.pace[-3:] == (5.0, 0.0, 1.0)
        assert len(snapshots.run(store, number, clock=at(4_000)).pace) == 60, "the last five minutes"
    put(store, number, FINISHED)
    assert snapshots.run(store, number, clock=at(22)).pace == ()


def test_how_requests_go_is_told_while_the_engine_lives(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    put(store, number, beat_at=later(0))
    assert snapshots.run(store, number, clock=at(1)).traffic == ()
    said = Traffic("CRM", 6, 48, 0.63, 2, 12.5)
    put(store, number, traffic={"services": [asdict(said)], "held": []})
    with engine_lock(store):
        assert snapshots.run(store, number, clock=at(1)).traffic == (said,)
    assert snapshots.run(store, number, clock=at(1)).traffic == (), "nobody sends anything any more"


def test_a_job_that_has_just_begun_is_measured_since_then(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    job(store, number, "CURRENCY", TO, "RUN", started_at=later(98), total=100, total_exact=True)
    page(store, number, "CURRENCY", TO, 10, seconds=99)
    with engine_lock(store):
        assert snapshots.run(store, number, clock=at(100)).jobs[0].rate == pytest.approx(5.0)
        assert snapshots.run(store, number, clock=at(98)).jobs[0].rate is None, "no time has passed"


@pytest.mark.parametrize("why", ["no pages lately", "paused", "interrupted", "ended", "total unknown", "nearly done"])
def test_without_a_good_reason_no_time_is_promised(store: Store, settings: Settings, why: str) -> None:
    number = start(store, settings)
    seconds = 99 if why == "no pages lately" else 10
    put(store, number, beat_at=later(seconds))
    total = {"total unknown": None, "nearly done": 12}.get(why, 1000)
    state = "OK" if why == "ended" else "RUN"
    job(store, number, "CURRENCY", TO, state, started_at=later(0), total=total, total_exact=True)
    page(store, number, "CURRENCY", TO, 10, seconds=1)
    put(store, number, paused=why == "paused")
    now = at(seconds)
    if why == "interrupted":
        found = snapshots.run(store, number, clock=now).jobs[0]
    else:
        with engine_lock(store):
            found = snapshots.run(store, number, clock=now).jobs[0]
    assert found.eta is None
    assert (found.rate is not None) is (why in ("total unknown", "nearly done"))


# The flag of each mapping, and what the closing question means for it.


def change_of(store: Store, number: int, mapping: str = "CUSTOMER") -> FlagChange:
    (found,) = [one for one in snapshots.run(store, number, clock=at(99)).flags if one.mapping == mapping]
    return found


def flag(before: bool, now: bool, if_yes: bool, if_no: bool, *, edited: bool = False) -> FlagChange:
    return FlagChange("CUSTOMER", before, now, if_yes, if_no, edited)


def set_flag(store: Store, settings: Settings, value: bool) -> None:
    control.set_only_coupled(store, settings, "CUSTOMER", value=value, by="op", clock=at(1))


@pytest.mark.parametrize("state", [RUNNING, STOPPED, ASKING])
@pytest.mark.parametrize(
    ("stored", "edit", "expected"),
    [
        (None, None, flag(True, False, if_yes=False, if_no=True)),
        (True, None, flag(True, False, if_yes=False, if_no=True)),
        (False, None, flag(False, False, if_yes=False, if_no=False)),
        (None, True, flag(True, False, if_yes=True, if_no=True, edited=True)),
        (None, False, flag(True, False, if_yes=False, if_no=False, edited=True)),
        (True, True, flag(True, False, if_yes=True, if_no=True, edited=True)),
        (False, True, flag(False, False, if_yes=True, if_no=True, edited=True)),
    ],
)
def test_while_a_run_is_active_the_flag_is_cleared_and_both_answers_are_foretold(
    store: Store, settings: Settings, state: RunState, stored: bool | None, edit: bool | None, expected: FlagChange
) -> None:
    if stored is not None:
        set_flag(store, settings, stored)
    number = start(store, settings, state)
    if edit is not None:
        set_flag(store, settings, edit)
    assert change_of(store, number) == expected


@pytest.mark.parametrize("yes", [True, False])
@pytest.mark.parametrize("edit", [None, True, False])
def test_what_was_foretold_comes_true(store: Store, settings: Settings, yes: bool, edit: bool | None) -> None:
    number = start(store, settings, ASKING)
    if edit is not None:
        set_flag(store, settings, edit)
    foretold = change_of(store, number)
    control.answer(store, number, yes=yes, by="me")
    after = change_of(store, number)
    assert after.now is (foretold.if_yes if yes else foretold.if_no)
    assert (after.before, after.edited) == (foretold.before, foretold.edited)


def test_after_a_cancelled_run_the_flag_is_as_before(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    control.cancel(store, number, "me")
    found = change_of(store, number)
    assert (found.before, found.now) == (True, True)


def test_flags_are_of_the_jobs_of_the_run_in_their_order(store: Store, settings: Settings) -> None:
    set_flag(store, settings, False)
    number = start(store, settings, only=["ITEM-PRODUCT", "CUSTOMER", "CURRENCY"])
    found = snapshots.run(store, number)
    assert [one.mapping for one in found.flags] == ["CURRENCY", "CUSTOMER", "ITEM-PRODUCT"]
    assert found.cleared == ("CURRENCY", "ITEM-PRODUCT")
    control.cancel(store, number, "me")
    assert snapshots.run(store, number).cleared == ()


# The home screen.


def test_the_home_screen_has_the_mappings_in_run_order(store: Store, settings: Settings) -> None:
    couple(store, *pairs(1, 2, 3))
    set_flag(store, settings, False)
    found = snapshots.home(store, settings, clock=at(1))
    assert [(one.seq, one.name) for one in found.mappings] == list(enumerate(JOBS, 1))
    assert (found.active, found.last_run, found.now) == (None, None, later(1))
    assert (found.environment, found.nav, found.crm) == ("uat", "CRONUS", "https://crm.example")
    customer, contacts = found.mappings[3], found.mappings[4]
    assert (customer.coupled, customer.only_coupled, customer.cleared_by) == (3, False, None)
    assert (contacts.coupled, contacts.only_coupled, contacts.last, contacts.last_state) == (0, True, None, None)
    assert (customer.nav_table, customer.crm_table, customer.fields) == ("Customer", "account", 21)
    assert (customer.nav_filter, customer.crm_filter) == ("Blocked = ' '", "statecode = 0, customertypecode = 3")
    assert contacts.nav_filter == "Type = 'Person', Company_No <> empty"
    assert customer.match == "E_Mail = emailaddress1 and Name = name"


def test_the_home_screen_is_of_the_version_that_is_configured(store: Store, settings: Settings) -> None:
    found = snapshots.home(store, with_nav(settings, version="2016"))
    assert found.mappings[3].nav_filter == ""


def test_mappings_of_the_active_run_say_which_run_cleared_them(store: Store, settings: Settings) -> None:
    number = start(store, settings, only=["CUSTOMER"])
    found = snapshots.home(store, settings)
    assert found.active is not None
    assert found.active.id == number
    assert {one.name: one.cleared_by for one in found.mappings if one.cleared_by} == {"CUSTOMER": number}
    assert found.mappings[3].only_coupled, "the stored flag is not touched"
    put(store, number, CANCELLED)
    found = snapshots.home(store, settings)
    assert (found.active, found.mappings[3].cleared_by) == (None, None)
    assert found.last_run is not None
    assert found.last_run.id == number


def test_the_home_screen_has_what_an_engine_works_on_of_whatever_kind(store: Store, settings: Settings) -> None:
    sync = start(store, settings, kind="sync")
    assert snapshots.home(store, settings).going is None
    with engine_lock(store):
        found = snapshots.home(store, settings)
    assert found.active is None
    assert found.going is not None
    assert (found.going.id, found.going.kind) == (sync, "sync")


def test_the_home_screen_says_of_which_mappings_something_waits(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = snapshots.home(store, settings)
    assert (found.ambiguous, found.ambiguous_exact) == (0, True)
    assert not [one for one in found.mappings if one.left_alone or one.in_error]
    couple(store, pair(3))
    several = problem("ambiguous", "several", "3 match.")
    with store.writing() as connection:
        troubles.note(connection, "CUSTOMER", TO, [failed(1, several), failed(2, several), failed(3)], 1, AT)
        troubles.leave_alone(connection, troubles.listing(connection, skipped=False))
        entry = Entry("CONTACTS", EntryState.ERROR, None, AT, "me")
        schedule.put(connection, [entry, replace(entry, mapping="CURRENCY", state=EntryState.ON_HOLD)])
    found = snapshots.home(store, settings)
    assert (found.ambiguous, found.ambiguous_exact) == (2, True)
    assert [one.name for one in found.mappings if one.left_alone] == ["CUSTOMER"]
    assert [one.name for one in found.mappings if one.in_error] == ["CONTACTS"]
    monkeypatch.setattr(snapshots, "_COUNTED", 1)
    found = snapshots.home(store, settings)
    assert (found.ambiguous, found.ambiguous_exact) == (1, False)
    couple(store, pair(1))
    assert snapshots.home(store, settings).ambiguous_exact is False
    monkeypatch.setattr(snapshots, "_COUNTED", 50)
    found = snapshots.home(store, settings)
    assert (found.ambiguous, found.ambiguous_exact) == (1, True)


def test_what_fails_by_now_is_counted_whatever_the_last_job_tried(store: Store, settings: Settings) -> None:
    first = start(store, settings, FINISHED)
    job(store, first, "CUSTOMER", TO, "PART", started_at=later(0))
    job(store, first, "CURRENCY", TO, "OK", started_at=later(0))
    with store.writing() as connection:
        troubles.note(connection, "CUSTOMER", TO, [failed(1), failed(2)], first, AT)
    job(store, start(store, settings, FINISHED, kind="sync"), "CUSTOMER", TO, "OK", started_at=later(1))
    found = {one.name: one.failing for one in snapshots.home(store, settings).mappings}
    assert (found["CUSTOMER"], found["CURRENCY"], found["CONTACTS"]) == (2, 0, None), "CONTACTS was never tried"


def test_the_last_job_of_a_mapping_is_of_the_newest_run_that_started_it(store: Store, settings: Settings) -> None:
    first = start(store, settings, FINISHED)
    for one_way, count in ((TO, 3), (FROM, 4)):
        job(store, first, "CUSTOMER", one_way, "OK", started_at=later(0))
        page(store, first, "CUSTOMER", one_way, count, seconds=1)
    second = start(store, settings, FINISHED)
    job(store, second, "CURRENCY", TO, "PART", started_at=later(2))
    plan = start(store, settings, FINISHED, kind="plan")
    job(store, plan, "CUSTOMER", TO, "FAIL", started_at=later(3))
    mappings = snapshots.home(store, settings).mappings
    assert mappings[3].last is not None
    assert (mappings[3].last.run, mappings[3].last.direction) == (first, FROM)
    assert (mappings[3].last_counters, mappings[3].last_state) == (Counters(read=7, inserted=7), JobState.OK)
    assert mappings[0].last is not None
    assert (mappings[0].last.run, mappings[0].last_state) == (second, JobState.PART)
    assert mappings[1].last is None


def counted(store: Store, settings: Settings, mapping: str, *states: str) -> int:
    """A plan of which one job ended like that; the others were not counted."""
    number = start(store, settings, FINISHED, kind="plan")
    for one_way, state in zip((TO, FROM), states, strict=False):
        job(store, number, mapping, one_way, state, started_at=later(0))
    return number


def plan_page(store: Store, number: int, one_way: Direction, found: list[Any], **more: Any) -> None:
    scope = replace(scope_of(number, "CUSTOMER", one_way), plan=True)
    add_page(store, scope, pages.PageResult(None, "k", len(found), found, more.pop("pairs", [])), later(1))


def not_coupled(store: Store, settings: Settings, mapping: str = "CUSTOMER") -> int | None:
    (found,) = [one for one in snapshots.home(store, settings).mappings if one.name == mapping]
    return found.not_coupled


def test_what_a_plan_finds_without_a_partner_is_known_to_be_not_coupled(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not_coupled(store, settings) is None
    couple(store, *pairs(6))
    plan = counted(store, settings, "CUSTOMER", "PART", "OK")
    rival = replace(failed(4, problem("ambiguous")), ambiguous=True)
    found = [
        done(1),
        done(2, Action.MODIFIED, coupled=True),
        replace(failed(3), coupled=True),
        rival,
        failed(5),
        failed(6),
        done(7, Action.SKIPPED),
    ]
    plan_page(store, plan, TO, found, pairs=pairs(2, 3))
    plan_page(store, plan, FROM, [replace(failed(6), source_id=crm(6)), replace(failed(8), source_id=crm(8))])
    assert not_coupled(store, settings) == 6, "1 to 5, and 8 of CRM; 6 is coupled"
    assert not_coupled(store, settings, "CURRENCY") is None, "it was not counted"
    monkeypatch.setattr(snapshots, "_LEDGER_LOOKED_THROUGH", 3)
    assert not_coupled(store, settings) is None, "too many to look each of them up"


@pytest.mark.parametrize("states", [("FAIL", "SKIP"), ("OK", "FAIL"), ("SKIP", "SKIP"), ("OK", "STOP")])
def test_a_plan_says_nothing_of_a_mapping_that_it_could_not_count(
    store: Store, settings: Settings, states: tuple[str, str]
) -> None:
    plan = counted(store, settings, "CUSTOMER", *states)
    plan_page(store, plan, TO, [done(1), failed(2)])
    assert not_coupled(store, settings) is None


def test_a_mapping_without_a_record_has_none_that_is_not_coupled(store: Store, settings: Settings) -> None:
    counted(store, settings, "CUSTOMER", "OK", "OK")
    assert not_coupled(store, settings) == 0


def test_only_conflicts_that_wait_for_a_choice_are_told(store: Store, settings: Settings) -> None:
    fields = (Clash("Name", "name", "a", "b"), Clash("City", "address1_city", "a", "b"))
    waiting = [Conflict("CUSTOMER", nav(n), crm(n), f"C{n}", "Firm", 1, AT, fields) for n in (1, 2, 3)]
    keys = [one.key for one in fields]
    with store.writing() as connection:
        conflicts.save(connection, waiting)
        assert conflicts.choose(connection, waiting[0], dict.fromkeys(keys, Choice.NAV))
        assert conflicts.choose(connection, waiting[1], {keys[0]: Choice.CRM})
    assert snapshots.home(store, settings).conflicts == 2, "the first one waits for a pass alone"


# Lists.


def test_the_history_has_the_jobs_that_started_newest_first(store: Store, settings: Settings) -> None:
    first = start(store, settings, FINISHED)
    second = start(store, settings, FINISHED)
    plan = start(store, settings, FINISHED, kind="plan")
    for number in (first, second, plan):
        job(store, number, "CURRENCY", TO, "OK", started_at=later(0), ended_at=later(1))
        job(store, number, "CUSTOMER", TO, "PART", started_at=later(2))
        job(store, number, "CUSTOMER", FROM, "STOP", started_at=later(3), message="stopped")
    page(store, first, "CUSTOMER", FROM, 5, seconds=3)
    expected = [
        (number, *rest)
        for number in (second, first)
        for rest in (("CUSTOMER", FROM), ("CUSTOMER", TO), ("CURRENCY", TO))
    ]
    found = snapshots.history(store)
    assert [(one.run, one.mapping, one.direction) for one in found] == expected
    assert (found[3].state, found[3].message, found[3].counters.read) == (JobState.STOP, "stopped", 5)
    assert (found[2].started, found[2].ended) == (later(0), later(1))
    assert snapshots.history(store, run=first) == found[3:]
    assert snapshots.history(store, limit=2) + snapshots.history(store, limit=99, offset=2) == found
    assert snapshots.history(store, run=999) == []


def test_a_job_that_is_stopped_tells_when_and_what_was_worked_on_it(store: Store, settings: Settings) -> None:
    number = start(store, settings, STOPPED)
    times: dict[str, Any] = {"started_at": later(100), "spent": 30}
    job(store, number, "CUSTOMER", TO, "STOP", **times, ended_at=later(120))
    (told,) = snapshots.history(store)
    assert (told.state, told.ended, told.took) == (JobState.STOP, later(120), 30)
    put(store, number, RUNNING, beat_at=later(115))
    job(store, number, "CUSTOMER", TO, "RUN", **times, ended_at=None)
    (told,) = snapshots.history(store)
    assert (told.state, told.ended, told.took) == (JobState.STOP, later(115), 45), "its engine is gone since then"
    with engine_lock(store):
        (told,) = snapshots.history(store)
    assert (told.state, told.ended, told.took) == (JobState.RUN, None, None)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
@pytest.mark.parametrize("mapping", [None, "CUSTOMER"])
def test_all_couplings_are_listed_in_key_order_page_by_page(
    store: Store, monkeypatch: pytest.MonkeyPatch, count: int, mapping: str | None
) -> None:
    monkeypatch.setattr(snapshots, "_COUPLINGS_PAGE", 3)
    couple(store, *pairs(*range(count)))
    couple(store, pair(1), mapping="CURRENCY")
    found = list(snapshots.couplings(store, mapping))
    expected = [("CUSTOMER", f"C{number}") for number in range(count)]
    assert [(one.mapping, one.nav_no) for one in found] == ([("CURRENCY", "C1")] if mapping is None else []) + expected
    assert all(
        (one.nav_id, one.crm_id) == (pair(n).nav_id, pair(n).crm_id) for one in found for n in [int(one.nav_no[1:])]
    )


def test_couplings_may_change_while_they_are_listed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "_COUPLINGS_PAGE", 2)
    couple(store, *pairs(1, 3, 5, 7))
    seen = []
    for one in snapshots.couplings(store):
        seen.append(one.nav_no)
        if one.nav_no == "C3":
            couple(store, *pairs(2, 4, 9))
    assert seen == ["C1", "C3", "C4", "C5", "C7", "C9"]


def test_a_snapshot_is_read_while_the_engine_writes(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    with store.writing() as connection:
        runs.add_event(connection, number, "", "not committed", later(0))
        connection.execute(failed_row(number))
        found = snapshots.run(store, number, clock=at(1))
        assert found.events == ()
        assert snapshots.causes(store) == []
    assert len(snapshots.run(store, number, clock=at(1)).events) == 1


def failed_row(number: int) -> Any:
    import sqlalchemy as sa

    from engine.store.schema import outcome
    from engine.store.work import _outcome_row

    one = failed(1)
    assert one.problem is not None
    return sa.insert(outcome).values(
        _outcome_row(scope_of(number, "CUSTOMER", TO), one, "failed", one.problem, later(0))
    )


# Records without a partner, at the mappings.


def _not_coupled(store: Store, settings: Settings, mapping: str) -> int | None:
    found = snapshots.home(store, settings, clock=at(99)).mappings
    return next(one.not_coupled for one in found if one.name == mapping)


def test_of_a_mapping_that_never_ran_nothing_is_known(store: Store, settings: Settings) -> None:
    assert _not_coupled(store, settings, "CUSTOMER") is None


def test_what_failed_and_has_no_partner_is_not_coupled(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    job(store, number, "CUSTOMER", TO, "PART", started_at=AT)
    outcomes = [failed(1), failed(2), failed(3)]
    result = pages.PageResult(None, "k", 3, outcomes, [pair(2)])
    add_page(store, scope_of(number, "CUSTOMER", TO), result, AT)
    assert _not_coupled(store, settings, "CUSTOMER") == 2


def test_a_newer_plan_knows_better(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    job(store, number, "CUSTOMER", TO, "OK", started_at=AT)
    put(store, number, FINISHED)
    assert _not_coupled(store, settings, "CUSTOMER") == 0
    plan = start(store, settings, kind="plan")
    page(store, plan, "CUSTOMER", TO, 4, seconds=1)
    for one_way in (TO, FROM):
        job(store, plan, "CUSTOMER", one_way, "OK", started_at=AT)
    put(store, plan, FINISHED)
    assert _not_coupled(store, settings, "CUSTOMER") == 4
    after = start(store, settings)
    job(store, after, "CUSTOMER", TO, "OK", started_at=AT)
    assert _not_coupled(store, settings, "CUSTOMER") == 0


def test_a_ledger_that_is_too_long_to_be_looked_through_tells_nothing(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_LEDGER_LOOKED_THROUGH", 2)
    number = start(store, settings)
    job(store, number, "CUSTOMER", TO, "PART", started_at=AT)
    for count, known in ((2, 2), (3, None)):
        result = pages.PageResult(None, f"k{count}", 1, [failed(one) for one in range(count)], [])
        add_page(store, scope_of(number, "CUSTOMER", TO), result, AT)
        assert _not_coupled(store, settings, "CUSTOMER") == known


def test_jobs_are_looked_for_by_all_words_of_their_lines(store: Store, settings: Settings) -> None:
    number = start(store, settings)
    job(store, number, "CUSTOMER", TO, "FAIL", started_at=AT, message="There is no City.")
    job(store, number, "CONTACTS", TO, "OK", started_at=AT)

    def found(*words: str) -> list[str]:
        types = {"run": "full full synchronization"}
        return sorted(one.mapping for one in snapshots.history(store, words=words, types=types))

    assert found() == found(str(number), "full") == found("tointeg") == ["CONTACTS", "CUSTOMER"]
    assert found("city") == found("fail", "cust") == ["CUSTOMER"]
    assert found("city", "contacts") == found("%") == []
