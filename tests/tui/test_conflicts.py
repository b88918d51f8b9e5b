from collections.abc import Mapping
from dataclasses import replace
from threading import Event

import pytest

from engine.model.conflict import Choice, Clash, Conflict
from tests.tui.made.troubles import made_conflicts
from tests.tui.screens import see, showing, shown, text, until
from tests.tui.script import ScriptedDoor
from tests.tui.test_hostile import NAMES, _harmless
from tui.app import CouplerApp
from tui.screens.conflicts import Conflicts
from tui.screens.home import Home


def _ready(app: CouplerApp) -> bool:
    return isinstance(app.screen, Conflicts) and app.screen.shown > 0


async def test_both_values_stand_side_by_side_and_nothing_is_chosen(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: _ready(app))
        await see(
            pilot,
            "Conflicts",
            "2 records",
            "> CUSTOMER         01450001      New Concepts Furniture",
            "> Name                New Concepts Furniture  New Concepts Ltd.       -",
            "Phone_No            0711 1                  (blank)                 -",
            "NAV Name: New Concepts Furniture",
            "CRM name: New Concepts Ltd.",
        )
        await pilot.press("w")
        await see(pilot, "Nothing is chosen yet")
        assert not [one for one in door.calls if one[0] == "choose"]


async def test_fields_are_chosen_one_by_one_and_written_on_purpose(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: _ready(app))
        await pilot.press("n")
        await see(pilot, "enter opens the fields")
        await pilot.press("enter", "n")
        await see(pilot, "NAV *")
        await pilot.press("j", "c")
        await see(pilot, "NAV *", "CRM *")
        assert not [one for one in door.calls if one[0] == "choose"]
        await pilot.press("w")
        chosen = {"Name=name": Choice.NAV, "Phone_No=telephone1": Choice.CRM}
        await until(pilot, lambda: ("choose", "01450001", chosen) in door.calls)
        await see(pilot, "Written for CUSTOMER 01450001", "chosen")
        assert "*" not in "\n".join(shown(app)[9:14])
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


async def test_what_is_chosen_while_others_are_written_is_kept(door: ScriptedDoor) -> None:
    choose, go_on = door.choose, Event()

    def slowly(conflict: Conflict, choices: Mapping[str, Choice]) -> None:
        assert go_on.wait(10)
        choose(conflict, choices)

    door.choose = slowly  # type: ignore[method-assign]
    async with showing(door) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: _ready(app))
        await pilot.press("enter", "n", "w", "j", "c")
        await see(pilot, "NAV *", "CRM *")
        go_on.set()
        await see(pilot, "Written for CUSTOMER 01450001")
        await pilot.press("w")
        await until(pilot, lambda: len([one for one in door.calls if one[0] == "choose"]) == 2)
    assert door.calls[-2:] == [
        ("choose", "01450001", {"Name=name": Choice.NAV}),
        ("choose", "01450001", {"Phone_No=telephone1": Choice.CRM}),
    ]


async def test_a_choice_is_forgotten_when_the_values_change(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: _ready(app))
        await pilot.press("enter", "n")
        await see(pilot, "NAV *")
        first, second = door.waiting
        other = (replace(first.fields[0], crm_value="Another"), first.fields[1])
        door.waiting = [replace(first, fields=other), second]
        await see(pilot, "Another")
        assert "NAV *" not in text(app)


async def test_keys_do_not_choose_for_the_record_that_took_the_place_of_another(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: _ready(app))
        await pilot.press("enter")
        door.waiting = door.waiting[1:]
        await see(pilot, "1 record", "> CUSTOMER         01450002")
        await pilot.press("n")
        await see(pilot, "enter opens the fields")
        assert isinstance(app.screen, Conflicts)
        assert not any(app.screen.choices.values())


async def test_without_conflicts_it_says_so(door: ScriptedDoor) -> None:
    door.waiting = []
    async with showing(door) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: _ready(app))
        await see(pilot, "No conflict waits.", "0 records")
        assert not [one for one in ("enter Fields", "n NAV", "c CRM", "w Write") if one in text(app)]


@pytest.mark.parametrize("key", ["enter", "n", "c", "w"])
async def test_without_conflicts_keys_say_so(door: ScriptedDoor, key: str) -> None:
    door.waiting = []
    async with showing(door) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: _ready(app))
        await pilot.press(key)
        await see(pilot, "-- No conflict waits. --")


@pytest.mark.parametrize("name", NAMES)
async def test_no_value_from_outside_does_anything(door: ScriptedDoor, name: str) -> None:
    (one, *_) = made_conflicts(name, name)
    hostile = tuple(replace(clash, nav=f"{name}{at}", crm=name) for at, clash in enumerate(one.fields))
    door.waiting = [replace(one, mapping=name, nav_no=name, fields=hostile)]
    async with showing(door) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: _ready(app))
        _harmless(app)
        await pilot.press("enter", "n", "w")
        await pilot.pause(0.1)
        _harmless(app)
        assert app.is_running


async def test_a_long_value_is_readable_in_full(door: ScriptedDoor) -> None:
    long = "Hotels and spas along the lake, " * 4 + "and the one on the hill."
    longer = "Rooms, boats and bicycles; " * 30 + "THE END."
    (one, *_) = made_conflicts(long, longer)
    door.waiting = [one]
    async with showing(door) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: _ready(app))
        await see(pilot, "NAV Name: Hotels", "on the hill.", "CRM name: Rooms", "… (enter = all)", "n takes NAV")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: not isinstance(app.screen, Conflicts))
        for _ in range(12):
            await pilot.press("j")
        await see(pilot, "THE END.")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Conflicts))


def _many(number: int) -> list[Conflict]:
    (one, _) = made_conflicts()
    return [replace(one, nav_id=f"{no:08x}-0000-4000-8000-00000000000a", nav_no=f"C{no:05}") for no in range(number)]


@pytest.mark.usefixtures("quick")
async def test_more_than_a_page_is_turned_over(door: ScriptedDoor) -> None:
    door.waiting = _many(120)
    async with showing(door) as (app, pilot):
        await pilot.press("c")
        await see(pilot, "120 records  page 1/3", "> CUSTOMER         C00000")
        await pilot.press("less_than_sign")
        await see(pilot, "This is the first page.")
        await pilot.press("greater_than_sign")
        await see(pilot, "page 2/3", "C00050")
        await pilot.press("greater_than_sign")
        await see(pilot, "page 3/3", "C00100")
        await pilot.press("greater_than_sign")
        await see(pilot, "This is the last page.")
        door.waiting = _many(30)
        await see(pilot, "30 records  (uat)", "C00000")
        assert "page" not in shown(app)[0]


@pytest.mark.usefixtures("quick")
async def test_choices_that_are_not_written_are_asked_for_before_another_page(door: ScriptedDoor) -> None:
    door.waiting = _many(60)
    async with showing(door) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: _ready(app))
        await pilot.press("enter", "n")
        await see(pilot, "NAV *")
        await pilot.press("greater_than_sign")
        await see(pilot, "not written, and is forgotten")
        await pilot.pause(0.1)
        await pilot.press("n")
        await see(pilot, "page 1/2", "NAV *")
        await pilot.press("greater_than_sign")
        await see(pilot, "Do it?")
        await pilot.pause(0.1)
        await pilot.press("y")
        await see(pilot, "page 2/2", "C00050")
        await pilot.press("less_than_sign")
        await see(pilot, "page 1/2", "C00000")
        assert "NAV *" not in text(app)


async def test_a_choice_of_crm_is_shown_by_name_and_number(door: ScriptedDoor) -> None:
    one = door.waiting[0]
    terms = Clash("Payment_Terms_Code", "paymenttermscode", "NET60", 1, crm_name="NET30 (1)")
    door.waiting = [replace(one, fields=(terms,))]
    async with showing(door) as (app, pilot):
        await pilot.press("c")
        await see(pilot, "Payment_Terms_Code  NET60                   NET30 (1)", "CRM paymenttermscode: NET30 (1)")
        assert isinstance(app.screen, Conflicts)


async def test_records_are_found_by_number_or_name(door: ScriptedDoor) -> None:
    door.waiting = _many(120)
    async with showing(door) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: _ready(app))
        wanted = door.waiting[77]
        await pilot.press("slash", *wanted.nav_no, "enter")
        await see(pilot, "1 record ", f"> CUSTOMER         {wanted.nav_no}")
        await pilot.press("enter", "n")
        await see(pilot, "NAV *")
        await pilot.press("escape", "slash")
        await see(pilot, "What was chosen on this page is not written, and is forgotten.")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await pilot.press("n", "w")
        await until(pilot, lambda: ("choose", wanted.nav_no, {"Name=name": Choice.NAV}) in door.calls)
        await pilot.press("enter", "n", "escape", "escape")
        await see(pilot, "What was chosen on this page is not written, and is forgotten.")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await pilot.press("n", "slash")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await pilot.press("y", *["backspace"] * 6, "x", "enter", "w")
        await see(pilot, "Nothing is found; esc shows all.")
        await pilot.press("escape")
        await see(pilot, "120 records")
