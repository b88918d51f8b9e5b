"""Snapshots for those who ask again and again: as those that are read anew, without reading the store for it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.config import Settings
from engine.model.snapshot import RunState as State
from engine.runs import snapshots
from engine.runs.detail import detail
from engine.runs.unchanged import Unchanged
from engine.store import troubles
from engine.store.database import Store
from engine.store.lock import engine_lock
from tests.runs_store.tools import at, put
from tests.store.tools import AT, CUSTOMER, TO, couple, failed, later, new_run, pair


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which snapshots were read."""
    made: list[str] = []

    def noted(name: str, read: Callable[..., Any]) -> Callable[..., Any]:
        def call(*asked: Any, **named: Any) -> Any:
            made.append(name)
            return read(*asked, **named)

        return call

    for name in ("home", "run"):
        monkeypatch.setattr(snapshots, name, noted(name, getattr(snapshots, name)))
    return made


def test_what_anybody_writes_is_seen_and_nothing_is_read_anew_for_less(
    store: Store, settings: Settings, reads: list[str]
) -> None:
    asked = Unchanged(store, clock=at(60))
    number = new_run(store)
    put(store, number, State.FINISHED, ended_at=AT)

    def write() -> None:
        with store.writing() as connection:
            troubles.note(connection, CUSTOMER, TO, [replace(failed(1), set_aside=True)], number, AT)

    changes: list[Callable[[], object]] = [lambda: None, lambda: couple(store, pair(1)), write]
    for change in changes:
        change()
        home, mapping, run = asked.home(settings), asked.mapping(settings, CUSTOMER), asked.run(number)
        assert home == snapshots.home(store, settings, clock=at(60))
        assert mapping == detail(store, settings, CUSTOMER, clock=at(60))
        assert run == snapshots.run(store, number, clock=at(60))
        reads.clear()
        assert (asked.home(settings), asked.mapping(settings, CUSTOMER), asked.run(number)) == (home, mapping, run)
        assert not reads
    home, mapping, run = asked.home(settings), asked.mapping(settings, CUSTOMER), asked.run(number)
    assert (home.mappings[3].coupled, mapping.ledger.skipped, run.left_alone) == (1, 1, 1)


def test_the_time_of_day_goes_on(store: Store, settings: Settings, reads: list[str]) -> None:
    now = AT
    asked = Unchanged(store, clock=lambda: now)
    number = new_run(store)
    put(store, number, State.STOPPED)
    asked.home(settings), asked.mapping(settings, CUSTOMER), asked.run(number)
    reads.clear()
    now += timedelta(days=1)
    home, mapping, run = asked.home(settings), asked.mapping(settings, CUSTOMER), asked.run(number)
    assert not reads
    assert home.active is not None and home.last_run is not None and mapping.holds is not None
    told = (home.now, home.active.now, home.last_run.now, mapping.now, mapping.holds.now, run.now)
    assert set(told) == {now}


def test_other_settings_and_other_questions_have_their_own_answers(store: Store, settings: Settings) -> None:
    asked = Unchanged(store)
    first, second = new_run(store, "sync"), new_run(store, "plan")
    for number in (first, second):
        put(store, number, State.FINISHED, ended_at=AT)
    assert [asked.run(one).id for one in (first, second, first)] == [first, second, first]
    for name in (CUSTOMER, "CURRENCY"):
        assert asked.mapping(settings, name).standing.name == name
    assert asked.home(settings).environment == "uat"
    assert asked.home(replace(settings, environment="prod")).environment == "prod"


def test_an_engine_that_dies_without_a_word_is_seen(store: Store, settings: Settings) -> None:
    asked = Unchanged(store, clock=at(60))
    number = new_run(store)
    put(store, number, beat_at=later(59))
    with engine_lock(store):
        assert asked.run(number).state is State.RUNNING
    for _ in range(2):
        assert asked.run(number).state is State.INTERRUPTED
        active = asked.home(settings).active
        assert active is not None and active.state is State.INTERRUPTED
    with engine_lock(store):
        assert asked.run(number).state is State.RUNNING


def test_a_run_whose_engine_never_came_is_interrupted_in_time(store: Store, settings: Settings) -> None:
    now = AT
    asked = Unchanged(store, clock=lambda: now)
    number = new_run(store)
    assert asked.run(number).state is State.RUNNING
    assert asked.mapping(settings, CUSTOMER).holds is not None
    now = later(31)
    assert asked.run(number).state is State.INTERRUPTED
    active, holds = asked.home(settings).active, asked.mapping(settings, CUSTOMER).holds
    assert active is not None and active.state is State.INTERRUPTED
    assert holds is not None and holds.state is State.INTERRUPTED
