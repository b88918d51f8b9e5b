"""Synchronize Modified Records of a mapping, now (reference/domain.md section 5.5), from whichever screen asks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tui import dialogs, screens
from tui.screens.page import Page
from tui.widgets import mappings

if TYPE_CHECKING:
    from engine.model.snapshot import MappingSnapshot


async def synchronize(page: Page, one: MappingSnapshot) -> None:
    """Asks, starts the run and shows it."""
    heading = f"{one.name}: Synchronize Modified Records"
    if not await page.app.push_screen_wait(dialogs.Confirm(page.look, heading, mappings.synchronizing(one))):
        return
    run = await page.ask(partial(page.door.start, "sync", (one.name,)), 0)
    if run:
        page.app.push_screen(screens.Run(page.door, page.look, run, started=True))
