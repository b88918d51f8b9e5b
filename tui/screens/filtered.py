"""A list with a box above it, for a text that narrows it."""

from textual import on
from textual.widgets import Input

from tui.screens.page import Page
from tui.widgets.table import Table


class Filtered(Page):
    """The box is closed at first. Enter keeps what was typed, esc clears it; `Input.Changed` says what to narrow by."""

    def action_filter(self) -> None:
        """Opens the box."""
        if not self._refused("filter"):
            box = self.query_one(Input)
            box.add_class("-open")
            box.focus()

    @on(Input.Submitted)
    def _keep_filter(self, event: Input.Submitted) -> None:
        event.input.set_class(bool(event.value), "-open")
        self.query_one(Table).focus()

    def action_back(self) -> None:
        """Clears the box first; then one step back."""
        box = self.query_one(Input)
        if not box.has_class("-open"):
            super().action_back()
            return
        box.value = ""
        box.remove_class("-open")
        self.query_one(Table).focus()
