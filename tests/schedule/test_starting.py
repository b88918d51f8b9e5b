"""Starting a process that keeps the schedule, as screens do."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.config import Settings
from engine.model.errors import LockHeld, RunError, StoreError
from engine.runs import process
from engine.runs.schedule import starting
from engine.store import schedule
from engine.store.database import Store
from engine.store.lock import schedule_lock
from tests.runs_store.tools import settings_of


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a configuration that is not there, so that what is started ends at once."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return replace(settings_of(tmp_path), path=tmp_path / "not-there.toml")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(f"sqlite:///{tmp_path}/store.db")
    yield made
    made.close()


def test_where_one_keeps_it_no_other_is_started_and_it_says_who_and_since_when(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    with schedule_lock(store):
        with store.writing() as connection:
            schedule.keep(connection, "otto@pc, process 7", datetime(2026, 3, 12, 12, 4, tzinfo=UTC))
        with pytest.raises(LockHeld, match="otto@pc, process 7, since 2026-03-12T12:04:00Z"):
            starting.start(store, settings)
    assert not (tmp_path / "state").exists()


def test_one_that_ends_at_once_says_why_and_not_why_an_earlier_one_did(store: Store, settings: Settings) -> None:
    log = process.log_path(settings, "schedule")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("coupler: what kept another one from it\n")
    with pytest.raises(RunError, match=r"ended as soon as it was started\. .*not-there\.toml") as caught:
        starting.start(store, settings)
    assert "another one" not in caught.value.message
    assert str(log) in caught.value.hint


def test_a_log_that_cannot_be_written_is_told_before_anything_is_started(store: Store, settings: Settings) -> None:
    process.log_path(settings, "schedule").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"The schedule's log .* cannot be written"):
        starting.start(store, settings)
