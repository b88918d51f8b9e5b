from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.mapping_config.files import settings
from tests.sync.world import World, world

Made = Callable[..., World]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Made]:
    """Makes a world whose mappings come from a config file; `text` is what the file says of mappings."""
    with ExitStack() as stack:

        def make(text: str, nav: Any = None, crm: Any = None) -> World:
            one = stack.enter_context(world(tmp_path / "world", nav or {}, crm or {}))
            configure(one, tmp_path, text)
            return one

        yield make


def configure(one: World, folder: Path, text: str) -> None:
    """From now on, the config file says this of mappings."""
    one.settings = replace(one.settings, mappings=settings(folder, text).mappings)
