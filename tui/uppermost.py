"""Waiting until nothing is over a screen any more."""

import asyncio
from typing import Any

from textual.screen import Screen

_GLANCE = 0.1


async def on_top(screen: Screen[Any]) -> bool:
    """Whether a screen is still open, once nothing is over it, such as the list of commands: what is closed is always
    the uppermost one.
    """
    while screen in screen.app.screen_stack and not screen.is_active:  # noqa: ASYNC110 - Textual has no event for it
        await asyncio.sleep(_GLANCE)
    return screen.is_active
