"""Asks which record of the other side one is to be coupled with."""

from collections.abc import Callable, Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Input

from engine.model import coupled
from engine.model.errors import CouplerError
from tui.apart import apart
from tui.dialogs.dialog import ROOM, Dialog
from tui.look import Look
from tui.text import LONG, safe
from tui.uppermost import on_top
from tui.widgets.line import Line, hanging

_LONGEST = 100


class Partner(Dialog[coupled.Partner | None]):
    """Gives back the record that was named, or nothing. `wanted` says what names it, `whose` which record that is:
    `CRM id or number`, `of its partner`.

    `find` looks for the record of that name, which may take long. What it finds fault with is said, and the text stays.
    """

    ARM = 0.5
    HINT = "enter Look for it   esc Do nothing"

    def __init__(
        self,
        look: Look,
        lines: Sequence[str],
        wanted: str,
        find: Callable[[str], coupled.Partner],
        whose: str = "of its partner",
    ) -> None:
        super().__init__(look, "Couple by hand")
        self.lines = lines
        self.wanted = wanted
        self.find = find
        self.whose = whose

    def body(self) -> ComposeResult:
        """Which record, where to type its partner, and what is wrong with that."""
        yield Line(id="text")
        yield Input(id="typed", compact=True, placeholder=safe(self.wanted), max_length=_LONGEST)
        yield Line(id="wrong")

    def write(self) -> None:
        """Says which record."""
        self.query_one("#text", Line).put(*self.lines, "", f"{self.wanted} {self.whose}:")

    @on(Input.Changed)
    def forget(self) -> None:
        """What was said of another text is not true of this one."""
        self.workers.cancel_node(self)
        self._say()

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        """Looks for the record; blanks name none."""
        if not self.deaf and event.value.strip():
            self._look_for(event.value.strip())

    @work(exclusive=True)
    async def _look_for(self, typed: str) -> None:
        self._say("Looking for it ...")
        try:
            found = await apart(lambda: self.find(typed))
        except (CouplerError, OSError) as error:
            found = coupled.Partner(problem=error.told if isinstance(error, CouplerError) else str(error))
        if not await on_top(self):
            return
        if not found.problem:
            self.dismiss(found)
            return
        self._say(f"! {found.problem}")

    def _say(self, text: str = "") -> None:
        said = hanging(safe(text, LONG), ROOM, 2) if text else []
        self.query_one("#wrong", Line).put(*(["", *said] if said else []))
        self.call_after_refresh(self._limit)
