"""The records of all mappings that no run tries any more, because they failed twice in a row in the same way."""

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType

from engine.model import trouble
from engine.model.trouble import Trouble
from tui import actions, dialogs, reasons
from tui import format as fmt
from tui.door import Door
from tui.look import Look
from tui.poll import RARELY
from tui.reports import files
from tui.screens.page import asked
from tui.screens.paged import PAGE, Paged, pages
from tui.text import safe
from tui.widgets import aside, problems
from tui.widgets.keys import Keys
from tui.widgets.line import Line
from tui.widgets.table import Table

_CHUNK = 1_000


class LeftAlone(Paged):
    """One line for each record, fifty at a time, by mapping and NAV number."""

    SCOPE = "left_alone"
    CSS_PATH = "left_alone.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("left_alone")

    def __init__(self, door: Door, look: Look) -> None:
        super().__init__(door, look)
        self.found = trouble.LeftAlone()
        self._poll = self.polling_pages(lambda skip, _: door.left_alone(PAGE, skip), self.show, RARELY)

    def body(self) -> ComposeResult:
        """The records, which page it is, and why the one under the cursor is left alone."""
        yield Table(aside.COLUMNS, id="left-alone", ascii_only=self.look.ascii)
        yield Line(id="paging", classes="one")
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Starts to read the store."""
        self.head("Coupler   Left alone   all mappings")
        self.query_one("#about", Line).put("Reading ...")
        self.query_one(Table).focus()
        self.run_worker(self._poll.forever(), group="poll")

    def wake(self) -> None:
        """Reads the store at once."""
        self._poll.wake()

    def show(self, found: trouble.LeftAlone) -> None:
        """Shows a page; one that has become empty makes way for the last that is not."""
        self.found = found
        if not found.records and self.skip:
            self.skip = max(0, pages(self.found.total) - 1) * PAGE
            self.wake()
            return
        right = f"{fmt.many(found.total, 'record')}  ({safe(self.door.environment, 24)})"
        self.head("Coupler   Left alone   all mappings", right)
        self.query_one(Table).show([aside.row(one, self.look) for one in found.records])
        page = f"page {fmt.count(self.page_number)}/{fmt.count(pages(self.found.total))} ({PAGE} a page)"
        self.query_one("#paging", Line).put(f" {page}")
        self._describe()
        self.shown += 1

    def _current(self) -> Trouble | None:
        key = self.query_one(Table).current
        return next((one for one in self.found.records if aside.key(one) == key), None)

    def _why_not(self, name: str) -> str | None:
        return reasons.left_alone(name, len(self.found.records), self.page_number, pages(self.found.total))

    @on(Table.Moved)
    def _describe(self) -> None:
        self.query_one(Keys).leave_out([one.name for one in actions.of("left_alone") if self._why_not(one.name)])
        one = self._current()
        lines = [aside.NONE] if one is None else aside.about(one, self.app.size.width - 2)
        self.query_one("#about", Line).put(*lines)

    def action_detail(self) -> None:
        """Everything about the record under the cursor."""
        one = self._current()
        if not self._refused("detail") and one is not None:
            self.app.push_screen(dialogs.Info(self.look, one.nav_no or one.name or "Record", aside.everything(one)))

    @work
    async def action_retry(self) -> None:
        """Lets the record under the cursor take part again."""
        one = self._current()
        if not self._refused("retry") and one is not None:
            await self._retry(one)

    @asked
    async def action_retry_all(self) -> None:
        """Asks, and lets all records of all mappings take part again."""
        if self._refused("retry_all"):
            return
        words = aside.retrying(self.found.total)
        if await self.app.push_screen_wait(dialogs.Confirm(self.look, "Retry all", words)):
            await self._retry(None)

    async def _retry(self, one: Trouble | None) -> None:
        number = await self.ask(partial(self.door.try_again, one), -1)
        if number >= 0:
            self.say(problems.retried(number, one))
            self.wake()

    @work
    async def action_export(self) -> None:
        """Writes all records that are left alone."""
        if self._refused("export"):
            return
        rows = map(aside.export, self._every())
        path = await self.ask(partial(files.write_csv, "coupler-left-alone", aside.HEADING, rows), None)
        if path is not None:
            self.say(f"Written to {path}")

    def _every(self) -> Iterator[Trouble]:
        offset = 0
        while found := self.door.left_alone(_CHUNK, offset).records:
            yield from found
            offset += len(found)
