"""Opening the store: SQLite in a private file or PostgreSQL, migrated, with one writer thread."""

import asyncio
import errno
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from engine.model.errors import StoreError

_MIGRATIONS = Path(__file__).parent / "migrations"
VERSION = "0001"
"""The newest version of the tables, which is that of the last migration."""
_BUSY_SECONDS = 30
_THREAD_SECONDS = 10
_DAMAGED = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
_T = TypeVar("_T")


class StoreGone(StoreError):
    """The file of an open store was taken away; SQLite goes on in it, and what it writes there is lost."""


class _CutOff(Exception):
    """A connection broke, and what it was used for surely changed nothing."""

    def __init__(self, failure: StoreError) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Store:
    """The state store. Writes are short transactions; asynchronous callers share one writer thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._path = _path(engine.url)
        self._file = None if self._path is None else _identity(self._path)
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._watching = Lock()
        self._watch: sa.Connection | None = None
        self.guard: Callable[[sa.Connection], None] = _free
        """Asked first in each transaction of `write`; raises StoreError when this process must not write any more."""

    @classmethod
    def open(cls, url: str) -> Self:
        """Open a store, make it when it is new and bring its tables up to date; raises StoreError."""
        try:
            parsed = sa.make_url(url)
            if (path := _path(parsed)) is not None:
                _private_file(path)
            engine = _create_engine(parsed)
            try:
                _migrate(engine)
            except BaseException:
                engine.dispose()
                raise
        except StoreError:
            raise
        except (sa.exc.SQLAlchemyError, OSError, ValueError) as error:
            raise StoreError(
                f"The state store {_shown(url)} cannot be opened: {_reason(error)}",
                _hint(error, "Check that the folder or the database server is there and that you may write to it."),
            ) from error
        return cls(engine)

    @property
    def engine(self) -> sa.Engine:
        """The engine underneath, for the lock."""
        return self._engine

    def make_ready(self) -> None:
        """Have the writer thread be there before there is work for it; raises StoreError when there is no memory for
        one: it may die unseen then, and whoever waited for it would wait for ever.
        """
        try:
            self._writer.submit(int).result(_THREAD_SECONDS)
        except (TimeoutError, RuntimeError) as error:
            raise StoreError(
                "There is not enough memory to write the state store.", "Free some, then resume."
            ) from error

    def close(self) -> None:
        """Finish what is being written and close all connections."""
        self._writer.shutdown()
        with self._watching:
            if self._watch is not None:
                self._watch.close()
                self._watch = None
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection for short reads; each statement stands alone, so that no reader holds back a checkpoint."""
        self._refuse_gone()
        try:
            with self._reader.connect() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise _failed(error) from error

    def stamp(self) -> str:
        """What is another one after each commit of whomever, and costs nothing to look at: as long as it stays, reads
        find what they found after it was looked at; raises StoreError.
        """
        if self._path is None:
            with self.reading() as connection:
                return str(connection.scalar(sa.text("SELECT pg_current_snapshot()")))
        self._refuse_gone()
        try:
            # SQLite tells a connection of the commits of others only, so that nothing may be written with this one.
            with self._watching:
                if self._watch is None:
                    self._watch = self._reader.connect()
                return str(self._watch.exec_driver_sql("PRAGMA data_version").scalar())
        except sa.exc.SQLAlchemyError as error:
            raise _failed(error) from error

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction: committed at the end of the block, rolled back when it raises. StoreGone is raised too when
        the file went away meanwhile, as nobody may rely on what was committed then.
        """
        self._refuse_gone()
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise _failed(error) from error
        self._refuse_gone()

    def _refuse_gone(self) -> None:
        if self._path is not None and _identity(self._path) != self._file:
            raise StoreGone(
                f"The state store {self._path} was moved, deleted or replaced.",
                "Put that very file back, beside its -wal file, and resume.",
            )

    async def write(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Run work in one transaction on the writer thread and return when it is durable.

        It is run once more when the connection broke before the commit was asked for. When it breaks later, nobody
        knows whether it is committed: then StoreError is raised, as for all that does not pass.
        """

        def transaction() -> _T:
            ready = False
            try:
                with self.writing() as connection:
                    self.guard(connection)
                    result = work(connection)
                    ready = True
            except StoreError as error:
                raise _CutOff(error) if _is_broken(error) and not ready else error from error.__cause__
            return result

        return await asyncio.get_running_loop().run_in_executor(self._writer, _again, transaction)

    async def read(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Run short reads off the event loop; once more when the connection broke."""

        def reads() -> _T:
            try:
                with self.reading() as connection:
                    return work(connection)
            except StoreError as error:
                raise _CutOff(error) if _is_broken(error) else error from error.__cause__

        return await asyncio.get_running_loop().run_in_executor(self._writer, _again, reads)


def _again(attempt: Callable[[], _T]) -> _T:
    try:
        return attempt()
    except _CutOff:
        try:
            return attempt()
        except _CutOff as error:
            raise error.failure from error.__cause__


def _is_broken(error: StoreError) -> bool:
    return isinstance(error.__cause__, sa.exc.DBAPIError) and error.__cause__.connection_invalidated


def _free(connection: sa.Connection) -> None:
    """Without a lock everybody may write."""


def _create_engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in (f"busy_timeout={_BUSY_SECONDS}000", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        _write_ahead(connection)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: Any) -> None:
    """Turn write-ahead logging on; SQLite does not wait when others open the new database at the same moment."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _migrate(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        present = _version(connection)
    if present == VERSION:
        return
    # it takes long to load, and is needed for a new store only, and once after an upgrade
    from alembic import command  # noqa: PLC0415 - as above
    from alembic.config import Config  # noqa: PLC0415 - as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    if present is not None and present not in {one.revision for one in scripts.walk_revisions()}:
        raise _of_another_version(present, older=present < str(scripts.get_base()))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('coupler migrations'))"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _version(connection: sa.Connection) -> str | None:
    """Which version the tables have; None when there are none yet."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _of_another_version(present: str, *, older: bool) -> StoreError:
    use = (
        "Open it with a version in between first, which brings it up to date"
        if older
        else "Use that version of Coupler"
    )
    return StoreError(
        f"The state store is of {'an older' if older else 'a newer'} version of Coupler, which this one does not know "
        f"(its tables have version {present}).",
        f"{use}, or name another store in [store] url.",
    )


def _path(url: sa.URL) -> Path | None:
    """The file of a store; None where it is no file."""
    name = url.database
    return Path(name) if url.get_backend_name() == "sqlite" and name and name != ":memory:" else None


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file is in that place; None where none is."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _private_file(path: Path) -> None:
    """Make the database file with mode 0600, as its -wal and -shm files get too, in folders of mode 0700."""
    wal = path.with_name(f"{path.name}-wal")
    if _identity(wal) and not path.exists():  # SQLite would delete it with the first write
        raise StoreError(
            f"The state store {path} is gone, but what was written to it last is still there, in {wal.name}.",
            "Put the file back in its place; if it is lost for good, move the -wal file away too.",
        )
    for folder in reversed([one for one in path.parents if not one.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)  # not `parents=True`, which gives the parents the mode of the umask
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise StoreError(f"{path} is a symbolic link.", "Name the file itself in [store] url.") from error
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise StoreError(f"{path} is not a file.", "Name a file in [store] url.")
        if status.st_mode & 0o077 and status.st_uid == os.getuid():
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _failed(error: sa.exc.SQLAlchemyError) -> StoreError:
    return StoreError(
        f"The state store failed: {_reason(error)}",
        _hint(
            error,
            "Nothing was sent that is not recorded; mend the cause (disk space, permissions, database server) "
            "and resume.",
        ),
    )


def _hint(error: Exception, otherwise: str) -> str:
    if getattr(getattr(error, "orig", None), "sqlite_errorname", "") in _DAMAGED:
        return (
            "It is damaged: put it aside with its -wal file, and a backup in its place (docs/operations.md); then plan."
        )
    return otherwise


def _reason(error: Exception) -> str:
    origin = getattr(error, "orig", None) or error
    return " ".join(str(origin).split())[:300]


def _shown(url: str) -> str:
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "(not a database URL)"
