"""The log of engines, which each new engine may have to put aside first."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.config import Settings, StoreSettings
from engine.config.notify import Notification
from engine.model.errors import StoreError
from engine.runs import process
from tests.runs.company import eventually
from tests.runs_store.tools import settings_of

LARGE = 5_000_001


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a configuration that is not there, so that what is started ends at once."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return replace(settings_of(tmp_path), notify=(Notification("chat", webhook="http://127.0.0.1:1/"),))


@pytest.fixture
def log(settings: Settings) -> Path:
    path = process.log_path(settings)
    path.touch()
    with path.open("r+b") as file:
        file.truncate(LARGE)
    return path


@pytest.fixture
def spawned(settings: Settings) -> Iterator[Callable[[], None]]:
    pids: list[int] = []
    yield lambda: pids.append(process.spawn(settings, 1))
    eventually(lambda: all(process.gone(pid)[0] for pid in pids))


def test_each_store_has_a_log_of_its_own_whatever_its_password(settings: Settings) -> None:
    def path(url: str) -> Path:
        return process.log_path(replace(settings, store=StoreSettings(url)))

    assert path("sqlite:////a/store.db") != path("sqlite:////b/store.db")
    assert path("postgresql+psycopg://me:old@db/x") == path("postgresql+psycopg://me:new@db/x")
    assert path("sqlite:////a/store.db").name.startswith("engine-uat-")


def test_a_large_log_is_put_aside_for_a_new_engine(log: Path, spawned: Callable[[], None]) -> None:
    spawned()
    assert log.with_suffix(".log.1").stat().st_size == LARGE
    assert log.stat().st_size < LARGE


def test_it_stays_for_a_notifier_as_an_engine_may_be_writing_to_it(log: Path, settings: Settings) -> None:
    process.tell(settings, 1)
    assert not log.with_suffix(".log.1").exists()
    assert log.stat().st_size >= LARGE


def test_one_that_cannot_be_put_aside_is_said_as_what_it_is(log: Path, spawned: Callable[[], None]) -> None:
    (log.with_suffix(".log.1") / "full").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"The engine's log .* cannot be written"):
        spawned()


def test_there_need_be_none(log: Path, spawned: Callable[[], None]) -> None:
    log.unlink()
    spawned()
    assert log.exists()
