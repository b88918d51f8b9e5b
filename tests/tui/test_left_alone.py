"""The records of all mappings that no run tries any more."""

import csv
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.model.errors import StoreError
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.screens.errors import Errors
from tui.screens.left_alone import LeftAlone

pytestmark = pytest.mark.usefixtures("quick")
FIRST = "00000000-0000-4000-8000-000000000000"


async def _open(pilot: Pilot[None], app: CouplerApp) -> None:
    await pilot.press("e")
    await until(pilot, lambda: isinstance(app.screen, Errors) and app.screen.shown > 0)
    await pilot.press("a")
    await until(pilot, lambda: isinstance(app.screen, LeftAlone) and app.screen.shown > 0)


def _tried(door: ScriptedDoor) -> list[object]:
    return [one[1] for one in door.calls if one[0] == "try again"]


async def test_those_of_all_mappings_are_listed_with_the_reason(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app)
        await see(
            pilot,
            "Left alone   all mappings",
            "60 records  (uat)",
            "> CUSTOMER         ->  01450000        New Concepts Furniture",
            "page 1/2 (50 a page)",
            f"NAV id {FIRST}, failed 2 times in the same way",
            "address1_country exceeds 80 characters.",
        )
        await pilot.press("3")
        await see(pilot, "CRM id 00000002-0000-4000")
        await pilot.press("enter")
        await see(pilot, "CRM id      00000002-0000-4000", "[crm.length]", "run 14")
        await pilot.press("escape", "n")
        await see(pilot, "page 2/2", "  CUSTOMER         ->  01450051")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Errors))


async def test_r_tries_one_again_and_it_leaves_the_list(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app)
        await pilot.press("r")
        await see(pilot, "1 record will be tried again by the next pass.", "59 records")
        await until(pilot, lambda: "01450000" not in text(app))
    assert _tried(door) == [FIRST]


async def test_all_are_tried_again_after_a_question(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app)
        for answer in ("enter", "escape", "n", "y"):
            assert _tried(door) == []
            await pilot.press("R")
            await see(pilot, "60 records of all mappings", "as if it had never failed", "[ No ]")
            await until(pilot, lambda: getattr(app.screen, "armed", False))
            await pilot.press(answer)
            await until(pilot, lambda: isinstance(app.screen, LeftAlone))
        await see(
            pilot, "60 records will be tried again by the next pass.", "No record is left alone: none failed twice"
        )
        await pilot.press("R")
        await see(pilot, "No record is left alone.")
        assert isinstance(app.screen, LeftAlone)
        assert "Retry" not in text(app)
    assert _tried(door) == [None]


async def test_they_are_reached_where_there_are_no_errors(door: ScriptedDoor) -> None:
    door.causes_found = []
    async with showing(door) as (app, pilot):
        await _open(pilot, app)
        await see(pilot, "60 records")


async def test_all_pages_are_written(door: ScriptedDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with showing(door) as (app, pilot):
        await _open(pilot, app)
        await pilot.press("w")
        await see(pilot, "Written to")
    rows = list(csv.DictReader((tmp_path / "coupler-left-alone.csv").read_text().splitlines()))
    assert (len(rows), rows[0]["mapping"], rows[0]["source_id"], rows[0]["times"]) == (60, "CUSTOMER", FIRST, "2")


async def test_without_a_store_it_says_so(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app)
        door.error = StoreError("The store is gone.", "Mend it.")
        await see(pilot, "! The store is gone.")
