"""Changing Synch. Only Coupled Records of a mapping, from whichever screen it is asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tui import dialogs
from tui.screens.page import Page
from tui.widgets import mappings

if TYPE_CHECKING:
    from engine.model.snapshot import MappingSnapshot


async def turned(page: Page, one: MappingSnapshot) -> None:
    """Asks, then stores the other value of the flag."""
    heading = f"{one.name}: Synch. Only Coupled Records"
    if await page.app.push_screen_wait(dialogs.Confirm(page.look, heading, mappings.flag_change(one))):
        await page.tell(partial(page.door.set_only_coupled, one.name, value=not one.only_coupled))
        page.wake()
