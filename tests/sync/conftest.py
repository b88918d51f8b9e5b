from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.store.conftest import cluster
from tests.store.postgres import Cluster
from tests.sync.world import Make, World, world

__all__ = ["cluster", "make", "on_both"]

on_both = pytest.mark.parametrize("make", ["sqlite", "postgresql"], indirect=True)
"""Of tests whose worlds have their stores in files, and then in PostgreSQL; their room has the fixture `cluster`."""


@pytest.fixture
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes the world of a test: `nav` and `crm` have rows by page service and by table."""
    server: Cluster | None = None
    if getattr(request, "param", "sqlite") == "postgresql":
        server = request.getfixturevalue("cluster")
    with ExitStack() as stack:
        number = count()

        def call(nav: Any = None, crm: Any = None, **options: Any) -> World:
            store = None if server is None else server.new_database()
            folder = tmp_path / f"world{next(number)}"
            return stack.enter_context(world(folder, nav or {}, crm or {}, store=store, **options))

        yield call
