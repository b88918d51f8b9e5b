"""What a database server cuts off: transactions are repeated where that is safe, and an engine without its lock stops."""

import asyncio
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from engine.model.errors import StoreError
from engine.store.couplings import save
from engine.store.database import Store
from engine.store.lock import engine_lives, engine_lock
from engine.store.schema import coupling
from tests.store.postgres import Cluster
from tests.store.tools import AT, CUSTOMER, pair, rows


@pytest.fixture
def server(cluster: Cluster) -> Iterator[Store]:
    one = Store.open(cluster.new_database())
    yield one
    one.close()


class Couple:
    """Couples a pair, and has the server cut its connection at some of its attempts, before or after that."""

    def __init__(self, store: Store, *, before: int = 0, after: int = 0) -> None:
        self.store, self.before, self.after, self.attempts = store, before, after, 0

    def __call__(self, connection: sa.Connection) -> None:
        self.attempts += 1
        if self.attempts <= self.before:
            self.cut(connection)
        save(connection, CUSTOMER, [pair(1)], run=1, at=AT, plan=False)
        if self.attempts <= self.after:
            self.cut(connection)

    def cut(self, connection: sa.Connection) -> None:
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        with self.store.reading() as other:
            other.scalar(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def test_a_transaction_whose_connection_is_cut_is_carried_out_once_more(server: Store) -> None:
    work = Couple(server, before=1)
    asyncio.run(server.write(work))
    assert work.attempts == 2
    assert len(rows(server, coupling)) == 1


def test_reads_whose_connection_is_cut_are_read_once_more(server: Store) -> None:
    asyncio.run(server.write(Couple(server)))
    cuts = iter([True, False])

    def read(connection: sa.Connection) -> int:
        if next(cuts):
            Couple(server).cut(connection)
        return int(connection.scalar(sa.select(sa.func.count()).select_from(coupling)) or 0)

    assert asyncio.run(server.read(read)) == 1


def test_one_that_is_cut_again_is_an_error_that_says_what_to_do(server: Store) -> None:
    work = Couple(server, before=9)
    with pytest.raises(StoreError, match="state store failed") as caught:
        asyncio.run(server.write(work))
    assert "resume" in caught.value.hint
    assert work.attempts == 2
    assert rows(server, coupling) == []


def test_one_that_is_cut_at_its_commit_is_not_repeated_as_nobody_knows_what_became_of_it(server: Store) -> None:
    work = Couple(server, after=1)
    with pytest.raises(StoreError):
        asyncio.run(server.write(work))
    assert work.attempts == 1


def test_an_engine_that_has_lost_its_lock_writes_no_more(server: Store) -> None:
    work = Couple(server)
    with engine_lock(server):
        asyncio.run(server.write(work))
        with server.reading() as connection:
            query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            connection.execute(sa.text(query))
        assert not engine_lives(server)
        with pytest.raises(StoreError, match="holds the lock of this process"):
            asyncio.run(server.write(work))
    assert work.attempts == 1
    with engine_lock(server):
        asyncio.run(server.write(work))
    assert work.attempts == 2


def test_a_server_that_ends_idle_sessions_leaves_the_lock(server: Store, cluster: Cluster) -> None:
    cluster.execute("ALTER SYSTEM SET idle_session_timeout = '200ms'")
    cluster.execute("SELECT pg_reload_conf()")
    try:
        with engine_lock(server):
            time.sleep(1)
            assert engine_lives(server)
            asyncio.run(server.write(Couple(server)))
    finally:
        cluster.execute("ALTER SYSTEM RESET idle_session_timeout")
        cluster.execute("SELECT pg_reload_conf()")


def test_who_gets_no_connection_of_the_pool_is_told_and_the_next_one_gets_it(cluster: Cluster) -> None:
    url = cluster.new_database()
    Store.open(url).close()
    store = Store(sa.create_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.3))
    try:
        with store.reading(), pytest.raises(StoreError, match="limit of size 1 overflow 0 reached") as told:
            asyncio.run(store.write(Couple(store)))
        assert "resume" in told.value.hint
        asyncio.run(store.write(Couple(store)))
        assert len(rows(store, coupling)) == 1
    finally:
        store.close()
