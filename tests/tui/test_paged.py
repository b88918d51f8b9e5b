"""Lists that the store gives page by page: a page that comes late is not taken for the one that is wanted by now."""

from collections.abc import Sequence
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from tests.tui.made.troubles import made_conflicts
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor


@pytest.mark.parametrize(
    ("keys", "read", "turn", "first", "second"),
    [
        ("m", "ambiguous", "n", "01450001", "01450051"),
        ("c", "conflicts", "greater_than_sign", "C00000", "C00050"),
        ("ea", "left_alone", "n", "01450000", "01450051"),
    ],
)
async def test_what_was_read_of_the_page_before_is_not_shown_as_the_next_one(
    door: ScriptedDoor, keys: str, read: str, turn: str, first: str, second: str
) -> None:
    conflict = made_conflicts()[0]
    ids = {f"C{no:05}": f"{no:08x}-0000-4000-8000-00000000000a" for no in range(120)}
    door.set_aside = [replace(one, nav_no=f"{1450000 + no:08}") for no, one in enumerate(door.set_aside * 2)]
    door.waiting = [replace(conflict, nav_id=id, nav_no=no) for no, id in ids.items()]
    real = getattr(door, read)
    begun, let_go = ({0: Event(), 50: Event()} for _ in range(2))

    def slow(limit: int, offset: int, *words: Sequence[str]) -> Any:
        begun[offset].set()
        assert let_go[offset].wait(10)
        return real(limit, offset, *words)

    async with showing(door) as (app, pilot):
        for key in keys:
            await pilot.press(key)
            await until(pilot, lambda: getattr(app.screen, "shown", 0) > 0)
        await see(pilot, "page 1/3", first)
        setattr(door, read, slow)
        try:
            await until(pilot, begun[0].is_set)
            await pilot.press(turn)
            let_go[0].set()
            await until(pilot, begun[50].is_set)
            assert "page 1/3" in text(app)
        finally:
            for gate in let_go.values():
                gate.set()
        await see(pilot, "page 2/3", second)
