"""Every key of `tui.actions` on a screen that shows it: it does something, or says why not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable, Input

from engine.model.plan import Effect as Foreseeing
from engine.model.snapshot import RunState, Wish
from tests.tui.made.runs import made_run
from tests.tui.screens import showing, text, until
from tests.tui.script import ScriptedDoor
from tui import actions
from tui.app import CouplerApp
from tui.dialogs.dialog import Dialog
from tui.screens.conflicts import Conflicts
from tui.screens.errors import Errors
from tui.screens.home import Home
from tui.screens.page import Page

Effect = Callable[[CouplerApp, ScriptedDoor], object]


def on(name: str) -> Effect:
    """A screen or dialog of that class is on top."""
    return lambda app, _: type(app.screen).__name__ == name


def says(words: str) -> Effect:
    return lambda app, _: words in text(app)


def asked(*call: object) -> Effect:
    return lambda _, door: call in door.calls


def again(*call: object) -> Effect:
    """Asked once when the screen opened, and by the key once more."""
    return lambda _, door: door.calls.count(call) == 2


def types(app: CouplerApp, _: ScriptedDoor) -> bool:
    """What is typed goes into a line of text."""
    return isinstance(app.focused, Input)


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
    """What becomes of the key after those that open the screen; with a run in that state. `enter>` opens a screen that
    is waited for, as the keys of home are.
    """

    effect: Effect
    opening: Sequence[str] = ()
    state: RunState | None = None
    dialog: str = ""
    """The dialog in which the key is pressed, once it hears keys."""
    plan: RunState = RunState.FINISHED


RUN, JOBS, ERRORS, CONFLICTS, SCHEDULE = ("u",), ("h",), ("e",), ("c",), ("S",)
COUPLINGS, PLAN, MATCHES, SETUP, LOG, MAPPING = ("o",), ("p",), ("m",), ("n",), ("v",), ("enter>",)
RECORDS = (*COUPLINGS, "j", "j", "enter>")
PLANNED = (*PLAN, "4", "enter>")
DIFFERENCE = (*PLANNED, "3", "enter", "enter>")
CANDIDATES = (*MATCHES, "enter>")
LEFT_ALONE = (*ERRORS, "a>")
BROKEN = (*COUPLINGS, "B>", "y>")
TRIAL = (*SETUP, "n>")
OPENINGS: dict[actions.Scope, Sequence[str]] = {
    "home": (),
    "run": RUN,
    "history": JOBS,
    "errors": ERRORS,
    "conflicts": CONFLICTS,
    "schedule": SCHEDULE,
    "couplings": COUPLINGS,
    "records": RECORDS,
    "mapping": MAPPING,
    "plan": PLAN,
    "planned": PLANNED,
    "difference": DIFFERENCE,
    "matches": MATCHES,
    "candidates": CANDIDATES,
    "connections": SETUP,
    "trial": TRIAL,
    "log": LOG,
    "left_alone": LEFT_ALONE,
    "broken": BROKEN,
}
"""The keys that open each screen."""
HOME = frozenset((*RUN, *JOBS, *ERRORS, *CONFLICTS, *SCHEDULE, *COUPLINGS, *PLAN, *MATCHES, *SETUP, *LOG))
GOING, STOPPED = RunState.RUNNING, RunState.STOPPED

CASES: dict[str, Case] = {
    "home.start": Case(on("Start")),
    "home.preflight": Case(on("Plan")),
    "home.resume": Case(asked("resume", 16), state=STOPPED),
    "home.answer": Case(says("No run waits for an answer.")),
    "home.watch": Case(on("Run"), state=GOING),
    "home.detail": Case(on("Mapping")),
    "home.history": Case(on("History")),
    "home.schedule": Case(on("Schedule")),
    "home.errors": Case(on("Errors")),
    "home.conflicts": Case(on("Conflicts")),
    "home.couplings": Case(on("Couplings")),
    "home.matches": Case(on("Matches")),
    "home.connections": Case(on("Setup")),
    "home.log": Case(on("Log")),
    "home.sync": Case(on("Confirm")),
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
    "run.log": Case(on("Log"), RUN, GOING),
    "run.back": Case(on("Home"), RUN, GOING),
    "history.errors": Case(on("Errors"), JOBS),
    "history.watch": Case(on("Run"), JOBS),
    "history.filter": Case(types, JOBS),
    "history.next_page": Case(says("This is the last page."), JOBS),
    "history.previous_page": Case(says("This is the first page."), JOBS),
    "history.export": Case(says("written to"), JOBS),
    "history.undo": Case(on("Undo"), JOBS),
    "history.back": Case(on("Home"), JOBS),
    "errors.open": Case(focus("records"), ERRORS),
    "errors.pane": Case(focus("records"), ERRORS),
    "errors.filter": Case(types, ERRORS),
    "errors.next_page": Case(says("page 2/2"), ERRORS),
    "errors.previous_page": Case(says("This is the first page."), ERRORS),
    "errors.retry": Case(asked("retry", "CRM 412 duplicate accountnumber", None), ERRORS),
    "errors.skip": Case(on("Confirm"), ERRORS),
    "errors.couple": Case(on("Partner"), ERRORS),
    "errors.left_alone": Case(on("LeftAlone"), ERRORS),
    "errors.export": Case(says("79 records written to"), ERRORS),
    "errors.back": Case(on("Home"), ERRORS),
    "left_alone.detail": Case(on("Info"), LEFT_ALONE),
    "left_alone.next_page": Case(says("page 2/2"), LEFT_ALONE),
    "left_alone.previous_page": Case(says("This is the first page."), LEFT_ALONE),
    "left_alone.retry": Case(asked("try again", "00000000-0000-4000-8000-000000000000"), LEFT_ALONE),
    "left_alone.retry_all": Case(on("Confirm"), LEFT_ALONE),
    "left_alone.export": Case(says("Written to"), LEFT_ALONE),
    "left_alone.back": Case(on("Errors"), LEFT_ALONE),
    "conflicts.open": Case(focus("fields"), CONFLICTS),
    "conflicts.filter": Case(types, CONFLICTS),
    "conflicts.next_page": Case(says("This is the last page."), CONFLICTS),
    "conflicts.previous_page": Case(says("This is the first page."), CONFLICTS),
    "conflicts.nav": Case(chosen("nav"), (*CONFLICTS, "enter")),
    "conflicts.crm": Case(chosen("crm"), (*CONFLICTS, "enter")),
    "conflicts.write": Case(says("Nothing is chosen yet"), CONFLICTS),
    "conflicts.back": Case(on("Home"), CONFLICTS),
    "schedule.detail": Case(on("Info"), SCHEDULE),
    "schedule.watch": Case(on("Run"), SCHEDULE),
    "schedule.hold": Case(asked("hold", "CURRENCY"), SCHEDULE),
    "schedule.resume": Case(says("there is nothing to resume"), SCHEDULE),
    "schedule.now": Case(on("Confirm"), SCHEDULE),
    "schedule.start": Case(says("The schedule is kept already"), SCHEDULE),
    "schedule.stop": Case(on("Confirm"), SCHEDULE),
    "schedule.back": Case(on("Home"), SCHEDULE),
    "couplings.open": Case(on("Records"), COUPLINGS),
    "couplings.search": Case(types, COUPLINGS),
    "couplings.next_page": Case(says("page 2/3"), COUPLINGS),
    "couplings.previous_page": Case(says("This is the first page."), COUPLINGS),
    "couplings.uncouple": Case(on("Confirm"), COUPLINGS),
    "couplings.export": Case(says("written to"), COUPLINGS),
    "couplings.couple": Case(on("Pick"), COUPLINGS),
    "couplings.broken": Case(on("Confirm"), COUPLINGS),
    "couplings.back": Case(on("Home"), COUPLINGS),
    "broken.detail": Case(on("Info"), BROKEN),
    "broken.next_page": Case(says("page 2/2"), BROKEN),
    "broken.previous_page": Case(says("This is the first page."), BROKEN),
    "broken.restore": Case(on("Confirm"), BROKEN),
    "broken.restore_all": Case(on("Confirm"), BROKEN),
    "broken.remove": Case(on("Confirm"), BROKEN),
    "broken.remove_all": Case(on("Confirm"), BROKEN),
    "broken.export": Case(says("Written to"), BROKEN),
    "broken.back": Case(on("Couplings"), BROKEN),
    "records.detail": Case(on("Info"), RECORDS),
    "records.differing": Case(lambda app, _: "Credit_Limit_LCY" not in text(app), RECORDS),
    "records.address": Case(on("Info"), RECORDS),
    "records.again": Case(again("both records", "01450001"), RECORDS),
    "records.back": Case(on("Couplings"), RECORDS),
    "mapping.detail": Case(on("Info"), (*MAPPING, "j")),
    "mapping.edit": Case(on("Pick"), (*MAPPING, "tab", "j")),
    "mapping.section": Case(says("> Tables and direction"), MAPPING),
    "mapping.couplings": Case(on("Couplings"), MAPPING),
    "mapping.match": Case(on("Pick"), MAPPING),
    "mapping.couple": Case(on("Pick"), MAPPING),
    "mapping.errors": Case(on("Errors"), MAPPING),
    "mapping.sync": Case(on("Confirm"), MAPPING),
    "mapping.only_coupled": Case(on("Confirm"), MAPPING),
    "mapping.back": Case(on("Home"), MAPPING),
    "plan.open": Case(on("Planned"), PLAN),
    "plan.count": Case(again("start", "plan"), PLAN),
    "plan.export": Case(says("written to"), PLAN),
    "plan.back": Case(on("Home"), PLAN),
    "planned.open": Case(says("in: records"), PLANNED),
    "planned.pane": Case(says("in: records"), PLANNED),
    "planned.filter": Case(types, PLANNED),
    "planned.next_page": Case(says("page 2/42"), PLANNED),
    "planned.previous_page": Case(says("This is the first page."), PLANNED),
    "planned.export": Case(says("Written to"), PLANNED),
    "planned.back": Case(on("Plan"), PLANNED),
    "difference.open": Case(on("Info"), DIFFERENCE),
    "difference.again": Case(again("difference", "01450000", Foreseeing.MODIFIED), DIFFERENCE),
    "difference.export": Case(says("written to"), DIFFERENCE),
    "difference.back": Case(on("Planned"), DIFFERENCE),
    "matches.open": Case(on("Candidates"), MATCHES),
    "matches.filter": Case(types, MATCHES),
    "matches.next_page": Case(says("page 2/3"), MATCHES),
    "matches.previous_page": Case(says("This is the first page."), MATCHES),
    "matches.export": Case(says("Written to"), MATCHES),
    "matches.back": Case(on("Home"), MATCHES),
    "candidates.open": Case(focus("fields"), CANDIDATES),
    "candidates.couple": Case(on("Confirm"), CANDIDATES),
    "candidates.again": Case(again("candidates", "01450000"), CANDIDATES),
    "candidates.back": Case(on("Matches"), CANDIDATES),
    "connections.edit": Case(on("Entry"), (*SETUP, "2")),
    "connections.nav": Case(asked("steps", "nav"), SETUP),
    "connections.crm": Case(asked("steps", "crm"), SETUP),
    "connections.save": Case(says("Nothing was changed."), SETUP),
    "connections.sync": Case(on("Start"), SETUP),
    "connections.demo": Case(says("`coupler demo` starts it"), SETUP),
    "connections.back": Case(on("Home"), SETUP),
    "trial.detail": Case(on("Info"), TRIAL),
    "trial.again": Case(again("steps", "nav"), TRIAL),
    "trial.back": Case(on("Setup"), TRIAL),
    "log.detail": Case(on("Info"), LOG),
    "log.follow": Case(says("f Follow"), LOG),
    "log.filter": Case(types, LOG),
    "log.earlier": Case(says("This is the beginning of the log."), LOG),
    "log.later": Case(says("This is the end of the log."), LOG),
    "log.back": Case(on("Home"), LOG),
    "lists.cursor_down": Case(row(1)),
    "lists.cursor_up": Case(row(5), ("G",)),
    "lists.page_down": Case(row(6)),
    "lists.page_up": Case(row(0), ("G",)),
    "lists.scroll_top": Case(row(0), ("G",)),
    "lists.scroll_bottom": Case(row(6)),
    "everywhere.zone": Case(lambda app, _: not app.look.utc),
    "everywhere.copy": Case(says("Sent to the terminal's clipboard: "), JOBS),
    "everywhere.to_file": Case(says("Written to"), JOBS),
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


def _armed(app: CouplerApp) -> bool:
    return isinstance(app.screen, Dialog) and app.screen.armed


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("id", "key"), [(id, key) for id, key in KEYS if id in CASES])
async def test_a_key_does_something_or_says_why_not(
    door: ScriptedDoor, id: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await does(door, CASES[id], key)


async def does(door: ScriptedDoor, case: Case, key: str) -> None:
    """Presses the key where the case has it, and waits for what it does."""
    door.plan_state = case.plan
    if case.state is not None:
        door.put(made_run(case.state))
    async with showing(door) as (app, pilot):
        await opened(app, pilot, case.opening)
        if case.dialog:
            await until(pilot, lambda: on(case.dialog)(app, door) and _armed(app))
        assert not case.effect(app, door), "it is so without the key"
        await pilot.press(key)
        await until(pilot, lambda: case.effect(app, door))


async def opened(app: CouplerApp, pilot: Pilot[None], keys: Sequence[str]) -> None:
    """Presses the keys, and waits for each screen that they open, behind a count perhaps, or dialog."""
    for one in keys:
        before = app.screen
        await pilot.press(one.removesuffix(">"))
        if isinstance(before, Home) and one in HOME:
            await until(pilot, lambda before=before: app.screen is not before and _ready(app))  # type: ignore[misc]
        elif one.endswith(">"):
            await until(pilot, lambda before=before: app.screen is not before and (_ready(app) or _armed(app)))  # type: ignore[misc]
