"""The locks that an engine, and the keeper of the schedule, hold for life: dropped by the kernel, or by the database
server, when their holder dies.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from engine.model.errors import LockHeld, StoreError
from engine.store.database import Store

_PATIENCE = 2.0
"""Seconds that a new engine waits for screens that are just looking whether the lock is free."""

Guard = Callable[[sa.Connection], None]


@dataclass(frozen=True, slots=True)
class _Lock:
    """One of the locks of a store: the name of an advisory lock, and what the name of its file ends with."""

    name: str
    suffix: str
    held: str
    advice: str


_ENGINE = _Lock(
    "coupler engine",
    ".lock",
    "Another engine works on this state store.",
    "Watch it with `coupler attach`, or stop it with `coupler stop` before you start another.",
)
_SCHEDULE = _Lock(
    "coupler schedule",
    ".schedule.lock",
    "Another process keeps the schedule of this state store.",
    "`coupler schedule list` shows it, `coupler schedule stop` ends it.",
)

_TAKE = sa.text("SELECT pg_try_advisory_lock(hashtext(:name))")
_UNLOCK = sa.text("SELECT pg_advisory_unlock(hashtext(:name))")
# A lock by one bigint is shown as its two halves, unsigned, with objsubid 1; those of a negative key are joined by
# bits, because the upper half, all ones, does not fit otherwise.
_HOLDERS = sa.text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND ((classid::bigint << 32) | objid::bigint) = hashtext(:name)::bigint"
)

_OWN = sa.text(f"{_HOLDERS.text} AND pid = :pid")
# not each version has this setting; the session does nothing but hold the lock
_IDLE = sa.text("SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'")


class LockLost(StoreError):
    """The lock of this process is gone while it works, so that another one may begin."""


@contextmanager
def engine_lock(store: Store) -> Iterator[None]:
    """Hold the lock of the store; raises LockHeld when another engine has it, StoreError when nobody can tell."""
    with _held(store, _ENGINE) as guard:
        before, store.guard = store.guard, guard
        try:
            yield
        finally:
            store.guard = before


def schedule_lock(store: Store) -> AbstractContextManager[Guard]:
    """Hold the lock of who keeps the schedule; what is given raises LockLost once that is gone.

    Raises LockHeld when another process has it, StoreError when nobody can tell.
    """
    return _held(store, _SCHEDULE)


def engine_lives(store: Store) -> bool:
    """Whether an engine holds the lock of the store; raises StoreError when nobody can tell."""
    return _lives(store, _ENGINE)


def schedule_lives(store: Store) -> bool:
    """Whether a process keeps the schedule; raises StoreError when nobody can tell."""
    return _lives(store, _SCHEDULE)


def _held(store: Store, lock: _Lock) -> AbstractContextManager[Guard]:
    return _server_lock(store, lock) if store.engine.dialect.name == "postgresql" else _file_lock(store, lock)


def _lives(store: Store, lock: _Lock) -> bool:
    if store.engine.dialect.name == "postgresql":
        with store.reading() as connection:
            return bool(connection.scalar(_HOLDERS, {"name": lock.name}))
    path = _path(store, lock)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        return not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


@contextmanager
def _server_lock(store: Store, lock: _Lock) -> Iterator[Guard]:
    """A session lock on a connection of its own, which is closed at the end and not given back to the pool.

    When it is lost, another process may begin: then this one must not write any more, so that nothing is sent that is
    not recorded yet. What is recorded and waits to be sent is the engine's to hold back.
    """
    name = {"name": lock.name}
    with store.reading() as connection:
        if not connection.scalar(_TAKE, name):
            raise LockHeld(lock.held, lock.advice)
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        connection.execute(_IDLE)
        connection.detach()

        def guard(other: sa.Connection) -> None:
            if not other.scalar(_OWN, {**name, "pid": pid}):
                raise LockLost(
                    "The database server has ended the connection that holds the lock of this process.",
                    "Nothing was sent that is not recorded; `coupler status` says if another one works, else resume.",
                )

        try:
            yield guard
        finally:
            with suppress(sa.exc.SQLAlchemyError):  # a connection that is lost has lost the lock too
                connection.scalar(_UNLOCK, name)


@contextmanager
def _file_lock(store: Store, lock: _Lock) -> Iterator[Guard]:
    path = _path(store, lock)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _try(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise LockHeld(lock.held, lock.advice)
            time.sleep(0.05)
        yield _free
    finally:
        os.close(descriptor)


def _free(connection: sa.Connection) -> None:
    """The kernel takes no lock away."""


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _path(store: Store, lock: _Lock) -> Path:
    return Path(f"{store.engine.url.database}{lock.suffix}")


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The lock {path} cannot be used: {error.strerror or error}.",
        "It must be a plain file that you may write to; delete it when no engine runs.",
    )
