"""Records that are left alone as rows, and as what is said about one or all of them; pure but for the clock."""

from collections.abc import Sequence

from engine.model.mapping import Direction
from engine.model.trouble import Trouble
from tui import format as fmt
from tui.look import Look
from tui.text import safe
from tui.widgets.line import hanging
from tui.widgets.passes import now
from tui.widgets.table import Column, Row

COLUMNS: Sequence[Column] = (
    Column("Mapping", 17),
    Column("Dir", 4),
    Column("NAV No.", 16),
    Column("Name", 23),
    Column("Run", 6, right=True),
    Column("Failed", 12, right=True),
)
HEADING = ("mapping", "direction", "source_id", "nav_no", "name", "code", "message", "times", "run", "at")
NONE = "No record is left alone: none failed twice in a row in the same way."


def key(one: Trouble) -> str:
    """What tells a record from all others."""
    return f"{one.mapping}/{one.direction}/{one.source_id}"


def row(one: Trouble, look: Look) -> Row:
    """A row of the list."""
    at = fmt.stamp(one.at, now(), utc=look.utc)
    cells = (one.mapping, one.direction.arrow, one.nav_no or fmt.NONE, one.name, str(one.run), at)
    return Row(key(one), cells)


def _source(one: Trouble) -> str:
    """The system that the record is in."""
    return "NAV" if one.direction is Direction.TO_INTEGRATION_TABLE else "CRM"


def named(one: Trouble) -> str:
    """What a record is called: `CUSTOMER 01445021 New Concepts Furniture`."""
    return " ".join(filter(None, (one.mapping, one.nav_no or one.source_id, one.name)))


def about(one: Trouble, width: int) -> list[str]:
    """Which record it is, and why it is left alone: four lines."""
    return [
        safe(f"{named(one)}   {one.code}", width),
        f"{_source(one)} id {one.source_id}, failed {fmt.many(one.times, 'time')} in the same way",
        *hanging(one.message, width, 2),
    ]


def everything(one: Trouble) -> list[str]:
    """All that is known about it."""
    return [
        f"Record      {named(one)}",
        f"Direction   {one.direction}",
        f"{_source(one)} id      {one.source_id}",
        f"Failed      {fmt.many(one.times, 'time')}, {fmt.iso(one.at)}, run {one.run}",
        "",
        f"{one.message}   [{one.code}]",
    ]


def retrying(number: int) -> list[str]:
    """What it means to retry all."""
    return [
        f"{fmt.many(number, 'record')} of all mappings",
        "",
        "Each takes part in the next pass of its mapping, as if it had never failed.",
        "What fails twice in a row in the same way is left alone again.",
    ]


def export(one: Trouble) -> tuple[object, ...]:
    """A row of the CSV file."""
    return (
        one.mapping, one.direction, one.source_id, one.nav_no, one.name, one.code, one.message, one.times, one.run,
        fmt.iso(one.at),
    )  # fmt: skip
