"""What is loaded when: screens and dialogs when they are opened, the engine and the checks of the configuration behind the
first screen.
"""

import inspect
import os
import pkgutil
import subprocess
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from textual.screen import Screen

from tests.tui.terminal import ROOT, python
from tui import dialogs, screens
from tui.screens.page import Page

FIRST = {"tui.screens", "tui.screens.counting", "tui.screens.home", "tui.screens.page", "tui.dialogs"}
LATE = ("alembic", "apscheduler", "httpx", "msgspec", "sqlalchemy", "tomlkit", "xxhash", "engine.mapping", "engine.runs")
OF_THE_MODEL = {f"engine.model.{one}" for one in ("errors", "masking", "states")}
OF_THE_CONFIGURATION = {"check", "files", "paths", "toml", "ui"}


@pytest.mark.parametrize("package", [screens, dialogs])
def test_every_screen_and_dialog_is_named_where_it_is_opened_from(package: ModuleType) -> None:
    found = set()
    for one in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = import_module(one.name)
        found |= {
            name
            for name, value in vars(module).items()
            if inspect.isclass(value) and issubclass(value, Screen) and value.__module__ == one.name
        }
    assert found - {Page.__name__} == set(package.__all__)
    for name in package.__all__:
        assert getattr(package, name).__name__ == name


def test_no_other_name_is_a_screen() -> None:
    with pytest.raises(AttributeError, match=r"module 'tui.screens' has no attribute 'Newest'"):
        _ = screens.Newest  # type: ignore[attr-defined]


def test_the_first_screen_loads_no_other_and_neither_the_engine_nor_what_checks_mappings(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text((ROOT / "config.toml").read_text())
    code = f"""
import sys
from pathlib import Path

from tui import app, poll
from tui.commands import screen

async def painted(self):
    print("LOADED", *sys.modules, file=sys.__stdout__, flush=True)
    app.os._exit(0)

poll.Poll.forever = painted
screen.need_screen = lambda: None
app.show = lambda program, mouse: program.run(headless=True, size=(80, 24))
screen.begin(Path({str(path)!r}), mouse=False)
"""
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(python("-c", code), env=env, cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split("LOADED")[1].split())
    assert "tui.screens.home" in loaded
    assert {one for one in loaded if one.startswith(("tui.screens", "tui.dialogs"))} == FIRST
    assert not [one for one in loaded if one.startswith(LATE)]
    assert {one for one in loaded if one.startswith("engine.model.")} == OF_THE_MODEL
    configuration = {one.removeprefix("engine.config.") for one in loaded if one.startswith("engine.config.")}
    assert configuration == OF_THE_CONFIGURATION
