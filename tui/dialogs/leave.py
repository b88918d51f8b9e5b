"""What to do with a run that is going when the operator leaves."""

from typing import ClassVar, Literal

from textual.binding import Binding, BindingType

from engine.model.snapshot import RunSnapshot
from tui.dialogs.dialog import Dialog
from tui.look import Look
from tui.widgets.line import Line

Leaving = Literal["detach", "stop", "cancel", "stay"]


class Leave(Dialog[Leaving]):
    """Four ways; `esc` and `enter` stay. In the demo the run ends with its servers, and there are two."""

    ARM = 0.3
    HINT = "d Detach   s Stop   x Cancel   enter/esc Stay"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "way('detach')", "Detach: leave, and the run keeps going", show=False),
        Binding("s", "way('stop')", "Stop the run after the page that is being written, and leave", show=False),
        Binding("x", "way('cancel')", "Cancel the run after the page that is being written, and leave", show=False),
        Binding("enter,n", "way('stay')", "Stay", show=False),
    ]

    def __init__(self, look: Look, run: RunSnapshot, *, demo: bool = False) -> None:
        super().__init__(look, "Leave?")
        self.run = run
        self.demo = demo

    def write(self) -> None:
        """The ways and what becomes of the run."""
        if self.demo:
            self.query_one("#hint", Line).put("s Leave the demo   enter/esc Stay")
            self.query_one("#text", Line).put(
                f"Run {self.run.id} is going, on the demo's own servers.",
                "",
                "  s  Leave the demo   its servers, its data and the run end with it",
                "  -  Stay             go on watching (enter, esc)",
            )
            return
        kind, stops, ends = _meaning(self.run)
        self.query_one("#text", Line).put(
            f"Run {self.run.id}{kind} is going. It does not need this screen.",
            "",
            "  d  Detach           it keeps going; `coupler attach` shows it again",
            f"  s  Stop and quit    it {stops}",
            f"  x  Cancel and quit  {ends}",
            "  -  Stay             go on watching (enter, esc)",
        )

    def action_way(self, way: Leaving) -> None:
        """Gives the way back."""
        if not self.deaf and not (self.demo and way in ("detach", "cancel")):
            self.dismiss(way)

    def action_close(self) -> None:
        """Closing is staying."""
        self.dismiss("stay")


def _meaning(run: RunSnapshot) -> tuple[str, str, str]:
    """The kind of a run where it is not the usual one, and what stopping and cancelling it mean."""
    if run.undoes is not None:
        stops = f"stops; `coupler undo {run.undoes}` goes on"
        return "", stops, "the undo is given up; what it took back stays so"
    ends = "it ends after the page being written"
    if run.kind == "run":
        return "", "stops after the page being written; resume it later", f"{ends}; flags as before"
    return f" ({run.kind})", "stops after the page being written; start it anew", f"{ends}, as cancelled"
