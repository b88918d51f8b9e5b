"""ASCII mode on the way to the terminal: the marks of ours and of Textual that are none, as one that is and as wide."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.driver import Driver

_OURS = str.maketrans({"\u2026": "~", "\u2594": "-", "\u2581": "_", "\U0001f50e": "? "})
"""What is cut, the edges of the list of commands, and the glass before it."""


def in_ascii(driver: "type[Driver]") -> "type[Driver]":
    """A driver that writes them so. What else is not ASCII is a text of somebody, and stays as it is."""

    class InAscii(driver):  # type: ignore[misc, valid-type]
        def write(self, data: str) -> None:
            super().write(data.translate(_OURS))

    return InAscii
