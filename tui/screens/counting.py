"""Counting what a full synchronization would do, from whichever screen it is asked for."""

from functools import partial

from engine.model.snapshot import RunSnapshot, RunState, Wish
from tui.dialogs.count import Count, Counted
from tui.door import Door
from tui.screens.page import Page


async def count(page: Page, *, can_skip: bool) -> Counted:
    """Makes a plan and shows its progress: the finished plan, or what the operator did instead of waiting for it."""
    plan = await page.ask(partial(page.door.start, "plan"), 0)
    if not plan:
        return "stop"
    counted = await page.app.push_screen_wait(Count(page.door, page.look, plan, can_skip=can_skip))
    if not isinstance(counted, RunSnapshot):
        await page.tell(partial(_give_up, page.door, plan))
    return counted


def _give_up(door: Door, plan: int) -> None:
    if door.run(plan).state is RunState.RUNNING:
        door.wish(plan, Wish.CANCEL)
