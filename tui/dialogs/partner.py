"""Asks which record of the other side one is to be coupled with."""

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from tui.dialogs.dialog import Dialog
from tui.look import Look
from tui.text import safe
from tui.widgets.line import Line

_LONGEST = 100


class Partner(Dialog[str]):
    """Gives back what was typed, or nothing. `wanted` says what that is: `CRM id`, `NAV number or id`."""

    ARM = 0.5
    HINT = "enter Go on   esc Do nothing"

    def __init__(self, look: Look, lines: Sequence[str], wanted: str) -> None:
        super().__init__(look, "Couple by hand")
        self.lines = lines
        self.wanted = wanted

    def body(self) -> ComposeResult:
        """Which record, and where to type its partner."""
        yield Line(id="text")
        yield Input(id="typed", compact=True, placeholder=safe(self.wanted), max_length=_LONGEST)

    def write(self) -> None:
        """Says which record."""
        self.query_one("#text", Line).put(*self.lines, "", f"{self.wanted} of its partner:")

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        """Anything but blanks; the engine looks whether there is such a record."""
        if not self.deaf and event.value.strip():
            self.dismiss(event.value.strip())
