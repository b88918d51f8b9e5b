from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.sync.world import Make, World, world


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes the world of a test: `nav` and `crm` have rows by page service and by table."""
    with ExitStack() as stack:

        def call(nav: Any = None, crm: Any = None, **options: Any) -> World:
            return stack.enter_context(world(tmp_path / "world", nav or {}, crm or {}, **options))

        yield call
