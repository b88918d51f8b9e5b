from dataclasses import replace

import pytest
from textual.widgets import LoadingIndicator

from engine.model.snapshot import Cause, Event, HomeSnapshot, RecordOutcome, RunSnapshot, RunState
from tests.tui.made.connections import CONFIG, made_steps, quoted
from tests.tui.made.plans import made_foreseen
from tests.tui.made.runs import NOW, made_home, made_run
from tests.tui.made.troubles import made_outcome
from tests.tui.screens import showing, shown, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.dialogs.partner import Partner
from tui.screens.errors import Errors

NAMES = [
    "Acme [/] \x1b]0;x\x07",
    "[@click=app.quit]x[/]",
    "\x1b[2J\x1b[31m red",
    "\x9b2J\x9d0;t\x9c",
    "a\nb\r\tc\x00\x7f",
    "\u202eabc\u2066\u200f\ufeff",
    "[bold red]b[/bold red] [",
    "\ud800 lone",
    "w" * 5_000,
]


def _harmless(app: CouplerApp) -> None:
    for line in shown(app):
        assert all(ord(char) >= 0x20 and not 0x7F <= ord(char) < 0xA0 for char in line), line
        assert not {"\u202e", "\u2066", "\u200f", "\ufeff"} & set(line), line
        assert not any(0xD800 <= ord(char) < 0xE000 for char in line), line
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            meta = segment.style.meta if segment.style else {}
            assert "@click" not in meta


def _door(name: str) -> ScriptedDoor:
    door = ScriptedDoor()

    def outcome(number: int, cause: Cause) -> RecordOutcome:
        made = made_outcome(number, cause)
        return replace(made, name=name, nav_no=name, message=name, hint=name, crm_id=name, nav_id=name, cause=name)

    door.outcome_of = outcome
    door.causes_found = [replace(one, cause=name, code=name, mapping=name, hint=name) for one in door.causes_found[:1]]
    door.passes = [replace(one, message=name, mapping=name) for one in door.passes]

    def home(active: RunSnapshot | None = None, last: RunSnapshot | None = None) -> HomeSnapshot:
        made = made_home(active, last)
        mappings = tuple(replace(one, match=name, nav_filter=name, nav_table=name) for one in made.mappings)
        return replace(made, nav=name, crm=name, environment=name, mappings=mappings)

    door.home_of = home
    return door


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", NAMES)
async def test_no_text_from_outside_does_anything(name: str) -> None:
    door = _door(name)
    run = made_run(RunState.STOPPED)
    jobs = tuple(
        replace(job, message=name, passes=tuple(replace(one, message=name) for one in job.passes)) for job in run.jobs
    )
    hostile = {"nav": name, "crm": name, "environment": name, "waiting": name, "message": name, "hint": name}
    door.put(
        replace(run, **hostile, jobs=jobs, answered_by=name, events=(Event(NOW, name, name),) * 6)  # type: ignore[arg-type]
    )
    async with showing(door) as (app, pilot):
        assert not app.query(LoadingIndicator)
        _harmless(app)
        for keys in (
            ("4", "enter"),
            ("escape", "u"),
            ("enter",),
            ("escape", "x"),
            ("n", "escape", "h"),
            ("slash", "a"),
        ):
            await pilot.press(*keys)
            await pilot.pause(0.1)
            _harmless(app)
        await pilot.press("escape", "escape", "e")
        await until(pilot, lambda: isinstance(app.screen, Errors) and app.screen.records)
        _harmless(app)
        await pilot.press("enter", "enter")
        await pilot.pause(0.1)
        _harmless(app)
        for key in ("escape", "r", "c", "K", "escape", "M"):
            await pilot.press(key)
            await pilot.pause(0.1)
            _harmless(app)
        assert isinstance(app.screen, Partner)
        await until(pilot, lambda: isinstance(app.screen, Partner) and app.screen.armed)
        await pilot.press("1", "enter")
        await pilot.pause(0.1)
        _harmless(app)
        assert app.is_running


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", NAMES)
async def test_no_text_from_outside_does_anything_in_connections_and_log(name: str) -> None:
    door = _door(name)
    door.scripted.text = CONFIG.replace("CRONUS International", quoted(name)).replace("contoso.example", quoted(name))
    door.scripted.steps_of = lambda side: [
        replace(one, step=name, detail=name, hint=name if one.hint else "") for one in made_steps(side)
    ]
    door.log_found = replace(door.log_found, lines=tuple(replace(one, text=name) for one in door.log_found.lines))
    async with showing(door) as (app, pilot):
        for keys in (
            ("v",),
            ("enter",),
            ("escape", "escape", "n"),
            ("3", "enter"),
            ("escape", "n"),
            ("escape", "c"),
            ("enter",),
        ):
            await pilot.press(*keys)
            await pilot.pause(0.2)
            _harmless(app)
        assert app.is_running


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", NAMES)
async def test_no_text_from_outside_does_anything_in_questions(name: str) -> None:
    door = _door(name)
    run = made_run(RunState.ASKING)
    flags = tuple(replace(one, mapping=name) for one in run.flags)
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: "Start now?" in text(app))
        _harmless(app)
        await pilot.press("escape")
        door.put(replace(run, nav=name, crm=name, flags=flags))
        await until(pilot, lambda: "asks" in text(app))
        await pilot.press("a")
        await until(pilot, lambda: "if Yes" in text(app))
        _harmless(app)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", NAMES)
async def test_no_text_from_outside_does_anything_in_a_plan(name: str) -> None:
    door = _door(name)
    plan = made_run(RunState.FINISHED, id=15, kind="plan")
    jobs = tuple(
        replace(job, passes=tuple(replace(one, mapping=name, message=name) for one in job.passes)) for job in plan.jobs
    )
    door.planned, door.runs[15] = 15, replace(plan, jobs=jobs)
    door.foreseen_of = lambda *args: replace(
        made_foreseen(*args), mapping=name, nav_no=name, name=name, message=name, hint=name, code=name
    )
    found = door.difference_found
    changes = tuple(replace(one, nav=name, crm=name, source=name, now=name, then=name) for one in found.changes)
    door.difference_found = replace(found, changes=changes, message=name, nav_no=name, name=name)
    async with showing(door, size=(120, 40)) as (app, pilot):
        for keys in (("p",), ("4", "enter"), ("enter",), ("enter",), ("enter",), ("escape", "escape", "escape", "4"), ("enter",), ("enter",)):  # fmt: skip
            await pilot.press(*keys)
            await pilot.pause(0.2)
            _harmless(app)
        assert app.is_running


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", NAMES)
async def test_no_text_from_outside_does_anything_in_the_match_review(name: str) -> None:
    door = _door(name)
    door.ambiguous_found = [replace(one, nav_no=name, name=name, message=name) for one in door.ambiguous_found[:9]]
    found = door.review_found
    door.review_found = replace(
        found,
        fields=tuple(replace(one, nav=name, crm=name, value=name) for one in found.fields),
        candidates=tuple(replace(one, number=name, name=name, values=(name,) * 5) for one in found.candidates),
    )
    door.couple_state = RunState.STOPPED
    async with showing(door, size=(120, 40)) as (app, pilot):
        for keys in (("m",), ("enter",), ("enter", "enter"), ("escape", "C"), ("y",)):
            await pilot.press(*keys)
            await pilot.pause(0.2)
            _harmless(app)
        door.change(30, message=name, hint=name, waiting=name)
        await pilot.pause(0.3)
        _harmless(app)
        assert app.is_running
