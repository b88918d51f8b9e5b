import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _bury() -> Iterator[None]:
    """What killed engines left behind ends within the test: calls that no task had begun must not fail another one."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        yield
        gc.collect()
