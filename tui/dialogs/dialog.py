"""What all dialogs have in common: a box with a title, and keys that do nothing until the operator can have read it."""

from time import monotonic
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen

from tui.look import Look
from tui.text import line
from tui.widgets.choice import Choice
from tui.widgets.fit import Fit, too_small
from tui.widgets.line import Line

T = TypeVar("T")
ROOM = 76
"""Columns of the text in a box on a terminal of 80."""
_LATE = 0.25
_LEAVING = ("close", "leave")


class Dialog(ModalScreen[T]):
    """A box over the screen: a body that scrolls when it must, and a line of keys that always stays.

    `ARM` is for how many seconds keys are dropped: what was typed before the box was there must not answer it.
    """

    ARM: ClassVar[float] = 0.0
    HINT: ClassVar[str] = "esc Close"
    QUESTION: ClassVar[str] = ""
    """What stands before No and Yes; a dialog without it has no choice."""
    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close it; what was asked is not done", show=False),
        Binding("q", "leave", "Close it; what was asked is not done", show=False),
        Binding("j,down", "scroll(1)", "Scroll down", show=False),
        Binding("k,up", "scroll(-1)", "Scroll up", show=False),
    ]

    def __init__(self, look: Look, heading: str) -> None:
        super().__init__()
        self.look = look
        self.heading = heading
        self.armed = not self.ARM

    def compose(self) -> ComposeResult:
        """The box."""
        yield Fit()
        with Vertical(id="box", classes="ascii" if self.look.ascii else "") as box:
            box.border_title = line(self.heading)
            with VerticalScroll(id="body", classes="ascii" if self.look.ascii else "", can_focus=False):
                yield from self.body()
            yield from self.foot()
            if self.QUESTION:
                yield Choice(self.QUESTION, disabled=not self.armed)
            yield Line(id="hint")

    def body(self) -> ComposeResult:
        """What is in the box."""
        yield Line(id="text")

    def foot(self) -> ComposeResult:
        """What stays below the body however far that is scrolled."""
        yield from ()

    def on_mount(self) -> None:
        """Starts to count down to when keys are heard."""
        self.query_one("#hint", Line).put(self.HINT)
        self.write()
        if self.ARM:
            self.call_after_refresh(self._arm_later)

    def write(self) -> None:
        """Fills the body."""

    def on_resize(self, event: Resize) -> None:
        """A terminal that is too small gets one line that says so."""
        self.query_one(Fit).judge(event.size.width, event.size.height)
        self.write()
        self.call_after_refresh(self._limit)

    def _limit(self) -> None:
        """The body gives way and scrolls, so that what is below it can always be seen; and says that there is more."""
        body, height = self.query_one("#body", VerticalScroll), self.app.size.height
        others = (one for one in self.query_one("#box").children if one is not body)
        room = height - 2 - sum(one.outer_size.height + one.styles.margin.height for one in others)
        body.styles.max_height = max(1, room)
        more = sum(one.outer_size.height for one in body.children) > room
        self.query_one("#box").border_subtitle = line("more: j/k") if more else ""

    @property
    def deaf(self) -> bool:
        """Whether answers are dropped: too early, or the question cannot be seen."""
        return not self.armed or too_small(self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """Before the dialog is armed no key does anything; while it cannot be seen, those that leave it do."""
        return self.armed and (not too_small(self) or action in _LEAVING)

    def action_scroll(self, lines: int) -> None:
        """Moves the body."""
        self.query_one("#body", VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_close(self) -> None:
        """Leaves without an answer."""
        self.dismiss(None)

    def action_leave(self) -> None:
        """The keys that leave the program close a dialog first; what was asked is not done."""
        self.action_close()

    def _arm(self) -> None:
        self.armed = True
        for choice in self.query(Choice):
            choice.disabled = False
            choice.focus()

    def _arm_later(self) -> None:
        due = monotonic() + self.ARM

        def arm() -> None:
            # A timer that comes late waited behind a stalled terminal, and so did keys that nobody meant for this box.
            if monotonic() - due > _LATE:
                self._arm_later()
            else:
                self._arm()

        self.set_timer(self.ARM, arm)
