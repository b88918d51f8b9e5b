from dataclasses import replace
from datetime import timedelta

import pytest

from engine.model.errors import RunError, StoreError
from engine.model.snapshot import RunState
from tests.tui.made.mappings import made_schedule
from tests.tui.made.runs import made_run
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tui.dialogs.confirm import Confirm
from tui.screens.home import Home
from tui.screens.run import Run
from tui.screens.schedule import Schedule

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def door() -> ScriptedDoor:
    return ScriptedDoor()


async def test_shows_each_mapping_with_its_turn_and_why_it_waits(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("S")
        await see(
            pilot,
            "kept by ops@bastion, process 4711, since",
            "> CURRENCY          every 30 min    ready",
            "run 15 ended 9m ago",
        )
        for row, words in (
            ("2", "inactive"), ("2", "or when something is"), ("3", "on hold by anna@pc"), ("4", "in process"),
            ("4", "run 16 is under way"), ("5", "! There is no page Contact."), ("6", "now"), ("7", "It is not scheduled"),
        ):  # fmt: skip
            await pilot.press(row)
            await see(pilot, words)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


async def test_says_what_the_schedule_waits_for_and_when_nobody_keeps_it(door: ScriptedDoor) -> None:
    door.schedule_found = made_schedule(waiting="Run 5 is not finished or not answered; [/] \x1b[2J")
    async with showing(door) as (app, pilot):
        await pilot.press("S")
        await see(pilot, "! waits: Run 5 is not finished or not answered")
        assert "\x1b" not in text(app)
        door.schedule_found = made_schedule(running=False)
        await see(pilot, "! Nobody keeps the schedule: s starts it, as `coupler schedule` does", "s Start")
        await pilot.press("x")
        await see(pilot, "Nobody keeps the schedule; s = start it.")
        assert door.calls == []


@pytest.mark.parametrize(("row", "run"), [("4", 16), ("1", 15)])
async def test_u_opens_the_run_that_is_under_way_or_the_last_one(door: ScriptedDoor, row: str, run: int) -> None:
    door.put(made_run(id=16, kind="sync"))
    door.put(made_run(RunState.FINISHED, id=15, kind="sync"))
    async with showing(door) as (app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, Schedule) and app.screen.shown > 0)
        await pilot.press("4")
        await see(pilot, "run 16 is under way; u = watch it")
        await pilot.press(row, "u")
        await until(pilot, lambda: isinstance(app.screen, Run) and app.screen.shown > 0)
        assert isinstance(app.screen, Run)
        assert app.screen.run == run
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Schedule))


@pytest.mark.parametrize(
    ("row", "key", "call"),
    [
        ("1", "h", ("hold", "CURRENCY")), ("4", "h", ("hold", "CUSTOMER")), ("3", "r", ("resume entry", "UNITOFMEASURE")),
        ("5", "r", ("resume entry", "CONTACTS")), ("2", "r", ("resume entry", "SALEPEOPLE")),
    ],
)  # fmt: skip
async def test_hold_and_resume(door: ScriptedDoor, row: str, key: str, call: tuple[str, ...]) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, Schedule) and app.screen.shown > 0)
        await pilot.press(row, key)
        await until(pilot, lambda: call in door.calls)
        assert door.calls == [call]


@pytest.mark.parametrize(
    ("row", "key", "why"),
    [
        ("3", "h", "UNITOFMEASURE is on hold already"), ("3", "n", "UNITOFMEASURE is on hold; r = resume it first"),
        ("3", "u", "It has had no run yet"), ("7", "u", "It has had no run yet"),
        ("1", "r", "CURRENCY has its turns"), ("7", "n", "The mapping is not scheduled"),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_says_why(door: ScriptedDoor, row: str, key: str, why: str) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, Schedule) and app.screen.shown > 0)
        await pilot.press(row, key)
        await see(pilot, why)
        assert door.calls == []


@pytest.mark.parametrize(("row", "name"), [("2", "SALEPEOPLE"), ("5", "CONTACTS")])
async def test_a_run_out_of_turn_asks_first(door: ScriptedDoor, row: str, name: str) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, Schedule) and app.screen.shown > 0)
        for answer in ("enter", "escape", "n"):
            await pilot.press(row, "n")
            await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
            await see(pilot, f"Run {name} now", "[ No ]")
            await pilot.press(answer)
            await until(pilot, lambda: isinstance(app.screen, Schedule) and not app.screen.deaf)
        assert door.calls == []
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        await pilot.press("y")
        await until(pilot, lambda: door.calls == [("now", name)])


async def test_starting_asks_first_and_says_who_keeps_it(door: ScriptedDoor) -> None:
    door.schedule_found = made_schedule(running=False)
    async with showing(door) as (app, pilot):
        await pilot.press("S")
        await see(pilot, "s Start")
        for answer in ("enter", "escape", "n"):
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
            await see(pilot, "Start the schedule", "when you leave", "[ No ]")
            await pilot.press(answer)
            await until(pilot, lambda: isinstance(app.screen, Schedule) and not app.screen.deaf)
        assert door.calls == []
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        await pilot.press("y")
        await see(pilot, "The schedule is kept from now on", "kept by ops@bastion, process 4711, since", "x Stop")
        assert door.calls == [("start schedule",)]
        assert "s Start" not in text(app)


async def test_a_second_one_is_not_started_and_it_says_who_keeps_it(door: ScriptedDoor) -> None:
    async with showing(door) as (_, pilot):
        await pilot.press("S")
        await see(pilot, "> CURRENCY")
        await pilot.press("s")
        await see(pilot, "The schedule is kept already, by ops@bastion, process 4711; x = stop it.")
        assert door.calls == []


async def test_the_demo_starts_none_as_its_servers_would_be_gone(door: ScriptedDoor) -> None:
    door.demo, door.schedule_found = True, made_schedule(running=False)
    async with showing(door) as (_, pilot):
        await pilot.press("S")
        await see(pilot, "> CURRENCY")
        await pilot.press("s")
        await see(pilot, "The demo's servers end when you leave", "Nobody keeps the schedule: the demo has none")
        assert door.calls == []


async def test_what_keeps_it_from_starting_is_told(door: ScriptedDoor) -> None:
    door.schedule_found = made_schedule(running=False)
    async with showing(door) as (app, pilot):
        await pilot.press("S")
        await see(pilot, "s Start")

        def refused() -> None:
            raise RunError("The schedule ended as soon as it was started.", "Its log is schedule-uat.log.")

        door.start_schedule = refused  # type: ignore[method-assign]
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        await pilot.press("y")
        await see(pilot, "The schedule ended as soon as it was started.", "Its log is schedule-uat.log.")


async def test_a_turn_that_is_far_away_is_shown_whole(door: ScriptedDoor) -> None:
    found = made_schedule()
    first = found.rows[0]
    assert first.entry is not None
    far = replace(first, entry=replace(first.entry, next_at=found.now + timedelta(days=31)))
    door.schedule_found = replace(found, rows=(far, *found.rows[1:]))
    async with showing(door) as (_, pilot):
        await pilot.press("S")
        await see(pilot, "12 Apr")


async def test_a_time_that_its_column_cuts_is_said_whole_for_the_row_under_the_cursor(door: ScriptedDoor) -> None:
    long, short = "*/10 6-18 * * mon-fri", "0 6 * * mon-fri"
    first, second, *rest = made_schedule().rows
    rows = (replace(first, when=long), replace(second, when=short), *rest)
    door.schedule_found = replace(made_schedule(), rows=rows)
    async with showing(door, size=(80, 24)) as (app, pilot):
        await pilot.press("S", "1")
        await see(pilot, f" {long}: run")
        await pilot.press("2")
        await see(pilot, short, "or when something is")
        assert f"{short}:" not in text(app)


async def test_stopping_asks_first(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, Schedule) and app.screen.shown > 0)
        await pilot.press("x")
        await see(pilot, "Stop the schedule", "process 4711")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, Schedule))
        assert door.calls == []
        await pilot.press("x")
        await see(pilot, "Stop the schedule")
        await pilot.pause(0.6)
        await pilot.press("y")
        await until(pilot, lambda: ("stop schedule",) in door.calls)


async def test_enter_shows_all_of_an_entry(door: ScriptedDoor) -> None:
    async with showing(door) as (_, pilot):
        await pilot.press("S")
        await see(pilot, "> CURRENCY")
        await pilot.press("enter")
        await see(pilot, "last      run 15", "3 modified, 1 failed", "changed   by ops@bastion")


async def test_a_store_that_cannot_be_read_is_told(door: ScriptedDoor) -> None:
    async with showing(door) as (_, pilot):
        await pilot.press("S")
        await see(pilot, "> CURRENCY")
        door.error = StoreError("The store is gone.", "Mend it.")
        await see(pilot, "! The store is gone.")
