"""HTML and SVG: whatever was not made here is escaped, and shown as `tui.text` shows it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape

from tui.text import safe

LONGEST = 2_000
"""Characters of one text that a page shows."""


class Markup(str):
    """HTML that was made by this module."""

    __slots__ = ()


BREAK = Markup("<br>")
"""A new line within a text."""


def shown(value: object) -> Markup:
    """A value as it may stand in a page: nothing in it is markup, hides or turns what is around it."""
    if isinstance(value, Markup):
        return value
    return Markup(escape("" if value is None else safe(value, LONGEST), quote=True))


def element(tag: str, *children: object, **attributes: object) -> Markup:
    """An element. Attributes that are None are left out; `class_` is class, and `aria_label` aria-label."""
    named = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{shown(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(map(shown, children))
    return Markup(f"<{tag}{named}>{inner}</{tag}>")


def joined(parts: Iterable[object], between: str = "") -> Markup:
    """The parts one after the other."""
    return Markup(shown(between).join(map(shown, parts)))


def table(
    heading: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Sequence[str] = (),
    texts: Sequence[str] = (),
) -> Markup:
    """A table that may be wider than the page. The columns of these names hold numbers, or texts of any length."""
    classes = ["n" if name in numbers else "t" if name in texts else None for name in heading]
    heads = zip(heading, classes, strict=True)
    head = element("tr", *(element("th", name, class_=kind, scope="col") for name, kind in heads))
    body = joined(
        element("tr", *(element("td", cell, class_=kind) for cell, kind in zip(row, classes, strict=True)))
        for row in rows
    )
    return element("div", element("table", element("thead", head), element("tbody", body)), class_="wide")


def coded(text: str) -> Markup:
    """A text in which `commands` stand between backquotes."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return shown(text)
    return joined(element("code", part) if at % 2 else part for at, part in enumerate(parts))


def moment(at: datetime | None) -> str:
    """`2026-03-12 12:04:31`, in UTC."""
    return "-" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
