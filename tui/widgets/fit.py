"""What a terminal shows that is too small for any screen."""

from typing import Any

from textual.screen import Screen
from textual.widget import Widget

from tui.widgets.line import Line

SMALLEST = (80, 22)
"""Columns and rows below which a screen cannot show all that it has: numbers would be cut, or warnings hidden."""


class Fit(Line):
    """The only line that is left of a screen for which there is no room; what had the focus has it again afterwards."""

    def __init__(self) -> None:
        super().__init__(id="small")
        self._before: Widget | None = None

    def judge(self, width: int, height: int) -> None:
        """Hides everything else when there is no room for the screen."""
        screen, small = self.screen, width < SMALLEST[0] or height < SMALLEST[1]
        if small and not too_small(screen):
            self._before = screen.focused
        elif too_small(screen) and not small:
            self.call_after_refresh(self._focus_again)
        screen.set_class(small, "-small")
        self.put(f"Need {SMALLEST[0]}x{SMALLEST[1]}, have {width}x{height}")

    def _focus_again(self) -> None:
        """Textual takes the focus from what is hidden, and gives it to nothing that is shown again."""
        screen = self.screen
        if screen.focused is None and not too_small(screen):
            screen.set_focus(self._before)
            if screen.focused is None:
                screen.focus_next()


def too_small(screen: Screen[Any]) -> bool:
    """Whether nothing of the screen can be seen; then no key may do anything to it."""
    return screen.has_class("-small")
