"""The match review: records that the match rules could not couple, because several others match."""

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize

from engine.model.matches import Ambiguous, AmbiguousPage
from tui import actions, reasons, screens
from tui import format as fmt
from tui.door import Door
from tui.look import Look
from tui.poll import RARELY
from tui.reports import files
from tui.screens.filtered import NONE_FOUND, Called
from tui.screens.paged import PAGE, pages
from tui.text import safe
from tui.widgets import rivals
from tui.widgets.keys import Keys
from tui.widgets.line import Line
from tui.widgets.table import Table

_CHUNK = 10_000
_NOTHING = "No record waits for a choice: none matches several others, as far as runs and the last plan know."


class Matches(Called):
    """One line for each record that is still uncoupled, fifty at a time."""

    SCOPE = "matches"
    CSS_PATH = "matches.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("matches")

    def __init__(self, door: Door, look: Look) -> None:
        super().__init__(door, look)
        self.found: AmbiguousPage | None = None
        self._poll = self.polling_pages(self._read, self.show, RARELY)

    def body(self) -> ComposeResult:
        """The records, and why the one under the cursor was not coupled."""
        yield self.box()
        yield Table(rivals.record_columns(0), id="records", ascii_only=self.look.ascii)
        yield Line(id="paging", classes="one")
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Starts to read the store."""
        self.head("Coupler   Match review")
        self.query_one("#about", Line).put("Reading ...")
        self.query_one(Table).focus()
        self.run_worker(self._poll.forever(), group="poll")

    def on_resize(self, event: Resize) -> None:
        """A wider table has more columns."""
        super().on_resize(event)
        if self.found is not None:
            self._show(self.found)

    def wake(self) -> None:
        """Reads the store at once."""
        self._poll.wake()

    def _read(self, skip: int, words: tuple[str, ...]) -> AmbiguousPage:
        return self.door.ambiguous(PAGE, skip, words)

    def show(self, found: AmbiguousPage) -> None:
        """Shows a page; one that has become empty makes way for the last that is not."""
        if not found.records and self.skip:
            self.skip = (pages(found.total) - 1) * PAGE
            self.wake()
        else:
            self.found = found
            self._show(found)

    def _show(self, found: AmbiguousPage) -> None:
        waits = "waits" if found.total == 1 else "wait"
        more, plus = ("", "") if found.exact else ("more than ", "+")
        what = "found" if self.words else waits
        right = f"{more}{fmt.many(found.total, 'record')} {what}  ({safe(self.door.environment, 24)})"
        self.head("Coupler   Match review", right)
        width = self.app.size.width
        rows = [rivals.record_row(one, self.look, width) for one in found.records]
        self.query_one(Table).show(rows, rivals.record_columns(width))
        self.query_one("#paging", Line).put(
            f" page {fmt.count(self.page_number)}/{fmt.count(self._pages())}{plus} ({PAGE} a page)"
        )
        self._describe()
        self.shown += 1

    def _pages(self) -> int:
        return pages(0 if self.found is None else self.found.total)

    def _why_not(self, name: str) -> str | None:
        rows = 0 if self.found is None else len(self.found.records)
        if self.words and not rows and name in ("open", "export"):
            return NONE_FOUND
        return reasons.matches(name, rows, self.page_number, self._pages())

    @on(Table.Moved)
    def _describe(self) -> None:
        self.query_one(Keys).leave_out([one.name for one in actions.of("matches") if self._why_not(one.name)])
        one = self._current()
        if self.found is not None:
            none = NONE_FOUND if self.words else _NOTHING
            lines = [none] if one is None else rivals.about(one, self.app.size.width - 2)
            self.query_one("#about", Line).put(*lines)

    def _current(self) -> Ambiguous | None:
        key = self.query_one(Table).current
        records = () if self.found is None else self.found.records
        return next((one for one in records if rivals.key(one) == key), None)

    def action_open(self) -> None:
        """The candidates of the record under the cursor."""
        one = self._current()
        if not self._refused("open") and one is not None:
            self.app.push_screen(screens.Candidates(self.door, self.look, one))

    @work
    async def action_export(self) -> None:
        """Writes all records that wait, or all that were found."""
        if self._refused("export"):
            return
        rows = map(rivals.export, self._every(self.words))
        path = await self.ask(partial(files.write_csv, "coupler-matches", rivals.HEADING, rows), None)
        if path is not None:
            self.say(f"Written to {path}")

    def _every(self, words: tuple[str, ...]) -> Iterator[Ambiguous]:
        offset = 0
        while found := self.door.ambiguous(_CHUNK, offset, words).records:
            yield from found
            offset += len(found)
