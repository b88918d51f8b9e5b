"""What to do with a run that is going when the operator leaves."""

from typing import ClassVar, Literal

from textual.binding import Binding, BindingType

from tui.dialogs.dialog import Dialog
from tui.look import Look
from tui.widgets.line import Line

Leaving = Literal["detach", "stop", "cancel", "stay"]


class Leave(Dialog[Leaving]):
    """Four ways; `esc` and `enter` stay."""

    ARM = 0.3
    HINT = "d Detach   s Stop   x Cancel   enter/esc Stay"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "way('detach')", show=False),
        Binding("s", "way('stop')", show=False),
        Binding("x", "way('cancel')", show=False),
        Binding("escape,enter,n,q", "way('stay')", show=False),
    ]

    def __init__(self, look: Look, run: int) -> None:
        super().__init__(look, "Leave?")
        self.run = run

    def write(self) -> None:
        """The ways and what becomes of the run."""
        self.query_one("#text", Line).put(
            f"Run {self.run} is going. It does not need this screen.",
            "",
            "  d  Detach           it keeps going; `coupler attach` shows it again",
            "  s  Stop and quit    it stops after the page being written; resume it later",
            "  x  Cancel and quit  it ends after the page being written; flags as before",
            "  -  Stay             go on watching (enter, esc)",
        )

    def action_way(self, way: Leaving) -> None:
        """Gives the way back."""
        if not self.deaf:
            self.dismiss(way)
