"""One record of the match review beside those that match it, and the choice."""

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import DescendantFocus, Resize

from engine.model.matches import Ambiguous, Candidate, Review
from tui import actions, dialogs, reasons
from tui.door import Door
from tui.look import Look
from tui.screens.page import UNREAD, Page, asked
from tui.text import LONG, safe
from tui.widgets import rivals
from tui.widgets.keys import Keys
from tui.widgets.line import Line, hanging
from tui.widgets.table import Table

_READING = "Reading both sides ..."
_FAILED = "They could not be read. r = try again"


class Candidates(Page):
    """Candidates above, the fields of the record and of the one under the cursor below; nothing is chosen by itself."""

    SCOPE = "candidates"
    CSS_PATH = "candidates.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("candidates")

    def __init__(self, door: Door, look: Look, record: Ambiguous) -> None:
        super().__init__(door, look)
        self.record = record
        self.found: Review | None = None

    def body(self) -> ComposeResult:
        """Two tables and what to know before choosing."""
        yield Table(rivals.candidate_columns(0), id="candidates", ascii_only=self.look.ascii)
        yield self.rule()
        yield Table(rivals.field_columns(self.record, 0), id="fields", ascii_only=self.look.ascii)
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Looks for candidates."""
        self._title()
        self._candidates.focus()
        self._look_for()

    def on_resize(self, event: Resize) -> None:
        """Wider tables have more columns."""
        super().on_resize(event)
        self._title()
        self._show()

    def _title(self) -> None:
        one = self.record
        who = " ".join(part for part in (rivals.called(one), one.name) if part)
        self.head(f"Coupler   Match review > {one.mapping} > {rivals.home_of(one.direction)} {who}")

    def wake(self) -> None:
        """Shows times as the operator wants them now."""
        self._show()

    @property
    def _candidates(self) -> Table:
        return self.query_one("#candidates", Table)

    @property
    def _fields(self) -> Table:
        return self.query_one("#fields", Table)

    @work(exclusive=True, group="look")
    async def _look_for(self) -> None:
        self.query_one("#about", Line).put(_READING)
        found = await self.ask_servers(partial(self.door.candidates, self.record), None)
        if self.is_mounted and self.app.is_running:
            self.found = found
            self._show()
            if found is None:
                self.query_one("#about", Line).put(_FAILED)
            self.shown += 1

    def _show(self) -> None:
        found, width = self.found, self.app.size.width
        made = () if found is None else found.candidates
        rows = [rivals.candidate_row(one, width) for one in made]
        current = self._candidates.current
        self._candidates.show(rows, rivals.candidate_columns(width))
        if self._candidates.current != current and self._fields.has_focus:
            self._candidates.focus()  # another one took its place: keys must not choose that one unseen
        self._follow()

    @on(Table.Moved, "#candidates")
    def _follow(self) -> None:
        found, one, width = self.found, self._candidate(), self.app.size.width
        fields = () if found is None else found.fields
        rows = [rivals.field_row(field, one, index, width) for index, field in enumerate(fields)]
        self._fields.show(rows, rivals.field_columns(self.record, width))
        self._mark()

    @on(DescendantFocus)
    def _mark(self) -> None:
        self.query_one(Keys).leave_out([one.name for one in actions.of("candidates") if self._why_not(one.name)])
        if self.found is not None:
            width = self.app.size.width - 2
            words = rivals.said(self.found, self.record, self.look)
            self.query_one("#about", Line).put(
                *(part for text in words for part in hanging(safe(text, LONG), width, 2))
            )

    def _candidate(self) -> Candidate | None:
        key = self._candidates.current
        return next((one for one in (() if self.found is None else self.found.candidates) if one.id == key), None)

    def _why_not(self, name: str) -> str | None:
        return reasons.matches(name, 0 if self.found is None else len(self.found.candidates))

    def action_open(self) -> None:
        """From a candidate to its fields, from a field to its whole values."""
        one, key = self._candidate(), self._fields.current
        if self.found is None or one is None:
            self.say(UNREAD if self.unread else "There is nothing to open.")
        elif self._candidates.has_focus:
            self._fields.focus()
        elif key is not None:
            field = self.found.fields[int(key)]
            self.app.push_screen(dialogs.Info(self.look, field.nav, rivals.whole(field, one, int(key))))

    def action_back(self) -> None:
        """From the fields to the candidates, from there to the screen before."""
        if self._fields.has_focus:
            self._candidates.focus()
        else:
            super().action_back()

    def action_again(self) -> None:
        """Looks once more."""
        self._look_for()

    @asked
    async def action_couple(self) -> None:
        """Asks, then couples the record with the candidate under the cursor."""
        found, one = self.found, self._candidate()
        if self._refused("couple") or found is None or one is None:
            return
        heading = f"Couple {safe(self.record.mapping, 40)} {safe(rivals.called(self.record), 30)}"
        words = rivals.question(self.record, one, found)
        width = min(80, self.app.size.width) - 5
        lines = [part for text in words for part in hanging(safe(text, LONG), width)]
        if not await self.app.push_screen_wait(dialogs.Confirm(self.look, heading, lines)):
            return
        run = await self.ask(partial(self.door.couple_match, self.record, one.id), 0)
        if not run:
            return
        done = await self.app.push_screen_wait(dialogs.Working(self.door, self.look, run, heading))
        if done:
            self.dismiss()
        else:
            self._look_for()
