"""An engine as a process: it holds the lock for its life, works as its run wants it, and hears signals."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.config import Settings, StoreSettings
from engine.config.notify import Notification
from engine.model.errors import ConfigError, LockHeld, StoreError
from engine.model.snapshot import RunState
from engine.runs import control, coupling, notifier, process, undoing
from engine.runs.full import FullSynchronization
from engine.runs.notifier import Means
from engine.runs.requests import Match
from engine.store.database import Store
from engine.store.lock import engine_lives, engine_lock
from tests.runs.company import eventually
from tests.runs_store.tools import put, row_of

Work = Callable[[FullSynchronization], Awaitable[None]]


@pytest.fixture
def own(settings: Settings, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of the store of the test. What an engine does to the memory of its process is left out, as it is ours."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(process, "gc", SimpleNamespace(freeze=int, set_threshold=int))
    return replace(settings, store=StoreSettings(url))


def working(monkeypatch: pytest.MonkeyPatch, work: Work) -> None:
    """Engines do this, and nothing else."""
    monkeypatch.setattr(FullSynchronization, "work", work)


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_engine_holds_the_lock_as_long_as_it_works(
    store: Store, own: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    number = control.start(store, own, by="me")
    lived: list[bool] = []

    async def work(_: FullSynchronization) -> None:
        lived.append(engine_lives(store))

    working(monkeypatch, work)
    assert process.main(own, number) is None
    assert (lived, engine_lives(store)) == ([True], False)
    assert [(one["event"], one["run"]) for one in said(capsys)] == [
        ("engine started", number),
        ("engine ended", number),
    ]


def test_an_engine_that_does_not_get_the_lock_does_nothing_and_says_so(
    store: Store, own: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    number = control.start(store, own, by="me")
    before = row_of(store, number)

    async def work(_: FullSynchronization) -> None:
        raise AssertionError("it works beside another one")

    working(monkeypatch, work)
    with engine_lock(store):
        failed = process.main(own, number)
    assert isinstance(failed, LockHeld)
    assert row_of(store, number) == before
    assert [(one["event"], one["code"]) for one in said(capsys)] == [("engine failed", LockHeld.code)]


def test_the_lock_is_free_after_an_engine_that_failed(
    store: Store, own: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    number = control.start(store, own, by="me")

    async def work(_: FullSynchronization) -> None:
        raise StoreError("The disk is full.", "Make room.")

    working(monkeypatch, work)
    failed = process.main(own, number)
    assert (str(failed), engine_lives(store)) == ("The disk is full.", False)
    assert said(capsys)[-1]["hint"] == "Make room."


def test_each_kind_of_run_has_an_engine_of_its_own(
    store: Store, own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = control.start(store, own, by="me")
    put(store, full, RunState.FINISHED)
    matching = coupling.start(store, own, Match(("CUSTOMER",)), by="me")
    undo = undoing.start(store, own, full, dry=False, by="me")
    worked: list[str] = []

    async def work(engine: FullSynchronization) -> None:
        worked.append(type(engine).__name__)

    working(monkeypatch, work)
    for number in (full, matching, undo):
        assert process.main(own, number) is None
    assert worked == ["FullSynchronization", "CouplingRun", "Undoing"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_an_operators_stop_and_a_closed_terminal_is_nothing(
    store: Store, own: Settings, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    run = control.start(store, own, by="me")
    wishes: list[str] = []

    async def work(_: FullSynchronization) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.05)
        wishes.append(row_of(store, run)["wish"])
        os.kill(os.getpid(), number)
        async with asyncio.timeout(20):
            while row_of(store, run)["wish"] == "run":  # noqa: ASYNC110 - a store has no event for it
                await asyncio.sleep(0.01)
        wishes.append(row_of(store, run)["wish"])

    working(monkeypatch, work)
    assert process.main(own, run) is None
    assert wishes == ["run", "stop"]


def test_a_signal_to_an_engine_whose_run_has_just_ended_is_nothing_to_tell(
    store: Store,
    own: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = control.start(store, own, by="me")

    async def work(_: FullSynchronization) -> None:
        put(store, run, RunState.FINISHED)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.2)

    working(monkeypatch, work)
    assert process.main(own, run) is None
    assert row_of(store, run)["wish"] == "run"
    assert [one["level"] for one in said(capsys)] == ["info", "info"]
    assert [one.message for one in caplog.records if one.name == "asyncio"] == []


def test_an_engine_that_cannot_read_the_configuration_leaves_all_that_it_knows_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    process.refused(7, ConfigError("Two faults.", "Mend them.", ("The first fault.", "The second fault.")))
    (line,) = said(capsys)
    assert (line["run"], line["code"], line["message"], line["hint"]) == (7, "config", "The first fault.", "Mend them.")
    assert "environment" not in line, "nobody knows of which one"


# Whether a process is gone.


def test_a_process_is_gone_when_it_has_ended_and_not_before() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read(); sys.exit(3)"], stdin=subprocess.PIPE)
    assert process.gone(child.pid) == (False, None)
    assert child.stdin is not None
    child.stdin.close()
    ended: list[int | None] = []

    def gone() -> bool:
        there, code = process.gone(child.pid)
        ended.append(code)
        return there

    eventually(gone)
    assert ended[-1] == 3
    child.returncode = 3
    assert process.gone(child.pid) == (True, None), "nobody knows any more how it ended"
    assert process.gone(os.getppid()) == (False, None), "one that we did not start"


# Notifiers.


def told(settings: Settings) -> Settings:
    return replace(settings, notify=(Notification("chat", webhook="http://127.0.0.1:1/"),))


def test_no_notifier_is_started_where_nobody_is_to_be_told(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[list[str]] = []

    def begin(_settings: Settings, words: list[str], _log: int, **_: object) -> int:
        begun.append(words)
        return 1

    monkeypatch.setattr(process, "_begin", begin)
    process.tell(own, 7)
    process.spawn(own, 7)
    assert begun == [["engine", "7"]]
    process.spawn(told(own), 8)
    process.tell(told(own), 9)
    assert begun[1:] == [["engine", "8"], ["notifier", "8"], ["notifier", "9"]]


def test_a_notifier_waits_for_the_end_of_its_engine_however_that_comes(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: dict[str, int] = {}

    def begin(_settings: Settings, words: list[str], _log: int, *, waits: int = -1, held: tuple[int, ...] = ()) -> int:
        ends[words[0]] = os.dup(held[0] if held else waits)
        return 1

    monkeypatch.setattr(process, "_begin", begin)
    process.spawn(told(own), 7)
    os.set_blocking(ends["notifier"], False)
    with pytest.raises(BlockingIOError):
        os.read(ends["notifier"], 1)
    os.close(ends["engine"])
    assert os.read(ends["notifier"], 1) == b"", "the starter holds no end of it"
    os.close(ends["notifier"])


def test_a_run_starts_though_no_notifier_can_be(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> tuple[int, int]:
        raise OSError(24, "too many open files")

    begun: list[list[str]] = []

    def begin(_settings: Settings, words: list[str], _log: int, **_: object) -> int:
        begun.append(words)
        return 1

    monkeypatch.setattr(process, "_begin", begin)
    monkeypatch.setattr(os, "pipe", none_left)
    assert process.spawn(told(own), 7) == 1
    assert begun == [["engine", "7"]]


def test_a_large_log_is_put_aside_for_an_engine_and_not_for_a_notifier(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = process.log_path(own)
    log.touch()
    os.truncate(log, 5_000_001)
    monkeypatch.setattr(process, "_begin", lambda *_, **__: 1)
    process.tell(told(own), 7)
    assert log.stat().st_size == 5_000_001
    process.spawn(own, 7)
    assert (log.stat().st_size, log.with_suffix(".log.1").stat().st_size) == (0, 5_000_001)
    process.spawn(own, 8)
    assert log.with_suffix(".log.1").stat().st_size == 5_000_001, "a small one stays where it is"


def test_a_notifier_hurries_when_it_is_ended_and_outlives_a_terminal(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried: list[bool] = []

    async def accompany(_settings: Settings, _run: int, _gone: object, means: Means) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.05)
        hurried.append(means.hurry.is_set())
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(20):
            await means.hurry.wait()
        hurried.append(True)

    monkeypatch.setattr(notifier, "accompany", accompany)
    assert process.notify(own, 1) is None
    assert hurried == [False, True]


def test_what_keeps_a_notifier_from_telling_is_in_the_log(
    own: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def accompany(*_: object) -> None:
        raise StoreError("The store is gone.", "Bring it back.")

    monkeypatch.setattr(notifier, "accompany", accompany)
    assert isinstance(process.notify(own, 1), StoreError)
    assert [(one["event"], one["message"]) for one in said(capsys)] == [("notifier failed", "The store is gone.")]
