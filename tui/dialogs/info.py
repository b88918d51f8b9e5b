"""A box that only shows something."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from tui import actions
from tui.dialogs.dialog import Dialog
from tui.look import Look
from tui.reports import files
from tui.text import COPIED, safe
from tui.widgets.line import Line, hanging


class Info(Dialog[None]):
    """Lines of text; `enter` and `esc` close it. They can be copied, or written to a file."""

    HINT = "esc Close   c Copy   l To file"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "close", "Close it", show=False),
        *actions.bindings("everywhere", ("copy", "to_file")),
    ]

    def __init__(self, look: Look, heading: str, lines: Sequence[str]) -> None:
        super().__init__(look, heading)
        self.lines = lines

    def write(self) -> None:
        """Puts the lines into the body; long ones wrap, and hang."""
        width = min(80, self.app.size.width) - 5
        self.query_one("#text", Line).put(*(part for one in self.lines for part in hanging(one, width)))

    def action_copy(self) -> None:
        """Sends the lines to the terminal's clipboard, which may or may not take them."""
        self.app.copy_to_clipboard(safe("  ".join(one for one in self.lines if one), COPIED))
        self._told("Sent to the terminal's clipboard.")

    @work(exclusive=True)
    async def action_to_file(self) -> None:
        """Writes the lines to a new file, and says its name."""
        write = partial(files.write_text, "coupler-text", [self.heading, "", *self.lines])
        try:
            self._told(f"Written to {await asyncio.to_thread(write)}")
        except OSError as error:
            self._told(f"! Not written: {error.strerror or error}")

    def _told(self, text: str) -> None:
        width = min(80, self.app.size.width) - 5
        self.query_one("#hint", Line).put(*hanging(text, width), self.HINT)
        self.call_after_refresh(self._limit)
