"""One mapping: what it says, what differs, and the ways on from there."""

from dataclasses import replace
from datetime import timedelta

import pytest
from textual.pilot import Pilot

from engine.model.detail import MappingDetail
from engine.model.errors import ConfigError, StoreError
from engine.model.snapshot import MappingSnapshot, RunState
from tests.tui.made.mappings import made_detail
from tests.tui.made.runs import NOW, made_run
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tests.tui.test_hostile import NAMES, _harmless
from tui.app import CouplerApp
from tui.dialogs.info import Info
from tui.dialogs.value import Pick
from tui.screens.couplings import Couplings
from tui.screens.errors import Errors
from tui.screens.home import Home
from tui.screens.mapping import Mapping
from tui.screens.run import Run

pytestmark = pytest.mark.usefixtures("quick")


def _ready(app: CouplerApp) -> bool:
    return isinstance(app.screen, Mapping) and app.screen.shown > 0


async def _says(pilot: Pilot[None], *words: str) -> None:
    """As `see`, wherever columns begin."""
    assert isinstance(pilot.app, CouplerApp)
    app = pilot.app
    await until(pilot, lambda: all(one in " ".join(text(app).split()) for one in words))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (RunState.RUNNING, "Run 16 is running: wait for its end."),
        (RunState.ASKING, "Run 16 is asking: answer it first."),
        (RunState.STOPPED, "Run 16 is stopped: go on with it or cancel it first."),
    ],
)
async def test_nothing_is_synchronized_while_a_run_is_unfinished(
    door: ScriptedDoor, state: RunState, words: str
) -> None:
    door.detail_of = lambda standing: replace(made_detail(standing), holds=made_run(state))
    async with showing(door) as (app, pilot):
        await pilot.press("4", "enter")
        await until(pilot, lambda: _ready(app))
        await pilot.press("N")
        await see(pilot, words)
    assert door.calls == []


async def test_says_how_it_stands_and_what_is_said_in_each_section(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("4", "enter")
        await until(pilot, lambda: _ready(app))
        await see(
            pilot,
            "Mapping   CUSTOMER",
            "7 differ from the default",
            "Coupled                4,105 records",
            "Not coupled            2,052 in NAV, 12 in CRM",
            "Failed the last time   79 records, 4 skipped",
        )
        for section, words in (
            ("Tables and direction", ("Direction Bidirectional", "Schedule every 30 min")),
            ("Policies", ("Both sides changed latest changed none",)),
            ("Filters", ("NAV filter Blocked = ' ', Country_Reg… changed Blocked = ' '",)),
            ("Matching", ("Rule 1 E_Mail = emailaddress1 and",)),
            ("Templates", ("Template 1 new in CRM:", "added none")),
            ("Options", ("PAYMENT TERMS NET30 1 added by label",)),
            ("Fields", ("Fields 24 fields, 3 differ", "Name -> name changed direction both")),
        ):
            await pilot.press("tab")
            await _says(pilot, f"> {section}", *words)
        await pilot.press("tab")
        await see(pilot, "> Now")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


async def test_the_line_under_the_cursor_names_the_key_of_the_configuration(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("4", "enter")
        await until(pilot, lambda: _ready(app))
        await pilot.press("tab", "tab", "j")
        await see(pilot, "Both sides changed: latest   (default: none)", "config.toml: conflict in [mapping.CUSTOMER]")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Info))
        await see(pilot, "CUSTOMER: Both sides changed", "Default   none", "  conflict in [mapping.CUSTOMER]")
        await pilot.press("escape", "G")
        await see(pilot, "off")
        assert "off by default" not in text(app)
        await pilot.press("g", "j", "j", "j")
        await see(pilot, "o lists them.")


async def test_the_name_of_a_section_has_nothing_more_to_show_and_says_so(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("4", "enter")
        await until(pilot, lambda: _ready(app))
        assert "enter In full" not in text(app)
        await pilot.press("enter")
        await see(pilot, "This is the name of a section; its lines can be shown in full.")
        await pilot.press("j")
        await see(pilot, "enter In full")
        await until(pilot, lambda: "This is the name of a section" not in text(app), 3)


async def test_the_ways_on_are_of_this_mapping_alone(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("4", "enter")
        await until(pilot, lambda: _ready(app))
        await pilot.press("o")
        await see(pilot, "Couplings   CUSTOMER", "120 couplings", "> 01450001", "page 1/3")
        assert isinstance(app.screen, Couplings)
        assert "EUR" not in text(app)
        await pilot.press("escape")
        await until(pilot, lambda: _ready(app))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, Errors))
        await until(pilot, lambda: ("causes", None, "CUSTOMER") in door.calls)


async def test_the_stored_flag_is_turned_after_a_question(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("4", "enter")
        await until(pilot, lambda: _ready(app))
        await pilot.press("O")
        await see(pilot, "CUSTOMER: Synch. Only Coupled Records", "Turn it OFF")
        await pilot.press("enter")
        await until(pilot, lambda: _ready(app))
        assert not [one for one in door.calls if one[0] == "only_coupled"]
        await pilot.press("O")
        await see(pilot, "Do it?")
        await pilot.pause(0.1)
        await pilot.press("y")
        await until(pilot, lambda: ("only_coupled", "CUSTOMER", False) in door.calls)


async def test_a_flag_that_is_off_differs_from_the_default(door: ScriptedDoor) -> None:
    async with showing(door) as (_, pilot):
        await pilot.press("6", "enter")
        await _says(pilot, "Only coupled off changed on", "1 differs from the default")


async def test_what_was_never_counted_nor_run_says_so(door: ScriptedDoor) -> None:
    door.detail_of = lambda standing: replace(made_detail(standing), counted=None, counted_at=None)
    async with showing(door) as (_, pilot):
        await pilot.press("7", "enter")
        await see(pilot, "Not coupled            not counted yet", "Last run               never")


async def test_what_a_plan_counted_before_the_last_run_is_not_told_as_the_present(door: ScriptedDoor) -> None:
    door.detail_of = lambda standing: replace(made_detail(standing), counted_at=NOW - timedelta(days=99))
    async with showing(door) as (_, pilot):
        await pilot.press("4", "enter")
        await see(pilot, "Not coupled            41 records that failed")


async def test_where_nothing_is_known_of_what_is_not_coupled_it_says_so(door: ScriptedDoor) -> None:
    door.detail_of = lambda standing: replace(made_detail(replace(standing, not_coupled=None)), counted=None)
    async with showing(door) as (_, pilot):
        await pilot.press("4", "enter")
        await see(pilot, "Not coupled            not counted yet")


async def test_a_store_that_cannot_be_read_is_told(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("4", "enter")
        await until(pilot, lambda: _ready(app))
        door.error = StoreError("The store is gone.", "Mend it.")
        await see(pilot, "! The store is gone.")


@pytest.mark.parametrize("name", NAMES)
async def test_no_text_from_outside_does_anything(door: ScriptedDoor, name: str) -> None:
    def hostile(standing: MappingSnapshot) -> MappingDetail:
        made = made_detail(standing)
        lines = tuple(
            replace(one, name=name, value=name, default=name, change=name, more=name) for one in made.settings
        )
        return replace(made, settings=lines, standing=replace(standing, nav_table=name, crm_table=name))

    door.detail_of = hostile
    async with showing(door) as (app, pilot):
        await pilot.press("4", "enter")
        await until(pilot, lambda: _ready(app))
        await pilot.press("tab", "j")
        await pilot.pause(0.1)
        _harmless(app)
        await pilot.press("enter")
        await pilot.pause(0.1)
        _harmless(app)
        assert app.is_running


async def _ask_for_match(pilot: Pilot[None], app: CouplerApp, *keys: str) -> None:
    await pilot.press("4", "enter")
    await until(pilot, lambda: _ready(app))
    await pilot.press("m")
    await until(pilot, lambda: isinstance(app.screen, Pick))
    await pilot.press(*keys, "enter")
    await until(pilot, lambda: getattr(app.screen, "armed", False) and not isinstance(app.screen, Pick))


@pytest.mark.parametrize(("keys", "create"), [((), False), (("j",), True)])
async def test_m_couples_by_the_match_rules_after_questions_and_shows_the_run(
    door: ScriptedDoor, keys: tuple[str, ...], create: bool
) -> None:
    async with showing(door) as (app, pilot):
        await _ask_for_match(pilot, app, *keys)
        await _says(pilot, "CUSTOMER: Match-based coupling", "Rule 1 E_Mail = emailaddress1", "match review", "[ No ]")
        assert ("get a new row in CRM" in text(app)) is create
        await pilot.press("n")
        await until(pilot, lambda: _ready(app))
        assert ("match", "CUSTOMER", create) not in door.calls
        await pilot.press("escape")
        await _ask_for_match(pilot, app, *keys)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, Run) and app.screen.shown > 0)
        await see(pilot, "run 26  RUNNING")
    assert ("match", "CUSTOMER", create) in door.calls


async def test_where_no_rows_can_be_made_that_is_not_offered(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("2", "enter")
        await until(pilot, lambda: _ready(app))
        await pilot.press("m")
        await see(pilot, "SALEPEOPLE: Match-based coupling", "> couple")
        assert "create too" not in text(app)


async def test_in_production_the_name_is_typed_before_a_match() -> None:
    door = ScriptedDoor(production=True)
    async with showing(door) as (app, pilot):
        await _ask_for_match(pilot, app)
        await pilot.press("y")
        await see(pilot, "Type the name of the CRM organization to match:")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await pilot.press("escape")
        await until(pilot, lambda: _ready(app))
        assert not [call for call in door.calls if call[0] == "match"]


async def test_what_hinders_a_match_is_told(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _ask_for_match(pilot, app)
        door.error = ConfigError("There is nothing to do.", "None of the mappings has what this needs.")
        await pilot.press("y")
        await see(pilot, "This was not done", "There is nothing to do.")
