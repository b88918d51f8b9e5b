"""Changing what a mapping says on its screen: nothing is written before the lines were shown and confirmed."""

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from engine.model.detail import MappingDetail, Setting
from engine.model.errors import LockHeld
from engine.model.snapshot import MappingSnapshot, RunState
from tests.tui.made.mappings import made_detail
from tests.tui.made.runs import made_run
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tests.tui.test_hostile import NAMES, _harmless
from tui.app import CouplerApp
from tui.dialogs.confirm import Confirm
from tui.dialogs.info import Info
from tui.dialogs.value import Entry, Pick
from tui.screens.home import Home
from tui.screens.mapping import Mapping

pytestmark = pytest.mark.usefixtures("quick")

POLICIES, FILTERS, FIELDS = ("tab", "tab", "j"), ("tab", "tab", "tab", "j"), ("tab",) * 7
"""Keys from the first line to the first one of a section."""


async def _open(pilot: Pilot[None], *keys: str) -> CouplerApp:
    app = pilot.app
    assert isinstance(app, CouplerApp)
    await pilot.press("4", "enter")
    await until(pilot, lambda: isinstance(app.screen, Mapping) and app.screen.shown > 0)
    for key in keys:
        await pilot.press(key)
        await pilot.pause(0.05)
    return app


async def _edit(pilot: Pilot[None], *keys: str) -> CouplerApp:
    app = await _open(pilot, *keys)
    page = app.screen
    await pilot.press("E")
    await until(pilot, lambda: app.screen is not page)
    return app


def _written(door: ScriptedDoor) -> list[str]:
    return [str(line) for one in door.calls if one[0] == "write" for line in one[1:]]


async def test_a_choice_says_what_each_does_and_is_written_after_its_lines_were_confirmed(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _edit(pilot, *POLICIES)
        assert isinstance(app.screen, Pick)
        await see(
            pilot,
            "CUSTOMER: Both sides changed",
            "What happens where both sides changed the same field.",
            "latest       the side that was changed last wins",
            "> default      not in config.toml; today that is none",
        )
        await pilot.press("k", "k", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await see(
            pilot,
            "Changed lines of /home/ops/.config/coupler/config.toml",
            "+ [mapping.CUSTOMER]",
            '+ conflict = "latest"',
        )
        assert not _written(door)
        await pilot.pause(0.1)
        await pilot.press("y")
        await see(pilot, "Written: conflict of CUSTOMER is latest")
        assert 'conflict = "latest"' in door.scripted.text


@pytest.mark.parametrize("key", ["n", "escape", "enter"])
async def test_what_is_not_confirmed_is_not_written(door: ScriptedDoor, key: str) -> None:
    before = door.scripted.text
    async with showing(door) as (app, pilot):
        await _edit(pilot, *POLICIES)
        await pilot.press("k", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.pause(0.1)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, Mapping))
    assert (_written(door), door.scripted.text) == ([], before)


async def test_back_to_the_default_takes_the_setting_out(door: ScriptedDoor) -> None:
    door.scripted.text += '\n[mapping.CUSTOMER]\nconflict = "ask"  # until spring\ndirection = "to"\n'
    async with showing(door) as (app, pilot):
        await _edit(pilot, *POLICIES)
        await see(pilot, "> ask")
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await see(pilot, '- conflict = "ask"  # until spring')
        await pilot.pause(0.1)
        await pilot.press("y")
        await until(pilot, lambda: _written(door))
    assert door.scripted.text.endswith('[mapping.CUSTOMER]\ndirection = "to"\n')


async def test_the_same_value_again_changes_nothing(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _edit(pilot, *POLICIES)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Info))
        await see(pilot, "Nothing changes.")


async def test_a_wrong_filter_says_why_in_the_dialog_and_a_right_one_is_shown(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _edit(pilot, *FILTERS)
        assert isinstance(app.screen, Entry)
        await see(
            pilot,
            "CUSTOMER: NAV filter",
            "Which NAV records take part.",
            '[["Blocked", "eq", " "]]',
            "Blank = the default",
        )
        await pilot.press("backspace", "enter")
        await see(pilot, "! It cannot be read: unclosed array.")
        await pilot.press("ctrl+u", *'[["Blocked","is"," "]]', "enter")
        await see(pilot, '! mapping.CUSTOMER.nav_filter: Blocked: "is" is no operator')
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert isinstance(app.screen, Entry), "a fault is not taken the second time either"
        await pilot.press("ctrl+u", *'[["Country","eq","DE"]]', "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await see(pilot, '+ nav_filter = [["Country", "eq", "DE"]]')
        await pilot.press("escape")
    assert not _written(door)


async def test_a_filter_that_is_left_blank_is_as_by_default(door: ScriptedDoor) -> None:
    door.scripted.text += '\n[mapping.CUSTOMER]\nnav_filter = []\ndirection = "to"\n'
    async with showing(door) as (app, pilot):
        await _edit(pilot, *FILTERS)
        await pilot.press("ctrl+u", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await see(pilot, "- nav_filter = []")
        assert "+ " not in text(app)


async def test_what_the_mapping_cannot_be_is_no_choice_and_it_says_why(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("1", "enter")
        await until(pilot, lambda: isinstance(app.screen, Mapping) and app.screen.shown > 0)
        await pilot.press("tab", *"jjjjjj", "E")
        await see(pilot, "CURRENCY: Direction", "> default", "Not both, from: this mapping can only go to CRM.")
        assert isinstance(app.screen, Pick)
        assert [name for name, _ in app.screen.choices] == ["to", "default"]


async def test_a_setting_without_any_choice_says_why_it_stays_as_it_is(door: ScriptedDoor) -> None:
    door.detail_of = lambda standing: replace(
        made_detail(standing), settings=(Setting("Fields", "price", "Unit_Price", key="Unit_Price=price"),)
    )
    async with showing(door) as (app, pilot):
        await pilot.press("7", "enter")
        await until(pilot, lambda: isinstance(app.screen, Mapping) and app.screen.shown > 0)
        await pilot.press("tab", "j", "E")
        await see(
            pilot,
            "Not both, to, from, off: the special handling of this mapping needs it",
            "It stays as it is.",
        )
        assert isinstance(app.screen, Info)
    assert not _written(door)


async def test_a_field_can_go_one_way_or_none(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _edit(pilot, *FIELDS, "j", "j", "j")
        await see(pilot, "CUSTOMER: Name", "off      the field is not synchronized", "today that is both")
        await pilot.press("k", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await see(pilot, '+ fields = [{ nav = "Name", crm = "name", direction = "off" }]')


async def test_a_mapping_that_is_left_out_closes_its_screen_and_says_the_way_back(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _edit(pilot, "tab", "j")
        await see(pilot, "CUSTOMER: Takes part", "> default")
        await pilot.press("k", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.pause(0.1)
        await pilot.press("y")
        await see(pilot, "CUSTOMER takes no part from now on.", "coupler mappings CUSTOMER --default enabled")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (RunState.RUNNING, "Run 16 is running; the mappings stay as they are until it ends."),
        (RunState.ASKING, "Run 16 is asking and needs its mappings: answer it first."),
        (RunState.STOPPED, "Run 16 is stopped and needs its mappings: go on with it or cancel it first."),
    ],
)
async def test_while_a_run_needs_the_mappings_the_key_says_so(door: ScriptedDoor, state: RunState, words: str) -> None:
    run = made_run(state)
    door.detail_of = lambda standing: replace(made_detail(standing), holds=run)
    async with showing(door) as (app, pilot):
        await _open(pilot, *POLICIES)
        assert "E Edit" not in text(app)
        await pilot.press("E")
        await see(pilot, words)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ((), "its lines can be changed"),
        (("j",), "nothing changes it"),
        (("j", "j"), "O turns it"),
        (("tab",) * 5 + ("j",), "It is changed by hand: templates in [mapping.CUSTOMER]"),
    ],
)
async def test_what_cannot_be_changed_here_says_why(door: ScriptedDoor, keys: tuple[str, ...], words: str) -> None:
    async with showing(door) as (app, pilot):
        await _open(pilot, *keys)
        assert "E Edit" not in text(app)
        await pilot.press("E")
        await see(pilot, words)


async def test_a_run_that_began_meanwhile_refuses_it(door: ScriptedDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(proposal: object) -> None:
        raise LockHeld("An engine works on this state store: run 17 (sync).", "Stop it.")

    monkeypatch.setattr(door, "write", refuse)
    async with showing(door) as (app, pilot):
        await _edit(pilot, *POLICIES)
        await pilot.press("k", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.pause(0.1)
        await pilot.press("y")
        await see(pilot, "This was not done", "An engine works on this state store: run 17 (sync).")


@pytest.mark.parametrize("name", NAMES)
async def test_a_filter_with_a_hostile_text_is_typed_as_what_toml_has_for_it(door: ScriptedDoor, name: str) -> None:
    hostile = "".join(f"\\U{ord(one):08x}" for one in name if not 0xD800 <= ord(one) < 0xE000)
    door.scripted.text += f'\n[mapping.CUSTOMER]\nnav_filter = [["Name", "eq", "{hostile}"]]\n'
    async with showing(door) as (app, pilot):
        await _open(pilot, *FILTERS)
        await pilot.press("E")
        await pilot.pause(0.3)
        _harmless(app)
        if isinstance(app.screen, Entry):
            await pilot.press("enter")
            await see(pilot, "Nothing changes.")
        _harmless(app)
        await pilot.press("escape")
        assert app.is_running
    assert not _written(door)


async def test_hostile_names_of_lines_do_nothing(door: ScriptedDoor) -> None:
    def hostile(standing: MappingSnapshot) -> MappingDetail:
        made = made_detail(standing)
        lines = tuple(replace(one, name=NAMES[0], key=one.key and "conflict") for one in made.settings)
        return replace(made, settings=lines)

    door.detail_of = hostile
    async with showing(door) as (app, pilot):
        await _edit(pilot, *POLICIES)
        _harmless(app)
        await pilot.press("k", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        _harmless(app)
