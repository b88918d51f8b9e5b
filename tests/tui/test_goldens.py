"""What the screens look like at 80x24 and at 120x40, as text. `COUPLER_GOLDEN=write` writes them anew; look at the difference."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import tui.dialogs
import tui.screens
from engine.model.snapshot import RunState
from tests.tui.made.runs import NOW, made_run, made_undo
from tests.tui.screens import showing, shown, shown_by, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.look import Look
from tui.newcomer import NewcomerApp

GOLDEN = Path(__file__).parent / "golden"

STOPPED = "CRM https://contoso.crm4.dynamics.com/ cannot be reached: the connection was refused, 9 times in 61 s."
CASES: list[tuple[str, RunState | None, Sequence[str], str, str]] = [
    ("home", None, (), "last: run 14", "Home"),
    ("home-tour", None, (), "Tour 1", "Home"),
    ("home-stopped", RunState.STOPPED, (), "r = resume", "Home"),
    ("only-coupled", None, ("4", "O"), "Turn it OFF", "Confirm"),
    ("counting", None, ("s",), "k Skip counting", "Count"),
    ("start", None, ("s",), "Start now?", "Start"),
    ("only", None, ("s", "o", "j", "space"), "[ ]  2", "Only"),
    ("start-only", None, ("s", "o", "j", "space", "enter"), "All jobs run but", "Start"),
    ("run", RunState.RUNNING, ("u",), "38.1", "Run"),
    ("run-finished", RunState.FINISHED, ("u",), "answer: no", "Run"),
    ("run-stopped", RunState.STOPPED, ("u",), "r = resume", "Run"),
    ("job", RunState.RUNNING, ("u", "enter"), "ambiguous 0", "Info"),
    ("leave", RunState.RUNNING, ("q",), "Stop and quit", "Leave"),
    ("leave-demo", RunState.RUNNING, ("q",), "s Leave the demo", "Leave"),
    ("question", RunState.ASKING, (), "if Yes", "Question"),
    ("history", RunState.FINISHED, ("h",), "keep cleared: no", "History"),
    ("undo", RunState.FINISHED, ("h", "U"), "Undo it now?", "Undo"),
    ("schedule", None, ("S", "5"), "There is no page", "Schedule"),
    ("errors", RunState.FINISHED, ("e",), "page 1/2", "Errors"),
    ("left-alone", None, ("e", "a"), "page 1/2", "LeftAlone"),
    ("retry-all", None, ("e", "a", "R"), "Do it?", "Confirm"),
    ("record", RunState.FINISHED, ("e", "enter", "enter"), "NAV id", "Info"),
    ("help", None, ("question_mark",), "Keys", "Help"),
    ("mapping", None, ("4", "enter"), "Customer <> account", "Mapping"),
    ("mapping-fields", None, ("4", "enter", *["tab"] * 7, *"jjj"), "fields = [{", "Mapping"),
    ("mapping-choice", None, ("4", "enter", "tab", "tab", *"jjE"), "> default", "Pick"),
    ("mapping-filter", None, ("4", "enter", "tab", "tab", "tab", *"jE"), "Blank = the default", "Entry"),
    ("mapping-write", None, ("4", "enter", "tab", "tab", *"jEkk", "enter"), "Do it?", "Confirm"),
    ("couplings", None, ("o", "j", "j"), "122 couplings", "Couplings"),
    ("couplings-search", None, ("o", "slash", *"01450003"), "01450003", "Couplings"),
    ("broken", None, ("o", "B", "y"), "page 1/2", "Broken"),
    ("broken-look", None, ("o", "B"), "Do it?", "Confirm"),
    ("restore-all", None, ("o", "B", "y", "R"), "Do it?", "Confirm"),
    ("couple-mapping", None, ("o", "j", "j", "M"), "> CUSTOMER", "Pick"),
    ("couple-way", None, ("4", "enter", "M"), "> couple", "Pick"),
    ("match", None, ("4", "enter", "m", "enter"), "Do it?", "Confirm"),
    ("couple-record", None, ("4", "enter", "M", "enter"), "of the record:", "Partner"),
    ("uncouple", None, ("o", "j", "j", "U"), "Do it?", "Confirm"),
    ("records", None, ("o", "j", "j", "enter", "j"), "2 differ", "Records"),
    ("address", None, ("o", "j", "j", "enter", "a"), "main.aspx", "Info"),
    ("plan", None, ("p",), "Counted 12:04", "Plan"),
    ("planned", None, ("p", "4", "enter", "tab"), "page 1/42", "Planned"),
    ("difference", None, ("p", "4", "enter", "3", "enter", "enter"), "Compared", "Difference"),
    ("matches", None, ("m",), "120 records wait", "Matches"),
    ("candidates", None, ("m", "enter"), "2 candidates", "Candidates"),
    ("couple", None, ("m", "enter", "C"), "No field is written now", "Confirm"),
    ("setup", None, ("n", "3"), "[nav] company", "Setup"),
    ("setup-value", None, ("n", "2", "enter"), "esc Leave it as it is", "Entry"),
    ("setup-secret", None, ("n", "7", "enter"), "> env", "Pick"),
    ("trial", None, ("n", "n"), "Renew the token", "Trial"),
    ("log", None, ("v",), "Traceback", "Log"),
    ("conflicts", None, ("c",), "Phone_No", "Conflicts"),
    ("skip", RunState.FINISHED, ("e", "K"), "each run tries them", "Confirm"),
    ("couple-by-hand", RunState.FINISHED, ("e", "M"), "of its partner:", "Partner"),
    ("type-name", None, ("s", "y"), "Type the name", "TypeName"),
    ("working", None, ("m", "enter", "C", "y"), "1 record coupled.", "Working"),
    ("palette", None, ("colon",), "Search for commands", "CommandPalette"),
    ("run-undo", RunState.RUNNING, ("u",), "Undo of run 8", "Run"),
    ("welcome", None, (), "Welcome.", "Setup"),
]


def test_every_screen_and_every_dialog_is_looked_at() -> None:
    """But the frame of all dialogs, which is none."""
    assert {*tui.screens.__all__, *tui.dialogs.__all__} - {"Dialog"} <= {case[-1] for case in CASES}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize(("name", "state", "keys", "ready", "screen"), CASES, ids=[case[0] for case in CASES])
async def test_looks_as_it_did(
    name: str, state: RunState | None, keys: Sequence[str], ready: str, screen: str, size: tuple[int, int]
) -> None:
    door = ScriptedDoor(demo=name == "leave-demo", production=name == "type-name")
    door.runs[15] = made_run(RunState.CANCELLED, id=15)
    if name == "counting":
        door.plan_state = RunState.RUNNING
    if name == "run-undo":
        door.put(made_undo(RunState.RUNNING))
    elif state is not None:
        run = made_run(state)
        if state is RunState.FINISHED:
            run = replace(run, answer="no", answered_by="ops@bastion", answered_at=NOW)
        if state is RunState.STOPPED:
            run = replace(run, message=STOPPED, hint="Check that the server runs; then resume the run.")
        door.put(run)
    look = Look(hz=10, tour=name.endswith("-tour"))
    app = NewcomerApp(Path("not-there.toml"), look) if name == "welcome" else CouplerApp(door, look)
    async with shown_by(app, size) as (_, pilot):
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.2)
        await until(pilot, lambda: ready in text(app))
        found = "".join(f"{line}\n" for line in shown(app))
        assert type(app.screen).__name__ == screen
    _same(f"{name}.txt" if size == (80, 24) else f"{name}-{size[0]}x{size[1]}.txt", found)


@pytest.mark.parametrize("size", [(79, 24), (80, 21)], ids=["79x24", "80x21"])
async def test_too_small_looks_as_it_did(size: tuple[int, int]) -> None:
    async with showing(ScriptedDoor(), size=size) as (app, _):
        found = "".join(f"{line}\n" for line in shown(app))
    _same(f"small-{size[0]}x{size[1]}.txt", found)


def _same(name: str, found: str) -> None:
    path = GOLDEN / name
    if os.environ.get("COUPLER_GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(found)
    assert found == path.read_text()
