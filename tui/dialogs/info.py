"""A box that only shows something."""

from collections.abc import Sequence

from tui.dialogs.dialog import Dialog
from tui.look import Look
from tui.text import line
from tui.widgets.line import Line


class Info(Dialog[None]):
    """Lines of text; `enter` and `esc` close it."""

    BINDINGS = [("enter", "close", "")]

    def __init__(self, look: Look, heading: str, lines: Sequence[str]) -> None:
        super().__init__(look, heading)
        self.lines = lines

    def write(self) -> None:
        """Puts the lines into the body; long ones wrap."""
        self.query_one("#text", Line).put(*(line(one, 2_000) for one in self.lines))
