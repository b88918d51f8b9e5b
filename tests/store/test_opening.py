"""Opening a store: its tables, its files, how its connections behave, and what is said when it cannot be used."""

import asyncio
import contextlib
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from engine.model.errors import StoreError
from engine.store import database
from engine.store.couplings import save
from engine.store.database import Store, StoreGone
from engine.store.schema import coupling, metadata, run
from tests.store.postgres import Cluster
from tests.store.tools import AT, couple, pair, rows

VERSION = sa.text("SELECT version_num FROM alembic_version")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def plain(error: StoreError) -> str:
    """What an operator reads; there is nothing of the program in it."""
    said = f"{error.message} {error.hint}"
    assert "\n" not in said
    for word in ("Traceback", "sqlalche", "psycopg.", "sqlite3.", "SELECT", "INSERT", "Background on this error"):
        assert word not in said
    assert len(said) < 700
    return said


# Tables.


def other_default(*arguments: Any) -> bool:
    """Whether a column has another default than the code says; alembic's own comparison trips over ''."""
    *_, inspected, _, rendered = arguments
    return str(inspected or "").partition("::")[0].strip("()'") != str(rendered or "").strip("'")


def test_the_migrations_make_the_tables_that_the_code_uses(new_url: str) -> None:
    store = Store.open(new_url)
    with store.reading() as connection:
        options = {"compare_type": True, "compare_server_default": other_default}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    store.close()


def test_what_is_new_is_migrated_once_and_what_is_there_stays(new_url: str) -> None:
    first = Store.open(new_url)
    couple(first, pair(1))
    with first.reading() as connection:
        version = connection.scalar(VERSION)
    first.close()
    assert version == database.VERSION, "the newest, else each start would look for what is newer"
    second = Store.open(new_url)
    with second.reading() as connection:
        assert connection.scalars(VERSION).all() == [version]
    assert [row["nav_no"] for row in rows(second, coupling)] == ["C1"]
    second.close()


def test_who_opens_a_new_store_waits_for_who_is_at_it(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        leaving = threading.Timer(0.3, other.execute, ("ROLLBACK",))
        leaving.start()
        store = Store.open(f"sqlite:///{path}")
        leaving.join()
    with store.reading() as connection:
        assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
    store.close()


def test_several_processes_may_open_a_new_store_at_the_same_moment(new_url: str) -> None:
    together = threading.Barrier(4)

    def open_it(_: int) -> int:
        together.wait(10)
        one = Store.open(new_url)
        with one.reading() as connection:
            found = len(connection.scalars(VERSION).all())
        one.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(open_it, range(4))) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("version", "said"), [("9999", "newer version of Coupler"), ("0000", "older version of Coupler")]
)
def test_a_store_of_a_version_that_is_not_known_is_refused_and_left_alone(
    new_url: str, version: str, said: str
) -> None:
    one = Store.open(new_url)
    with one.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :version").bindparams(version=version))
    one.close()
    with pytest.raises(StoreError) as caught:
        Store.open(new_url)
    assert said in plain(caught.value)
    engine = sa.create_engine(new_url)
    with engine.connect() as connection:
        assert connection.scalar(VERSION) == version
    engine.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(new_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError("", None, Exception("the lights went out"))

    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.create_index", break_off)
        with pytest.raises(StoreError, match="the lights went out"):
            Store.open(new_url)
    engine = sa.create_engine(new_url)
    assert set(sa.inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()
    Store.open(new_url).close()


# Files.


def test_files_are_private_and_so_is_a_folder_that_is_made(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = tmp_path / "state" / "store.db"
        one = Store.open(f"sqlite:///{path}")
        couple(one, pair(1))
        assert {each.name: mode(each) for each in path.parent.iterdir()} == {
            "store.db": 0o600,
            "store.db-wal": 0o600,
            "store.db-shm": 0o600,
        }
        assert mode(path.parent) == 0o700
        one.close()
    finally:
        os.umask(before)


def test_a_file_that_others_could_read_is_made_private_and_a_folder_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch(0o644)
    path.chmod(0o644)
    tmp_path.chmod(0o755)
    Store.open(f"sqlite:///{path}").close()
    assert (mode(path), mode(tmp_path)) == (0o600, 0o755)


@pytest.mark.parametrize("there", [True, False])
def test_a_link_in_place_of_the_database_is_refused(tmp_path: Path, there: bool) -> None:
    target = tmp_path / "target.db"
    if there:
        target.write_bytes(b"")
    (tmp_path / "store.db").symlink_to(target)
    with pytest.raises(StoreError) as caught:
        Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    assert "is a symbolic link" in plain(caught.value)
    assert target.exists() is there
    assert not there or target.read_bytes() == b""


def test_something_else_in_place_of_the_database_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.db")
    with pytest.raises(StoreError, match="is not a file"):
        Store.open(f"sqlite:///{tmp_path / 'pipe.db'}")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(StoreError, match="Is a directory"):
        Store.open(f"sqlite:///{tmp_path / 'folder.db'}")


# A file that is taken away.


def take_away(path: Path, how: str) -> None:
    """As an operator does who does not know that it is in use."""
    if how == "deleted":
        path.unlink()
    else:
        path.rename(path.with_name("elsewhere.db"))
    if how == "replaced":
        path.write_bytes(path.with_name("elsewhere.db").read_bytes())


@pytest.mark.parametrize("how", ["moved", "deleted", "replaced"])
def test_a_file_that_is_taken_away_is_noticed_by_the_next_read_and_write(sqlite_url: str, how: str) -> None:
    one = Store.open(sqlite_url)
    couple(one, pair(1))
    path = Path(one.engine.url.database or "")
    take_away(path, how)
    uses: list[Callable[[], object]] = [lambda: rows(one, coupling), lambda: couple(one, pair(2))]
    for use in uses:
        with pytest.raises(StoreGone) as caught:
            use()
        assert f"{path} was moved, deleted or replaced" in plain(caught.value)
    for call in (one.read, one.write):
        with pytest.raises(StoreGone):
            asyncio.run(call(lambda connection: connection.execute(VERSION)))
    assert path.exists() is (how == "replaced"), "no empty store is made in its place"
    one.close()


async def test_what_is_committed_while_the_file_goes_away_does_not_count(sqlite_url: str) -> None:
    one = Store.open(sqlite_url)
    path = Path(one.engine.url.database or "")

    def work(connection: sa.Connection) -> None:
        save(connection, "X", [pair(1)], run=1, at=AT, plan=False)
        path.unlink()

    with pytest.raises(StoreGone):
        await one.write(work)
    one.close()


def test_a_file_that_is_put_back_knows_all_that_was_written(sqlite_url: str) -> None:
    one = Store.open(sqlite_url)
    path = Path(one.engine.url.database or "")
    couple(one, pair(1))
    take_away(path, "moved")
    with pytest.raises(StoreGone):
        couple(one, pair(2))
    path.with_name("elsewhere.db").rename(path)
    couple(one, pair(3))
    assert [row["nav_no"] for row in rows(one, coupling)] == ["C1", "C3"]
    one.close()


def test_no_new_store_is_made_where_the_rest_of_a_lost_one_is(sqlite_url: str) -> None:
    one = Store.open(sqlite_url)
    path = Path(one.engine.url.database or "")
    couple(one, pair(1))
    take_away(path, "moved")
    one.close()
    with pytest.raises(StoreError) as caught:
        Store.open(sqlite_url)
    assert "still there, in store.db-wal" in plain(caught.value)
    assert not path.exists()
    path.with_name("elsewhere.db").rename(path)
    again = Store.open(sqlite_url)
    assert [row["nav_no"] for row in rows(again, coupling)] == ["C1"]
    again.close()


# Connections.


def test_every_connection_to_sqlite_writes_ahead_and_waits_for_the_disk(sqlite_url: str) -> None:
    one = Store.open(sqlite_url)
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    with ExitStack() as stack:
        found = {
            tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)
            for connection in [stack.enter_context(one.reading()) for _ in range(4)]
        }
    with one.writing() as connection:
        found.add(tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names))
    assert found == {("wal", 2, 1, 30_000)}
    one.close()


def test_a_writer_begins_as_a_writer_even_on_a_connection_that_was_read_from(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BEGIN IMMEDIATE: two writers wait for each other instead of failing halfway."""
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0)
    one = Store.open(sqlite_url)
    with one.reading() as connection:
        connection.execute(VERSION)
    with one.writing():
        other = sqlite3.connect(one.engine.url.database or "", timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    one.close()


def test_a_server_confirms_a_commit_when_it_is_on_disk(cluster: Cluster) -> None:
    one = Store.open(cluster.new_database())
    with one.writing() as connection:
        assert connection.scalar(sa.text("SHOW synchronous_commit")) == "on"
    one.close()


def test_readers_see_what_is_committed_while_a_writer_writes(store: Store) -> None:
    couple(store, pair(1))
    with store.writing() as connection:
        connection.execute(sa.update(coupling).values(nav_no="changed"))
        with ThreadPoolExecutor(4) as pool:
            seen = list(pool.map(lambda _: rows(store, coupling)[0]["nav_no"], range(8)))
        assert seen == ["C1"] * 8
    assert rows(store, coupling)[0]["nav_no"] == "changed"


def test_a_reader_on_sqlite_keeps_no_transaction_open_that_would_stop_checkpoints(sqlite_url: str) -> None:
    one = Store.open(sqlite_url)
    couple(one, pair(1))
    with one.reading() as connection:
        assert connection.execute(sa.select(coupling)).all()
        couple(one, pair(2))
        other = sqlite3.connect(one.engine.url.database or "")
        busy, _, _ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        other.close()
        assert busy == 0
        assert len(connection.execute(sa.select(coupling)).all()) == 2, "each statement sees what is there now"
    one.close()


def test_a_reader_on_a_server_keeps_no_transaction_open_either(cluster: Cluster) -> None:
    one = Store.open(cluster.new_database())
    with one.reading() as connection, one.reading() as other:
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        state = sa.text("SELECT state FROM pg_stat_activity WHERE pid = :pid").bindparams(pid=pid)
        assert other.scalar(state) == "idle"
    one.close()


def test_what_fails_halfway_is_not_there(store: Store) -> None:
    class Halfway(Exception):
        pass

    with pytest.raises(Halfway), store.writing() as connection:
        save(connection, "X", [pair(1)], run=1, at=AT, plan=False)
        raise Halfway
    assert rows(store, coupling) == []


async def test_asynchronous_writes_come_one_after_the_other_on_one_thread(store: Store) -> None:
    seen: list[tuple[str, int]] = []

    def work(connection: sa.Connection) -> str:
        seen.append(("in", threading.get_ident()))
        connection.execute(VERSION)
        seen.append(("out", threading.get_ident()))
        return threading.current_thread().name

    names = await asyncio.gather(*(store.write(work) for _ in range(5)), store.read(work))
    assert len(set(names)) == 1
    assert [what for what, _ in seen] == ["in", "out"] * 6
    assert threading.get_ident() not in {thread for _, thread in seen}


async def test_a_write_is_durable_when_it_returns(url: str) -> None:
    one, other = Store.open(url), Store.open(url)
    number = await one.write(lambda connection: connection.scalar(sa.select(sa.func.count()).select_from(run)))
    await one.write(lambda connection: save(connection, "X", [pair(1)], run=1, at=AT, plan=False))
    assert number == 0
    assert len(rows(other, coupling)) == 1
    with pytest.raises(StoreError):
        await one.write(lambda connection: connection.execute(sa.text("SELECT * FROM nowhere")))
    one.close()
    other.close()


# What cannot be used.


def test_a_file_that_is_no_database_is_refused_in_words_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"A letter to a friend. " * 100)
    with pytest.raises(StoreError) as caught:
        Store.open(f"sqlite:///{path}")
    assert "not a database" in plain(caught.value)
    assert "a backup in its place" in caught.value.hint
    assert path.read_bytes().startswith(b"A letter to a friend.")


def test_a_damaged_store_is_told_in_words(sqlite_url: str) -> None:
    one = Store.open(sqlite_url)
    path = Path(one.engine.url.database or "")
    one.close()
    empty = path.stat().st_size
    one = Store.open(sqlite_url)
    couple(one, *[pair(number) for number in range(2000)])
    one.close()
    content = bytearray(path.read_bytes())
    for at in range(empty, len(content)):
        content[at] = 0x5A
    path.write_bytes(content)
    again = Store.open(sqlite_url)
    with pytest.raises(StoreError) as caught:
        rows(again, coupling)
    assert "malformed" in plain(caught.value)
    assert "a backup in its place" in caught.value.hint
    with pytest.raises(StoreError) as caught:
        couple(again, *[pair(number) for number in range(3000, 6000)])
    assert "malformed" in plain(caught.value)
    again.close()


@contextmanager
def without_privileges() -> Iterator[None]:
    """As a user who may not write everywhere, when the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_store_that_may_not_be_written_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store.open(f"sqlite:///{path}").close()
    path.chmod(0o400)
    with without_privileges(), pytest.raises(StoreError) as caught:
        Store.open(f"sqlite:///{path}")
    assert "Permission denied" in plain(caught.value)
    assert "you may write to it" in plain(caught.value)


def test_a_store_that_becomes_unwritable_is_told_in_words(store: Store) -> None:
    make_read_only = {"sqlite": "PRAGMA query_only = ON", "postgresql": "SET TRANSACTION READ ONLY"}
    with pytest.raises(StoreError) as caught, store.writing() as connection:
        connection.exec_driver_sql(make_read_only[store.engine.dialect.name])
        connection.execute(sa.delete(coupling))
    said = plain(caught.value)
    assert "readonly" in said or "read-only" in said
    assert "resume" in said


def test_a_full_disk_is_told_in_words_and_nothing_is_half_written(sqlite_url: str) -> None:
    one = Store.open(sqlite_url)
    with pytest.raises(StoreError) as caught, one.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        save(connection, "X", map(pair, range(2000)), run=1, at=AT, plan=False)
    said = plain(caught.value)
    assert "full" in said
    assert "disk space" in said
    assert rows(one, coupling) == []
    one.close()


def test_a_store_that_another_program_holds_is_told_in_words(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(sqlite_url).close()
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0)
    one = Store.open(sqlite_url)
    other = sqlite3.connect(one.engine.url.database or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError) as caught:
        couple(one, pair(1))
    assert "locked" in plain(caught.value)
    other.execute("ROLLBACK")
    other.close()
    couple(one, pair(1))
    one.close()


def test_a_server_that_is_not_there_is_told_in_words_without_the_password() -> None:
    with pytest.raises(StoreError) as caught:
        Store.open("postgresql+psycopg://me:hunter2@127.0.0.1:1/coupler")
    said = plain(caught.value)
    assert "hunter2" not in said
    assert "refused" in said
    assert "me:***@127.0.0.1:1/coupler" in said


def test_a_server_that_goes_away_is_told_in_words_and_found_again(cluster: Cluster) -> None:
    one = Store.open(cluster.new_database())
    name = one.engine.url.database
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    with pytest.raises(StoreError) as caught, one.writing() as connection:
        connection.execute(VERSION)
        cluster.execute(cut)
        connection.execute(sa.delete(coupling))
    assert "terminating connection" in plain(caught.value) or "closed" in plain(caught.value)
    cluster.execute(cut)
    couple(one, pair(1))
    assert len(rows(one, coupling)) == 1
    one.close()


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////proc/none/store.db"])
def test_an_address_that_names_no_store_is_told_in_words(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(url)
    assert "cannot be opened" in plain(caught.value)
