"""The records of one job of a plan: what would be done to them above, which they are below."""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import DescendantFocus, Resize

from engine.model.errors import CouplerError
from engine.model.plan import Effect, Foreseen, number
from engine.model.snapshot import PassSnapshot
from tui import actions, dialogs, reasons, screens
from tui import format as fmt
from tui.door import Door
from tui.look import Look
from tui.reports import files
from tui.screens.filtered import NONE_FOUND, Below
from tui.screens.paged import PAGE
from tui.text import safe
from tui.widgets import plans, problems
from tui.widgets.keys import Keys
from tui.widgets.line import Line
from tui.widgets.table import Table

_CHUNK = 1_000
_FORGOTTEN = "The store does not know them any more: a newer plan was counted. esc = back"


class Planned(Below):
    """What would be done above, records below. Nothing here changes: a plan that was counted stays as it is."""

    SCOPE = "planned"
    CSS_PATH = "planned.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("planned")

    def __init__(self, door: Door, look: Look, one: PassSnapshot) -> None:
        super().__init__(door, look)
        self.one = one
        self.records: list[Foreseen] = []
        self._effect: Effect | None = None
        self._known = False
        """Whether the records of the effect were read."""

    def body(self) -> ComposeResult:
        """Two tables and what is known of a record."""
        yield Table(plans.EFFECTS, id="effects", ascii_only=self.look.ascii)
        yield Line(id="between", classes="one")
        yield self.box()
        yield Table(plans.record_columns(0), id="records", ascii_only=self.look.ascii)
        yield Line(id="paging", classes="one")
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Shows the counts; the records are read when there is a cursor."""
        self._title()
        self._effects.show(plans.effect_rows(self.one))
        self._effects.focus()

    def on_resize(self, event: Resize) -> None:
        """A wider table has more columns."""
        super().on_resize(event)
        self._title()
        self._show()
        self._mark()

    def _title(self) -> None:
        one = self.one
        right = f"{fmt.many(one.counters.read, 'record')} read  ({safe(self.door.environment, 24)})"
        self.head(f"Coupler   Plan {one.run} > {one.mapping} to {plans.side(one.direction)}", right)

    def wake(self) -> None:
        """Reads the store at once."""
        self._read()

    @property
    def _effects(self) -> Table:
        return self.query_one("#effects", Table)

    def _count(self) -> int:
        return number(self.one.counters, self._effect) if self._effect is not None and self._effect.listed else 0

    @property
    def unread(self) -> bool:
        """Whether the records of the effect under the cursor are not here yet."""
        return not self._known

    def _why_not(self, name: str) -> str | None:
        if self._effect is Effect.UNCHANGED and name in ("open", "pane"):
            return "A plan only counts the records to which nothing would be done."
        if name == "export":
            listed = sum(number(self.one.counters, effect) for effect in Effect if effect.listed)
            return reasons.plan(name, listed)
        why = reasons.plan(name, self._count(), self.page_number, self.pages_of(self._count()))
        return why or self.no_record(name, len(self.records))

    @on(Table.Moved, "#effects")
    def _follow(self) -> None:
        key = self._effects.current
        effect = None if key is None else Effect(key)
        if effect is not self._effect:
            self._effect, self.skip, self.records, self._known = effect, 0, [], False
            self._read()

    @on(DescendantFocus)
    def _mark(self) -> None:
        """Says where the cursor is, and which keys do something."""
        pane, other = ("counts", "records") if self._effects.has_focus else ("records", "counts")
        text = problems.between(f"in: {pane}, tab = {other}", "", self.app.size.width, ascii_only=self.look.ascii)
        self.query_one("#between", Line).put(text)
        self.query_one(Keys).leave_out([one.name for one in actions.of("planned") if self._why_not(one.name)])
        self._describe()

    @work(exclusive=True, group="records")
    async def _read(self) -> None:
        one, effect = self.one, self._effect
        if effect is None:
            return
        read = partial(self.door.foreseen, one.run, one.seq, one.direction, effect, PAGE + 1, self.skip, self.words)
        try:
            found = await asyncio.to_thread(read)
        except CouplerError as error:
            if self.seen:
                self.complain(error)
            return
        if self.is_mounted and self.app.is_running:
            self.records, self.more, self._known = found[:PAGE], len(found) > PAGE, True
            self._show()
            self._mark()
            self.shown += 1

    def _show(self) -> None:
        width = self.app.size.width
        rows = [plans.record_row(one, index, width) for index, one in enumerate(self.records)]
        self._records.show(rows, plans.record_columns(width))
        self.query_one("#paging", Line).put(self.paging(self._count()))

    @on(Table.Moved, "#records")
    def _describe(self) -> None:
        one = self._record()
        about = self.query_one("#about", Line)
        if one is not None:
            about.put(*plans.about(one, self.app.size.width - 2))
        elif self.words and self._known:
            about.put(NONE_FOUND)
        elif self._effect is not None:
            about.put(_FORGOTTEN if self._count() and self._known else plans.sentence(self._effect, self.one.direction))

    def _record(self) -> Foreseen | None:
        key = self._records.current
        return self.records[int(key)] if key is not None and int(key) < len(self.records) else None

    def action_open(self) -> None:
        """From what would be done to its records, from a record to its fields or to why it cannot be written."""
        if self._refused("open"):
            return
        if self._effects.has_focus:
            self.set_focus(self._records)
            return
        one = self._record()
        if one is None:
            return
        if one.effect.shows_fields:
            self.app.push_screen(screens.Difference(self.door, self.look, one))
        else:
            self.app.push_screen(dialogs.Info(self.look, one.nav_no or one.name or "Record", plans.everything(one)))

    def action_pane(self) -> None:
        """The other table."""
        if not self._refused("pane"):
            self.set_focus(self._records if self._effects.has_focus else self._effects)

    def action_back(self) -> None:
        """From records to what would be done, from there to the screen before."""
        if self._records.has_focus and not self.filters:
            self.set_focus(self._effects)
        else:
            super().action_back()

    def read_page(self) -> None:
        """Reads the records that are wanted."""
        self._read()

    @work
    async def action_export(self) -> None:
        """Writes the records of the pass, whatever would be done to them."""
        if self._refused("export"):
            return
        one = self.one
        stem = f"coupler-plan-{one.run}-{one.mapping}-to-{plans.side(one.direction)}"
        path = await self.ask(partial(files.write_csv, stem, plans.HEADING, map(plans.export, self._every())), None)
        if path is not None:
            self.say(f"Written to {path}")

    def _every(self) -> Iterator[Foreseen]:
        one = self.one
        for effect in Effect:
            offset = 0
            while found := self.door.foreseen(one.run, one.seq, one.direction, effect, _CHUNK, offset):
                yield from found
                offset += len(found)
