import csv
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.model.coupled import Partner as PartnerRecord
from engine.model.errors import ConnectionLost
from engine.model.snapshot import RunState
from tests.tui.made.runs import FROM, made_run
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.dialogs.confirm import Confirm
from tui.dialogs.partner import Partner
from tui.screens.errors import Errors
from tui.screens.home import Home

pytestmark = pytest.mark.usefixtures("quick")
ACCOUNT = "8f0c1f2a-0000-4000-8000-00000000000c"


def _ready(app: CouplerApp) -> bool:
    return isinstance(app.screen, Errors) and bool(app.screen.records)


async def test_causes_records_and_what_to_do(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await see(
            pilot,
            "Errors   run 14",
            "79 records, 2 causes",
            "> CUSTOMER         failed   CRM 412 duplicate accountnumber        77",
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
    rows = list(csv.DictReader((tmp_path / "coupler-errors-run-14.csv").read_text().splitlines()))
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
        await see(pilot, "> CUSTOMER         failed   cause 7", "1 more cause below")
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


async def _open(pilot: Pilot[None], app: CouplerApp, *keys: str) -> None:
    await pilot.press("e")
    await until(pilot, lambda: _ready(app))
    await pilot.press(*keys)


async def test_r_retries_the_cause_or_the_one_record(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app, "r")
        await see(pilot, "2 records will be tried again by the next pass.")
        door.skipped_ones = 0
        await pilot.press("r")
        await see(pilot, "None of them is skipped: the next pass tries what failed anyway.")
        await pilot.press("tab", "j", "r")
        await see(pilot, "It is not skipped:")
    cause = "CRM 412 duplicate accountnumber"
    assert [call for call in door.calls if call[0] == "retry"] == [
        ("retry", cause, None),
        ("retry", cause, None),
        ("retry", cause, "01450001"),
    ]


@pytest.mark.parametrize(("keys", "named"), [((), None), (("tab",), "01450000")])
async def test_k_skips_after_a_confirmation(door: ScriptedDoor, keys: tuple[str, ...], named: str | None) -> None:
    made = door.outcome_of
    door.outcome_of = lambda number, cause: replace(made(number, cause), crm_id=ACCOUNT)
    async with showing(door) as (app, pilot):
        await _open(pilot, app, *keys, "K")
        what = "77 records of CUSTOMER" if named is None else "CUSTOMER 01450000 New Concepts Furniture"
        await see(pilot, what, "left alone by every run", "[ No ]")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Errors))
        assert not [call for call in door.calls if call[0] == "skip"]
        await pilot.press("K")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await pilot.press("y")
        await see(pilot, "77 records skipped; r = retry")
    assert ("skip", "CRM 412 duplicate accountnumber", named) in door.calls


async def test_k_says_of_a_record_that_is_not_coupled_that_it_cannot_be_skipped(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app, "tab", "K")
        await see(pilot, "It is not coupled, so it cannot be skipped: each run tries it.")
        assert isinstance(app.screen, Errors)
    assert not [call for call in door.calls if call[0] == "skip"]


async def _type_partner(pilot: Pilot[None], app: CouplerApp, typed: str) -> None:
    await until(pilot, lambda: isinstance(app.screen, Partner) and app.screen.armed)
    await pilot.press(*typed, "enter")
    await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)


async def test_m_couples_the_record_by_hand_and_says_what_came_of_it(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app, "tab", "j", "M")
        await see(pilot, "CUSTOMER 01450001 Progressive Home Furnishings", "CRM id, number or name of its partner:")
        await _type_partner(pilot, app, "8f0c")
        await see(pilot, f"with CRM 8f0c New Concepts Ltd. (id {ACCOUNT})", "no value is written now", "[ No ]")
        await pilot.press("y")
        await see(pilot, "is coupled with CRM 8f0c New", f"Concepts Ltd. (id {ACCOUNT})", "esc Close")
    assert ("couple", "CUSTOMER", "00000001-0000-4000-8000-000000000000", ACCOUNT) in door.calls


async def test_what_names_no_record_is_said_in_the_dialog_and_the_text_stays(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app, "tab", "M")
        await until(pilot, lambda: isinstance(app.screen, Partner) and app.screen.armed)
        await pilot.press(*"xAC-17", "enter")
        await see(pilot, "! There is no account in CRM with the number xAC-17.", "xAC-17  ")
        await pilot.press("backspace")
        await until(pilot, lambda: "There is no account" not in text(app))
        door.error = ConnectionLost("CRM cannot be reached.", "Check that it runs.")
        await pilot.press("enter")
        await see(pilot, "! CRM cannot be reached. Check that it runs.")
        door.error = None
        door.partner_of = lambda _: PartnerRecord("8f0c", "AC-17", "New Concepts Ltd.")
        await pilot.press("enter")
        await see(pilot, "with CRM AC-17 New Concepts Ltd. (id 8f0c)", "[ No ]")
    assert [call[2] for call in door.calls if call[0] == "partner"] == ["xAC-17", "xAC-1"]
    assert not [call for call in door.calls if call[0] == "couple"]


async def test_what_is_found_of_a_text_that_is_another_one_by_now_does_not_count(door: ScriptedDoor) -> None:
    free = threading.Event()

    def slow(typed: str) -> PartnerRecord:
        free.wait(20)
        return PartnerRecord("8f0c", typed, "Another firm")

    door.partner_of = slow
    async with showing(door) as (app, pilot):
        await _open(pilot, app, "tab", "M")
        await until(pilot, lambda: isinstance(app.screen, Partner) and app.screen.armed)
        await pilot.press("1", "enter")
        await see(pilot, "Looking for it ...")
        await pilot.press("2")
        await until(pilot, lambda: "Looking for it" not in text(app))
        free.set()
        await pilot.pause(0.2)
        assert isinstance(app.screen, Partner)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Errors))


async def test_of_a_crm_row_the_nav_record_is_asked_for_and_a_refusal_is_shown(door: ScriptedDoor) -> None:
    made = door.outcome_of
    row = "8f0c1f2a-0000-4000-8000-000000000000"
    door.outcome_of = lambda number, cause: replace(
        made(number, cause), direction=FROM, nav_no="", nav_id=None, crm_id=row
    )
    refused = replace(door.causes_found[0], run=17, count=1, hint="Uncouple it first.")
    door.of_coupling = [refused]
    async with showing(door) as (app, pilot):
        await _open(pilot, app, "M")
        await see(pilot, f"CUSTOMER {row} New Concepts", "NAV number or id of its partner:")
        await _type_partner(pilot, app, "10000")
        await see(pilot, f"with NAV 10000 New Concepts Ltd. (id {ACCOUNT})")
        await pilot.press("y")
        await see(pilot, "A record with matching key values already exists", "Next step: Uncouple it first.")
        assert "is coupled with" not in text(app)
    assert ("couple", "CUSTOMER", ACCOUNT, row) in door.calls


async def test_nothing_is_coupled_without_a_name_or_without_a_yes(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, app, "M")
        await until(pilot, lambda: isinstance(app.screen, Partner) and app.screen.armed)
        await pilot.press("space", "enter")
        assert isinstance(app.screen, Partner)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Errors))
        await pilot.press("M")
        await _type_partner(pilot, app, "8f0c")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Errors))
    assert not [call for call in door.calls if call[0] == "couple"]


async def test_a_run_that_could_not_couple_says_why(door: ScriptedDoor) -> None:
    def stopped(mapping: str, nav: str, crm: str) -> int:
        del mapping, nav, crm
        door.runs[17] = replace(made_run(RunState.STOPPED, id=17), message="CRM does not answer.", hint="Look there.")
        return 17

    door.couple = stopped  # type: ignore[method-assign, assignment]
    async with showing(door) as (app, pilot):
        await _open(pilot, app, "M")
        await _type_partner(pilot, app, "8f0c")
        await pilot.press("y")
        await see(pilot, "Run 17 is stopped. CRM does not answer.", "Look there.")


async def test_an_engine_that_is_slow_to_begin_is_waited_for(door: ScriptedDoor) -> None:
    def slow(mapping: str, nav: str, crm: str) -> int:
        del mapping, nav, crm
        door.runs[17] = replace(made_run(RunState.INTERRUPTED, id=17), beat=None)
        return 17

    door.couple = slow  # type: ignore[method-assign, assignment]
    async with showing(door) as (app, pilot):
        await _open(pilot, app, "M")
        await _type_partner(pilot, app, "8f0c")
        await pilot.press("y")
        await see(pilot, "Run 17 looks for the two records")
        await pilot.pause(0.3)
        assert isinstance(app.screen, Errors)
        door.runs[17] = made_run(RunState.FINISHED, id=17)
        await see(pilot, "is coupled with CRM 8f0c New", f"Concepts Ltd. (id {ACCOUNT})")


async def test_records_of_a_cause_are_found_by_parts_of_number_and_name(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await pilot.press("n", "slash", *"FURN")
        await see(pilot, 'page 1 (50 a page, more follow) of what has "FURN"', "n Next page")
        await pilot.press("enter", "n")
        await see(pilot, 'page 2 (50 a page) of what has "FURN"', "01450076")
        await pilot.press("slash", "end", "space", *"0145004")
        await see(pilot, 'page 1 (50 a page) of what has "FURN 0145004"')
        assert isinstance(app.screen, Errors)
        found = [one.nav_no for one in app.screen.records]
        assert found == [f"0145004{no}" for no in (0, 2, 3, 5, 6, 8, 9)]
        await pilot.press("escape")
        await see(pilot, "page 1/2 (50 a page)", "in: records")
        await pilot.press("escape")
        await see(pilot, "in: causes")


async def test_where_no_record_is_found_keys_do_not_mean_the_whole_cause(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: _ready(app))
        await pilot.press("slash", *"xyz", "enter")
        await see(pilot, 'of what has "xyz"', "Nothing is found; esc shows all.")
        for key in ("r", "K", "M", "enter"):
            await pilot.press(key)
            await pilot.pause(0.05)
            assert isinstance(app.screen, Errors)
        assert not [call for call in door.calls if call[0] in ("retry", "skip", "couple")]
        await pilot.press("escape")
        await see(pilot, "page 1/2 (50 a page)")
