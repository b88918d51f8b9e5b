"""Each test of a store runs on SQLite and on PostgreSQL, each time on an empty store."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.store.database import Store
from engine.store.schema import metadata
from tests.store.postgres import Cluster, Missing, running

Urls = Callable[[], str]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    try:
        with running() as one:
            yield one
    except Missing as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def empty_database(cluster: Cluster) -> Urls:
    url = cluster.new_database()

    def emptied() -> str:
        cluster.reset(url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        return url

    return emptied


@pytest.fixture(scope="session")
def ready_database(cluster: Cluster) -> Urls:
    url = cluster.new_database()
    Store.open(url).close()
    names = ", ".join(metadata.tables)

    def emptied() -> str:
        cluster.reset(url, f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        return url

    return emptied


@pytest.fixture(scope="session")
def ready_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ready") / "store.db"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'state' / 'store.db'}"


@pytest.fixture
def new_url(backend: str, request: pytest.FixtureRequest) -> str:
    """The address of a store that does not exist yet."""
    if backend == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    empty: Urls = request.getfixturevalue("empty_database")
    return empty()


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest, tmp_path: Path, ready_file: Path) -> str:
    """The address of a store that has its tables, and nothing in them."""
    if backend == "sqlite":
        path = shutil.copy(ready_file, tmp_path / "store.db")
        return f"sqlite:///{path}"
    ready: Urls = request.getfixturevalue("ready_database")
    return ready()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    one = Store.open(url)
    yield one
    one.close()
