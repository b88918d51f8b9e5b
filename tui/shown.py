"""What a screen says as lines of text, for a file: texts as they are, lists with whole cells."""

from textual.screen import Screen

from tui import plain
from tui.widgets.keys import Keys
from tui.widgets.line import Line
from tui.widgets.notice import Notice
from tui.widgets.table import Table

_NO_TEXT = ("small", "tour", "hint")


def lines(screen: Screen[None]) -> list[str]:
    """From top to bottom, all rows of each list, without keys and notices."""
    made: list[str] = []
    for one in screen.walk_children(with_self=False):
        if isinstance(one, Table):
            made += ["", *plain.columns(*one.texts, right=one.numbers), ""]
        elif isinstance(one, Line) and not isinstance(one, Keys | Notice) and one.id not in _NO_TEXT:
            made += one.text.split("\n")
    return [one.rstrip() for one in made]
