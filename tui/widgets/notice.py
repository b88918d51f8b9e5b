"""The line above the keys: a rule, and for a while a short notice on it. It covers nothing, as a pop-up would."""

from textual.timer import Timer

from tui.text import safe
from tui.widgets.line import Line

_SECONDS = 6.0
_FRAME = 6
"""Characters of the rule that stay visible around a notice."""


class Notice(Line):
    """A horizontal line that can say something."""

    def __init__(self, *, ascii_only: bool) -> None:
        super().__init__(id="notice", classes="one")
        self._dash = "-" if ascii_only else "─"
        self._said = ""
        self._timer: Timer | None = None

    def on_resize(self) -> None:
        """Draws the line anew."""
        self._draw()

    def room(self) -> int:
        """How many characters a notice may have."""
        return max(0, (self.size.width or 80) - _FRAME)

    def say(self, text: str) -> None:
        """Shows a notice that goes away by itself."""
        self._said = text
        self._draw()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_SECONDS, self._hush)

    def take_back(self, text: str) -> None:
        """Takes a notice away before its time, where it is the one that is shown."""
        if text == self._said:
            self._hush()

    def _hush(self) -> None:
        self._said = ""
        self._draw()

    def _draw(self) -> None:
        said = f"{self._dash * 2} {safe(self._said, self.room())} " if self._said else ""
        rest = max(0, (self.size.width or 80) - len(said))
        self.put(said + self._dash * rest, style="bold" if said else "")
