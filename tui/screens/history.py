"""Integration synchronization jobs: what ran, newest first."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize
from textual.widgets import Input

from engine.model.errors import CouplerError
from engine.model.snapshot import PassSnapshot, RunSnapshot
from tui import actions, dialogs, reasons, screens
from tui import format as fmt
from tui.door import Door
from tui.look import Look
from tui.reports import files
from tui.screens.counting import counted
from tui.screens.filtered import Filtered
from tui.screens.page import asked
from tui.screens.paged import PAGE, Paged
from tui.text import safe
from tui.widgets import names, passes
from tui.widgets.keys import Keys
from tui.widgets.line import Line, hanging
from tui.widgets.table import Table

_CHUNK = 1_000
_Read = tuple[int, tuple[str, ...], list[PassSnapshot]]
"""Where a page begins, what it was looked for with, and its jobs with one more where more follow."""


class History(Filtered, Paged):
    """One line for each mapping, direction and run, fifty at a time. `watch` opens a run that was started here."""

    SCOPE = "history"
    CSS_PATH = "history.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("history")

    def __init__(self, door: Door, look: Look, watch: Callable[[int], None]) -> None:
        super().__init__(door, look)
        self._watch = watch
        self.snapshot: list[PassSnapshot] = []
        self._runs: dict[int, RunSnapshot] = {}
        self.words: tuple[str, ...] = ()
        self._more = False
        self._poll = self.polling(self._read, self.show)

    def body(self) -> ComposeResult:
        """A filter, the jobs, two lines about the one under the cursor."""
        yield Input(id="filter", compact=True, placeholder="text to look for; enter keeps it, esc clears it")
        yield Table(passes.columns(0), id="jobs", ascii_only=self.look.ascii)
        yield Line(id="paging", classes="one")
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Starts to read the store."""
        self.head("Coupler   Integration synchronization jobs", "")
        self.query_one("#about", Line).put("Reading ...")
        self.query_one(Table).focus()
        self.run_worker(self._poll.forever(), group="poll")

    def on_resize(self, event: Resize) -> None:
        """A wider table has more columns."""
        del event  # Textual calls `Page.on_resize` as well
        if self.shown:
            self._show()

    def wake(self) -> None:
        """Reads the store at once."""
        self._poll.wake()

    def _read(self) -> _Read:
        skip, words = self.skip, self.words
        return skip, words, self.door.history(PAGE + 1, skip, words)

    def show(self, read: _Read) -> None:
        """Shows a page, unless another one is wanted meanwhile; one that has become empty makes way for the first."""
        skip, words, found = read
        if (skip, words) != (self.skip, self.words):
            self.wake()
            return
        if not found and skip:
            self.skip = 0
            self.wake()
            return
        self.snapshot, self._more = found[:PAGE], len(found) > PAGE
        self._show()

    def _show(self) -> None:
        history = self.snapshot
        zone = f"times: {fmt.zone(passes.now(), utc=self.look.utc)}  ({safe(self.door.environment, 24)})"
        self.query_one(Keys).leave_out([one.name for one in actions.of("history") if self._why_not(one.name)])
        self.head("Coupler   Integration synchronization jobs", zone)
        width = self.app.size.width
        rows = [passes.row(one, self.look, width) for one in history]
        self.query_one(Table).show(rows, passes.columns(width))
        more = ", more follow" if self._more else ""
        self.query_one("#paging", Line).put(f" page {fmt.count(self.page_number)} ({PAGE} a page{more})")
        if not history:
            self.query_one("#about", Line).put(self._why_not("errors") or "")
        self._describe()
        self.shown += 1

    def _current(self) -> PassSnapshot | None:
        key = self.query_one(Table).current
        return next((one for one in self.snapshot if passes.key(one) == key), None)

    @on(Table.Moved)
    def _describe(self) -> None:
        one = self._current()
        if one is None:
            return
        run = self._runs.get(one.run)
        if run is None or run.state.active:
            self._read_run(one.run)
        self._tell(one, run)

    @work(exclusive=True, group="run")
    async def _read_run(self, number: int) -> None:
        before = self._runs.get(number)
        try:
            run = await asyncio.to_thread(self.door.run, number)
        except CouplerError as error:
            run = None
            if self.seen:
                self.complain(error)
        if run is not None and run != before and self.seen:
            self._runs[number] = run
            one = self._current()
            if one is not None and one.run == number:
                self._tell(one, run)

    def _tell(self, one: PassSnapshot, run: RunSnapshot | None) -> None:
        width = self.app.size.width - 2
        lines = (passes.about_run(one.run, run, self.look), passes.about(one, self.look))
        self.query_one("#about", Line).put(*(part for text in lines for part in hanging(text, width, 1)))

    def _why_not(self, name: str) -> str | None:
        filtered = bool(self.words)
        return reasons.history(name, len(self.snapshot), self.page_number, more=self._more, filtered=filtered)

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        words = tuple(event.value.casefold().split())
        if words != self.words:
            self.skip, self.words = 0, words
            self.wake()

    def action_errors(self) -> None:
        """Opens the errors of the job under the cursor."""
        one = self._current()
        if not self._refused("errors") and one is not None:
            self.app.push_screen(screens.Errors(self.door, self.look, one.run, one.mapping))

    def action_watch(self) -> None:
        """Opens the run of the job under the cursor."""
        one = self._current()
        if not self._refused("watch") and one is not None:
            self.app.push_screen(screens.Run(self.door, self.look, one.run))

    @work
    async def action_export(self) -> None:
        """Writes all jobs, or all that were found."""
        if self._refused("export"):
            return
        rows = map(passes.export, self._every(self.words))
        path = await self.ask(partial(files.write_csv, "coupler-jobs", passes.HEADING, rows), None)
        if path is not None:
            self.say(f"Jobs written to {path}")

    def _every(self, words: tuple[str, ...]) -> Iterator[PassSnapshot]:
        offset = 0
        while found := self.door.history(_CHUNK, offset, words):
            yield from found
            offset += len(found)

    @asked
    async def action_undo(self) -> None:
        """Counts what taking back the run under the cursor would do, asks, and does it; so it does with the rest of one
        whose undo was broken off.
        """
        one = self._current()
        if self._refused("undo") or one is None:
            return
        run = self._runs.get(one.run)
        number = one.run if run is None or run.undoes is None else run.undoes
        look = await counted(self, partial(self.door.undo, number, dry=True), f"Undo run {number}")
        if not isinstance(look, RunSnapshot):
            return
        found = await self.ask(partial(self.door.undone, look.id), None)
        if found is None or not await self.app.push_screen_wait(dialogs.Undo(self.look, number, look.id, found)):
            return
        purpose = f"undo run {number}"
        if self.door.production and not await self.app.push_screen_wait(
            dialogs.TypeName(self.look, names.crm(look.crm), purpose)
        ):
            return
        undoing = await self.ask(partial(self.door.undo, number, dry=False), 0)
        if undoing:
            self._watch(undoing)
