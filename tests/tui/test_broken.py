"""Couplings with a lost record: the look for them, and what is done about one or all."""

import csv
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.model.errors import LockHeld, StoreError
from engine.model.snapshot import RunState
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.screens.broken import Broken
from tui.screens.couplings import Couplings
from tui.screens.run import Run

pytestmark = pytest.mark.usefixtures("quick")
FIRST = "00000000-a000-4000-8000-000000000000"


async def _answer(pilot: Pilot[None], key: str) -> None:
    await until(pilot, lambda: getattr(pilot.app.screen, "armed", False))
    await pilot.press(key)


async def _open(pilot: Pilot[None], app: CouplerApp) -> None:
    await pilot.press("o")
    await until(pilot, lambda: isinstance(app.screen, Couplings) and app.screen.shown > 0)
    await pilot.press("B")
    await _answer(pilot, "y")
    await until(pilot, lambda: isinstance(app.screen, Broken) and app.screen.shown > 0)


def _mends(door: ScriptedDoor) -> list[tuple[object, ...]]:
    return [one[1:] for one in door.calls if one[0] == "mend"]


async def test_both_sides_are_looked_at_after_a_question_and_what_is_gone_is_listed(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await see(pilot, "122 couplings", "> CURRENCY")
        await pilot.press("B")
        await see(pilot, "All 122 couplings of all mappings", "Nothing is written.", "[ No ]")
        await _answer(pilot, "n")
        await until(pilot, lambda: isinstance(app.screen, Couplings))
        assert ("look for broken", None) not in door.calls
        await pilot.press("B")
        await _answer(pilot, "y")
        await see(
            pilot,
            "Broken couplings",
            "60 found  (uat)",
            "> CUSTOMER         01450000        CRM record      00000000  00000000",
            "  CUSTOMER         01450001        NAV record",
            "  CUSTOMER         01450002        both records",
            "page 1/2 (50 a page)",
        )
        await pilot.press("n")
        await see(pilot, "> CUSTOMER         01450050", "page 2/2")
        await pilot.press("p", "enter")
        await see(pilot, "Coupling    CUSTOMER 01450000", f"NAV id      {FIRST}", "run 24")


async def test_those_of_one_mapping_are_looked_for_from_its_couplings(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("4", "enter")
        await see(pilot, "Mapping   CUSTOMER", "7 differ")
        await _open(pilot, app)
        await see(pilot, "Broken couplings   CUSTOMER")
        await pilot.press("D")
        await see(pilot, "60 couplings of CUSTOMER had a lost record", "Nothing is written to NAV or CRM")
        await _answer(pilot, "y")
        await until(pilot, lambda: isinstance(app.screen, Run))
    assert ("look for broken", "CUSTOMER") in door.calls
    assert _mends(door) == [("remove", "CUSTOMER", None)]


async def test_none_found_is_said_on_the_list_of_couplings(door: ScriptedDoor) -> None:
    door.broken_ones = []
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, Couplings) and app.screen.shown > 0)
        await pilot.press("B")
        await _answer(pilot, "y")
        await see(pilot, "No coupling is broken: 4,105 looked at.")
        assert isinstance(app.screen, Couplings)


@pytest.mark.parametrize(
    ("key", "action", "words", "done"),
    [
        ("r", "restore", "made again from the record that is left", "restored"),
        ("d", "remove", "Nothing is written to NAV or CRM", "removed"),
    ],
)
async def test_one_is_mended_after_a_question_and_marked(
    door: ScriptedDoor, key: str, action: str, words: str, done: str
) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app)
        for answer in ("enter", "escape", "n"):
            await pilot.press(key)
            await see(pilot, "CUSTOMER 01450000", "CRM record gone", words, "[ No ]")
            await _answer(pilot, answer)
            await until(pilot, lambda: isinstance(app.screen, Broken))
        assert _mends(door) == []
        door.mending = RunState.RUNNING
        await pilot.press(key)
        await _answer(pilot, "y")
        await see(pilot, "Run 25 looks at both records of CUSTOMER 01450000 ...")
        await pilot.press("D")
        await see(pilot, "Another coupling is being mended.")
        door.change(25, state=RunState.FINISHED)
        await see(pilot, f"Run 25: CUSTOMER 01450000 is {done}.", f"00000000  {done}")
        await pilot.press(key)
        await see(pilot, f"It is {done} already.")
    assert _mends(door) == [(action, "CUSTOMER", FIRST)]


async def test_nothing_is_made_from_nothing(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app)
        await pilot.press("3", "r")
        await see(pilot, "Both records are gone: nothing is left to make one from")
        assert "r Restore" not in text(app).replace("R Restore", "")
        await pilot.press("escape", "d")
        await see(pilot, "both records gone", "[ No ]")
    assert _mends(door) == []


async def test_why_one_could_not_be_mended_is_told_and_it_stays(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app)
        door.not_mended = door.broken_ones[:1]
        await pilot.press("r")
        await _answer(pilot, "y")
        await see(pilot, "the account row is gone.", "Mend it.", "esc Close")
        door.not_mended = []
        door.mending = RunState.STOPPED
        await pilot.press("escape", "r")
        await _answer(pilot, "y")
        await see(pilot, "Run 25 is stopped; nothing was mended as far as is known.")
        await pilot.press("escape")
        door.error = LockHeld("An engine works on this state store: run 16 (run).", "Watch it.")
        await pilot.press("r")
        await _answer(pilot, "y")
        await see(pilot, "This was not done", "An engine works on this state store: run 16")
        door.error = None
        await pilot.press("escape")
        await see(pilot, "> CUSTOMER         01450000        CRM record")
        assert "restored" not in text(app)


async def test_all_are_mended_by_a_run_that_is_shown(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app)
        await pilot.press("R")
        await see(pilot, "60 couplings of all mappings", "looked at once more", "[ No ]")
        await _answer(pilot, "y")
        await until(pilot, lambda: isinstance(app.screen, Run) and app.screen.shown > 0)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Couplings))
    assert _mends(door) == [("restore", None, None)]


async def test_in_production_the_name_is_typed_before_all_are_restored() -> None:
    door = ScriptedDoor(production=True)
    async with showing(door) as (app, pilot):
        await _open(pilot, app)
        await pilot.press("R")
        await _answer(pilot, "y")
        await see(pilot, "Type the name of the CRM organization to restore all:")
        await _answer(pilot, "escape")
        await until(pilot, lambda: isinstance(app.screen, Broken))
        assert _mends(door) == []


async def test_all_pages_are_written(door: ScriptedDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with showing(door) as (app, pilot):
        await _open(pilot, app)
        await pilot.press("w")
        await see(pilot, "Written to")
    rows = list(csv.DictReader((tmp_path / "coupler-broken.csv").read_text().splitlines()))
    assert [rows[0][name] for name in ("mapping", "code", "nav_no", "nav_id")] == [
        "CUSTOMER", "crm_gone", "01450000", FIRST,
    ]  # fmt: skip
    assert len(rows) == 60


async def test_without_a_store_it_says_so(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app)
        door.error = StoreError("The store is gone.", "Mend it.")
        await see(pilot, "! The store is gone.")
