"""The log of the engine on a screen: following it, holding it still, the way back, and looking for a text."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from engine.model.errors import StoreError
from tests.tui.made.runs import made_run
from tests.tui.screens import see, showing, shown, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.screens.home import Home
from tui.screens.log import Log
from tui.screens.run import Run
from tui.widgets.table import Table


@asynccontextmanager
async def log(door: ScriptedDoor, size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[CouplerApp, Pilot[None]]]:
    async with showing(door, size=size) as (app, pilot):
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, Log) and app.screen.shown > 0)
        yield app, pilot


@pytest.fixture
def path(door: ScriptedDoor, tmp_path: Path) -> Path:
    """A real log of 250 lines."""
    door.log_file = tmp_path / "engine-uat.log"
    door.log_file.write_text("".join(f"line number {number}.\n" for number in range(1, 251)))
    return door.log_file


def _write(path: Path, *lines: bytes) -> None:
    path.write_bytes(b"".join(one + b"\n" for one in lines))


def _put_aside(path: Path) -> None:
    path.rename(path.with_suffix(".log.1"))


def _append(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.writelines(f"{one}\n" for one in lines)


async def test_what_an_engine_writes_is_readable_and_the_rest_stands_as_it_is(door: ScriptedDoor) -> None:
    async with log(door) as (app, pilot):
        await see(
            pilot,
            "Log of the engine",
            "Wed 09:12",
            "11:57:53  info        16  engine started",
            "12:04:31  error       16  engine failed  code=connection  message=CRM",
            "> ",
            "Traceback (most recent call last):",
            "engine-uat.log,",
            "follows the end",
        )
        await pilot.press("k", "enter")
        await see(pilot, "message     CRM cannot be reached.", "hint        Resume the run.", '"pid": 913')
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


async def test_the_end_is_followed_until_it_is_held_still(door: ScriptedDoor, path: Path) -> None:
    async with log(door) as (app, pilot):
        await see(pilot, "> ", "line number 250.", "follows the end", "f Hold")
        _append(path, "the 251st")
        await see(pilot, "the 251st")
        assert "the 251st" in next(one for one in shown(app) if one.startswith("> "))
        await pilot.press("f")
        await see(pilot, "held still", "f Follow")
        _append(path, "the 252nd")
        before = app.screen.shown  # type: ignore[attr-defined]
        await until(pilot, lambda: app.screen.shown > before + 1)  # type: ignore[attr-defined]
        assert "the 252nd" not in text(app)
        await pilot.press("f")
        await see(pilot, "the 252nd", "follows the end")


async def test_paging_back_and_forth(door: ScriptedDoor, path: Path) -> None:
    async with log(door) as (app, pilot):
        await see(pilot, "line number 250.")
        await pilot.press("n")
        await see(pilot, "This is the end of the log.")
        await pilot.press("p")
        await see(pilot, "line number 150.", "held still", "58 %")
        await pilot.press("g")
        await see(pilot, "line number 51.")
        await pilot.press("p")
        await see(pilot, "line number 50.", "line number 40.")
        await pilot.press("p")
        await see(pilot, "This is the beginning of the log.")
        await pilot.press("n", "G")
        await see(pilot, "line number 150.")
        await pilot.press("n", "G")
        await see(pilot, "line number 250.", "100 %")
        assert "p Earlier" in text(app)
        await pilot.press("n")
        await see(pilot, "This is the end of the log.")


async def test_a_filter_shows_the_lines_with_a_text(door: ScriptedDoor, path: Path) -> None:
    async with log(door) as (app, pilot):
        await see(pilot, "line number 250.")
        await pilot.press("slash", *"LINE 13")
        await see(pilot, "line number 113.", "line number 139.")
        assert "line number 250." not in text(app)
        await pilot.press("enter", "p")
        await see(pilot, "line number 139.", "This is the beginning of the log.")
        _append(path, "line 1300 is new", "no match")
        await see(pilot, "line 1300 is new")
        assert "no match" not in text(app)
        await pilot.press("escape")
        await see(pilot, "no match")
        assert not app.screen.query_one("#filter", Input).has_class("-open")
        assert isinstance(app.screen, Log)
        await pilot.press("slash", *"nothing like it", "enter")
        await see(pilot, "! no line has that")


async def test_a_log_that_begins_anew_is_followed_again(door: ScriptedDoor, path: Path) -> None:
    async with log(door) as (_, pilot):
        await see(pilot, "line number 250.")
        await pilot.press("f")
        await see(pilot, "held still")
        _put_aside(path)
        _write(path, b"a new one")
        await see(pilot, "The log began anew.", "a new one", "follows the end")
        _write(path, b"cut")
        await see(pilot, "cut")


async def test_a_log_that_is_not_there_yet_says_so(door: ScriptedDoor, tmp_path: Path) -> None:
    door.log_file = tmp_path / "engine-uat.log"
    async with log(door) as (_, pilot):
        await see(pilot, "! There is no log yet")
        for key in ("enter", "p", "n", "f"):
            await pilot.press(key)
        _write(door.log_file, b"here it is")
        await pilot.press("f")
        await see(pilot, "here it is")


async def test_a_log_that_cannot_be_read_is_told(door: ScriptedDoor) -> None:
    async with log(door) as (_, pilot):
        await see(pilot, "engine started")
        door.error = StoreError("The log cannot be read.", "Mend it.")
        await see(pilot, "! The log cannot be read. Mend it.")


async def test_hostile_bytes_do_nothing(door: ScriptedDoor, path: Path) -> None:
    lines = [
        b"\x1b[2J\x1b]0;x\x07",
        b"[@click=app.quit]x[/]",
        b"\xff\xfe\x9b2J",
        b'{"event": "\\u001b[2J\\u202e"}',
        b"w" * 70_000,
    ]
    _write(path, *lines)
    async with log(door) as (app, pilot):
        await see(pilot, "www")
        for _ in lines:
            await pilot.press("enter")
            await until(pilot, lambda: app.screen.is_modal)
            for line in shown(app):
                assert all(ord(char) >= 0x20 and not 0x7F <= ord(char) < 0xA0 for char in line), line
                assert "\u202e" not in line
                assert len(line) <= 80
            await pilot.press("escape", "k")
        assert app.is_running


async def test_a_long_line_is_cut_and_enter_shows_more_of_it(door: ScriptedDoor, path: Path) -> None:
    _append(path, f"{'word ' * 100}end of it")
    async with log(door) as (app, pilot):
        await see(pilot, "word word", "…")
        assert "end of it" not in text(app)
        await pilot.press("enter", *"j" * 10)
        await see(pilot, "end of it")


async def test_the_run_screen_leads_to_it_too(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (app, pilot):
        await pilot.press("v")
        await see(pilot, "engine started")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Run))


async def test_from_a_run_only_its_lines_are_seen(door: ScriptedDoor, path: Path) -> None:
    lines = [{"run": run, "pid": 16, "event": f"event {nth} of {run}"} for nth in range(80) for run in (15, 16, 160)]
    _append(path, *map(json.dumps, lines))
    door.put(made_run())
    async with showing(door, attach=16) as (app, pilot):
        await pilot.press("v")
        await see(pilot, "Log of the engine   run 16", "event 79 of 16", "event 78 of 16")
        await pilot.press("p", "slash", *"event 7")
        await see(pilot, "event 17 of 16", "event 70 of 16")
        assert not re.search(r"of 15|of 160|line number", text(app))
        await pilot.press("escape", "slash", *"160", "enter")
        await see(pilot, "! no line of run 16 has that")


async def test_only_a_page_of_a_large_log_is_held(door: ScriptedDoor, path: Path) -> None:
    with path.open("ab") as file:
        file.truncate(1_000_000_000)
    _append(path, "", *(f"the end {number}" for number in range(120)))
    async with log(door) as (app, pilot):
        await see(pilot, "the end 119", "1.0 GB")
        assert app.screen.query_one(Table).row_count == 100
