"""What is told of a run in each of its states, and what is not."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.config import Settings
from engine.model.mapping import Direction
from engine.model.snapshot import JobState, RunState
from engine.runs import control, snapshots
from engine.runs.telling import Told, told, trial, without_store
from engine.store.database import Store
from engine.store.pages import PageResult
from tests.runs_store.tools import add_page, at, put, scope_of, set_job, settings_of
from tests.store.tools import done, failed, later

TO = Direction.TO_INTEGRATION_TABLE


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of the user's own config file."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return settings_of(tmp_path / "coupler")


def ended(store: Store, settings: Settings, state: RunState, kind: str = "run", **values: Any) -> int:
    number = control.start(store, settings, kind=kind, by="me@here", clock=at(0))
    put(store, number, state, beat_at=later(50), ended_at=later(60), **values)
    return number


def event(store: Store, settings: Settings, number: int) -> Told:
    found = told(settings, snapshots.run(store, number, clock=at(100)))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("state", "code", "name"),
    [
        (RunState.ASKING, "", "asking"),
        (RunState.FINISHED, "", "ended"),
        (RunState.CANCELLED, "cancelled", "ended"),
        (RunState.STOPPED, "stopped", "ended"),
        (RunState.STOPPED, "connection", "failed"),
        (RunState.STOPPED, "internal", "failed"),
        (RunState.RUNNING, "", "failed"),
    ],
)
def test_each_state_of_a_run_is_an_event(
    store: Store, settings: Settings, state: RunState, code: str, name: str
) -> None:
    found = event(store, settings, ended(store, settings, state, code=code))
    shown = "interrupted" if state is RunState.RUNNING else state.value
    assert (found.event, found.values["state"], found.values["code"]) == (name, shown, code)
    assert found.last == (state in (RunState.FINISHED, RunState.CANCELLED))


def test_a_run_that_goes_on_is_nothing_to_tell(store: Store, settings: Settings) -> None:
    number = control.start(store, settings, by="me", clock=at(0))
    assert told(settings, snapshots.run(store, number, clock=at(1))) is None


def test_a_run_that_came_to_its_end_with_a_failed_job_has_failed(store: Store, settings: Settings) -> None:
    number = ended(store, settings, RunState.FINISHED, kind="sync")
    set_job(store, scope_of(number, "CUSTOMER", TO), state=JobState.FAIL.value)
    found = event(store, settings, number)
    assert (found.event, found.values["failed_jobs"]) == ("failed", 1)
    assert "1 of 7 jobs failed" in found.values["text"]


def test_the_event_has_numbers_and_the_commands_that_go_on(store: Store, settings: Settings) -> None:
    number = ended(store, settings, RunState.ASKING)
    outcomes = [*map(done, range(5)), *map(failed, range(5, 7))]
    add_page(store, scope_of(number, "CUSTOMER", TO), PageResult(None, "k", 12, outcomes, []))
    values = event(store, settings, number).values
    assert values["run"] == number
    assert (values["company"], values["environment"], values["kind"]) == ("CRONUS", "uat", "run")
    assert values["at"] == f"{later(60):%Y-%m-%dT%H:%M:%SZ}"
    assert (values["counters"]["read"], values["counters"]["inserted"], values["counters"]["failed"]) == (12, 5, 2)
    assert values["go_on"] == [f"coupler answer {number} yes", f"coupler answer {number} no"]
    assert values["text"] == (
        f"Coupler (uat, CRONUS): run {number} waits for its answer (asking). 12 records read, 5 created, 0 updated, "
        f"0 coupled, 2 failed. coupler answer {number} yes or coupler answer {number} no"
    )


@pytest.mark.parametrize(
    ("kind", "state", "ways"),
    [
        ("run", RunState.STOPPED, ["coupler resume 1", "coupler cancel 1"]),
        ("run", RunState.RUNNING, ["coupler resume 1", "coupler cancel 1"]),
        ("sync", RunState.STOPPED, ["coupler status 1"]),
        ("run", RunState.FINISHED, ["coupler status 1"]),
    ],
)
def test_how_to_go_on(store: Store, settings: Settings, kind: str, state: RunState, ways: list[str]) -> None:
    assert event(store, settings, ended(store, settings, state, kind=kind)).values["go_on"] == ways


def test_the_commands_name_a_config_file_that_is_not_the_users_own(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    elsewhere = replace(settings, path=tmp_path / "two words" / "config.toml")
    number = ended(store, elsewhere, RunState.ASKING)
    values = event(store, elsewhere, number).values
    named = f"--config '{elsewhere.path}'"
    assert values["go_on"] == [f"coupler answer {number} yes {named}", f"coupler answer {number} no {named}"]
    assert values["text"].endswith(f" coupler answer {number} yes {named} or coupler answer {number} no {named}")
    assert without_store(elsewhere, number, "run", later(60)).values["go_on"] == [f"coupler status {number} {named}"]


def test_nothing_of_what_servers_said_or_of_addresses_is_in_it(store: Store, settings: Settings) -> None:
    number = ended(
        store,
        settings,
        RunState.STOPPED,
        code="refused",
        message="'Adatum Corporation' exists",
        hint="Ask Adatum",
        waiting="Adatum",
    )
    set_job(store, scope_of(number, "CUSTOMER", TO), state=JobState.FAIL.value, message="Adatum Corporation")
    text = json.dumps(event(store, settings, number).values)
    assert "Adatum" not in text
    assert "example" not in text, "the addresses of both systems"


def test_what_happened_has_the_same_id_whenever_it_is_told_and_another_one_when_it_happens_again(
    store: Store, settings: Settings
) -> None:
    number = ended(store, settings, RunState.STOPPED, code="connection")
    first = event(store, settings, number).id
    assert event(store, settings, number).id == first
    put(store, number, ended_at=later(90))
    assert event(store, settings, number).id != first


def test_an_engine_that_dies_at_once_after_it_was_resumed_is_told_anew(store: Store, settings: Settings) -> None:
    number = ended(store, settings, RunState.RUNNING)
    first = event(store, settings, number)
    control.resume(store, settings, number, clock=at(80))
    second = event(store, settings, number)
    assert second.event == first.event == "failed"
    assert second.id != first.id
    assert second.values["at"] == f"{later(80):%Y-%m-%dT%H:%M:%SZ}"
    put(store, number, beat_at=later(90))
    assert event(store, settings, number).values["at"] == f"{later(90):%Y-%m-%dT%H:%M:%SZ}"


def test_an_answer_ends_a_run_and_is_told(store: Store, settings: Settings) -> None:
    number = ended(store, settings, RunState.ASKING)
    control.answer(store, number, yes=False, by="op", clock=at(80))
    found = event(store, settings, number)
    assert (found.event, found.values["answer"]) == ("ended", "no")
    assert found.values["at"] == f"{later(80):%Y-%m-%dT%H:%M:%SZ}"


def test_without_the_store_it_is_told_that_the_engine_has_ended(settings: Settings) -> None:
    found = without_store(settings, 7, "run", later(5))
    assert (found.event, found.values["run"], found.values["code"], found.last) == ("failed", 7, "store", False)
    assert "The state store cannot be read." in found.values["text"]


def test_a_test_names_no_run(settings: Settings) -> None:
    found = trial(settings, later(0))
    assert (found.event, found.values["run"]) == ("test", None)
