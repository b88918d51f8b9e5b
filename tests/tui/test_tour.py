"""The tour says on each screen what is to be seen, and which key comes next."""

from dataclasses import replace

import pytest

from engine.model.snapshot import RunState
from tests.tui.made.runs import NOW, made_run, made_undo
from tests.tui.screens import see, showing, shown, text, until
from tests.tui.script import ScriptedDoor
from tui import actions
from tui.look import Look
from tui.plain import hanging
from tui.tour import hint
from tui.widgets.fit import SMALLEST

pytestmark = pytest.mark.usefixtures("quick")


async def test_a_newcomer_is_led_from_the_mappings_to_the_end() -> None:
    door = ScriptedDoor(demo=True)
    async with showing(door, look=Look(hz=20, tour=True)) as (_, pilot):
        await see(pilot, "Tour 1 of 4", "then asks: y starts it.", "s Full sync")
        door.put(made_run(RunState.RUNNING))
        await see(pilot, "Run 16 is going", "u shows it")
        await pilot.press("u")
        await see(pilot, "Tour 2 of 4", "At the end comes a question.")
        door.put(replace(made_run(RunState.FINISHED), answer="no", answered_by="ops@bastion", answered_at=NOW))
        await see(pilot, "Tour 3 of 4", "h all jobs there were")
        await pilot.press("h")
        await see(pilot, "a line for each job")
        await pilot.press("enter")
        await see(pilot, "equal problems are one line")
        await pilot.press("escape", "escape", "escape")
        await see(pilot, "Tour 4 of 4", "q ends the demo")


async def test_nobody_else_is_told() -> None:
    async with showing(ScriptedDoor()) as (app, _):
        assert "Tour" not in text(app)


def test_a_run_that_waits_is_not_taken_for_the_end() -> None:
    assert "u shows it" in hint("home", made_run(RunState.STOPPED))


@pytest.mark.parametrize("state", [RunState.CANCELLED, RunState.STOPPED, RunState.INTERRUPTED])
def test_a_run_that_did_not_come_to_its_end_is_not_said_to_be_done(state: RunState) -> None:
    run = made_run(state)
    assert "done" not in hint("run", run)
    assert "both sides agree" not in hint("home", run)
    assert ("cancelled" in hint("run", run)) is (state is RunState.CANCELLED)
    assert ("r goes on" in hint("run", run)) is (state is not RunState.CANCELLED)


def test_an_undo_is_no_run_that_somebody_answered() -> None:
    assert "taken back" in hint("run", made_undo(RunState.FINISHED))
    assert "taken back" in hint("home", made_undo(RunState.FINISHED))
    assert "both sides agree" not in hint("home", made_undo(RunState.FINISHED))


async def test_who_cancels_is_told_so() -> None:
    door = ScriptedDoor(demo=True)
    async with showing(door, look=Look(hz=20, tour=True)) as (_, pilot):
        door.put(made_run(RunState.RUNNING))
        await see(pilot, "Run 16 is going")
        await pilot.press("u")
        await see(pilot, "Tour 2 of 4")
        door.put(made_run(RunState.CANCELLED))
        await see(pilot, "Tour 3 of 4: cancelled.")
        await pilot.press("escape")
        await see(pilot, "Tour 4 of 4: the last run was cancelled; s starts another one")


def test_the_words_have_room_and_the_keys_they_name_are_there() -> None:
    scopes = {one.scope for one in actions.ACTIONS} - {"lists", "everywhere"}
    runs = [None, *(make(state) for make in (made_run, made_undo) for state in RunState)]
    for words in (hint(scope, run) for scope in scopes for run in runs):
        lines = hanging(words, SMALLEST[0] - 2, 2)
        assert (len(lines) <= 2, "\u2026" in "".join(lines)) == (True, False), words
    keys = {(one.scope, key) for one in actions.ACTIONS for key in one.key.split(",")}
    assert {
        ("home", "s"),
        ("home", "S"),
        ("home", "c"),
        ("run", "e"),
        ("run", "h"),
        ("run", "space"),
        ("history", "U"),
        ("history", "w"),
    } <= keys


@pytest.mark.parametrize("keys", ["", "h", "e", "c", "S", "o", "p", "m", "n", "v", "u", "enter"])
async def test_the_keys_are_whole_below_the_tour(keys: str) -> None:
    door = ScriptedDoor(demo=True)
    door.put(made_run(RunState.FINISHED))
    async with showing(door, look=Look(hz=20, tour=True)) as (app, pilot):
        if keys:
            await pilot.press(keys)
        await see(pilot, "Tour")
        await until(pilot, lambda: getattr(app.screen, "shown", 0))
        assert "Help" in "".join(shown(app)[-2:])
        assert shown(app)[-1].endswith("q Quit"), text(app)
        assert len([line for line in shown(app) if "Tour" in line]) == 1
