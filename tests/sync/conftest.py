from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.sync.world import Make, World, world


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes the world of a test: `nav` and `crm` have rows by page service and by table."""
    with ExitStack() as stack:
        number = count()

        def call(nav: Any = None, crm: Any = None, **options: Any) -> World:
            return stack.enter_context(world(tmp_path / f"world{next(number)}", nav or {}, crm or {}, **options))

        yield call
