"""Questions whose answer is yes or no, and the one for the production environment."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui.dialogs.dialog import Dialog
from tui.look import Look
from tui.text import safe
from tui.widgets.choice import Choice
from tui.widgets.line import Line


class Confirm(Dialog[bool]):
    """Starts on No; `y` says yes, everything else says no."""

    ARM = 0.5
    QUESTION = "Do it?"
    HINT = "y Yes   n/esc No   tab Switch"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", show=False),
        Binding("n", "answer(False)", "No", show=False),
    ]

    def __init__(self, look: Look, heading: str, lines: Sequence[str]) -> None:
        super().__init__(look, heading)
        self.lines = lines

    def write(self) -> None:
        """Puts the lines into the body."""
        self.query_one("#text", Line).put(*self.lines)

    @on(Choice.Taken)
    def take(self, event: Choice.Taken) -> None:
        """`enter` on the choice."""
        self.action_answer(yes=event.yes)

    def action_close(self) -> None:
        """Closing is No."""
        self.dismiss(False)

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 - called by name with a literal
        """Gives the answer back, unless it came too early to be meant."""
        if not self.deaf:
            self.dismiss(yes)


class TypeName(Dialog[bool]):
    """Asks to type a name before something is done in production."""

    ARM = 0.5
    HINT = "enter Go on   esc Do nothing"

    def __init__(self, look: Look, name: str, purpose: str = "start") -> None:
        super().__init__(look, "Production")
        self.purpose = purpose
        self.wanted = safe(name)

    def body(self) -> ComposeResult:
        """What to type, and where."""
        yield Line(id="text")
        yield Input(id="typed", compact=True, placeholder="type it here")
        yield Line(id="wrong")

    def write(self) -> None:
        """Says which name."""
        self.query_one("#text", Line).put(
            "This is the production environment.",
            f"Type the name of the CRM organization to {self.purpose}:",
            "",
            f"    {self.wanted}",
            "",
        )

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        """Only the exact name counts."""
        if self.deaf:
            return
        if event.value.strip() == self.wanted.strip():
            self.dismiss(True)
        else:
            self.query_one("#wrong", Line).put("", "That is not the name.")

    def action_close(self) -> None:
        """Nothing is done."""
        self.dismiss(False)
