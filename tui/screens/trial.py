"""Trying one connection, step by step: each step as soon as it is tried, and what to do about what does not work."""

from collections.abc import AsyncIterator, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize

from engine.model.errors import CouplerError
from engine.runs.connection import State, Tried
from tui import actions, dialogs
from tui.door import Door, Side
from tui.look import Look
from tui.screens.page import Page
from tui.text import LONG, safe
from tui.widgets import steps
from tui.widgets.line import Line, hanging
from tui.widgets.table import Table


class Trial(Page):
    """One line for each step. Nothing is written; what is not tried yet when it is left is not tried."""

    SCOPE = "trial"
    CSS_PATH = "trial.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("trial")

    def __init__(self, door: Door, look: Look, side: Side, tried: Callable[[], AsyncIterator[Tried]]) -> None:
        super().__init__(door, look)
        self.side = side
        self.found: list[Tried] = []
        self.error: CouplerError | None = None
        self.over = False
        self._tried = tried

    def body(self) -> ComposeResult:
        """The steps, and what the one under the cursor found."""
        yield Table(steps.columns(80), id="steps", ascii_only=self.look.ascii)
        yield self.rule()
        yield Line(id="sums", classes="one")
        yield Line(id="about")

    def on_mount(self) -> None:
        """Begins at once."""
        self.head(f"Coupler   Connection setup > test {self.side.upper()}", "")
        self.query_one(Table).focus()
        self._try()

    def on_resize(self, event: Resize) -> None:
        """Wide terminals show more."""
        super().on_resize(event)
        self._paint()

    @work(exclusive=True, group="test")
    async def _try(self) -> None:
        self.found, self.error, self.over = [], None, False
        self._paint()
        try:
            async for one in self._tried():
                good = all(each.state is State.OK for each in self.found)
                self.found.append(one)
                self._paint()
                if good:  # the cursor goes along as far as the first step that fails
                    self.query_one(Table).jump(len(self.found) - 1)
        except CouplerError as error:
            self.error = error
        self.over = True
        self._paint()

    def _paint(self) -> None:
        width = self.app.size.width
        said = steps.sums(self.found, over=self.over) if self.error is None else "! It cannot be tried."
        self.query_one("#sums", Line).put(f" {said}")
        rows = [steps.row(number, one) for number, one in enumerate(self.found)]
        self.query_one(Table).show(rows, steps.columns(width))
        self._describe()
        self.shown += 1

    @on(Table.Moved)
    def _describe(self) -> None:
        one = self._current()
        told = [] if one is None else steps.about(one)
        if self.error is not None:
            told = [self.error.message, self.error.hint]
        said = [safe(text, LONG) for text in told]
        width = self.app.size.width - 2
        self.query_one("#about", Line).put(*(part for text in said for part in hanging(text, width, 2)))

    def _current(self) -> Tried | None:
        key = self.query_one(Table).current
        return self.found[int(key)] if key is not None and int(key) < len(self.found) else None

    def action_detail(self) -> None:
        """All that a step found."""
        one = self._current()
        if one is None:
            self.say("No step is over yet.")
            return
        self.app.push_screen(
            dialogs.Info(self.look, f"{one.side} {one.step}", [f"state: {one.state}", *steps.about(one)])
        )

    def action_again(self) -> None:
        """Tries all steps again."""
        if self.over:
            self._try()
        else:
            self.say("It is not over yet.")
