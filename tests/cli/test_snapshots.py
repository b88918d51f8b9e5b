"""What is shown of times, of jobs without an engine, and of the flag in effect: the same on screens and in lines."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.config import Settings
from engine.model.snapshot import JobState, RunState
from engine.runs import control, snapshots
from engine.store import runs, work
from engine.store.database import Store
from engine.store.lock import engine_lock
from engine.store.schema import job as jobs
from engine.sync.context import Clock
from tests.cli.conftest import Coupler
from tests.runs_store.tools import scope_of
from tests.store.tools import FROM, TO, failed
from tui import plain

BEGIN = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
ALL = list(RunState)


def later(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def at(seconds: float) -> Clock:
    return lambda: later(seconds)


@pytest.fixture
def number(store: Store, settings: Settings) -> int:
    """A run whose first job took 30 s and whose second began at 40 s and goes on; the last beat was at 70 s."""
    made = control.start(store, settings, by="me@here", only=("CURRENCY", "SALEPEOPLE"), clock=at(0))
    put_job(store, "CURRENCY", state="OK", started_at=later(5), ended_at=later(35))
    put_job(store, "SALEPEOPLE", state="RUN", started_at=later(40))
    put(store, made, RunState.RUNNING, beat_at=later(70))
    return made


def put(store: Store, number: int, state: RunState, **values: object) -> None:
    with store.writing() as connection:
        assert runs.change(connection, number, ALL, {"state": state.value, **values})


def put_job(store: Store, mapping: str, **values: object) -> None:
    with store.writing() as connection:
        connection.execute(sa.update(jobs).where(jobs.c.mapping == mapping).values(**values))


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.STOPPED, RunState.ASKING])
def test_the_time_is_that_of_the_engines_and_stands_still_without_one(
    store: Store, number: int, state: RunState
) -> None:
    put(store, number, state, worked=50.0)
    found = snapshots.run(store, number, clock=at(90_000))
    assert found.worked == 50
    assert plain.status_lines(found)[0].endswith("took 00:00:50")


def test_a_job_took_what_all_engines_worked_on_it(store: Store, number: int, coupler: Coupler) -> None:
    put_job(store, "SALEPEOPLE", state="OK", started_at=later(6_000), ended_at=later(6_020), spent=30.0)
    listed = coupler("jobs").stdout.splitlines()
    assert next(line for line in listed if " SALEPEOPLE " in line).split()[4] == "00:00:50"


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.STOPPED, RunState.CANCELLED])
def test_no_job_runs_without_an_engine(store: Store, settings: Settings, number: int, state: RunState) -> None:
    put(store, number, state)
    home = snapshots.home(store, settings, clock=at(100))
    assert [one.last_state for one in home.mappings][:2] == [JobState.OK, JobState.STOP]
    assert snapshots.history(store)[0].state is JobState.STOP
    found = snapshots.run(store, number, clock=at(100))
    assert found.jobs[1].passes[0].state is JobState.STOP


def test_a_job_runs_while_its_engine_lives(store: Store, settings: Settings, number: int) -> None:
    with engine_lock(store):
        home = snapshots.home(store, settings, clock=at(100))
        assert [one.last_state for one in home.mappings][:2] == [JobState.OK, JobState.RUN]
        assert snapshots.history(store)[0].state is JobState.RUN


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.STOPPED, RunState.ASKING])
def test_now_is_what_is_in_effect_whatever_is_stored(
    store: Store, settings: Settings, number: int, state: RunState, coupler: Coupler
) -> None:
    put(store, number, state)
    control.set_only_coupled(store, settings, "CURRENCY", value=False, by="me@here")
    control.set_only_coupled(store, settings, "CURRENCY", value=True, by="me@here")
    flags = json.loads(coupler("status", "--json").stdout)["flags"]
    assert [(one["mapping"], one["before"], one["now"]) for one in flags] == [
        ("CURRENCY", True, False),
        ("SALEPEOPLE", True, False),
    ]
    put(store, number, RunState.FINISHED)
    assert all(one["now"] for one in json.loads(coupler("status", "--json").stdout)["flags"])


def test_a_plan_overrides_nothing(store: Store, settings: Settings) -> None:
    plan = snapshots.run(store, control.start(store, settings, kind="plan", by="me@here"))
    assert plan.cleared == ()
    assert all(one.now for one in plan.flags)


def test_status_shows_the_question_and_then_the_answer(store: Store, number: int, coupler: Coupler) -> None:
    put(store, number, RunState.ASKING)
    assert "SALEPEOPLE  on      off  off     on" in coupler("status").stdout
    assert coupler("answer", "no").returncode == 0
    said = coupler("status").stdout
    assert "answer: no, by " in said
    assert "Synch. Only Coupled Records is as before this run" in said


def test_an_answer_needs_no_number(store: Store, number: int, coupler: Coupler) -> None:
    done = coupler("answer", "yes")
    assert (done.returncode, done.stderr) == (
        2,
        "coupler: Run 1 asks nothing.\n  `coupler status` says which run waits for an answer.\n",
    )
    assert "There is no run 7." in coupler("answer", "7", "no").stderr
    for words in ((), ("1",), ("maybe",), ("one", "no"), ("1", "2", "no")):
        assert coupler("answer", *words).returncode == 2
    put(store, number, RunState.ASKING)
    assert coupler("answer", "yes").returncode == 0
    assert snapshots.run(store, number).answer == "yes"
    assert "No run asks anything." in coupler("answer", "no").stderr


def test_a_stopped_run_has_its_advice_once(store: Store, number: int, coupler: Coupler) -> None:
    hint = "Check that the server runs; then resume the run."
    put(store, number, RunState.STOPPED, message="It is down.", hint=hint)
    said = coupler("attach").stderr
    assert "It is down." in said
    assert said.count("coupler resume") == 1
    assert f"{hint} To go on: coupler resume 1" in said
    done = coupler("status")
    assert (done.stdout + done.stderr).count("It is down.") == 1
    put(store, number, RunState.STOPPED, hint="Wait, then `coupler resume`.")
    assert coupler("attach").stderr.count("coupler resume") == 1
    put(store, number, RunState.STOPPED, hint="Look at the cable.")
    assert "Look at the cable." in coupler("attach").stderr


def test_the_records_that_went_wrong_say_their_direction(store: Store, number: int, coupler: Coupler) -> None:
    with store.writing() as connection:
        for one_way in (TO, FROM):
            work.save_outcomes(connection, scope_of(number, "CURRENCY", one_way), [failed(1)], later(50))
    put(store, number, RunState.STOPPED)
    lines = coupler("errors", "--records").stdout.splitlines()
    assert sorted(line.split("\t")[:3] for line in lines) == [
        ["CURRENCY", "->", "failed"],
        ["CURRENCY", "<-", "failed"],
    ]
