"""The lock that an engine holds for life: dropped by the kernel, or by the database server, when its holder dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from engine.model.errors import LockHeld
from engine.store.database import Store

_PATIENCE = 2.0
"""Seconds that a new engine waits for screens that are just looking whether the lock is free."""


@contextmanager
def engine_lock(store: Store) -> Iterator[None]:
    """Hold the lock of the store; raises LockHeld when another engine has it."""
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect() as connection:
            if not connection.scalar(sa.text("SELECT pg_try_advisory_lock(hashtext('coupler engine'))")):
                raise _held()
            connection.commit()
            try:
                yield
            finally:
                connection.execute(sa.text("SELECT pg_advisory_unlock(hashtext('coupler engine'))"))
        return
    descriptor = os.open(_path(store), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _try(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise _held()
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def engine_lives(store: Store) -> bool:
    """Whether an engine holds the lock of the store."""
    if store.engine.dialect.name == "postgresql":
        with store.reading() as connection:
            held = sa.text(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database()) "
                "AND (classid::bigint << 32 | objid::bigint) = hashtext('coupler engine')::bigint"
            )
            return bool(connection.scalar(held))
    try:
        descriptor = os.open(_path(store), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        return not _try(descriptor, fcntl.LOCK_SH)
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
