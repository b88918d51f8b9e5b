"""The match review: records that several others match, one beside its candidates, and the choice."""

import csv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.model.errors import ConnectionLost, LockHeld, StoreError
from engine.model.matches import Review
from engine.model.snapshot import Cause, RunState
from tests.tui.made.runs import NOW
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.dialogs.confirm import Confirm
from tui.screens.candidates import Candidates
from tui.screens.home import Home
from tui.screens.matches import Matches

pytestmark = pytest.mark.usefixtures("quick")
BEST, OTHER = (f"0000000{one}-0000-4000-8000-00000000000c" for one in "ab")
RECORD = "00000000-0000-4000-8000-000000000000"


@asynccontextmanager
async def opened(door: ScriptedDoor, *, review: bool = False) -> AsyncIterator[tuple[CouplerApp, Pilot[None]]]:
    """The match review, or its first record."""
    async with showing(door) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, Matches) and app.screen.shown)
        if review:
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, Candidates) and app.screen.shown)
        yield app, pilot


def coupled(door: ScriptedDoor) -> list[tuple[object, ...]]:
    return [call for call in door.calls if call[0] == "couple"]


async def test_m_lists_the_records_that_wait_with_why(door: ScriptedDoor) -> None:
    async with opened(door) as (app, pilot):
        await see(
            pilot,
            "120 records wait",
            "> CUSTOMER         NAV 01450000      New Concepts Furniture            12:04:34",
            "CUSTOMER         CRM 00000002      Zoë's Möbelhaus",
            "page 1/3 (50 a page)",
            "2 uncoupled Account records have the same Name",
            "Met by run 16",
        )
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


async def test_records_are_read_fifty_at_a_time(door: ScriptedDoor) -> None:
    async with opened(door) as (app, pilot):
        assert "p Previous" not in text(app)
        await pilot.press("p")
        await see(pilot, "This is the first page.")
        await pilot.press("n")
        await see(pilot, "page 2/3", "01450051")
        await pilot.press("n")
        await see(pilot, "page 3/3", "01450100")
        await pilot.press("n")
        await see(pilot, "This is the last page.")
        await pilot.press("p")
        await see(pilot, "page 2/3")
        door.ambiguous_found = door.ambiguous_found[:30]
        await see(pilot, "page 1/1", "30 records wait")
    assert {call[1] for call in door.calls if call[0] == "ambiguous"} == {50}


async def test_records_are_found_by_parts_of_number_and_name(
    door: ScriptedDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(door) as (_, pilot):
        await pilot.press("n", "slash", *"new", "space", *"001")
        await see(pilot, "3 records found", "page 1/1", "> CUSTOMER         NAV 01450012")
        await pilot.press("enter", "w")
        await see(pilot, "Written to")
        rows = list(csv.DictReader((tmp_path / "coupler-matches.csv").read_text().splitlines()))
        assert len(rows) == 3
        if pilot.app.screen.is_modal:  # where the path is too long for a line
            await pilot.press("escape")
        await pilot.press("slash", "end", *"x")
        await see(pilot, "0 records found", "Nothing is found; esc shows all.")
        await pilot.press("escape")
        await see(pilot, "120 records wait", "page 1/3")


async def test_nothing_that_waits_is_said_and_keys_say_it_too(door: ScriptedDoor) -> None:
    door.ambiguous_found = []
    async with opened(door) as (app, pilot):
        await see(pilot, "No record waits for a choice: none matches several others", "0 records wait")
        assert "enter Candidates" not in text(app)
        for key in ("enter", "w"):
            await pilot.press(key)
            await see(pilot, "No record waits for a choice.")
        assert isinstance(app.screen, Matches)


async def test_w_writes_all_that_wait(door: ScriptedDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(door) as (_, pilot):
        await pilot.press("w")
        await see(pilot, "Written to")
    rows = list(csv.DictReader((tmp_path / "coupler-matches.csv").read_text().splitlines()))
    assert len(rows) == 120
    assert (rows[1]["mapping"], rows[1]["nav_no"], rows[1]["run"]) == ("CUSTOMER", "01450001", "16")


async def test_enter_lays_the_record_beside_its_candidates(door: ScriptedDoor) -> None:
    async with opened(door, review=True) as (app, pilot):
        await see(
            pilot,
            "Match review > CUSTOMER > NAV 01450000 New Concepts Furniture",
            "> AC-17           New Concepts Furniture              0000000a           4 of 5",
            "The record in NAV",
            "Candidate in CRM",
            "= New Concepts Furniture      new concepts furniture",
            "! (blank)                     www.new.example",
            "2 candidates in CRM by Name, read 12:04:34; = is the same, ! is not.",
        )
        await pilot.press("2")
        await see(pilot, "! Atlanta                     Berlin")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Matches))


async def test_enter_goes_to_the_fields_and_to_their_whole_values_and_esc_back(door: ScriptedDoor) -> None:
    long = replace(door.review_found.candidates[0], values=("long " * 60, "Atlanta", "0711 1", "JR", "www.new.example"))
    door.review_found = replace(door.review_found, candidates=(long, door.review_found.candidates[1]))
    async with opened(door, review=True) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "fields")
        await pilot.press("enter")
        await see(
            pilot, "NAV Name = CRM name", "The record has: New Concepts Furniture", "The candidate has: long long"
        )
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "candidates")
        assert isinstance(app.screen, Candidates)


@pytest.mark.parametrize("key", ["n", "escape", "enter"])
async def test_nothing_is_coupled_without_a_clear_yes(door: ScriptedDoor, key: str) -> None:
    async with opened(door, review=True) as (app, pilot):
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        await see(pilot, "[ No ]", "AC-17", BEST, "4 of 5 fields are the same", "No field is written now.")
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, Candidates))
    assert coupled(door) == []


@pytest.mark.parametrize(("row", "partner"), [("1", BEST), ("2", OTHER)])
async def test_the_candidate_under_the_cursor_is_coupled_after_yes(door: ScriptedDoor, row: str, partner: str) -> None:
    async with opened(door, review=True) as (app, pilot):
        await pilot.press(row, "C")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        await pilot.press("y")
        await see(pilot, "Done by run 30: 1 record coupled.")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Matches))
        await see(pilot, "119 records wait")
    assert coupled(door) == [("couple", "CUSTOMER", RECORD, partner)]


async def test_a_small_c_couples_nothing(door: ScriptedDoor) -> None:
    async with opened(door, review=True) as (app, pilot):
        await pilot.press("c")
        await pilot.pause(0.1)
        assert isinstance(app.screen, Candidates)


async def test_what_kept_it_from_being_coupled_is_said_and_the_record_stays(door: ScriptedDoor) -> None:
    door.couple_failed = 1
    door.causes_found = [Cause(30, "CUSTOMER", "failed", "already_coupled", "is coupled", 1, NOW, "Uncouple it first.")]
    async with opened(door, review=True) as (app, pilot):
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        await pilot.press("y")
        await see(pilot, "This was not done.", "A record with matching key values", "Uncouple it first.")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Candidates))
        assert [call[0] for call in door.calls].count("candidates") == 2, "they may be others by now"


async def test_a_run_that_goes_on_can_be_left(door: ScriptedDoor) -> None:
    door.couple_state = RunState.RUNNING
    async with opened(door, review=True) as (app, pilot):
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        await pilot.press("y")
        await see(pilot, "Run 30: an engine works on it", "the run goes on")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Candidates))
        assert [call for call in door.calls if call[0] in ("wish", "cancel")] == []


async def test_an_engine_that_is_late_is_waited_for(door: ScriptedDoor) -> None:
    door.couple_state = RunState.INTERRUPTED
    async with opened(door, review=True) as (app, pilot):
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        await pilot.press("y")
        await see(pilot, "no engine works on it. Waiting for one")
        door.change(30, state=RunState.FINISHED)
        await see(pilot, "Done by run 30: 1 record coupled.")


async def test_a_run_that_was_stopped_says_why(door: ScriptedDoor) -> None:
    door.couple_state = RunState.STOPPED
    async with opened(door, review=True) as (app, pilot):
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        await pilot.press("y")
        await see(pilot, "Run 30 is stopped; nothing was coupled as far as is known.")


async def test_an_engine_that_works_already_refuses_and_nothing_is_lost(door: ScriptedDoor) -> None:
    async with opened(door, review=True) as (app, pilot):
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        door.error = LockHeld("Another engine works on this store.", "Wait until it is done.")
        await pilot.press("y")
        await see(pilot, "Another engine works on this store.")
        assert coupled(door) == []


async def test_candidates_that_are_gone_leave_nothing_to_choose_and_r_looks_again(door: ScriptedDoor) -> None:
    whole = door.review_found
    door.review_found = Review(NOW, message="The record is coupled by now.")
    async with opened(door, review=True) as (app, pilot):
        await see(pilot, "! The record is coupled by now.")
        assert "C Couple" not in text(app)
        await pilot.press("C")
        await see(pilot, "There is no candidate to couple it with.")
        await pilot.press("enter")
        await see(pilot, "There is nothing to open.")
        door.review_found = whole
        await pilot.press("r")
        await see(pilot, "2 candidates in CRM", "C Couple")


async def test_rivals_and_candidates_that_are_not_shown_are_told(door: ScriptedDoor) -> None:
    door.review_found = replace(door.review_found, rivals=3, more=1_200)
    async with opened(door, review=True) as (_, pilot):
        await see(pilot, "! 3 uncoupled records in NAV have this Name", "! 1,200 more candidates are not shown")
        await pilot.press("C")
        await see(pilot, "! 2 more in NAV and 1,201 more in CRM still match: they wait for a choice.")


@pytest.mark.parametrize(
    ("rivals", "candidates", "words"),
    [
        (1, 1, ()),
        (2, 1, ("! 1 more in NAV: the next full synchronization makes a new CRM record", "unless it matches")),
        (3, 1, ("! 2 more in NAV: the next full synchronization makes a new CRM record", "each that matches no")),
        (1, 2, ("! 1 more in CRM: the next full synchronization makes a new NAV record", "the mapping goes there")),
        (2, 2, ("! 1 more in NAV and 1 more in CRM still match: the next synchronization", "couples these two.")),
    ],
)
async def test_the_question_says_what_becomes_of_the_others(
    door: ScriptedDoor, rivals: int, candidates: int, words: tuple[str, ...]
) -> None:
    found = door.review_found
    door.review_found = replace(found, rivals=rivals, candidates=found.candidates[:candidates])
    async with opened(door, review=True) as (app, pilot):
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        await see(pilot, "4 of 5 fields are the same", *words)
        assert (" more in " in text(app)) is bool(words)


async def test_two_records_of_crm_with_the_same_name_are_told_apart(door: ScriptedDoor) -> None:
    first, second = (
        replace(door.ambiguous_found[2], source_id=id, name="L'Atelier Office s.r.o.") for id in (BEST, OTHER)
    )
    door.ambiguous_found = [first, second]
    async with opened(door) as (app, pilot):
        await see(pilot, "CRM 0000000a      L'Atelier Office", "CRM 0000000b      L'Atelier Office")
        await pilot.press("2", "enter")
        await see(pilot, "Match review > CUSTOMER > CRM 0000000b L'Atelier Office", "2 candidates in NAV")
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        await see(
            pilot, "Couple CUSTOMER 0000000b", "CRM  -  L'Atelier Office", OTHER, "NAV  AC-17  New Concepts", BEST
        )


async def test_one_that_is_left_is_coupled_by_itself(door: ScriptedDoor) -> None:
    door.review_found = replace(door.review_found, candidates=door.review_found.candidates[:1])
    async with opened(door, review=True) as (_, pilot):
        await see(pilot, "Only one matches by now: the next synchronization couples it by itself.")


async def test_sides_that_cannot_be_read_and_a_store_that_cannot_are_told(door: ScriptedDoor) -> None:
    async with opened(door) as (_, pilot):
        door.error = StoreError("The store is gone.", "Mend it.")
        await see(pilot, "! The store is gone.", "Mend it.")
        door.error = ConnectionLost("NAV cannot be reached.", "Check that it runs.")
        await pilot.press("enter")
        await see(pilot, "NAV cannot be reached.", "Check that it runs.")
        await pilot.press("escape")
        await see(pilot, "They could not be read. r = try again")
        door.error = None
        await pilot.press("r")
        await see(pilot, "2 candidates")
