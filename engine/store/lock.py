"""The lock that an engine holds for life: dropped by the kernel, or by the database server, when its holder dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from engine.model.errors import LockHeld, StoreError
from engine.store.database import Store

_PATIENCE = 2.0
"""Seconds that a new engine waits for screens that are just looking whether the lock is free."""

_LOCK = sa.text("SELECT pg_try_advisory_lock(hashtext('coupler engine'))")
_UNLOCK = sa.text("SELECT pg_advisory_unlock(hashtext('coupler engine'))")
# A lock by one bigint is shown as its two halves, unsigned, with objsubid 1; those of a negative key are joined by
# bits, because the upper half, all ones, does not fit otherwise.
_HOLDERS = sa.text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND ((classid::bigint << 32) | objid::bigint) = hashtext('coupler engine')::bigint"
)

_OWN = sa.text(f"{_HOLDERS.text} AND pid = :pid")
# not each version has this setting; the session does nothing but hold the lock
_IDLE = sa.text("SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'")


class LockLost(StoreError):
    """The lock of this engine is gone while it works, so that another one may begin."""


@contextmanager
def engine_lock(store: Store) -> Iterator[None]:
    """Hold the lock of the store; raises LockHeld when another engine has it, StoreError when nobody can tell."""
    hold = _server_lock if store.engine.dialect.name == "postgresql" else _file_lock
    with hold(store):
        yield


def engine_lives(store: Store) -> bool:
    """Whether an engine holds the lock of the store; raises StoreError when nobody can tell."""
    if store.engine.dialect.name == "postgresql":
        with store.reading() as connection:
            return bool(connection.scalar(_HOLDERS))
    path = _path(store)
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
def _server_lock(store: Store) -> Iterator[None]:
    """A session lock on a connection of its own, which is closed at the end and not given back to the pool.

    When it is lost, another engine may begin: then this one must not write any more, so that nothing is sent that is
    not recorded yet. What is recorded and waits to be sent is the engine's to hold back.
    """
    with store.reading() as connection:
        if not connection.scalar(_LOCK):
            raise _held()
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        connection.execute(_IDLE)
        connection.detach()

        def guard(other: sa.Connection) -> None:
            if not other.scalar(_OWN, {"pid": pid}):
                raise LockLost(
                    "The database server has ended the connection that holds the lock of this engine.",
                    "Nothing was sent that is not recorded; `coupler status` says if another one works, else resume.",
                )

        before, store.guard = store.guard, guard
        try:
            yield
        finally:
            store.guard = before
            with suppress(sa.exc.SQLAlchemyError):  # a connection that is lost has lost the lock too
                connection.scalar(_UNLOCK)


@contextmanager
def _file_lock(store: Store) -> Iterator[None]:
    path = _path(store)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _try(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise _held()
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _path(store: Store) -> Path:
    return Path(f"{store.engine.url.database}.lock")


def _held() -> LockHeld:
    return LockHeld(
        "Another engine works on this state store.",
        "Watch it with `coupler attach`, or stop it with `coupler stop` before you start another.",
    )


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The lock {path} cannot be used: {error.strerror or error}.",
        "It must be a plain file that you may write to; delete it when no engine runs.",
    )
