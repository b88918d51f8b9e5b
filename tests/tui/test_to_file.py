"""What a screen or a box of text shows, as a text file whose name is said."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from textual.events import Key

from tests.tui.made.runs import made_run
from tests.tui.screens import see, showing, until
from tests.tui.script import ScriptedDoor
from tests.tui.test_hostile import NAMES
from tui.app import CouplerApp
from tui.dialogs.info import Info
from tui.screens.errors import Errors
from tui.screens.page import Page

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _ready(app: CouplerApp) -> bool:
    page = app.screen
    return isinstance(page, Page) and page.shown > 0 and (not isinstance(page, Errors) or bool(page.records))


@pytest.mark.parametrize(
    ("opening", "name", "words"),
    [
        ("", "home", ("Mapping ", "RESOURCE-PRODUCT", "transactioncurrency", "match: ")),
        (
            "c",
            "conflicts",
            ("Conflicts", "01450001", "New Concepts Furniture", "Phone_No", "CRM name: New Concepts Ltd."),
        ),
        ("S", "schedule", ("CURRENCY", "Schedule")),
        ("h", "history", ("16", "CUSTOMER", "1,368")),
        ("e", "errors", ("duplicate accountnumber", "Progressive Home Furnishings")),
        ("v", "log", ("engine started",)),
    ],
)
async def test_all_that_a_screen_shows_is_written_with_whole_cells(
    door: ScriptedDoor, here: Path, opening: str, name: str, words: tuple[str, ...]
) -> None:
    door.put(made_run())
    async with showing(door) as (app, pilot):
        if opening:
            home = app.screen
            await pilot.press(opening)
            await until(pilot, lambda: app.screen is not home and _ready(app))
        await pilot.press("l")
        path = here / f"coupler-{name}.txt"
        await until(pilot, path.exists)
        await until(pilot, lambda: path.read_text().endswith("\n"))
    text = path.read_text()
    assert all(one in text for one in words), text
    assert "q Quit" not in text
    assert "…" not in "".join(line for line in text.splitlines() if "transactioncurrency" in line)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_the_name_is_said_and_nothing_is_overwritten(door: ScriptedDoor, here: Path) -> None:
    (here / "coupler-home.txt").write_text("mine")
    async with showing(door) as (_, pilot):
        await pilot.press("l")
        await see(pilot, "Written to")
    assert (here / "coupler-home.txt").read_text() == "mine"
    assert (here / "coupler-home-2.txt").exists()


async def test_a_record_in_full_is_copied_or_written_from_its_box(door: ScriptedDoor, here: Path) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, Info))
        await see(pilot, "esc Close   c Copy   l To file")
        await pilot.press("l")
        await see(pilot, "Written to")
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard)
        await see(pilot, "Sent to the terminal's clipboard.")
        assert "A record with matching key values already exists" in app.clipboard
    assert "A record with matching key values already exists" in (here / "coupler-text.txt").read_text()


async def test_a_folder_that_cannot_be_written_says_so(door: ScriptedDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/proc/self")
    async with showing(door) as (app, pilot):
        await pilot.press("l")
        await see(pilot, "This was not done")
        await pilot.press("l")
        await see(pilot, "! Not written:")
        assert isinstance(app.screen, Info)


@pytest.mark.parametrize("name", NAMES)
async def test_hostile_texts_are_harmless_in_the_file(door: ScriptedDoor, here: Path, name: str) -> None:
    made = door.outcome_of
    door.outcome_of = lambda number, cause: replace(made(number, cause), name=name, message=name, nav_no=name)
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await pilot.press("l")
        await until(pilot, (here / "coupler-errors.txt").exists)
        await see(pilot, "Written to")
        await pilot.press("escape")
    text = (here / "coupler-errors.txt").read_text()
    assert all(ord(char) >= 0x20 and not 0x7F <= ord(char) < 0xA0 for char in text.replace("\n", ""))
    assert not {"\u202e", "\u2066", "\u200f", "\ufeff"} & set(text)


@pytest.mark.parametrize("key", [*"ehoSmc", "enter"])
async def test_a_key_right_behind_it_opens_another_screen_and_the_one_it_was_pressed_on_is_written(
    door: ScriptedDoor, here: Path, key: str
) -> None:
    async with showing(door) as (app, pilot):
        for one in ("l", key):
            app.post_message(Key(one, one if len(one) == 1 else None))
        await until(pilot, (here / "coupler-home.txt").exists)
        await until(pilot, lambda: [one.shown > 0 for one in app.screen_stack if isinstance(one, Page)] == [True, True])
