"""Couplings: what is coupled, page by page from the store, with how each pair ended the last time."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize
from textual.widgets import Input

from engine.model.coupled import CoupledPage, CoupledRow, Place
from engine.model.errors import CouplerError
from engine.model.snapshot import Cause, RunSnapshot, RunState
from tui import actions, dialogs, reasons, screens
from tui import format as fmt
from tui.door import Door
from tui.look import Look
from tui.reports import files
from tui.screens.by_hand import couple_by_hand
from tui.screens.counting import counted
from tui.screens.filtered import Filtered
from tui.screens.page import asked
from tui.screens.paged import PAGE, pages
from tui.text import safe
from tui.widgets import coupled, lost
from tui.widgets.keys import Keys
from tui.widgets.line import Line
from tui.widgets.table import Column, Table

_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class _Where:
    """Which page it is: what is searched, and the places behind which this page and those before it begin."""

    search: str = ""
    begins: tuple[Place | None, ...] = field(default=(None,))

    @property
    def page(self) -> int:
        """Its number, from 1 on."""
        return len(self.begins)


class Couplings(Filtered):
    """The couplings of one mapping, or of all in run order."""

    SCOPE = "couplings"
    CSS_PATH = "couplings.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("couplings")

    def __init__(self, door: Door, look: Look, mapping: str | None = None) -> None:
        super().__init__(door, look)
        self.mapping = mapping
        self.where = _Where()
        self.found = CoupledPage()
        self._seen = self.where
        self._number: int | None = None
        self._busy = False
        self._poll = self.polling(self._read, self.show)

    def body(self) -> ComposeResult:
        """A search, the list, which page it is, and the coupling under the cursor."""
        yield Input(
            id="search",
            compact=True,
            placeholder="beginning of a NAV number or of an id (8 digits); no names are stored",
        )
        yield Table(self._columns(), id="couplings", ascii_only=self.look.ascii)
        yield Line(id="paging", classes="one")
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Starts to read the store."""
        self._title()
        self.query_one("#about", Line).put("Reading ...")
        self._table.focus()
        self.run_worker(self._poll.forever(), group="poll")

    def on_resize(self, event: Resize) -> None:
        """Ids are shown in full where there is room."""
        del event  # Textual calls `Page.on_resize` as well
        self._title()
        if self.shown:
            self.show((self.where, self.found))

    def wake(self) -> None:
        """Reads the store at once."""
        self._poll.wake()
        self._count()

    def _read(self) -> tuple[_Where, CoupledPage]:
        where = self.where
        return where, self.door.couplings(self.mapping, where.search, where.begins[-1], PAGE)

    def show(self, read: tuple[_Where, CoupledPage]) -> None:
        """Shows a page, unless another one is wanted meanwhile."""
        where, found = read
        if where != self.where:
            self._poll.wake()
            return
        if not found.rows and where.page > 1:
            self._go(_Where(where.search, where.begins[:-1]))  # its last coupling is gone
            return
        place = self._table.cursor_row if self.shown and where == self._seen else 0
        self.found, self._seen = found, where
        columns, current = self._columns(), self._table.current
        self._table.show([coupled.row(one, columns, self.look) for one in found.rows], columns)
        if self._table.current != current and found.rows:
            self._table.jump(min(place, len(found.rows) - 1))  # the one that was there is uncoupled
        self._describe()
        self.shown += 1

    @work(exclusive=True, group="number")
    async def _count(self) -> None:
        """Counting looks at each of them, so that the first page does not wait for it."""
        with contextlib.suppress(CouplerError):
            number = await asyncio.to_thread(self.door.count_couplings, self.mapping)
            if self.seen:
                self._number = number
                self._title()
                self._say_page()

    @property
    def _table(self) -> Table:
        return self.query_one("#couplings", Table)

    def _columns(self) -> tuple[Column, ...]:
        return tuple(coupled.columns(one_mapping=self.mapping is not None, width=self.app.size.width))

    def _title(self) -> None:
        number = "" if self._number is None else f"{fmt.many(self._number, 'coupling')}  "
        of = "" if self.mapping is None else f"   {self.mapping}"
        self.head(f"Coupler   Couplings{of}", f"{number}({safe(self.door.environment, 24)})")

    def _current(self) -> CoupledRow | None:
        key = self._table.current
        return next((one for one in self.found.rows if coupled.key(one) == key), None)

    @on(Table.Moved)
    def _describe(self) -> None:
        self.query_one(Keys).leave_out([one.name for one in actions.of("couplings") if self._why_not(one.name)])
        self._say_page()
        about, one = self.query_one("#about", Line), self._current()
        if one is not None:
            about.put(*coupled.about(one, self.app.size.width - 2, self.look))
        else:
            about.put(self._why_not("open") or "")

    def _say_page(self) -> None:
        where = self.where
        if where.search:
            text = f'page {where.page} ({PAGE} a page) of what begins with "{safe(where.search, 30)}"   esc = all'
        else:
            all_ = "" if self._number is None else f"/{fmt.count(pages(self._number))}"
            text = f"page {fmt.count(where.page)}{all_} ({PAGE} a page)"
        self.query_one("#paging", Line).put(f" {text}")

    def _why_not(self, name: str) -> str | None:
        return reasons.couplings(
            name,
            len(self.found.rows),
            self.where.page,
            more=self.found.next is not None,
            searched=bool(self.where.search),
            busy=self._busy,
        )

    def _go(self, where: _Where) -> None:
        self.where = where
        self._poll.wake()

    def action_next_page(self) -> None:
        """The next couplings."""
        if not self._refused("next_page"):
            self._go(_Where(self.where.search, (*self.where.begins, self.found.next)))

    def action_previous_page(self) -> None:
        """The couplings before."""
        if not self._refused("previous_page"):
            self._go(_Where(self.where.search, self.where.begins[:-1]))

    action_search = Filtered.action_filter

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self._go(_Where(event.value.strip()))

    def action_open(self) -> None:
        """Both records of the coupling under the cursor."""
        one = self._current()
        if not self._refused("open") and one is not None:
            self.app.push_screen(screens.Records(self.door, self.look, one))

    @asked
    async def action_uncouple(self) -> None:
        """Asks, has an engine remove the coupling, and says what it did."""
        one = self._current()
        if self._refused("uncouple") or one is None:
            return
        words = coupled.uncoupling(one, self.found.parts.get(one.mapping, ()))
        heading = f"Uncouple {one.mapping} {one.nav_no or one.nav_id}"
        if not await self.app.push_screen_wait(dialogs.Confirm(self.look, heading, words)):
            return
        self._busy = True
        try:
            run = await self.ask(partial(self.door.uncouple, one), 0)
            if run:
                self.say(f"Run {run} uncouples {one.mapping} {safe(one.nav_no, 30)} ...")
                self.hear()
                if (ended := await self.end_of(run)) is not None:
                    await self._tell_end(ended)
        finally:
            self._busy = False
            self.wake()

    async def _tell_end(self, run: RunSnapshot) -> None:
        if run.state is RunState.FINISHED and not run.counters.failed:
            self.say(coupled.uncoupled(run))
            return
        none: list[Cause] = []
        causes = await self.ask(partial(self.door.causes, run.id, None), none)
        told = [run.message, run.hint, *(f"{one.mapping}: {one.cause}. {one.hint}" for one in causes)]
        self.app.push_screen(
            dialogs.Info(self.look, f"Run {run.id} {run.state}", [coupled.uncoupled(run), *filter(None, told)])
        )

    @asked
    async def action_couple(self) -> None:
        """Couples two records that are named, or one with a new partner, after questions."""
        one = self._current()
        if not self._refused("couple"):
            await couple_by_hand(self, self.mapping, "" if one is None else one.mapping)
            self.wake()

    @asked
    async def action_broken(self) -> None:
        """Asks, has an engine look on both sides, and shows the couplings with a lost record."""
        if self._refused("broken"):
            return
        words = lost.looking(self.mapping, self._number)
        if not await self.app.push_screen_wait(dialogs.Confirm(self.look, lost.TITLE, words)):
            return
        run = await counted(self, partial(self.door.look_for_broken, self.mapping), lost.TITLE)
        if not isinstance(run, RunSnapshot):
            return
        if run.counters.failed:
            self.app.push_screen(screens.Broken(self.door, self.look, run, self.mapping))
        else:
            self.say(f"No coupling is broken: {fmt.count(run.counters.read)} looked at.")

    @work
    async def action_export(self) -> None:
        """Writes all couplings of the list, or all that were found."""
        if self._refused("export"):
            return
        stem = f"coupler-couplings{f'-{self.mapping}' if self.mapping else ''}"
        written: list[int] = []
        rows = (coupled.export(one) for one in self._every(self.where.search, written))
        path = await self.ask(partial(files.write_csv, stem, coupled.HEADING, rows), None)
        if path is not None:
            self.say(f"{fmt.many(sum(written), 'coupling')} written to {path}")

    def _every(self, search: str, written: list[int]) -> Iterator[CoupledRow]:
        after: Place | None = None
        while True:
            page = self.door.couplings(self.mapping, search, after, _CHUNK)
            written.append(len(page.rows))
            yield from page.rows
            if page.next is None:
                return
            after = page.next
