"""The engine's log: its end, which is followed, and the way back through it."""

from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize
from textual.widgets import Input

from engine.model.errors import CouplerError
from engine.runs.logs import LONGEST, LogLine, LogPage, of_run
from tui import actions, dialogs, reasons
from tui import format as fmt
from tui.door import Door
from tui.look import Look
from tui.poll import LOG
from tui.screens.filtered import Filtered
from tui.text import safe
from tui.widgets import loglines, passes
from tui.widgets.keys import Keys
from tui.widgets.line import Line
from tui.widgets.table import Table


class Log(Filtered):
    """A page of lines, of all runs or of one. It follows the end until it is held still, which paging back does too."""

    SCOPE = "log"
    CSS_PATH = "log.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("log")

    def __init__(self, door: Door, look: Look, run: int | None = None) -> None:
        super().__init__(door, look)
        self.run = run
        self.page: LogPage | None = None
        self.follows = True
        self.words: tuple[str, ...] = ()
        """What is looked for."""
        self._poll = self.polling(self._read, self.show, LOG)

    def body(self) -> ComposeResult:
        """A filter, the lines, where in the log they are."""
        yield Input(id="filter", compact=True, placeholder="text to look for; enter keeps it, esc clears it")
        yield Table(loglines.columns(80), id="lines", ascii_only=self.look.ascii)
        yield Line(id="place", classes="one")

    def on_mount(self) -> None:
        """Starts to read the log."""
        self._title("")
        self.query_one("#place", Line).put(" Reading ...")
        self.query_one(Table).focus()
        self.run_worker(self._poll.forever(), group="poll")

    def on_resize(self, event: Resize) -> None:
        """Wide terminals show more of each line."""
        super().on_resize(event)
        self._paint()

    def wake(self) -> None:
        """Reads the log at once."""
        self._poll.wake()

    def _read(self) -> LogPage:
        end = None if self.follows or self.page is None else self.page.end
        return self.door.log(end, self._wanted)

    @property
    def _wanted(self) -> tuple[str, ...]:
        """What lines must contain."""
        return self.words if self.run is None else (of_run(self.run), *self.words)

    def _title(self, right: str) -> None:
        self.head("Coupler   Log of the engine" + ("" if self.run is None else f"   run {self.run}"), right)

    def show(self, found: LogPage) -> None:
        """Shows what was read; what is held still stays, unless the log began anew."""
        page = self.page
        if self.follows or page is None:
            self._put(found, last=page is None or self._at_end())
        elif found.anew(page):
            self.follows = True
            self.say("The log began anew.")
            self.wake()
        else:
            self._put(replace(page, size=found.size))
        self.shown += 1

    def complain(self, error: CouplerError | None) -> None:
        """Says that the log cannot be read."""
        if error is not None:
            self.query_one("#place", Line).put(f" ! {error.told}")

    def _put(self, page: LogPage, *, last: bool | None = None) -> None:
        """Shows a page; the cursor goes to its last line or to its first one, or stays."""
        self.page = page
        self._paint()
        if last is not None and page.lines:
            self.query_one(Table).jump(len(page.lines) - 1 if last else 0)

    def _at_end(self) -> bool:
        page, table = self.page, self.query_one(Table)
        return page is None or table.cursor_row >= len(page.lines) - 1

    def _paint(self) -> None:
        page, width, now = self.page, self.app.size.width, passes.now()
        said = loglines.place(page, follows=self.follows, run=self.run, words=self.words)
        self.query_one("#place", Line).put(safe(f" {said}", width))
        zone = f"times: {fmt.zone(now, utc=self.look.utc)}  ({safe(self.door.environment, 24)})"
        self._title(zone)
        keys = self.query_one(Keys)
        keys.leave_out([one.name for one in actions.of("log") if self._why_not(one.name)])
        keys.label({"follow": "Hold" if self.follows else "Follow"})
        lines = () if page is None else page.lines
        self.query_one(Table).show([loglines.row(one, now, self.look) for one in lines], loglines.columns(width))

    def _why_not(self, name: str) -> str | None:
        return reasons.log(name, self.page, follows=self.follows)

    def _ready(self, name: str) -> LogPage | None:
        """The page that an action is for; None, and why, when it cannot be done."""
        return None if self._refused(name) else self.page

    def _current(self) -> LogLine | None:
        key = self.query_one(Table).current
        lines = () if self.page is None else self.page.lines
        return next((one for one in lines if str(one.offset) == key), None)

    def action_detail(self) -> None:
        """The line under the cursor in full."""
        one = self._current()
        if self._ready("detail") is not None and one is not None:
            self.app.push_screen(
                dialogs.Info(self.look, "Line of the log", [safe(text, LONGEST) for text in loglines.whole(one)])
            )

    def action_follow(self) -> None:
        """Holds the lines still; again to follow the end."""
        self.follows = not self.follows
        if self.follows and self.page is not None:
            self._put(self.page, last=True)
        self._paint()
        self.wake()

    @work(exclusive=True, group="page")
    async def action_earlier(self) -> None:
        """The lines before."""
        page = self._ready("earlier")
        if page is not None:
            self._turn(await self.ask(partial(self.door.log, page.start, self._wanted), None), last=True)

    @work(exclusive=True, group="page")
    async def action_later(self) -> None:
        """The lines after."""
        page = self._ready("later")
        if page is not None:
            self._turn(await self.ask(partial(self.door.log_after, page.end, self._wanted), None), last=False)

    def _turn(self, found: LogPage | None, *, last: bool) -> None:
        if found is not None and self.seen:
            self.follows = False
            self._put(found, last=last)
            self.shown += 1

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self.words = tuple(event.value.split())
        self.follows = True
        self.wake()
