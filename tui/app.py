"""The full-screen program."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

from rich.cells import cell_len
from rich.text import Text
from textual import work
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.theme import BUILTIN_THEMES

from engine.config import Settings, log_dir
from engine.model.errors import CouplerError
from engine.model.masking import mask
from engine.model.snapshot import RunSnapshot, Wish
from tui import actions, signals
from tui.dialogs.dialog import Dialog
from tui.dialogs.help import Help
from tui.dialogs.leave import Leave
from tui.door import Door
from tui.exitcodes import ExitCode
from tui.late_door import LateDoor
from tui.look import Look
from tui.screens.home import Home
from tui.screens.page import Page
from tui.screens.run import Run
from tui.text import safe

if TYPE_CHECKING:
    from engine.store.database import Store

THEME = "ansi-dark"
_COPIED = 2_000
"""Characters of a row that are sent to the clipboard; terminals drop what is much longer."""


class CouplerApp(App[None]):
    """Screens over a door to the engine. Ends with an exit code; whatever happens here, a run goes on."""

    TITLE = "Coupler"
    CSS_PATH = "tui.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("everywhere")

    def __init__(self, door: Door, look: Look, *, attach: int | None = None, log: Path | None = None) -> None:
        theme = THEME if "NO_COLOR" in os.environ or look.theme not in BUILTIN_THEMES else look.theme
        # Colours are those of the terminal; and only with this argument does NO_COLOR mean none instead of greys.
        super().__init__(ansi_color=True if theme.startswith("ansi") else None)
        self.theme = theme
        self.animation_level = "none"
        self.door = door
        self.look = look
        self.log_file = log
        self.code: int = ExitCode.OK
        self.farewell = ""
        """What to say on the terminal when the screen is gone."""
        self._opened = attach
        self._main: asyncio.AbstractEventLoop | None = None

    def on_mount(self) -> None:
        """Opens the first screen."""
        self._main = asyncio.get_running_loop()
        self.set_keymap(self.look.keys)
        for screen in self.first():
            self.push_screen(screen)

    def first(self) -> list[Page]:
        """The screens that it begins with, the last one on top."""
        home = Home(self.door, self.look, attach=self._opened is not None)
        return [home] if self._opened is None else [home, Run(self.door, self.look, self._opened)]

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the command palette offers: the actions of the screen below it, then those of the first screen, from
        where everything can be reached, where there is one; nothing from a dialog, which wants its answer first.
        """
        scopes: list[actions.Scope] = [screen.SCOPE] if isinstance(screen, Page) else []
        if scopes and any(isinstance(one, Home) for one in self.screen_stack):
            scopes.append("home")
        offered = set()
        for one in (action for scope in (*dict.fromkeys(scopes), "everywhere") for action in actions.of(scope)):
            if one.name in ("command_palette", "back") or one.label in offered:
                continue
            offered.add(one.label)
            if one.scope == "home" and not isinstance(screen, Home):
                yield SystemCommand(one.label, one.help, partial(self._from_home, one.name))
            else:
                target = "app" if one.scope == "everywhere" else "screen"
                yield SystemCommand(one.label, one.help, partial(self.run_action, f"{target}.{one.name}"))

    @work
    async def _from_home(self, name: str) -> None:
        """Goes back to the first screen and does something there, which says why when it cannot."""
        if not await self._may_leave():
            return
        while not isinstance(home := self.screen, Home):
            if isinstance(home, Dialog):
                home.dismiss(None)  # what asked goes on without an answer
            else:
                self.pop_screen()
        home.hear()
        await self.run_action(f"screen.{name}")

    def action_copy(self) -> None:
        """Sends the row under the cursor to the clipboard of the terminal, which may or may not take it."""
        page = self.screen
        if not isinstance(page, Page):
            return
        text = safe(page.copied(), _COPIED)
        if not text:
            page.say("There is no row to copy.")
            return
        self.copy_to_clipboard(text)
        page.say_cut(f"Sent to the terminal's clipboard: {text}")

    def action_zone(self) -> None:
        """UTC or local times, on all screens."""
        self.look.utc = not self.look.utc
        if isinstance(self.screen, Page):
            self.screen.wake()

    def action_keys(self) -> None:
        """The keys of this screen."""
        if isinstance(self.screen, Page):
            self.push_screen(Help(self.look, self.screen.SCOPE))

    @work
    async def action_leave(self) -> None:
        """Closes a dialog first; then leaves, and asks before that while an engine works on a run."""
        if isinstance(self.screen, Dialog) and not self.screen.has_class("-small"):
            self.screen.action_leave()
            return
        if any(isinstance(one, Leave) for one in self.screen_stack):
            return
        if not await self._may_leave():
            return
        run = await asyncio.to_thread(self._going)
        if run is None:
            self.exit()
            return
        way = await self.push_screen_wait(Leave(self.look, run, demo=self.door.demo))
        wish = {"stop": Wish.STOP, "cancel": Wish.CANCEL}.get(way)
        if wish is not None:
            await asyncio.to_thread(self._wish, run.id, wish)
        if way != "stay":
            going = Text(f"Run {run.id} keeps going; `coupler attach` shows it.")
            self.exit(message=going if way == "detach" else None)

    async def _may_leave(self) -> bool:
        """Whether every screen may be left; each asks where something of it would be lost."""
        for one in list(self.screen_stack):
            if isinstance(one, Page) and not await one.may_leave():
                return False
        return True

    def _going(self) -> RunSnapshot | None:
        with contextlib.suppress(CouplerError):
            return self.door.going()
        return None

    def _wish(self, run: int, wish: Wish) -> None:
        try:
            self.door.wish(run, wish)
        except CouplerError as error:
            self.farewell = safe(f"coupler: run {run} goes on: {error.told}", 400)

    def leave_now(self, code: int) -> None:
        """Ends with this exit code; safe to call from a signal handler. The first code stays."""
        if self.code:
            return
        self.code = code
        if self._main is None:
            raise SystemExit(code)
        self._main.call_soon_threadsafe(self.exit)

    def _fatal_error(self) -> None:
        """Textual's own shows the values of variables, secrets among them; this one is a line, and a log file."""
        error = sys.exc_info()[1]
        self.code = ExitCode.INTERNAL
        self.farewell = f"coupler: internal error ({type(error).__name__}); a run that is going keeps going."
        if self.log_file is not None:
            with contextlib.suppress(OSError):
                self.log_file.parent.mkdir(parents=True, exist_ok=True)
                handle = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
                with os.fdopen(handle, "w", encoding="utf-8") as log:
                    log.write(f"{datetime.now(UTC).isoformat()} internal error\n")
                    log.writelines(f"{safe(mask(one), 2_000)}\n" for one in traceback.format_exc().splitlines())
                self.farewell += f" Details: {self.log_file}"
        self._close_messages_no_wait()


def run(
    settings: Settings,
    store: Store,
    *,
    attach: int | None = None,
    mouse: bool = False,
    demo: bool = False,
    tour: bool = False,
) -> int:
    """Shows the screens until the operator leaves; the exit code.

    `attach` opens a run at once. With `demo` the servers end with the program, and dialogs say so. With `tour` each
    screen says what there is to be seen and done.
    """
    from tui.engine_door import EngineDoor  # noqa: PLC0415 - `run_at_once` paints before the engine is loaded

    app = _made(EngineDoor(settings, store, demo=demo), settings, attach, tour=tour)
    return show(app, mouse=mouse or settings.ui.mouse)


def run_at_once(settings: Settings, *, mouse: bool = False) -> int:
    """The same, where the store is opened behind the first screen; raises StoreError when it cannot be."""
    door = LateDoor(settings)
    app = _made(door.as_door(), settings, None)
    door.refused = lambda: app.leave_now(ExitCode.CONNECTION)
    try:
        code = show(app, mouse=mouse or settings.ui.mouse)
    finally:
        door.close()
    if door.error is not None:
        raise door.error
    return code


def _made(door: Door, settings: Settings, attach: int | None, *, tour: bool = False) -> CouplerApp:
    ui = settings.ui
    look = Look(ascii=ui.ascii, utc=ui.utc, hz=ui.refresh_hz, theme=ui.theme, tour=tour, keys=dict(ui.keys))
    return CouplerApp(door, look, attach=attach, log=log_dir() / "tui.log")


def show(app: CouplerApp, *, mouse: bool = False) -> int:
    """Runs the program on this terminal; the exit code."""
    before = signals.install(app.leave_now)
    with _in_columns(sys.__stderr__):
        app.run(mouse=mouse)
    # A second signal must not spoil the exit code of the first.
    signals.set_all(signal.SIG_IGN if app.code else before)
    if app.farewell:
        _say(app.farewell)
    signals.let_go()
    return app.code


@contextlib.contextmanager
def _in_columns(terminal: TextIO | None) -> Iterator[None]:
    """Until the end of the block, question marks as wide stand for letters that the terminal has no code for: their
    numbers, which are wider, would push what follows out of its column. Textual writes there.
    """
    if not isinstance(terminal, io.TextIOWrapper):
        yield
        return
    before = terminal.errors
    codecs.register_error("columns", _as_wide)
    _encode(terminal, "columns")
    try:
        yield
    finally:
        _encode(terminal, before)


def _encode(terminal: io.TextIOWrapper, errors: str | None) -> None:
    # It writes what is left to be written first, which fails where the terminal is gone.
    with contextlib.suppress(OSError):
        terminal.reconfigure(errors=errors)


def _as_wide(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "?" * cell_len(error.object[error.start : error.end]), error.end


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
