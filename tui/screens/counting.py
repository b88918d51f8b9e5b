"""Counting what a full synchronization or an undo would do, from whichever screen it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from engine.model.states import RunState, Wish
from tui import dialogs
from tui.door import Door
from tui.screens.page import Page

if TYPE_CHECKING:
    from tui.dialogs.count import Counted


async def count(page: Page, *, can_skip: bool) -> Counted:
    """Makes a plan and shows its progress: the finished plan, or what the operator did instead of waiting for it."""
    return await counted(page, partial(page.door.start, "plan"), "Preflight", can_skip=can_skip)


async def counted(page: Page, begin: Callable[[], int], heading: str, *, can_skip: bool = False) -> Counted:
    """The same for any run that only counts, which `begin` starts."""
    page.say("Counting begins ...")
    number = await page.ask(begin, 0)
    page.say("")
    if not number:
        return "stop"
    found = await page.app.push_screen_wait(dialogs.Count(page.door, page.look, number, heading, can_skip=can_skip))
    if isinstance(found, str):
        await page.tell(partial(_give_up, page.door, number))
    return found


def _give_up(door: Door, number: int) -> None:
    if door.run(number).state is RunState.RUNNING:
        door.wish(number, Wish.CANCEL)
