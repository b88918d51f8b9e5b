"""Hostile texts on every page and in every dialog: no control byte and no markup of theirs may reach a terminal."""

import asyncio
import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from textual.pilot import Pilot
from textual.screen import Screen

from engine.model.errors import ConnectionLost
from engine.model.snapshot import RunState
from tests.reliability.line import Line, Measured
from tests.reliability.payloads import PAYLOADS, SAMPLE, Shown, foreign
from tests.tui.screens import until
from tests.tui.script import ScriptedDoor, made_run
from tests.tui.terminal import ROOT, Terminal, python
from tui.app import CouplerApp, show
from tui.dialogs.confirm import Confirm, TypeName
from tui.dialogs.info import Info
from tui.dialogs.leave import Leave
from tui.dialogs.partner import Partner
from tui.dialogs.question import Question
from tui.dialogs.start import Preflight, Start
from tui.look import Look
from tui.screens.conflicts import Conflicts
from tui.screens.errors import Errors
from tui.screens.history import History
from tui.screens.home import Home
from tui.screens.page import Page
from tui.screens.run import Run

T = TypeVar("T")
TARGET = 200
_IDENTITIES = frozenset({"kind", "answer", "nav_id", "crm_id"})
"""Texts that the program itself makes, or checked when they arrived."""


def filled(value: T, text: str) -> T:
    """The same picture with a hostile text in every place that holds one; those of a list end in their numbers."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return text  # type: ignore[return-value]
    if isinstance(value, tuple | list):
        return type(value)(filled(one, f"{text}{at or ''}") for at, one in enumerate(value))
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            one.name: filled(getattr(value, one.name), text) for one in fields(value) if one.name not in _IDENTITIES
        }
        return replace(value, **changed)
    return value


class _Door(ScriptedDoor):
    """Whatever is read has the text of the moment in it."""

    text = ""

    def hold(self, text: str) -> None:
        self.text = self.environment = text

    def home(self) -> Any:
        return filled(super().home(), self.text)

    def run(self, run: int) -> Any:
        return filled(super().run(run), self.text)

    def going(self) -> Any:
        return filled(super().going(), self.text)

    def history(self, limit: int) -> Any:
        return filled(super().history(limit), self.text)

    def causes(self, run: int | None, mapping: str | None) -> Any:
        return filled(super().causes(run, mapping), self.text)

    def outcomes(self, cause: Any, limit: int, offset: int) -> Any:
        return filled(super().outcomes(cause, limit, offset), self.text)

    def conflicts(self) -> Any:
        return filled(super().conflicts(), self.text)


class _App(CouplerApp):
    """Takes down what markup would run."""

    CSS_PATH = str(ROOT / "tui" / "tui.tcss")
    pwned = 0
    crashed: BaseException | None = None

    def action_pwned(self) -> None:
        self.pwned += 1

    def _handle_exception(self, error: Exception) -> None:
        self.crashed = error
        super()._handle_exception(error)


Make = Callable[[_Door, Look], Page]
_PAGES: dict[str, tuple[RunState | None, Make]] = {
    "home": (None, Home),
    "home with a run": (RunState.STOPPED, Home),
    "run": (RunState.RUNNING, lambda door, look: Run(door, look, 16)),
    "run that stopped": (RunState.STOPPED, lambda door, look: Run(door, look, 16)),
    "run that asks": (RunState.ASKING, lambda door, look: Run(door, look, 16)),
    "run that ended": (RunState.FINISHED, lambda door, look: Run(door, look, 16)),
    "errors": (RunState.RUNNING, lambda door, look: Errors(door, look, None)),
    "history": (None, History),
    "conflicts": (None, Conflicts),
}
_DIALOGS: dict[str, Callable[[_Door, Look], Screen[Any]]] = {
    "question": lambda door, look: Question(look, door.run(16), lambda: Path(door.text)),
    "leave": lambda door, look: Leave(look, door.run(16)),
    "start": lambda door, look: Start(look, door.home(), door.run(16)),
    "preflight": lambda door, look: Preflight(look, door.home(), door.run(16)),
    "notice": lambda door, look: Info(look, door.text, [door.text, door.text]),
    "confirmation": lambda door, look: Confirm(look, door.text, [door.text, door.text]),
    "partner": lambda door, look: Partner(look, [door.text], door.text),
    "name to type": lambda door, look: TypeName(look, door.text),
}
_FURTHER = {
    "errors": ("enter", "enter", "escape", "c", "K"),
    "conflicts": ("enter", "enter"),
    "home": ("enter",),
    "run": ("4", "enter"),
    "run that asks": ("a",),
    "run that stopped": ("x",),
}
"""Keys that lead on from a page to what it opens."""


def on_screens(texts: Sequence[str] = PAYLOADS, further: Sequence[str] = (*SAMPLE, *PAYLOADS[::5])) -> Shown:
    """Show each text on every page, and those of `further` also in the dialogs that pages open."""
    return asyncio.run(_on_screens(texts, further))


async def _on_screens(texts: Sequence[str], further: Sequence[str]) -> Shown:
    shown = Shown()
    works = [partial(_page, shown, name, state, make, texts, further) for name, (state, make) in _PAGES.items()]
    for name, work in [*zip(_PAGES, works, strict=True), ("dialogs", partial(_dialogs, shown, texts))]:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  # that is what is looked for
            shown.crashes.append(f"{name}: {type(error).__name__}: {str(error)[:600]}")
    return shown


async def _dialogs(shown: Shown, texts: Sequence[str]) -> None:
    door = _made(RunState.ASKING)
    async with _started(door, Home) as (app, pilot, page):
        for text in texts:
            door.hold(text)
            for name, make in _DIALOGS.items():
                app.push_screen(make(door, page.look))
                await _painted(pilot)
                _look(shown, app, name, text)
                app.pop_screen()
    if app.pwned:
        shown.actions.append(f"dialogs: {app.pwned} actions")


def _made(state: RunState | None) -> _Door:
    door = _Door()
    door.hold("x")
    if state is not None:
        door.put(made_run(state))
    return door


@contextlib.asynccontextmanager
async def _started(door: _Door, page: Make) -> AsyncIterator[tuple[_App, Pilot[None], Page]]:
    look = Look(hz=0.2)
    app = _App(door, look)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        made = page(door, look)
        app.push_screen(made)
        await until(pilot, lambda: made.shown > 0)
        yield app, pilot, made


async def _page(
    shown: Shown, name: str, state: RunState | None, make: Make, texts: Sequence[str], further: Sequence[str]
) -> None:
    door = _made(state)
    async with _started(door, make) as (app, pilot, page):
        for text in texts:
            await _show(pilot, door, page, text)
            _look(shown, app, name, text)
        for text in further if name in _FURTHER else ():
            await _show(pilot, door, page, text)
            await pilot.click(offset=(30, 5))
            for key in _FURTHER[name]:
                await pilot.press(key)
                await pilot.pause()
                _look(shown, app, f"{name}, {key}", text)
            while app.screen is not page:
                app.pop_screen()
                await pilot.pause()
        for text in further:
            page.complain(ConnectionLost(text, text))  # type: ignore[attr-defined]  # all of these have it
            page.say(text)
            await _painted(pilot)
            _look(shown, app, f"{name}, a complaint", text)
            while app.screen is not page:
                app.pop_screen()
                await pilot.pause()
    if app.pwned:
        shown.actions.append(f"{name}: {app.pwned} actions")


async def _show(pilot: Pilot[None], door: _Door, page: Page, text: str) -> None:
    """What the page does when it has read, without waiting for the time to come."""
    door.hold(text)
    poll = page._poll  # type: ignore[attr-defined]  # all of these have it
    poll._show(poll._read())
    await _painted(pilot)


async def _painted(pilot: Pilot[None]) -> None:
    """Until what was asked for is on the screen; Textual's own pause waits for a process that does nothing at all."""
    for _ in range(2):
        done = asyncio.Event()
        pilot.app.screen.call_after_refresh(done.set)
        await asyncio.wait_for(done.wait(), 10)


def _look(shown: Shown, app: _App, place: str, text: str) -> None:
    shown.places.add(place)
    shown.shows += 1
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            if found := foreign(segment.text, frozenset()):
                shown.foreign.append(f"{place}: {text!r}: {sorted(map(ascii, found))}")
            if segment.control:
                shown.foreign.append(f"{place}: {text!r}: a control segment")
            if segment.style is not None and (segment.style.link or "@click" in segment.style.meta):
                shown.actions.append(f"{place}: {text!r}: {segment.style.link or segment.style.meta}")
        if strip.cell_length > app.size.width:
            shown.foreign.append(f"{place}: {text!r}: a line of {strip.cell_length} columns")
    if app.crashed is not None:
        shown.crashes.append(f"{place}: {text!r}: {app.crashed!r}"[:500])


_SEQUENCE = re.compile(
    rb"\x1b(?:\[([<-?]?)[0-9;:]*([ -/]*[@-~])|\]([^\x07\x1b]*)(?:\x07|\x1b\\\\)|([PX^_])|([ -/]*[0-~]))|([\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f])"
)
"""Control sequences by their kind: what introduces and what ends them, without their numbers."""


def on_a_terminal(texts: Sequence[str] = SAMPLE) -> Shown:
    """The same for a sample on a real pty: nothing is written there that a harmless name would not have written."""
    shown = Shown()
    with tempfile.TemporaryDirectory() as folder:
        neutral = _written(Path(folder), "Acme", shown)
        known = _kinds(neutral)
        for text in texts:
            for one in sorted(_kinds(_written(Path(folder), text, shown)) - known):
                shown.foreign.append(f"on a terminal: {text!r}: {one!r}")
            shown.places.add("a terminal")
            shown.shows += 1
    return shown


def _written(folder: Path, text: str, shown: Shown) -> bytes:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    terminal = Terminal(
        python("-m", "tests.reliability.injection", text.encode("utf-8", "surrogatepass").hex()), cwd=folder, env=env
    )
    try:
        terminal.until("q Quit")
        for key, sign in (("e", "enter Open"), ("h", "enter Errors"), ("u", "space Pause"), ("c", "enter Fields")):
            terminal.type(key)
            terminal.until(sign)
            terminal.type("\x1b")
            terminal.until("OnlyCoupled")
            terminal.read(0.1)
        terminal.type("q")
        terminal.until("Stay")
        terminal.read(0.1)
        time.sleep(0.5)  # the question hears no keys that come too early
        terminal.type("d")
        if code := terminal.ended():
            shown.crashes.append(f"on a terminal: {text!r}: exit code {code}: {terminal.text[-600:]}")
    except AssertionError as error:
        shown.crashes.append(f"on a terminal: {text!r}: {str(error)[-600:]}")
    finally:
        terminal.close()
    return terminal.raw


def _kinds(raw: bytes) -> set[tuple[bytes, ...]]:
    text = raw.decode("utf-8", "replace")
    kinds = {found.groups(b"") for found in _SEQUENCE.finditer(raw)}
    return kinds | {
        (b"character", one.encode("utf-8", "surrogatepass")) for one in text if ord(one) > 0x7E and foreign(one)
    }


def main() -> None:
    """Show the screens with a text in everything, for the pty."""
    door = _made(RunState.RUNNING)
    door.hold(bytes.fromhex(sys.argv[1]).decode("utf-8", "surrogatepass"))
    os._exit(show(_App(door, Look(hz=4))))


def _measure() -> Measured:
    shown = on_screens()
    sample = on_a_terminal()
    places = len(shown.places | sample.places)
    text = f"{len(PAYLOADS)} x {places} / {len(shown.foreign) + len(sample.foreign)} / {len(shown.actions) + len(sample.actions)} / {len(shown.crashes) + len(sample.crashes)}"
    faults = (*shown.faults, *sample.faults)
    return Measured(text, not faults and len(PAYLOADS) >= TARGET, faults)


LINES: tuple[Line, ...] = (
    Line("hostile texts x screens: foreign bytes / actions run / crashes", f"{TARGET} x all / 0 / 0 / 0", _measure),
)

if __name__ == "__main__":
    main()
