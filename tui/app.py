"""The full-screen program."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import gc
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
from textual.binding import BindingsMap, BindingType
from textual.reactive import Initialize, Reactive
from textual.screen import Screen
from textual.theme import BUILTIN_THEMES

from engine import config
from engine.model.errors import CouplerError
from engine.model.masking import mask
from engine.model.states import Wish
from tui import actions, dialogs, pasted, screens, signals
from tui.door import Door
from tui.exitcodes import ExitCode
from tui.glyphs import in_ascii
from tui.late_door import LateDoor
from tui.look import Look
from tui.screens.page import UNREAD, Page
from tui.text import COPIED, safe
from tui.widgets.fit import too_small

if TYPE_CHECKING:
    from engine.config import Glance, Settings, UiSettings
    from engine.model.snapshot import RunSnapshot
    from engine.store.database import Store

THEME = "ansi-dark"
_OF_PAGES = frozenset(("copy", "to_file", "keys", "zone", "command_palette"))
"""What works on the page that is seen, and waits with its keys."""
_WITH_CONTROL = frozenset(one.id for one in actions.of("everywhere") if "ctrl+" in one.key)
"""What a keymap must not have: it would let letters, too, win over what is typed."""


class CouplerApp(App[None]):
    """Screens over a door to the engine. Ends with an exit code; whatever happens here, a run goes on."""

    TITLE = "Coupler"
    CSS_PATH = "tui.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("everywhere")

    def _first_theme(self) -> str:
        return THEME if os.environ.get("NO_COLOR") or self.look.theme not in BUILTIN_THEMES else self.look.theme

    theme: Reactive[str] = Reactive(Initialize(_first_theme))
    """From the first on, because each change of it has all style sheets parsed anew."""

    def __init__(self, door: Door, look: Look, *, attach: int | None = None, log: Path | None = None) -> None:
        self.look = look
        if os.environ.get("NO_COLOR") == "":
            del os.environ["NO_COLOR"]  # it asks for nothing where it is empty; Textual looks only whether it is there
        # Colours are those of the terminal; and only with this argument does NO_COLOR mean none instead of greys.
        super().__init__(ansi_color=True if self._first_theme().startswith("ansi") else None)
        if look.ascii:
            self.driver_class = in_ascii(self.driver_class)
        pasted.guard()
        self.animation_level = "none"
        self.door = door
        self.log_file = log
        self.code: int = ExitCode.OK
        self.farewell = ""
        """What to say on the terminal when the screen is gone."""
        self._opened = attach
        self._main: asyncio.AbstractEventLoop | None = None
        self._bindings = BindingsMap(actions.bindings("everywhere", keys=look.keys))

    def get_default_screen(self) -> Page:
        """The first screen, at the bottom of the stack."""
        first = self.first()
        self.stylesheet.read_all(first.css_path)  # which Textual does for those that are pushed
        return first

    def first(self) -> Page:
        """The screen that it begins with."""
        return screens.Home(self.door, self.look, attach=self._opened is not None)

    def on_mount(self) -> None:
        """Opens what is to be on top of the first screen."""
        self._main = asyncio.get_running_loop()
        self.call_after_refresh(gc.enable)  # `tui.commands.screen` says why it may be off
        self.set_keymap({id: keys for id, keys in self.look.keys.items() if id not in _WITH_CONTROL})
        if self._opened is not None:
            self.push_screen(screens.Run(self.door, self.look, self._opened))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the command palette offers: the actions of the screen below it, then those of the first screen, from
        where everything can be reached, where there is one; nothing from a dialog, which wants its answer first.
        """
        scopes: list[actions.Scope] = [screen.SCOPE] if isinstance(screen, Page) else []
        if scopes and any(isinstance(one, screens.Home) for one in self.screen_stack):
            scopes.append("home")
        offered = set()
        for one in (action for scope in (*dict.fromkeys(scopes), "everywhere") for action in actions.of(scope)):
            if one.name in ("command_palette", "back") or one.label in offered:
                continue
            offered.add(one.label)
            if one.scope == "home" and not isinstance(screen, screens.Home):
                yield SystemCommand(one.label, one.help, partial(self._from_home, one.name))
            else:
                target = "app" if one.scope == "everywhere" else "screen"
                yield SystemCommand(one.label, one.help, partial(self.run_action, f"{target}.{one.name}"))

    @work
    async def _from_home(self, name: str) -> None:
        """Goes back to the first screen and does something there, which says why when it cannot."""
        if not await self._may_leave():
            return
        while not isinstance(home := self.screen, screens.Home):
            if isinstance(home, dialogs.Dialog):
                home.dismiss(None)  # what asked goes on without an answer
            else:
                self.pop_screen()
        home.hear()
        await self.run_action(f"screen.{name}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """While a page hears nothing, keys that are everywhere do nothing to it either; the program can be left."""
        return not (action in _OF_PAGES and isinstance(self.screen, Page) and self.screen.deaf)

    def action_copy(self) -> None:
        """Sends the row under the cursor to the clipboard of the terminal, which may or may not take it."""
        page = self.screen
        if not isinstance(page, Page):
            return
        text = safe(page.copied(), COPIED)
        if not text:
            page.say("There is no row to copy.")
            return
        self.copy_to_clipboard(text)
        page.say_cut(f"Sent to the terminal's clipboard: {text}")

    def action_to_file(self) -> None:
        """Writes what the screen shows to a new text file, and says its name."""
        page = self.screen
        if not isinstance(page, Page):
            return
        if page.unread:
            page.say(UNREAD)
        else:
            self._write_file(page)  # this one, although another may be shown when that begins

    @work(exclusive=True, group="file")
    async def _write_file(self, page: Page) -> None:
        from tui.reports import files  # noqa: PLC0415 - the first paint waits for nothing that it does not show
        from tui.shown import lines  # noqa: PLC0415 - as above

        path = await page.ask(partial(files.write_text, f"coupler-{page.SCOPE}", lines(page)), None)
        if path is not None:
            page.say(f"Written to {path}")

    def action_zone(self) -> None:
        """UTC or local times, on all screens."""
        self.look.utc = not self.look.utc
        if isinstance(self.screen, Page):
            self.screen.wake()

    def action_keys(self) -> None:
        """The keys of this screen."""
        if isinstance(self.screen, Page):
            self.push_screen(dialogs.Help(self.look, self.screen.SCOPE))

    @work
    async def action_leave(self) -> None:
        """Closes a dialog first; then leaves, and asks before that while an engine works on a run."""
        if isinstance(self.screen, dialogs.Dialog) and not too_small(self.screen):
            self.screen.action_leave()
            return
        if any(isinstance(one, dialogs.Leave) for one in self.screen_stack):
            return
        if not await self._may_leave():
            return
        run = await asyncio.to_thread(self._going)
        if run is None:
            self.exit()
            return
        way = await self.push_screen_wait(dialogs.Leave(self.look, run, demo=self.door.demo))
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

    app = _made(EngineDoor(settings, store, demo=demo), settings.ui, attach, tour=tour)
    return show(app, mouse=mouse or settings.ui.mouse)


def run_at_once(seen: Glance, *, mouse: bool = False) -> int:
    """The same, where the rest of the config file is read, and the store opened, behind the first screen; raises
    ConfigError or StoreError when that cannot be.
    """
    door = LateDoor(seen.environment, lambda: config.load(seen.path), production=seen.production)
    app = _made(door.as_door(), seen.ui, None)
    door.refused = lambda: app.leave_now(ExitCode.CONNECTION)
    try:
        code = show(app, mouse=mouse)
    finally:
        door.close()
    if door.error is not None:
        raise door.error
    return code


def _made(door: Door, ui: UiSettings, attach: int | None, *, tour: bool = False) -> CouplerApp:
    look = Look(ascii=ui.ascii, utc=ui.utc, hz=ui.refresh_hz, theme=ui.theme, tour=tour, keys=dict(ui.keys))
    return CouplerApp(door, look, attach=attach, log=config.log_dir() / "tui.log")


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
