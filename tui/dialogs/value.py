"""Asking for a value: one of a few, or a text."""

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.widgets import Input

from tui.dialogs.dialog import ROOM, Dialog
from tui.look import Look
from tui.text import line, safe
from tui.uppermost import on_top
from tui.widgets.line import Line, hanging

_LONGEST = 2_000


class Pick(Dialog[str | None]):
    """One of a few names, each with what it means; gives the name, or None when it is left as it is."""

    HINT = "j/k Move   enter Take   esc Leave it as it is"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "The next one", show=False),
        Binding("k,up", "move(-1)", "The one before", show=False),
        Binding("enter", "take", "Take it", show=False),
    ]

    def __init__(
        self, look: Look, heading: str, lines: Sequence[str], choices: Sequence[tuple[str, str]], current: str
    ) -> None:
        super().__init__(look, heading)
        self.lines = lines
        self.choices = choices
        names = [name for name, _ in choices]
        self.at = names.index(current) if current in names else 0

    def write(self) -> None:
        """Puts the choices into the body, the current one marked."""
        wide = max(len(name) for name, _ in self.choices) + 2
        said = [part for one in self.lines for part in hanging(safe(one, _LONGEST), ROOM)]
        rows: list[Content] = []
        for index, (name, meaning) in enumerate(self.choices):
            row = line(f"{'>' if index == self.at else ' '} {name:<{wide}}{meaning}", ROOM)
            rows.append(row.stylize("bold") if index == self.at else row)
        self.query_one("#text", Line).put(*said, *rows, "")

    def action_move(self, by: int) -> None:
        """Marks another one."""
        self.at = max(0, min(len(self.choices) - 1, self.at + by))
        self.write()
        self.call_after_refresh(self._show_marked)

    def _show_marked(self) -> None:
        body, text = self.query_one("#body", VerticalScroll), self.query_one("#text", Line)
        above = text.size.height - 1 - len(self.choices)
        body.scroll_to_region(Region(0, above + self.at, 1, 1), animate=False)

    def action_take(self) -> None:
        """Gives the marked one back."""
        self.dismiss(self.choices[self.at][0])


class Entry(Dialog[str | None]):
    """A text; gives it back, or None when it is left as it is.

    `judge` says, in a thread, what is wrong with a text. A `strict` one is asked for until nothing is; else the same
    text a second time is taken, because what is wrong may be mended elsewhere.
    """

    HINT = "enter Take   esc Leave it as it is"

    def __init__(
        self,
        look: Look,
        heading: str,
        lines: Sequence[str],
        value: str,
        judge: Callable[[str], str],
        *,
        strict: bool = False,
    ) -> None:
        super().__init__(look, heading)
        self.lines = lines
        self.value = safe(value, _LONGEST)
        self.judge = judge
        self.strict = strict
        self._refused: str | None = None

    def body(self) -> ComposeResult:
        """What is asked for, the text, what is wrong with it."""
        yield Line(id="text")
        yield Input(self.value, id="typed", compact=True, select_on_focus=False, max_length=_LONGEST)
        yield Line(id="wrong")

    def write(self) -> None:
        """Says what is asked for."""
        self.query_one("#text", Line).put(*(part for one in self.lines for part in hanging(safe(one, _LONGEST), ROOM)))

    @on(Input.Submitted)
    @work(exclusive=True)
    async def submit(self, event: Input.Submitted) -> None:
        """Takes the text, or says what is wrong with it."""
        text = event.value.strip()
        fault = await asyncio.to_thread(self.judge, text)
        if not await on_top(self):
            return
        if not fault or (self._refused == text and not self.strict):
            self.dismiss(text)
            return
        self._refused = text
        again = [] if self.strict else ["enter again = keep it all the same"]
        said = [part for one in (f"! {fault}", *again) for part in hanging(safe(one, _LONGEST), ROOM)]
        self.query_one("#wrong", Line).put("", *said)
        self.call_after_refresh(self._limit)
