"""The only door for text from outside (a server, a file, a user's name) to a terminal.

A terminal obeys control bytes in data, and Rich and Textual obey square brackets in it. What comes out of here is
one line of visible characters, and nothing in it is markup. Rich and Textual are imported when asked for, because
the commands without a screen use this module too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    from rich.text import Text
    from textual.content import Content

LIMIT = 200
"""Characters of one text that are shown unless the caller says otherwise."""

LONG = 2_000
"""Characters of one text that are shown where there is room for a whole message."""

COPIED = 2_000
"""Characters that are sent to the clipboard; terminals drop what is much longer."""

_ELLIPSIS = "…"
_REPLACEMENT = "\ufffd"
_MARKS = 3
"""Combining marks that one character may carry; more than this climb over the lines above and below."""

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800\ufffe\uffff")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_PLAIN = re.compile(r"[ -~]*")


def safe(text: object, limit: int = LIMIT) -> str:
    """The text as one harmless line of at most `limit` characters.

    C0 control characters show as their pictures. C1, bidirectional and zero-width characters, line separators and
    lone surrogates show as U+FFFD. Cutting comes first, so a megabyte of name costs no more than 200 letters.
    """
    whole = text if isinstance(text, str) else str(text)
    cut = whole if len(whole) <= limit else whole[: max(limit - 1, 0)] + _ELLIPSIS[: max(limit, 0)]
    if _PLAIN.fullmatch(cut):
        return cut
    cut = cut.translate(_PICTURES)
    return cut if cut.isascii() else "".join(_visible(cut))


def cell(text: object, limit: int = LIMIT) -> Text:
    """The text for a cell or label of a DataTable or Tree, which draw `rich.text.Text` literally."""
    from rich.text import Text  # noqa: PLC0415 - the module's docstring says why

    return Text(safe(text, limit), no_wrap=True, overflow="ellipsis", end="")


def line(text: object, limit: int = LIMIT) -> Content:
    """The text for every other widget (Static, Label, Button, titles), which draw `Content` literally."""
    from textual.content import Content  # noqa: PLC0415 - the module's docstring says why

    return Content(safe(text, limit))


def _visible(text: str) -> list[str]:
    shown: list[str] = []
    marks = 0
    for character in text:
        kind = category(character)
        if kind in ("Mn", "Me") and character not in _FILLERS:
            marks += 1
            if marks <= _MARKS and not _selects_variation(character):
                shown.append(character)
            continue
        marks = 0
        shown.append(_REPLACEMENT if kind in _HIDDEN or character in _FILLERS else character)
    return shown


def _selects_variation(character: str) -> bool:
    """Whether terminals disagree on the width of what comes before because of this character."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
