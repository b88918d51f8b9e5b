"""Text that is repainted only when it changed."""

from textual.content import Content
from textual.widgets import Static

from tui.plain import hanging
from tui.text import line, safe

__all__ = ["Line", "hanging", "spread"]


class Line(Static):
    """One or more lines of text from anywhere; what is in it is never markup."""

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__("", id=id, classes=classes, markup=False)
        self._put: tuple[object, ...] | None = None

    def put(self, *lines: str | Content, style: str = "") -> None:
        """Shows the lines; does nothing when they are there already. Strings go through `tui.text`."""
        parts = [one if isinstance(one, Content) else line(one) for one in lines]
        content = Content("\n").join(parts)
        if style:
            content = content.stylize(style)
        now = (content.plain, tuple(content.spans))
        if now != self._put:
            before, self._put = self._put, now
            self.update(content, layout=before is None or _height(before) != len(lines))

    @property
    def text(self) -> str:
        """What it shows, for the file that `l` writes and for tests."""
        return "" if self._put is None else str(self._put[0])


def _height(put: tuple[object, ...]) -> int:
    return str(put[0]).count("\n") + 1


def spread(left: str, right: str, width: int, *, keep_left: bool = False) -> str:
    """`left` and `right` at the two ends of a line; one of them is cut when there is no room for both."""
    room = max(0, width - len(left if keep_left else right) - 2)
    if keep_left:
        return f"{left}  {safe(right, room):>{room}}"
    return f"{safe(left, room):<{room}}  {right}"
