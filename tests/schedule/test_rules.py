"""What becomes of an entry, without waiting for it (reference/domain.md section 5.1)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapping.defaults import default_schedule
from engine.mapping.times import next_time
from engine.model.mapping import Direction
from engine.model.schedule import Entry, EntryState, Timing
from engine.model.snapshot import Counters, JobSnapshot, JobState, RunSnapshot, RunState, Wish
from engine.runs.schedule import rules
from engine.runs.schedule.rules import Ended, How

NOW = datetime(2026, 5, 1, 12, 17, tzinfo=UTC)
TURN = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
READY, INACTIVE, ON_HOLD, ERROR = EntryState
TIMING = Timing(timedelta(minutes=30), timedelta(hours=12), 3, timedelta(seconds=30))


def entry(state: EntryState = READY, next_at: datetime | None = NOW, **more: object) -> Entry:
    return Entry("CUSTOMER", state, next_at, NOW, "ops", **more)  # type: ignore[arg-type]


def after(ended: Ended, one: Entry | None = None, timing: Timing = TIMING) -> Entry:
    return rules.after(one or entry(run=7), timing, ended, NOW, next_time)


FAILED = Ended(How.FAILED, result="failed", code="refused", message="There is no page.")
AWAY = Ended(How.AWAY, result="failed", code="connection", message="NAV cannot be reached.")


@pytest.mark.parametrize(
    ("mapping", "every", "timeout"),
    [
        ("CURRENCY", 30, 720), ("SALEPEOPLE", 30, 1440), ("UNITOFMEASURE", 30, 720), ("CUSTOMER", 30, 720),
        ("CONTACTS", 30, 720), ("ITEM-PRODUCT", 30, 1440), ("RESOURCE-PRODUCT", 30, 720),
    ],
)  # fmt: skip
def test_the_defaults_are_those_of_the_job_queue(mapping: str, every: int, timeout: int) -> None:
    found = default_schedule().timings[mapping]
    assert (found.every, found.inactivity_timeout) == (timedelta(minutes=every), timedelta(minutes=timeout))
    assert (found.attempts, found.retry_delay, found.wake_on_change) == (10, timedelta(seconds=30), True)


def test_who_is_due() -> None:
    soon, past = NOW + timedelta(seconds=1), NOW - timedelta(days=3)
    named = {
        "ready": entry(), "late": entry(next_at=past), "inactive": entry(INACTIVE, past), "soon": entry(next_at=soon),
        "sleeps": entry(INACTIVE, soon), "held": entry(ON_HOLD, None), "error": entry(ERROR, None), "runs": entry(run=3),
    }  # fmt: skip
    found = [replace(one, mapping=name) for name, one in named.items()]
    assert rules.due(found, NOW) == ("ready", "late", "inactive")


def test_a_run_that_changed_something_is_followed_by_the_next_turn() -> None:
    done = after(Ended(How.DONE, 3, "3 modified"), entry(run=7, attempts=2, code="x", message="y"))
    assert (done.state, done.next_at, done.run) == (READY, TURN, None)
    assert (done.last_run, done.last_at, done.result) == (7, NOW, "3 modified")
    assert (done.attempts, done.code, done.message) == (0, "", "")


def test_a_run_that_changed_nothing_puts_it_on_hold_with_inactivity_timeout() -> None:
    done = after(Ended(How.DONE, 0, "nothing to do"))
    assert (done.state, done.next_at) == (INACTIVE, NOW + timedelta(hours=12))
    never = after(Ended(How.DONE), timing=replace(TIMING, inactivity_timeout=None))
    assert (never.state, never.next_at) == (READY, TURN)
    short = after(Ended(How.DONE), timing=replace(TIMING, inactivity_timeout=timedelta(minutes=1)))
    assert (short.state, short.next_at) == (READY, TURN), "a timeout that ends before the next turn is no hold"


def test_what_fails_is_tried_again_and_is_in_error_after_the_last_attempt() -> None:
    one = entry(run=7)
    for attempt in (1, 2):
        one = after(FAILED, one)
        assert (one.state, one.attempts, one.next_at) == (READY, attempt, NOW + timedelta(seconds=30))
        one = rules.began(one, 8)
    one = after(FAILED, one)
    assert (one.state, one.attempts, one.next_at) == (ERROR, 3, None)
    assert (one.code, one.message, one.last_run) == ("refused", "There is no page.", 8)


def test_a_server_that_is_away_is_tried_for_ever_with_longer_waits() -> None:
    one, waits = entry(run=7), []
    for _ in range(200):
        one = after(AWAY, one)
        assert one.state is READY
        assert one.next_at is not None
        waits.append((one.next_at - NOW).total_seconds())
        one = rules.began(one, 8)
    assert waits[:6] == [30, 60, 120, 240, 480, 600]
    assert set(waits[5:]) == {600}


def test_attempts_that_failed_for_another_kind_of_reason_do_not_count() -> None:
    one = after(FAILED, entry(run=7, attempts=150, code="connection"))
    assert (one.state, one.attempts) == (READY, 1)
    assert after(AWAY, entry(run=7, attempts=2, code="refused")).attempts == 1


def test_where_going_on_could_do_harm_nothing_is_tried_again() -> None:
    one = after(Ended(How.HARM, code="brake", message="60 couplings have lost a record."))
    assert (one.state, one.next_at, one.attempts) == (ERROR, None, 1)


def test_what_did_not_begin_has_its_turn_again_and_is_no_attempt() -> None:
    before = entry(run=7, attempts=2, code="refused", last_run=5, result="failed")
    one = after(Ended(How.PUT_OFF), before)
    assert (one.state, one.next_at, one.attempts, one.last_run, one.result) == (READY, NOW, 2, 5, "failed")


@given(st.sampled_from(How), st.integers(0, 3), st.integers(0, 20), st.sampled_from([READY, INACTIVE, ON_HOLD]))
def test_no_entry_is_ever_forgotten(how: How, changes: int, attempts: int, state: EntryState) -> None:
    """It has another turn, or waits for an operator, who is told why."""
    at = None if state is ON_HOLD else NOW
    one = after(Ended(how, changes, code="x", message="y"), entry(state, at, run=7, attempts=attempts, code="x"))
    assert one.run is None
    if state is ON_HOLD:
        assert (one.state, one.next_at) == (ON_HOLD, None), "an operator's hold stands"
    elif one.state is ERROR:
        assert one.message
    else:
        assert one.next_at is not None
        assert NOW <= one.next_at <= NOW + timedelta(hours=12)


def test_operators_hold_resume_and_run_now_with_who_and_when() -> None:
    later = NOW + timedelta(hours=1)
    held = rules.held(entry(run=7), later, "anna@pc")
    assert (held.state, held.next_at, held.run) == (ON_HOLD, None, 7)
    assert (held.changed_at, held.changed_by) == (later, "anna@pc")
    broken = entry(ERROR, None, attempts=10, code="refused", message="no")
    resumed = rules.resumed(broken, TIMING, later, "anna@pc", next_time)
    assert (resumed.state, resumed.next_at, resumed.attempts) == (READY, TURN + timedelta(hours=1), 0)
    assert (resumed.message, resumed.changed_by) == ("", "anna@pc")
    now = rules.at_once(entry(INACTIVE, TURN), later, "anna@pc")
    assert (now.state, now.next_at, now.changed_by) == (READY, later, "anna@pc")


def test_after_a_restart_what_is_stored_goes_on() -> None:
    stored = {
        "A": entry(next_at=NOW - timedelta(hours=5)), "B": entry(INACTIVE, NOW + timedelta(hours=3)), "C": entry(ERROR, None),
        "D": entry(ON_HOLD, None), "E": entry(run=9), "OLD": entry(),
    }  # fmt: skip
    stored = {name: replace(one, mapping=name) for name, one in stored.items()}
    timings = dict.fromkeys([*"ABCDE", "NEW"], TIMING) | {"OFF": replace(TIMING, enabled=False)}
    found = rules.settled(stored, timings, NOW, "me", next_time)
    assert {name: found[name] for name in "ABCDE"} == {name: stored[name] for name in "ABCDE"}
    assert found.keys() == {*"ABCDE", "NEW"}
    assert (found["NEW"].state, found["NEW"].next_at) == (READY, NOW)
    assert rules.due(found.values(), NOW) == ("A", "NEW"), "what was missed is done once"


def test_no_turn_is_later_than_the_configuration_says() -> None:
    far = NOW + timedelta(days=40)
    found = rules.settled(
        {"A": entry(next_at=far), "B": entry(INACTIVE, far)}, {"A": TIMING, "B": TIMING}, NOW, "me", next_time
    )
    assert (found["A"].next_at, found["B"].next_at) == (TURN, NOW + timedelta(hours=12))
    awake = replace(TIMING, inactivity_timeout=None)
    woken = rules.settled({"B": entry(INACTIVE, far)}, {"B": awake}, NOW, "me", next_time)["B"]
    assert (woken.state, woken.next_at) == (READY, TURN)


def run_of(state: RunState, code: str = "", *, job: JobState = JobState.STOP, failed: int = 0) -> RunSnapshot:
    counters = Counters(read=5, modified=2, failed=failed)
    one = JobSnapshot(4, "CUSTOMER", Direction.BIDIRECTIONAL, job, counters, 5, True, None, None, (), "no page")
    return RunSnapshot(
        id=7, kind="sync", state=state, wish=Wish.RUN, paused=False, environment="uat", nav="", crm="", started=NOW, ended=NOW,
        now=NOW, beat=None, waiting="", code=code, message="It says so.", hint="Do this.", answer=None, answered_by=None,
        answered_at=None, jobs=(one,), flags=(), events=(),
    )  # fmt: skip


STOPPED, FINISHED, INTERRUPTED = RunState.STOPPED, RunState.FINISHED, RunState.INTERRUPTED


@pytest.mark.parametrize(
    ("run", "how"),
    [
        (run_of(FINISHED, job=JobState.OK), How.DONE),
        (run_of(FINISHED, job=JobState.PART, failed=1), How.DONE),
        (run_of(FINISHED, job=JobState.FAIL), How.FAILED),
        (run_of(FINISHED, job=JobState.SKIP), How.SKIPPED),
        (run_of(STOPPED, "connection", job=JobState.OK), How.DONE),
        (run_of(STOPPED, "connection"), How.AWAY),
        (run_of(STOPPED, "store"), How.AWAY),
        (run_of(STOPPED, "access"), How.FAILED),
        (run_of(STOPPED, "internal"), How.FAILED),
        (run_of(STOPPED, "config"), How.AWAY),
        (run_of(STOPPED, "brake"), How.HARM),
        (run_of(STOPPED, "on_hold"), How.PUT_OFF),
        (run_of(STOPPED, "stopped"), How.SKIPPED),
        (run_of(RunState.CANCELLED, "cancelled"), How.SKIPPED),
        (run_of(INTERRUPTED), How.FAILED),
    ],
)
def test_what_the_end_of_a_run_means(run: RunSnapshot, how: How) -> None:
    found = rules.ended_of(run, "CUSTOMER")
    assert found.how is how
    if how in (How.FAILED, How.AWAY, How.HARM):
        assert found.message
        assert found.code


def test_what_is_counted_as_a_change() -> None:
    found = rules.ended_of(run_of(FINISHED, job=JobState.PART, failed=1), "CUSTOMER")
    assert (found.changes, found.result) == (3, "2 modified, 1 failed")


def test_how_the_engine_ended_says_why_it_said_nothing() -> None:
    gone = run_of(INTERRUPTED)
    assert rules.ended_of(gone, "CUSTOMER", exit_code=3).how is How.AWAY
    assert rules.ended_of(gone, "CUSTOMER", exit_code=2).code == "config"
    assert rules.ended_of(gone, "CUSTOMER", exit_code=4).how is How.PUT_OFF
    assert rules.ended_of(gone, "CUSTOMER", exit_code=-9).how is How.FAILED
    assert rules.ended_of(run_of(STOPPED, "stopped"), "CUSTOMER", ours=True).how is How.PUT_OFF
