"""What is loaded when: screens and dialogs when they are opened, the engine and the checks of the configuration behind the
first screen.
"""

import inspect
import os
import pkgutil
import subprocess
from importlib import import_module
from types import ModuleType

import pytest
from textual.screen import Screen

from tests.tui.terminal import ROOT, python
from tui import dialogs, screens
from tui.screens.filtered import Below, Called, Filtered
from tui.screens.page import Page
from tui.screens.paged import Paged

OWN = {f"tui.screens.{one}" for one in ("counting", "flag", "home", "page")}
FIRST = {"tui.screens", "tui.dialogs", *OWN}
BASES = {one.__name__ for one in (Page, Paged, Filtered, Called, Below)}
LATE = (
    "alembic",
    "apscheduler",
    "httpx",
    "msgspec",
    "sqlalchemy",
    "tomlkit",
    "xxhash",
    "engine.mapping",
    "engine.runs",
)
OF_THE_MODEL = {f"engine.model.{one}" for one in ("errors", "masking", "states")}
OF_THE_CONFIGURATION = {f"engine.config.{one}" for one in ("check", "files", "keynames", "paths", "toml", "ui")}


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
    assert found - BASES == set(package.__all__)
    for name in package.__all__:
        assert getattr(package, name).__name__ == name


def test_no_other_name_is_a_screen() -> None:
    with pytest.raises(AttributeError, match=r"module 'tui.screens' has no attribute 'Newest'"):
        _ = screens.Newest  # type: ignore[attr-defined]


PAINTED = """
import sys
from pathlib import Path
from textual.css import stylesheet
from tui import app, poll
from tui.commands import screen

parse, parsed = stylesheet.parse, []

def noted(scope, css, read_from, **options):
    parsed.append((scope, css, read_from, options["tie_breaker"]))
    return parse(scope, css, read_from, **options)

async def painted(self):
    print(*sys.modules, file=sys.__stdout__)
    print(len(parsed), len(set(parsed)), file=sys.__stdout__, flush=True)
    app.os._exit(0)

stylesheet.parse = noted
poll.Poll.forever = painted
screen.need_screen = lambda: None
app.show = lambda program, mouse: program.run(headless=True, size=(80, 24))
screen.begin(Path("config.toml"), mouse=False)
"""
"""Says what is loaded, and how many style sheets were parsed, when the first screen begins to read the store."""


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("painted")
    (folder / "config.toml").write_text((ROOT / "config.toml").read_text())
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(python("-c", PAINTED), env=env, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_first_screen_loads_no_other_and_neither_the_engine_nor_what_checks_mappings(painted: list[str]) -> None:
    loaded = set(painted[0].split())
    assert {one for one in loaded if one.startswith(("tui.screens", "tui.dialogs"))} == FIRST
    assert not [one for one in loaded if one.startswith(LATE)]
    assert {one for one in loaded if one.startswith("engine.model.")} == OF_THE_MODEL
    assert {one for one in loaded if one.startswith("engine.config.")} == OF_THE_CONFIGURATION


def test_no_style_sheet_is_parsed_twice_before_the_first_paint(painted: list[str]) -> None:
    parsed, different = map(int, painted[1].split())
    assert parsed == different > 0
