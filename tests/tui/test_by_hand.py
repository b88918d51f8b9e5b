"""Coupling two records that are named, or making the partner of one, from the couplings and from a mapping."""

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from engine.model.mapping import Direction
from engine.model.snapshot import Counters
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.dialogs.confirm import Confirm
from tui.dialogs.partner import Partner
from tui.dialogs.value import Pick
from tui.screens.couplings import Couplings
from tui.screens.mapping import Mapping

pytestmark = pytest.mark.usefixtures("quick")
ID = "8f0c1f2a-0000-4000-8000-00000000000c"
TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


async def _begin(pilot: Pilot[None], app: CouplerApp, row: str = "4") -> None:
    """The questions about the mapping of a row."""
    await pilot.press(row, "enter")
    await until(pilot, lambda: isinstance(app.screen, Mapping) and app.screen.shown > 0)
    await pilot.press("M")
    await until(pilot, lambda: isinstance(app.screen, Pick))


async def _type(pilot: Pilot[None], app: CouplerApp, typed: str) -> None:
    await until(pilot, lambda: isinstance(app.screen, Partner) and app.screen.armed)
    before = app.screen
    await pilot.press(*typed, "enter")
    await until(pilot, lambda: app.screen is not before)


async def _say(pilot: Pilot[None], app: CouplerApp, key: str) -> None:
    await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
    await pilot.press(key)


def _asked(door: ScriptedDoor, what: str) -> list[tuple[object, ...]]:
    return [one[1:] for one in door.calls if one[0] == what]


@pytest.mark.parametrize(
    ("keys", "words", "lead"),
    [
        ((), "Only the coupling is made; no value is written now.", ()),
        (("j",), "the values of NAV are written to CRM now", ("nav",)),
        (("j", "j"), "the values of CRM are written to NAV now", ("crm",)),
    ],
)
async def test_two_records_are_coupled_with_the_values_of_whom_it_is_said(
    door: ScriptedDoor, keys: tuple[str, ...], words: str, lead: tuple[str, ...]
) -> None:
    async with showing(door) as (app, pilot):
        await _begin(pilot, app)
        await see(pilot, "Couple by hand: CUSTOMER", "> couple")
        await pilot.press("enter")
        await see(pilot, "NAV number or id of the record:")
        await _type(pilot, app, "10000")
        await see(pilot, f"NAV 10000 New Concepts Ltd. (id {ID})", "CRM id, number or name of its partner:")
        await _type(pilot, app, "AC-17")
        await see(pilot, "> later", "Write the values of CRM to NAV now")
        await pilot.press(*keys, "enter")
        await see(pilot, "CRM AC-17 New Concepts Ltd.", words, "[ No ]")
        await _say(pilot, app, "y")
        await see(pilot, "Run 17 coupled the two; no value was written.", "esc Close")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Mapping))
    assert _asked(door, "named") == [("CUSTOMER", "nav", "10000", None), ("CUSTOMER", "crm", "AC-17", "10000")]
    assert _asked(door, "couple") == [("CUSTOMER", ID, ID, *lead)]


@pytest.mark.parametrize(
    ("keys", "wanted", "words", "pair"),
    [
        (("j",), "NAV number or id of the record:", "A new record is made in CRM", (ID, "")),
        (("j", "j"), "CRM id, number or name of the record:", "A new record is made in NAV", ("", ID)),
    ],
)
async def test_the_partner_of_one_is_made(
    door: ScriptedDoor, keys: tuple[str, ...], wanted: str, words: str, pair: tuple[str, str]
) -> None:
    door.coupling_sums = Counters(read=1, inserted=1)
    async with showing(door) as (app, pilot):
        await _begin(pilot, app)
        await pilot.press(*keys, "enter")
        await see(pilot, wanted)
        await _type(pilot, app, "10000")
        await see(pilot, words, "that one is coupled", "[ No ]")
        await _say(pilot, app, "y")
        await see(pilot, "Run 17 made its partner, and coupled the two.")
    assert _asked(door, "couple") == [("CUSTOMER", *pair)]


async def test_on_the_list_of_all_the_mapping_is_asked_for_first(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, Couplings) and app.screen.shown > 0)
        await pilot.press("3", "M")
        await see(pilot, "> CUSTOMER")
        await pilot.press("k", "k", "enter")
        await see(pilot, "Couple by hand: SALEPEOPLE")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Couplings))


async def test_what_the_direction_rules_out_is_not_offered(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _begin(pilot, app, "2")
        await see(pilot, "Couple by hand: SALEPEOPLE", "new in NAV")
        assert "new in CRM" not in text(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Mapping))
        await pilot.press("escape")
        await _begin(pilot, app, "1")
        await see(pilot, "Couple by hand: CURRENCY", "new in CRM")
        assert "new in NAV" not in text(app)


async def test_no_question_that_is_left_couples_anything(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _begin(pilot, app)
        for leave in range(5):
            if leave:
                await pilot.press("M")
                await until(pilot, lambda: isinstance(app.screen, Pick))
                await pilot.press("enter")
            for typed in ("10000", "AC-17")[: max(0, leave - 1)]:
                await _type(pilot, app, typed)
            if leave == 4:
                await pilot.press("enter")
            await until(pilot, lambda: getattr(app.screen, "armed", False))
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, Mapping))
    assert _asked(door, "couple") == []


async def test_what_hinders_it_is_told_in_the_dialog_and_at_the_end(door: ScriptedDoor) -> None:
    door.of_coupling = [replace(door.causes_found[0], run=17, count=1, hint="Uncouple it first.")]
    async with showing(door) as (app, pilot):
        await _begin(pilot, app)
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(app.screen, Partner) and app.screen.armed)
        await pilot.press(*"x1", "enter")
        await see(pilot, "! There is no account in CRM with the number x1.")
        await pilot.press("backspace", "backspace")
        await _type(pilot, app, "10000")
        await _say(pilot, app, "y")
        await see(pilot, "A record with matching key values already exists", "Next step: Uncouple it first.")
        assert "made its partner" not in text(app)


async def test_of_many_mappings_the_marked_one_is_in_sight(door: ScriptedDoor) -> None:
    made = door.home_of

    def many(*arguments: object) -> object:
        home = made(*arguments)  # type: ignore[arg-type]
        more = [replace(home.mappings[0], name=f"MAPPING {number}") for number in range(30)]
        return replace(home, mappings=(*home.mappings, *more))

    door.home_of = many  # type: ignore[assignment]
    async with showing(door) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, Couplings) and app.screen.shown > 0)
        await pilot.press("M")
        await see(pilot, "> CURRENCY")
        await pilot.press(*["j"] * 36)
        await see(pilot, "> MAPPING 29")
