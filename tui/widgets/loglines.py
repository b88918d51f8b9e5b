"""Lines of the engine's log as rows, and in full; pure."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from engine.runs.logs import LogLine, LogPage
from tui import format as fmt
from tui.look import Look
from tui.widgets.table import Column, Row

_OWN = ("event", "level", "timestamp", "environment", "pid", "run")
"""What has a place of its own, or is the same in every line."""
_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def columns(width: int) -> tuple[Column, ...]:
    """The columns of the table."""
    return (Column("Time", 10), Column("Level", 9), Column("Run", 6, right=True), Column(" Line", width - 27))


def row(one: LogLine, now: datetime, look: Look) -> Row:
    """A row of the table; a line that no engine of ours wrote stands as it is."""
    values = _values(one.text)
    if values is None:
        return Row(str(one.offset), ("", "", "", f" {one.text}"))
    more = [f"{name}={value}" for name, value in values.items() if name not in _OWN]
    return Row(
        str(one.offset),
        (
            fmt.stamp(_at(values.get("timestamp")), now, utc=look.utc),
            str(values.get("level", "")),
            str(values.get("run", "")),
            " " + "  ".join((str(values["event"]), *more)),
        ),
    )


def whole(one: LogLine) -> list[str]:
    """A line in full; of an engine's own, each value first."""
    values = _values(one.text) or {}
    return [
        *(f"{name:<12}{value}" for name, value in values.items()),
        *([""] if values else []),
        one.text,
        *([f"... and {fmt.count(one.left)} bytes more"] if one.left else []),
    ]


def place(page: LogPage | None, *, follows: bool, run: int | None, words: Sequence[str]) -> str:
    """Where in the log the lines are, of a run or of all."""
    if page is None:
        return "Reading ..."
    if page.size is None:
        return f"! There is no log yet: {page.path}"
    what = "follows the end" if follows else "held still (f = follow)"
    if (words or run is not None) and not page.lines:
        what = ("! no line" if run is None else f"! no line of run {run}") + (" has that" if words else "")
        what += "" if page.begins else " yet, p = look further back"
    share = f" {100 * page.end // page.size} %" if page.size and not follows else ""
    return f"{page.path.name}, {_size(page.size)}{share}: {what}"


def _size(number: int) -> str:
    for unit, name in _UNITS:
        if number >= unit:
            return f"{number / unit:.1f} {name}"
    return f"{number} bytes"


def _values(text: str) -> dict[str, object] | None:
    if not text.startswith("{"):
        return None
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    return found if isinstance(found, dict) and "event" in found else None


def _at(found: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(found))
    except ValueError:
        return None
