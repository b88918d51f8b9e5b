"""What a terminal shows that is too small for any screen."""

from typing import TypeVar

from textual.screen import Screen

from tui.widgets.line import Line

T = TypeVar("T")
SMALLEST = (80, 22)
"""Columns and rows below which a screen cannot show all that it has: numbers would be cut, or warnings hidden."""


def fit_or_say(screen: Screen[T], width: int, height: int) -> None:
    """Hides everything but one line when there is no room for the screen."""
    small = width < SMALLEST[0] or height < SMALLEST[1]
    screen.set_class(small, "-small")
    needed = f"{SMALLEST[0]}x{SMALLEST[1]}"
    screen.query_one("#small", Line).put(f"Need {needed}, have {width}x{height}")
