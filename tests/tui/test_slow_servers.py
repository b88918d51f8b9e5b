"""Screens that read NAV and CRM themselves, while these do not answer."""

import asyncio
import threading

import pytest

from engine.model.errors import ConnectionLost
from engine.model.snapshot import RunState
from tests.tui.made.runs import made_run
from tests.tui.screens import see, showing, until
from tests.tui.script import ScriptedDoor

pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize(
    ("read", "words"),
    [("difference", ("Plan", "CUSTOMER", "01450000")), ("candidates", ("120 records wait",))],
)
def test_the_program_can_be_left_while_a_screen_waits_for_a_server(
    door: ScriptedDoor, read: str, words: tuple[str, ...]
) -> None:
    asked, answered, over = threading.Event(), threading.Event(), threading.Event()

    def silent(record: object) -> None:
        del record
        asked.set()
        answered.wait(20)
        over.set()
        raise ConnectionLost("Nobody answers.", "Wait.")

    setattr(door, read, silent)
    door.planned = 15
    door.runs[15] = made_run(RunState.FINISHED, id=15, kind="plan")

    async def leave() -> None:
        async with showing(door) as (app, pilot):
            if read == "candidates":
                await pilot.press("m")
            else:
                await pilot.press("p")
                await see(pilot, "CUSTOMER")
                await pilot.press("4", "enter")
                await pilot.pause(0.2)
                await pilot.press("3", "enter")
            await see(pilot, *words)
            await pilot.press("enter")
            await until(pilot, asked.is_set)
            await pilot.press("q")
            await until(pilot, lambda: not app.is_running)

    asyncio.run(leave())
    waited = over.is_set()
    answered.set()
    assert not waited, "the program ended only when the server had answered"
