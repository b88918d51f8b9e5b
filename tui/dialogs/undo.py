"""The question before a full synchronization is taken back: what was found to do, and what stays."""

from collections.abc import Sequence

from textual.app import ComposeResult

from engine.model.undo import UndoLine
from tui import plain, undone
from tui.dialogs.confirm import Confirm
from tui.dialogs.dialog import ROOM
from tui.look import Look
from tui.widgets.line import Line, hanging


class Undo(Confirm):
    """Starts on No."""

    HINT = "y Yes, undo it   n/esc No   tab Switch"
    QUESTION = "Undo it now?"

    def __init__(self, look: Look, run: int, looked: int, found: Sequence[UndoLine]) -> None:
        table = plain.columns(undone.DUE, undone.rows(found), right=undone.NUMBERS)
        super().__init__(look, f"Undo run {run}", table)
        self.points = [undone.COUNTED, *undone.KEPT]
        if any(one.left for one in found):
            self.points.append(f"What is left, each record with the reason: coupler errors {looked} --records")

    def foot(self) -> ComposeResult:
        """What stays is below the counts, so that nobody says yes without having it before the eyes."""
        yield Line(id="points")

    def write(self) -> None:
        """Puts the counts into the body, and what they mean below it."""
        super().write()
        lines = (part for point in self.points for part in hanging(point, ROOM, 4))
        self.query_one("#points", Line).put("", *lines)
