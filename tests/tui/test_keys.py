"""Every key of `tui.actions` on a screen that shows it: it does something, or says why not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.widgets import DataTable, Input

from engine.model.snapshot import RunState, Wish
from tests.tui.screens import showing, text, until
from tests.tui.script import ScriptedDoor, made_run
from tui import actions
from tui.app import CouplerApp
from tui.screens.conflicts import Conflicts
from tui.screens.errors import Errors
from tui.screens.page import Page

Effect = Callable[[CouplerApp, ScriptedDoor], object]


def on(name: str) -> Effect:
    """A screen or dialog of that class is on top."""
    return lambda app, _: type(app.screen).__name__ == name


def says(words: str) -> Effect:
    return lambda app, _: words in text(app)


def asked(*call: object) -> Effect:
    return lambda _, door: call in door.calls


def focus(id: str) -> Effect:
    return lambda app, _: app.focused is not None and app.focused.id == id


def row(number: int) -> Effect:
    return lambda app, _: app.screen.query_one(DataTable).cursor_row == number


def chosen(side: str) -> Effect:
    return lambda app, _: (
        isinstance(app.screen, Conflicts)
        and [side] == [str(one) for made in app.screen.choices.values() for one in made.values()]
    )


def over(app: CouplerApp, _: ScriptedDoor) -> bool:
    return not app.is_running


@dataclass(frozen=True)
class Case:
    """What becomes of the key after those that open the screen; with a run in that state."""

    effect: Effect
    opening: Sequence[str] = ()
    state: RunState | None = None


RUN, JOBS, ERRORS, CONFLICTS, SCHEDULE = ("u",), ("h",), ("e",), ("c",), ("S",)
GOING, STOPPED = RunState.RUNNING, RunState.STOPPED

CASES: dict[str, Case] = {
    "home.start": Case(on("Start")),
    "home.preflight": Case(on("Preflight")),
    "home.resume": Case(asked("resume", 16), state=STOPPED),
    "home.answer": Case(says("No run waits for an answer.")),
    "home.watch": Case(on("Run"), state=GOING),
    "home.detail": Case(on("Info")),
    "home.history": Case(on("History")),
    "home.schedule": Case(on("Schedule")),
    "home.errors": Case(on("Errors")),
    "home.conflicts": Case(on("Conflicts")),
    "home.only_coupled": Case(on("Confirm")),
    "run.pause": Case(asked("wish", 16, Wish.PAUSE), RUN, GOING),
    "run.cancel": Case(on("Confirm"), RUN, GOING),
    "run.detach": Case(over, RUN, GOING),
    "run.errors": Case(on("Errors"), RUN, GOING),
    "run.history": Case(on("History"), RUN, GOING),
    "run.detail": Case(on("Info"), RUN, GOING),
    "run.follow": Case(says("f Follow"), RUN, GOING),
    "run.resume": Case(asked("resume", 16), RUN, STOPPED),
    "run.answer": Case(says("it does not ask anything"), RUN, GOING),
    "run.back": Case(on("Home"), RUN, GOING),
    "history.errors": Case(on("Errors"), JOBS),
    "history.filter": Case(lambda app, _: isinstance(app.focused, Input), JOBS),
    "history.export": Case(says("written to"), JOBS),
    "history.back": Case(on("Home"), JOBS),
    "errors.open": Case(focus("records"), ERRORS),
    "errors.pane": Case(focus("records"), ERRORS),
    "errors.next_page": Case(says("page 2/2"), ERRORS),
    "errors.previous_page": Case(says("This is the first page."), ERRORS),
    "errors.retry": Case(asked("retry", "CRM 412 duplicate accountnumber", None), ERRORS),
    "errors.skip": Case(on("Confirm"), ERRORS),
    "errors.couple": Case(on("Partner"), ERRORS),
    "errors.export": Case(says("79 records written to"), ERRORS),
    "errors.back": Case(on("Home"), ERRORS),
    "conflicts.open": Case(focus("fields"), CONFLICTS),
    "conflicts.nav": Case(chosen("nav"), (*CONFLICTS, "enter")),
    "conflicts.crm": Case(chosen("crm"), (*CONFLICTS, "enter")),
    "conflicts.write": Case(says("Nothing is chosen yet"), CONFLICTS),
    "conflicts.back": Case(on("Home"), CONFLICTS),
    "schedule.detail": Case(on("Info"), SCHEDULE),
    "schedule.hold": Case(asked("hold", "CURRENCY"), SCHEDULE),
    "schedule.resume": Case(says("there is nothing to resume"), SCHEDULE),
    "schedule.now": Case(asked("now", "CURRENCY"), SCHEDULE),
    "schedule.stop": Case(on("Confirm"), SCHEDULE),
    "schedule.back": Case(on("Home"), SCHEDULE),
    "lists.cursor_down": Case(row(1)),
    "lists.cursor_up": Case(row(5), ("G",)),
    "lists.page_down": Case(row(6)),
    "lists.page_up": Case(row(0), ("G",)),
    "lists.scroll_top": Case(row(0), ("G",)),
    "lists.scroll_bottom": Case(row(6)),
    "everywhere.zone": Case(lambda app, _: not app.look.utc),
    "everywhere.copy": Case(says("Sent to the terminal's clipboard: "), JOBS),
    "everywhere.keys": Case(on("Help")),
    "everywhere.command_palette": Case(on("CommandPalette")),
    "everywhere.leave": Case(over),
}
KEYS = [(one.id, key) for one in actions.ACTIONS for key in one.key.split(",")]


def test_every_action_has_a_case_and_no_other_has() -> None:
    assert {one.id for one in actions.ACTIONS} == set(CASES)


def _ready(app: CouplerApp) -> bool:
    page = app.screen
    return isinstance(page, Page) and page.shown > 0 and (not isinstance(page, Errors) or bool(page.records))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("id", "key"), [(id, key) for id, key in KEYS if id in CASES])
async def test_a_key_does_something_or_says_why_not(
    door: ScriptedDoor, id: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    case = CASES[id]
    if case.state is not None:
        door.put(made_run(case.state))
    async with showing(door) as (app, pilot):
        for one in case.opening:
            before = app.screen
            await pilot.press(one)
            if one in (*RUN, *JOBS, *ERRORS, *CONFLICTS, *SCHEDULE):
                await until(pilot, lambda before=before: app.screen is not before and _ready(app))  # type: ignore[misc]
        assert not case.effect(app, door), "it is so without the key"
        await pilot.press(key)
        await until(pilot, lambda: case.effect(app, door))
