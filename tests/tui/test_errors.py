import csv
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.screens.errors import Errors
from tui.screens.home import Home

pytestmark = pytest.mark.usefixtures("quick")


def _ready(app: CouplerApp) -> bool:
    return isinstance(app.screen, Errors) and bool(app.screen.records)


async def test_causes_records_and_what_to_do(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await see(
            pilot,
            "Errors   all runs",
            "79 records, 2 causes",
            "> CUSTOMER         failed  CRM 412 duplicate accountnumber         77",
            "> 01450000        New Concepts Furniture",
            "page 1/2 (50 a page)",
            "A record with matching key values already exists: accountnumber=01450000",
            "Next step: Couple by hand.",
        )


async def test_another_cause_shows_its_records(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await pilot.press("j")
        await see(pilot, "page 1/1", "Next step: Shorten it.")


async def test_pages(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await pilot.press("n")
        await see(pilot, "page 2/2", "01450050")
        await pilot.press("n")
        await see(pilot, "page 2/2")
        await pilot.press("p")
        await see(pilot, "page 1/2", "> 01450000")


async def test_enter_goes_from_cause_to_record_to_detail_and_escape_back(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await pilot.press("enter", "j", "enter")
        await see(pilot, "Record      CUSTOMER 01450001  Progressive Home", "[crm.duplicate]", "00000001-0000-4000")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Errors))
        await pilot.press("escape")
        assert isinstance(app.screen, Errors)
        assert app.screen.query_one("#causes").has_focus
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


async def test_tab_switches_the_table(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await pilot.press("tab")
        assert app.screen.query_one("#records").has_focus
        await pilot.press("tab")
        assert app.screen.query_one("#causes").has_focus


async def test_w_writes_every_record(door: ScriptedDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = door.outcome_of
    door.outcome_of = lambda number, cause: replace(made(number, cause), name="-1+2", nav_no=f"{number}")
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await pilot.press("w")
        await see(pilot, "79 records written to")
    rows = list(csv.DictReader((tmp_path / "coupler-errors.csv").read_text().splitlines()))
    assert len(rows) == 79
    assert rows[0]["name"] == "'-1+2"


async def test_no_errors(door: ScriptedDoor) -> None:
    door.causes_found = []
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await see(pilot, "No errors.", "0 records, 0 causes")
        await pilot.press("enter", "n", "p", "enter")
        assert "No errors." in text(app)


async def test_causes_that_are_out_of_sight_are_counted(door: ScriptedDoor) -> None:
    one = door.causes_found[0]
    door.causes_found = [replace(one, cause=f"cause {number}", count=1) for number in range(9)]
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await see(pilot, "cause 5", "3 more causes below", "in: causes, tab = records")
        await pilot.press(*["j"] * 7)
        await see(pilot, "> CUSTOMER         failed  cause 7", "1 more cause below")
        await pilot.press("G")
        await until(pilot, lambda: "below" not in text(app))
        await pilot.press("tab")
        await see(pilot, "in: records, tab = causes")


async def test_a_next_step_that_is_cut_says_by_which_key_it_is_seen(door: ScriptedDoor) -> None:
    made = door.outcome_of
    hint = "Look at both records and decide which of them is right, then merge them. " * 6 + "That is all."
    door.outcome_of = lambda number, cause: replace(made(number, cause), message="What happened. " * 20, hint=hint)
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await see(pilot, "Next step: Look at both", "… (enter, enter = all)")
        await pilot.press("enter")
        await see(pilot, "… (enter = all)")
        await pilot.press("enter")
        await see(pilot, "That is all.")


async def test_a_next_step_of_two_lines_is_shown_whole(door: ScriptedDoor) -> None:
    made = door.outcome_of
    hint = "Look at both records and decide which of them is right, then merge them or couple one by hand. The end."
    door.outcome_of = lambda number, cause: replace(made(number, cause), message="What happened. " * 20, hint=hint)
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await see(pilot, "The end.")
        assert "= all)" not in text(app)


async def test_keys_that_can_do_nothing_say_why_and_are_not_offered(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await see(pilot, "n Next page")
        assert "p Previous" not in text(app)
        await pilot.press("p")
        await see(pilot, "This is the first page.")
        await pilot.press("n")
        await see(pilot, "page 2/2", "p Previous")
        await pilot.press("n")
        await see(pilot, "This is the last page.")
        assert "n Next page" not in text(app)


async def test_without_errors_no_key_is_offered_for_them(door: ScriptedDoor) -> None:
    door.causes_found = []
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await see(pilot, "No errors.")
        assert not {"Open", "Pane", "Next page", "Write"} & set(text(app).split())
        await pilot.press("w")
        await see(pilot, "There are no errors.")
