"""What the screens look like at 80x24 and at 120x40, as text. `COUPLER_GOLDEN=write` writes them anew; look at the difference."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from engine.model.snapshot import RunState
from tests.tui.screens import showing, shown, text, until
from tests.tui.script import NOW, ScriptedDoor, made_run
from tui.look import Look

GOLDEN = Path(__file__).parent / "golden"

STOPPED = "CRM https://contoso.crm4.dynamics.com/ cannot be reached: the connection was refused, 9 times in 61 s."
CASES: list[tuple[str, RunState | None, Sequence[str], str]] = [
    ("home", None, (), "last: run 14"),
    ("home-tour", None, (), "Tour 1"),
    ("home-stopped", RunState.STOPPED, (), "r = resume"),
    ("only-coupled", None, ("4", "O"), "Turn it OFF"),
    ("counting", None, ("s",), "k Skip counting"),
    ("start", None, ("s",), "Start now?"),
    ("run", RunState.RUNNING, ("u",), "38.1"),
    ("run-finished", RunState.FINISHED, ("u",), "answer: no"),
    ("run-stopped", RunState.STOPPED, ("u",), "r = resume"),
    ("job", RunState.RUNNING, ("u", "enter"), "ambiguous 0"),
    ("leave", RunState.RUNNING, ("q",), "Stop and quit"),
    ("leave-demo", RunState.RUNNING, ("q",), "s Leave the demo"),
    ("question", RunState.ASKING, (), "if Yes"),
    ("history", RunState.FINISHED, ("h",), "keep cleared: no"),
    ("undo", RunState.FINISHED, ("h", "U"), "Undo it now?"),
    ("schedule", None, ("S", "5"), "There is no page"),
    ("errors", RunState.FINISHED, ("e",), "page 1/2"),
    ("record", RunState.FINISHED, ("e", "enter", "enter"), "NAV id"),
    ("help", None, ("question_mark",), "Keys"),
    ("mapping", None, ("4", "enter"), "Customer <> account"),
    ("mapping-fields", None, ("4", "enter", *["tab"] * 7, *"jjj"), "fields = [{"),
    ("mapping-choice", None, ("4", "enter", "tab", "tab", *"jjE"), "> default"),
    ("mapping-filter", None, ("4", "enter", "tab", "tab", "tab", *"jE"), "Blank = the default"),
    ("mapping-write", None, ("4", "enter", "tab", "tab", *"jEkk", "enter"), "Do it?"),
    ("couplings", None, ("o", "j", "j"), "122 couplings"),
    ("couplings-search", None, ("o", "slash", *"01450003"), "01450003"),
    ("uncouple", None, ("o", "j", "j", "U"), "Do it?"),
    ("records", None, ("o", "j", "j", "enter", "j"), "2 differ"),
    ("plan", None, ("p",), "Counted 12:04"),
    ("planned", None, ("p", "4", "enter", "tab"), "page 1/42"),
    ("difference", None, ("p", "4", "enter", "3", "enter", "enter"), "Compared"),
    ("matches", None, ("m",), "120 records wait"),
    ("candidates", None, ("m", "enter"), "2 candidates"),
    ("couple", None, ("m", "enter", "C"), "No field is written now"),
    ("setup", None, ("n", "3"), "[nav] company"),
    ("setup-value", None, ("n", "2", "enter"), "esc Leave it as it is"),
    ("setup-secret", None, ("n", "7", "enter"), "> env"),
    ("trial", None, ("n", "n"), "Renew the token"),
    ("log", None, ("v",), "Traceback"),
    ("conflicts", None, ("c",), "Phone_No"),
    ("skip", RunState.FINISHED, ("e", "K"), "each run tries them"),
    ("couple-by-hand", RunState.FINISHED, ("e", "M"), "of its partner:"),
]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize(("name", "state", "keys", "ready"), CASES, ids=[case[0] for case in CASES])
async def test_looks_as_it_did(
    name: str, state: RunState | None, keys: Sequence[str], ready: str, size: tuple[int, int]
) -> None:
    door = ScriptedDoor(demo=name == "leave-demo")
    door.runs[15] = made_run(RunState.CANCELLED, id=15)
    if name == "counting":
        door.plan_state = RunState.RUNNING
    if state is not None:
        run = made_run(state)
        if state is RunState.FINISHED:
            run = replace(run, answer="no", answered_by="ops@bastion", answered_at=NOW)
        if state is RunState.STOPPED:
            run = replace(run, message=STOPPED, hint="Check that the server runs; then resume the run.")
        door.put(run)
    async with showing(door, size=size, look=Look(hz=10, tour=name.endswith("-tour"))) as (app, pilot):
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.2)
        await until(pilot, lambda: ready in text(app))
        found = "".join(f"{line}\n" for line in shown(app))
    path = GOLDEN / (f"{name}.txt" if size == (80, 24) else f"{name}-{size[0]}x{size[1]}.txt")
    if os.environ.get("COUPLER_GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(found)
    assert found == path.read_text()
