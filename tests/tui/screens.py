"""Driving the screens: a program over a scripted door, and what it shows as plain lines."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

from textual.pilot import Pilot

from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.look import Look
from tui.screens.page import Page


def shown(app: CouplerApp) -> list[str]:
    """The lines of the screen, without trailing blanks."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


def text(app: CouplerApp) -> str:
    return "\n".join(shown(app))


async def until(pilot: Pilot[None], what: Callable[[], object], seconds: float = 8.0) -> None:
    """Waits for something to become true; fails with what is on the screen when it does not."""
    end = monotonic() + seconds
    while not what():
        if monotonic() > end:
            assert isinstance(pilot.app, CouplerApp)
            raise AssertionError(f"it did not happen; the screen shows\n{text(pilot.app)}")
        await pilot.pause()
        await asyncio.sleep(0.01)
    await pilot.pause()


async def see(pilot: Pilot[None], *words: str) -> None:
    """Waits for all of the words to be on the screen."""
    assert isinstance(pilot.app, CouplerApp)
    app = pilot.app
    await until(pilot, lambda: all(word in text(app) for word in words))


@asynccontextmanager
async def showing(
    door: ScriptedDoor, *, size: tuple[int, int] = (80, 24), look: Look | None = None, attach: int | None = None
) -> AsyncIterator[tuple[CouplerApp, Pilot[None]]]:
    """The program on a terminal of that size, as soon as it shows the store."""
    async with shown_by(CouplerApp(door, look or Look(hz=20), attach=attach), size) as both:
        yield both


@asynccontextmanager
async def shown_by(app: CouplerApp, size: tuple[int, int]) -> AsyncIterator[tuple[CouplerApp, Pilot[None]]]:
    """A program on a terminal of that size, as soon as its screen shows something."""
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: _read(app))
        yield app, pilot


def _read(app: CouplerApp) -> bool:
    pages = [one for one in app.screen_stack if isinstance(one, Page)]
    return bool(pages) and pages[-1].shown > 0
