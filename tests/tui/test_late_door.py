"""The door that opens the store behind the first screen."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.config import Settings, load
from engine.model.errors import ConfigError, StoreError
from engine.store.database import Store
from tests.tui.made.connections import CONFIG
from tests.tui.screens import see, until
from tui.app import CouplerApp
from tui.exitcodes import ExitCode
from tui.late_door import LateDoor
from tui.look import Look
from tui.screens.setup import Setup

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    found = load(path)
    return replace(found, store=replace(found.store, url=f"sqlite:///{tmp_path / 'store.db'}"))


def late(settings: Settings) -> LateDoor:
    return LateDoor(settings.environment, lambda: settings, production=settings.production)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Until it is set, no store opens."""
    opened, open_store = threading.Event(), Store.open

    def slowly(url: str) -> Store:
        opened.wait(20)
        return open_store(url)

    monkeypatch.setattr(Store, "open", slowly)
    yield opened
    opened.set()


def test_the_store_is_opened_by_the_first_call_and_once(settings: Settings) -> None:
    door = late(settings)
    store = settings.path.parent / "store.db"
    assert not store.exists()
    assert door.as_door().home().environment == settings.environment
    assert store.exists()
    assert door.as_door().connections is door.connections
    door.close()


def test_a_store_that_cannot_be_opened_is_told_once_and_every_call_raises_it(settings: Settings) -> None:
    told: list[str] = []
    door = late(replace(settings, store=replace(settings.store, url="sqlite:////dev/null/store.db")))
    door.refused = lambda: told.append("refused")
    for _ in range(2):
        with pytest.raises(StoreError, match="cannot be opened"):
            door.as_door().home()
        with pytest.raises(StoreError, match="cannot be opened"):
            _ = door.connections
    assert told == ["refused"]
    assert isinstance(door.error, StoreError)
    door.close()


def test_a_configuration_that_is_wrong_is_told_like_that() -> None:
    def refuse() -> Settings:
        raise ConfigError("The config file has 2 errors.", "Mend it.")

    told: list[str] = []
    door = LateDoor("uat", refuse, production=False)
    door.refused = lambda: told.append("refused")
    for _ in range(2):
        with pytest.raises(ConfigError, match="has 2 errors"):
            door.as_door().home()
    assert told == ["refused"]
    assert isinstance(door.error, ConfigError)
    door.close()


async def test_the_connections_are_opened_at_once_and_read_when_the_store_is_open(
    settings: Settings, gate: threading.Event
) -> None:
    door = late(settings)
    app = CouplerApp(door.as_door(), Look(hz=20))
    async with app.run_test(size=(80, 24)) as pilot:
        async with asyncio.timeout(10):  # the store opens after twenty seconds if nothing opens it before
            await pilot.press("n")
            await until(pilot, lambda: isinstance(app.screen, Setup))
            await see(pilot, "Connection setup", "Reading ...")
        gate.set()
        await see(pilot, "CRONUS International")
    door.close()


async def test_garbage_is_looked_for_again_behind_the_first_screen(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(gc.enable)
    gc.disable()  # as `coupler` does before it
    door = late(settings)
    app = CouplerApp(door.as_door(), Look(hz=20))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, gc.isenabled)
    door.close()


async def test_the_program_ends_with_its_code_where_the_store_cannot_be_opened(
    settings: Settings, gate: threading.Event
) -> None:
    door = late(replace(settings, store=replace(settings.store, url="sqlite:////dev/null/store.db")))
    app = CouplerApp(door.as_door(), Look(hz=20))
    door.refused = lambda: app.leave_now(ExitCode.CONNECTION)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, Setup))
        gate.set()
        await until(pilot, lambda: not app.is_running)
    assert app.code == ExitCode.CONNECTION
    assert isinstance(door.error, StoreError)
