"""One engine at a time: a lock that its holder cannot leave behind."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.model.errors import LockHeld, StoreError
from engine.store import lock
from engine.store.database import Store
from engine.store.lock import LockLost, engine_lives, engine_lock, schedule_lives, schedule_lock
from tests.store.postgres import Cluster
from tests.store.tools import couple, pair

ROOT = Path(__file__).parents[2]


class Holder:
    """An engine in another process."""

    def __init__(self, url: str) -> None:
        command = [sys.executable, "-m", "tests.store.holder", url]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def hears(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def holders(url: str, store: Store) -> Iterator[list[Holder]]:
    """Two engines that have opened the store and are about to take the lock."""
    found = [Holder(url) for _ in range(2)]
    assert [one.hears() for one in found] == ["ready"] * 2
    yield found
    for one in found:
        one.end()


def test_without_an_engine_the_lock_is_free(store: Store) -> None:
    assert not engine_lives(store)


def test_of_engines_that_start_at_once_exactly_one_works(store: Store, holders: list[Holder]) -> None:
    for one in holders:
        one.go()
    words = [one.hears() for one in holders]
    assert sorted(words) == ["held", "refused"]
    assert engine_lives(store)
    winner = holders[words.index("held")]
    winner.go()
    assert winner.hears() == "gone"
    assert not engine_lives(store)


def test_an_engine_that_is_killed_leaves_no_lock(store: Store, holders: list[Holder]) -> None:
    first, second = holders
    first.go()
    assert first.hears() == "held"
    assert engine_lives(store)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(10)
    if store.engine.dialect.name == "postgresql":
        wait_until_free(store)
    assert not engine_lives(store)
    second.go()
    assert second.hears() == "held"


def wait_until_free(store: Store) -> None:
    """A server notices the end of a connection a moment later."""
    for _ in range(1000):
        if not engine_lives(store):
            return
        with store.reading() as connection:
            connection.execute(sa.text("SELECT pg_sleep(0.005)"))


def test_an_engine_that_is_frozen_still_holds_its_lock(store: Store, holders: list[Holder]) -> None:
    one = holders[0]
    one.go()
    assert one.hears() == "held"
    one.process.send_signal(signal.SIGSTOP)
    assert engine_lives(store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lock, "_PATIENCE", 0)
        with pytest.raises(LockHeld) as caught, engine_lock(store):
            pass
    assert "coupler attach" in caught.value.hint


def test_the_store_works_as_ever_while_the_lock_is_held_and_after(store: Store) -> None:
    with engine_lock(store):
        couple(store, pair(1))
        assert engine_lives(store)
    couple(store, pair(2))
    assert not engine_lives(store)
    with engine_lock(store):
        assert engine_lives(store)


def test_the_schedule_has_a_lock_of_its_own(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_PATIENCE", 0)
    assert not schedule_lives(store)
    with schedule_lock(store) as guard, store.writing() as connection:
        guard(connection)
        assert schedule_lives(store)
        assert not engine_lives(store)
        with engine_lock(store):
            assert engine_lives(store)
        with pytest.raises(LockHeld, match="schedule"), schedule_lock(store):
            pass
        assert schedule_lives(store)
    assert not schedule_lives(store)


def test_an_engine_that_fails_gives_the_lock_back_and_its_error_on(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), engine_lock(store):
        raise ZeroDivisionError
    assert not engine_lives(store)


# Files.


def test_the_lock_is_a_private_file_beside_the_database(sqlite_url: str) -> None:
    store = Store.open(sqlite_url)
    with engine_lock(store):
        (path,) = Path(store.engine.url.database or "").parent.glob("*.lock")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store.close()


def test_looking_makes_no_file(sqlite_url: str) -> None:
    store = Store.open(sqlite_url)
    assert not engine_lives(store)
    assert not list(Path(store.engine.url.database or "").parent.glob("*.lock"))
    store.close()


def test_a_link_in_place_of_the_lock_is_refused_in_words(sqlite_url: str, tmp_path: Path) -> None:
    store = Store.open(sqlite_url)
    target = tmp_path / "target"
    Path(f"{store.engine.url.database}.lock").symlink_to(target)
    with pytest.raises(StoreError, match="cannot be used") as caught, engine_lock(store):
        pass
    assert not isinstance(caught.value, LockHeld)
    with pytest.raises(StoreError, match="cannot be used"):
        engine_lives(store)
    assert not target.exists()
    store.close()


def test_a_screen_that_looks_does_not_keep_an_engine_from_starting(sqlite_url: str) -> None:
    """Looking takes the lock in common for a moment; an engine waits that out."""
    import fcntl

    store = Store.open(sqlite_url)
    with engine_lock(store):
        pass
    looking = os.open(f"{store.engine.url.database}.lock", os.O_RDWR)
    fcntl.flock(looking, fcntl.LOCK_SH)
    assert not engine_lives(store), "who looks is no engine"
    began, held = threading.Event(), threading.Event()

    def start() -> None:
        began.set()
        with engine_lock(store):
            held.set()

    thread = threading.Thread(target=start)
    thread.start()
    assert began.wait(10)
    assert not held.wait(0.1)
    os.close(looking)
    assert held.wait(10)
    thread.join(10)
    store.close()


# A server.


@pytest.fixture
def server(cluster: Cluster) -> Iterator[Store]:
    one = Store.open(cluster.new_database())
    yield one
    one.close()


def test_the_key_is_negative_or_not_and_found_all_the_same(server: Store) -> None:
    """hashtext gives 32 bits with a sign; pg_locks shows the key as two halves without one."""
    with server.reading() as connection:
        key = connection.scalar(sa.text("SELECT hashtext('coupler engine')::bigint"))
        texts = connection.execute(sa.text("SELECT hashtext('coupler ' || n)::bigint FROM generate_series(1, 20) n"))
        keys = [key, *texts.scalars(), -1, -(2**31), 2**31 - 1, 0]
        assert min(keys) < 0 < max(keys)
        for one in keys:
            connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": one})
            query = sa.text(str(lock._HOLDERS).replace("hashtext(:name)", f"({one})"))
            assert connection.scalar(query) == 1
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": one})
            assert connection.scalar(query) == 0


def test_other_locks_of_the_server_are_no_engine(server: Store, cluster: Cluster) -> None:
    other = Store.open(cluster.new_database())
    with server.reading() as connection, engine_lock(other):
        key = int(connection.scalar(sa.text("SELECT hashtext('coupler engine')")))
        halves = {"upper": -1 if key < 0 else 0, "lower": key}
        connection.execute(sa.text("SELECT pg_advisory_lock(:upper, :lower)"), halves)
        connection.execute(sa.text("SELECT pg_advisory_lock(hashtext('something else'))"))
        assert engine_lives(other)
        assert not engine_lives(server)
        connection.execute(sa.text("SELECT pg_advisory_unlock_all()"))
    other.close()


def test_the_lock_holds_no_transaction_and_its_connection_is_not_used_for_anything_else(server: Store) -> None:
    with engine_lock(server), server.reading() as connection:
        states = sa.text(
            "SELECT a.state FROM pg_stat_activity a JOIN pg_locks l USING (pid) WHERE l.locktype = 'advisory'"
        )
        assert connection.scalars(states).all() == ["idle"]
    assert not engine_lives(server)


def test_a_lock_whose_connection_is_lost_is_gone_and_ends_without_another_error(server: Store) -> None:
    with engine_lock(server):
        with server.reading() as connection:
            connection.execute(
                sa.text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
            )
            wait_until_free(server)
        assert not engine_lives(server)
    with engine_lock(server):
        assert engine_lives(server)


def test_who_keeps_the_schedule_learns_that_its_lock_is_lost(server: Store) -> None:
    with schedule_lock(server) as guard, server.reading() as connection:
        guard(connection)
        connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        )
        deadline = time.monotonic() + 10
        while schedule_lives(server) and time.monotonic() < deadline:
            time.sleep(0.05)
        with pytest.raises(LockLost):
            guard(connection)
