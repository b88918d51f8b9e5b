"""A list with a box above it, for a text that narrows it."""

from textual import on
from textual.widgets import Input

from tui.screens.page import Page
from tui.screens.paged import PAGE, Paged, pages
from tui.text import safe
from tui.widgets.table import Table

NONE_FOUND = "Nothing is found; esc shows all."


class Filtered(Page):
    """The box is closed at first. Enter keeps what was typed, esc clears it; `Input.Changed` says what to narrow by."""

    @property
    def narrowed(self) -> Table:
        """The list."""
        return self.query_one(Table)

    def action_filter(self) -> None:
        """Opens the box."""
        if not self._refused("filter"):
            box = self.query_one(Input)
            box.add_class("-open")
            box.focus()

    @on(Input.Submitted)
    def _keep_filter(self, event: Input.Submitted) -> None:
        event.input.set_class(bool(event.value), "-open")
        self.narrowed.focus()

    @property
    def filters(self) -> bool:
        """Whether the box is open."""
        return self.query_one(Input).has_class("-open")

    def action_back(self) -> None:
        """Clears the box first; then one step back."""
        if not self.filters:
            super().action_back()
            return
        box = self.query_one(Input)
        if box.has_focus:
            self.narrowed.focus()
        box.value = ""
        box.remove_class("-open")


class Called(Filtered, Paged):
    """Records, a page at a time; the box is for parts of their numbers and names."""

    def box(self) -> Input:
        """Where it is typed."""
        return Input(
            id="filter", compact=True, placeholder="part of a number or of a name; enter keeps it, esc clears it"
        )

    @on(Input.Changed)
    def _look_for(self, event: Input.Changed) -> None:
        words = tuple(event.value.split())
        if words != self.words:
            self.words, self.skip = words, 0
            self.read_page()


class Below(Called):
    """Below a list of what records have in common, those of the row under the cursor."""

    more = False
    """Whether more follow than are shown of what was found."""

    @property
    def _records(self) -> Table:
        return self.query_one("#records", Table)

    @property
    def narrowed(self) -> Table:
        """The records."""
        return self._records

    def pages_of(self, records: int) -> int:
        """How many pages there are for so many records; of what was found, as far as is known."""
        return self.page_number + self.more if self.words else pages(records)

    def paging(self, records: int) -> str:
        """Which page it is."""
        if not self.words:
            return f" page {self.page_number}/{pages(records)} ({PAGE} a page)"
        more = ", more follow" if self.more else ""
        has = safe(" ".join(self.words), 30)
        return f' page {self.page_number} ({PAGE} a page{more}) of what has "{has}"   esc = all'

    def no_record(self, name: str, shown: int) -> str | None:
        """Why an action cannot be done to the record under the cursor, where there is none; it must not be done to all
        that the row above stands for.
        """
        if shown or not self._records.has_focus or name not in ("open", "retry", "skip", "couple"):
            return None
        return NONE_FOUND if self.words else "There is no record under the cursor."
