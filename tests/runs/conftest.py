from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.runs.broken import Broken
from tests.runs.company import Company


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Company]]:
    """Starts the servers of a test, with the options of `coupler sandbox`."""
    with ExitStack() as stack:

        def call(*options: str) -> Company:
            folder = tmp_path / "home"
            folder.mkdir()
            return stack.enter_context(closing(Company(folder, *options)))

        yield call


@pytest.fixture(scope="session", autouse=True)
def broken(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Broken]]:
    """Runs against servers that are not what they should be. The engine is patient with these for a minute, so they go
    on beside the other tests, and are looked at last.
    """
    wanted = any(
        "broken" in getattr(item, "fixturenames", ()) and "what" in item.name for item in request.session.items
    )
    with ExitStack() as stack:
        names = Broken.kinds if wanted else ()
        yield {name: stack.enter_context(closing(Broken(tmp_path_factory.mktemp(name), name))) for name in names}
