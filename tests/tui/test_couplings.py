"""The couplings, and both records of one side by side."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.model.coupled import Alike, BothRecords, CoupledRow
from engine.model.errors import ConnectionLost, LockHeld, StoreError
from engine.model.snapshot import Counters, JobState, RunState
from tests.tui.made.couplings import coupling_id, made_records
from tests.tui.made.runs import made_job
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tests.tui.test_hostile import NAMES, _harmless
from tui.app import CouplerApp
from tui.look import Look
from tui.screens import page
from tui.screens.couplings import Couplings
from tui.screens.home import Home
from tui.screens.records import Records

pytestmark = pytest.mark.usefixtures("quick")


def _ready(app: CouplerApp) -> bool:
    return isinstance(app.screen, Couplings) and app.screen.shown > 0


def _reads(door: ScriptedDoor) -> list[tuple[object, ...]]:
    """What was read of the couplings, each as often as it was in a row only once."""
    found = [one[1:] for one in door.calls if one[0] == "couplings"]
    return [one for at, one in enumerate(found) if not at or found[at - 1] != one]


async def test_fifty_are_read_at_a_time_and_each_page_goes_on_behind_the_one_before(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await see(pilot, "> CURRENCY         EUR", "page 1/3 (50 a page)", "122 couplings", "n Next page")
        assert "p Previous" not in text(app)
        await pilot.press("p")
        await see(pilot, "This is the first page.")
        await pilot.press("n")
        await see(pilot, "> CUSTOMER         01450049", "page 2/3", "p Previous")
        await pilot.press("n")
        await see(pilot, "> CUSTOMER         01450099", "page 3/3")
        await pilot.press("n")
        await see(pilot, "This is the last page.")
        await pilot.press("p")
        await see(pilot, "> CUSTOMER         01450049", "page 2/3")
        assert _reads(door) == [
            (None, "", None), (None, "", "01450048"), (None, "", "01450098"), (None, "", "01450048"),
        ]  # fmt: skip
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


async def test_each_coupling_has_a_word_and_the_one_under_the_cursor_says_why(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        for row, words in (
            ("1", ("NAV id", "CRM id", "by run 12")),
            ("3", ("failed, ", "CRM refused it: A record with")),
            ("4", ("skipped, ", "It failed twice alike")),
            ("5", ("CRM record gone, ", "Its account is gone.")),
            ("6", ("NAV record gone, ", "Its Customer is gone.")),
            ("7", ("conflict, ", "nothing is chosen yet")),
        ):
            await pilot.press(row)
            await see(pilot, *words)


async def test_a_search_asks_the_store_and_says_what_it_looks_for(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        await pilot.press("n")
        await see(pilot, "page 2/3")
        await pilot.press("slash")
        await see(pilot, "beginning of a NAV number or of an id (8 digits); no names are stored")
        await pilot.press(*"0145011")
        await see(pilot, 'page 1 (50 a page) of what begins with "0145011"   esc = all', "> CUSTOMER         01450110")
        assert "01450109" not in text(app)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, Records))
        await pilot.press("escape", "escape")
        await see(pilot, "> CURRENCY         EUR", "page 1/3")
        await pilot.press("slash", *"nobody", "enter")
        await see(pilot, "Nothing is found; esc shows all.")
        assert "U Uncouple" not in text(app)
        await pilot.press("U")
        await see(pilot, "Nothing is found; esc shows all.")
        assert not [one for one in door.calls if one[0] == "uncouple"]


async def test_uncoupling_says_what_it_means_and_does_nothing_without_a_clear_yes(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        for answer in ("enter", "escape", "n"):
            await pilot.press("3", "U")
            await see(pilot, "Uncouple CUSTOMER 01450001", "Its records of CONTACTS are uncoupled with it.", "[ No ]")
            await see(pilot, "nothing is written to NAV or CRM", coupling_id(1, "b"))
            await pilot.press(answer)
            await until(pilot, lambda: _ready(app))
        await pilot.press("1", "U")
        await see(pilot, "Uncouple CURRENCY EUR")
        assert "CONTACTS" not in text(app)
        await pilot.press("n")
        assert not [one for one in door.calls if one[0] == "uncouple"]


async def test_uncoupling_is_done_by_an_engine_and_what_it_did_is_told(door: ScriptedDoor) -> None:
    door.uncoupling = RunState.RUNNING
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        await pilot.press("3", "U")
        await see(pilot, "Do it?")
        await pilot.pause(0.1)
        await pilot.press("y")
        await until(pilot, lambda: ("uncouple", "CUSTOMER", coupling_id(1, "a")) in door.calls)
        await see(pilot, "Run 17 uncouples CUSTOMER 01450001")
        await pilot.press("U")
        await see(pilot, "Another coupling is being removed.")
        door.change(17, state=RunState.FINISHED)
        await see(
            pilot, "Run 17: 1 uncoupled in CUSTOMER, 3 in CONTACTS.", "121 couplings", "> CUSTOMER         01450002"
        )
        assert len([one for one in door.calls if one[0] == "uncouple"]) == 1


async def _uncouple_without_an_engine(door: ScriptedDoor, pilot: Pilot[None], app: CouplerApp) -> None:
    """The run is there, and no engine has begun to work on it, longer than one may take."""
    door.uncoupling, uncouple = RunState.INTERRUPTED, door.uncouple

    def slow(one: CoupledRow) -> int:
        run = uncouple(one)
        door.change(run, beat=None, jobs=())
        return run

    door.uncouple = slow  # type: ignore[method-assign]
    await pilot.press("o")
    await until(pilot, lambda: _ready(app))
    await pilot.press("3", "U")
    await see(pilot, "Do it?")
    await pilot.pause(0.1)
    await pilot.press("y")
    await see(pilot, "Run 17 uncouples CUSTOMER 01450001")


async def test_an_engine_that_is_slow_to_begin_is_waited_for(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _uncouple_without_an_engine(door, pilot, app)
        await pilot.pause(0.6)
        assert isinstance(app.screen, Couplings)
        assert "nothing was uncoupled" not in text(app)
        counters = Counters(read=1, uncoupled=1)
        door.change(17, state=RunState.FINISHED, jobs=(made_job(4, JobState.OK, counters, run=17),))
        await see(pilot, "Run 17: 1 uncoupled in CUSTOMER.")


async def test_of_an_engine_that_does_not_begin_only_what_is_known_is_told(
    door: ScriptedDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "STARTING", 0.5)
    async with showing(door) as (app, pilot):
        await _uncouple_without_an_engine(door, pilot, app)
        await see(pilot, "Run 17 interrupted", "nothing was uncoupled as far as is known")


async def test_what_hinders_uncoupling_is_told(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        door.error = LockHeld("An engine works on this state store: run 16 (run).", "Watch it.")
        await pilot.press("U")
        await see(pilot, "Do it?")
        await pilot.pause(0.1)
        await pilot.press("y")
        await see(pilot, "This was not done", "An engine works on this state store: run 16")
        door.error = None
        door.uncoupling = RunState.STOPPED
        await pilot.press("escape", "3", "U")
        await see(pilot, "Do it?")
        await pilot.pause(0.1)
        await pilot.press("y")
        await see(pilot, "Run 17 stopped")


async def test_the_list_is_written_with_all_its_pages(
    door: ScriptedDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    door.coupled[0] = replace(door.coupled[0], nav_no="=cmd|' /C calc'!A0")
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        await pilot.press("w")
        await see(pilot, "122 couplings written to", "coupler-couplings.csv")
        if not isinstance(app.screen, Couplings):  # the path is too long for a notice
            await pilot.press("escape")
        await pilot.press("slash", *"014500", "enter")
        await see(pilot, 'begins with "014500"')
        await pilot.press("w")
        await see(pilot, "99 couplings written to", "coupler-couplings-2.csv")
    rows = list(csv.DictReader((tmp_path / "coupler-couplings.csv").read_text().splitlines()))
    assert len(rows) == 122
    assert rows[0]["nav_no"].startswith("'=")
    assert (rows[2]["mapping"], rows[2]["nav_no"], rows[2]["state"]) == ("CUSTOMER", "01450001", "failed")
    assert (rows[2]["nav_id"], rows[2]["crm_id"]) == (coupling_id(1, "a"), coupling_id(1, "b"))
    assert len(list(csv.DictReader((tmp_path / "coupler-couplings-2.csv").read_text().splitlines()))) == 99


async def test_without_couplings_and_without_a_store_it_says_so(door: ScriptedDoor) -> None:
    door.coupled = []
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        await see(pilot, "Nothing is coupled.", "0 couplings")
        await pilot.press("enter", "U", "w")
        assert isinstance(app.screen, Couplings)
        door.error = StoreError("The store is gone.", "Mend it.")
        await see(pilot, "! The store is gone.")


async def test_when_a_record_was_modified_is_told_whole_however_long_its_name_is(door: ScriptedDoor) -> None:
    def long(one: CoupledRow) -> BothRecords:
        made = made_records(one)
        return replace(made, nav=replace(made.nav, name="New Concepts Furniture " * 5))

    door.records_of = long
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        await pilot.press("3", "enter")
        await see(pilot, "NAV Customer 01450001  New Concepts", "…   modified 2026-03-11T09:12:00Z")


async def test_both_records_are_read_once_and_what_differs_is_marked(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        await pilot.press("3", "enter")
        await see(
            pilot,
            "NAV Customer 01450001  New Concepts Furniture",
            "CRM account",
            "7 fields, 2 differ, 1 cannot be compared",
            "Name                 <> New Concepts Furnitu… New Concepts Ltd.     differs",
            "Salesperson_Code     -> (blank)               JR                    unknown",
        )
        await pilot.press("6")
        await see(pilot, "A blank leaves the other side as it is.")
        await pilot.press("d")
        await see(pilot, "d All")
        assert "705 West Peachtree" not in text(app)
        await pilot.press("d")
        await see(pilot, "705 West Peachtree", "d Differing")
        await pilot.press("2", "enter")
        await see(pilot, "Name <> name", "CRM name: New Concepts Ltd.")
        await pilot.press("escape", "r")
        await until(pilot, lambda: door.calls.count(("both records", "01450001")) == 2)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Couplings))


async def test_the_address_of_the_row_in_crm_is_shown_and_can_be_copied(
    door: ScriptedDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    monkeypatch.setattr(CouplerApp, "copy_to_clipboard", lambda _, text: copied.append(text))
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        await pilot.press("3", "enter")
        await see(pilot, "7 fields, 2 differ", "a Address")
        await pilot.press("a")
        await see(pilot, "The row in CRM's web client", "https://contoso.crm4.dynamics.com/main.aspx?")
        await pilot.press("c")
        await see(pilot, "Sent to the terminal's clipboard.")
    query = f"pagetype=entityrecord&etn=account&id={coupling_id(1, 'b')}"
    assert copied == [f"https://contoso.crm4.dynamics.com/main.aspx?{query}"]


async def test_a_server_that_does_not_answer_is_told_and_tried_again(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        door.error = ConnectionLost("CRM cannot be reached.", "Check that it runs.")
        await pilot.press("3", "enter")
        await see(pilot, "! CRM cannot be reached.", "Check that it runs.")
        await pilot.press("d")
        await see(pilot, "They could not be read; r tries again.")
        door.error = None
        await pilot.press("r")
        await see(pilot, "7 fields, 2 differ")
        assert app.is_running


async def test_a_record_that_is_gone_is_said_to_be(door: ScriptedDoor) -> None:
    def gone(one: CoupledRow) -> BothRecords:
        made = made_records(one)
        fields = tuple(replace(each, crm_value=None, alike=Alike.UNKNOWN) for each in made.fields)
        return replace(made, crm=replace(made.crm, found=False, name=""), fields=fields)

    door.records_of = gone
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        await pilot.press("5", "enter")
        await see(pilot, "! is gone", "There is nothing to compare with.", "CRM customertypecode: the record is gone")
        await pilot.press("a")
        await see(pilot, "The row is gone in CRM; no page shows it.")


async def test_ids_are_shown_in_full_where_there_is_room(door: ScriptedDoor) -> None:
    async with showing(door, size=(120, 40), look=Look(hz=20)) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        assert text(app).count(coupling_id(2, "b")) == 1
        await pilot.press("3", "enter")
        await see(pilot, "NAV field                CRM column", "7 fields, 2 differ", "(uat)")
        await pilot.resize_terminal(80, 24)
        await see(pilot, "  Field                   NAV", "7 fields, 2 differ", "(uat)")
        await pilot.press("1")
        await see(pilot, "NAV (no field): Customer (3)", "CRM customertypecode: Customer (3)")
        await pilot.press("escape")
        await until(pilot, lambda: _ready(app) and coupling_id(2, "b") not in text(app))
        await see(pilot, coupling_id(2, "b")[:8], "122 couplings  (uat)")


@pytest.mark.parametrize("name", NAMES)
async def test_no_text_from_outside_does_anything(door: ScriptedDoor, name: str) -> None:
    def hostile(one: CoupledRow) -> BothRecords:
        made = made_records(one)
        fields = tuple(
            replace(each, nav=f"{name}{at}", crm=name, nav_value=name, crm_value=name, note=name)
            for at, each in enumerate(made.fields)
        )
        record = replace(made.nav, table=name, name=name, modified=name)
        return replace(made, nav_no=name, nav=record, crm=record, fields=fields)

    door.records_of = hostile
    door.coupled = [
        replace(one, mapping=f"{name}{at}", nav_no=name, name=name, message=name) for at, one in enumerate(door.coupled)
    ]
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: _ready(app))
        _harmless(app)
        await pilot.press("U")
        await see(pilot, "Do it?")
        _harmless(app)
        await pilot.press("n", "enter")
        await until(pilot, lambda: isinstance(app.screen, Records) and app.screen.found is not None)
        await pilot.pause(0.1)
        _harmless(app)
        await pilot.press("enter")
        await pilot.pause(0.1)
        _harmless(app)
        assert app.is_running
