"""A box that only shows something."""

from collections.abc import Sequence

from tui.dialogs.dialog import Dialog
from tui.look import Look
from tui.widgets.line import Line, hanging


class Info(Dialog[None]):
    """Lines of text; `enter` and `esc` close it."""

    BINDINGS = [("enter", "close", "")]

    def __init__(self, look: Look, heading: str, lines: Sequence[str]) -> None:
        super().__init__(look, heading)
        self.lines = lines

    def write(self) -> None:
        """Puts the lines into the body; long ones wrap, and hang."""
        width = min(80, self.app.size.width) - 5
        self.query_one("#text", Line).put(*(part for one in self.lines for part in hanging(one, width)))
