"""An undo whose engine is lost, and runs of other kinds at work, from the command line: who is named, and who waits."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.config import load
from engine.model.snapshot import RunState
from engine.runs import control, coupling
from engine.runs.requests import Match
from engine.store import runs
from engine.store.database import Store
from engine.store.lock import engine_lives, engine_lock
from tests.cli.conftest import Coupler, config, coupler, environment
from tests.cli.test_runs import Servers, eventually, ready, servers, start, status
from tests.runs.company import QUIETLY, engine_of, signal_engine

__all__ = ["config", "coupler", "environment", "ready", "servers", "start"]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def store(ready: Path) -> Iterator[Store]:
    """The store, looked at from beside."""
    found = Store.open(load(ready).store.url)
    yield found
    found.close()


def is_reviewed(store: Store, number: int) -> bool:
    with store.reading() as connection:
        row = runs.get(connection, number)
    return row is not None and bool(row.request["reviewed"])


def test_what_is_broken_off_is_said_waited_for_and_taken_up(
    servers: Servers, coupler: Coupler, start: Start, ready: Path, store: Store
) -> None:
    assert coupler("run", *QUIETLY, timeout=120).returncode in (0, 1)
    process = start("undo", "1", "--yes")
    eventually(lambda: is_reviewed(store, 2))
    with servers.hanging():
        for command in (("match",), ("run", *QUIETLY), ("undo", "1", "--yes"), ("check",)):
            busy = coupler(*command)
            assert busy.returncode == 4, command
            assert "run 2" in busy.stderr, command
        assert "run 2 (undo)" in coupler("match").stderr
        assert "coupler stop 2" in coupler("match").stderr
        signal_engine(ready)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 70
    assert "coupler undo 1" in said
    assert "coupler cancel 2" in said

    shown = coupler("status")
    assert shown.stdout.startswith("undo 2: interrupted")
    assert "coupler undo 1" in shown.stdout
    assert (status(coupler)["run"], status(coupler)["undoes"]) == (2, 1)
    for command in (("sync",), ("match",), ("run", *QUIETLY), ("plan",), ("resume", *QUIETLY), ("resume",)):
        refused = coupler(*command)
        assert (refused.returncode, refused.stdout) == (4, ""), command
        assert "coupler undo 1" in refused.stderr, command
        assert "coupler cancel 2" in refused.stderr, command

    done = coupler("undo", "1", "--yes", "--json", timeout=120)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["type"], result["run"], result["state"], result["exit"]) == ("result", 2, "finished", 0)
    assert not coupler("couplings").stdout
    listed = [line for line in coupler("jobs", "--run", "2").stdout.splitlines() if " CUSTOMER " in line]
    assert listed
    assert any("Undo (" in line and "Undo (0)" not in line for line in listed)
    assert coupler("sync", timeout=120).returncode in (0, 1)


def test_an_undo_can_be_given_up(servers: Servers, coupler: Coupler, start: Start, ready: Path, store: Store) -> None:
    assert coupler("run", *QUIETLY, "--only", "CURRENCY", timeout=120).returncode in (0, 1)
    eventually(lambda: engine_of(ready) == 0)
    with servers.hanging():
        process = start("undo", "1", "--yes")
        eventually(lambda: engine_lives(store))
        signal_engine(ready)
        process.communicate(timeout=60)
    assert coupler("sync").returncode == 4
    asked = coupler("cancel")
    assert (asked.returncode, status(coupler)["state"]) == (2, "interrupted")
    assert "undoes run 1, and there is no terminal to ask on" in asked.stderr
    given_up = coupler("cancel", "--yes")
    assert given_up.returncode == 0, given_up.stderr
    assert "run 2 is cancelled" in given_up.stderr
    assert coupler("sync", timeout=120).returncode in (0, 1)


@pytest.mark.parametrize("kind", ["match", "sync"])
def test_a_run_of_any_kind_is_named_and_found(
    coupler: Coupler, start: Start, ready: Path, store: Store, kind: str
) -> None:
    settings = load(ready)
    if kind == "match":
        number = coupling.start(store, settings, Match(("CUSTOMER",), create=False), by="test")
    else:
        number = control.start(store, settings, kind=kind, by="test")
    with engine_lock(store):
        refused = coupler("match")
        assert (refused.returncode, f"run {number} ({kind})" in refused.stderr) == (4, True), refused.stderr
        assert f"coupler stop {number}" in refused.stderr
        assert coupler("status").stdout.startswith(f"{kind} {number}: running")
        stopper = start("stop")
        eventually(lambda: wish_of(store, number) == "stop")
        with store.writing() as connection:
            runs.change(connection, number, (RunState.RUNNING,), {"state": "stopped"})
    _, said = stopper.communicate(timeout=60)
    assert (stopper.returncode, f"run {number} is stopped" in said) == (0, True), said


def wish_of(store: Store, number: int) -> str:
    with store.reading() as connection:
        row = runs.get(connection, number)
    return "" if row is None else str(row.wish)
