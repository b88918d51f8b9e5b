"""Conflicts and their fields as rows, and as what is said about one of them."""

from collections.abc import Mapping

from engine.model.conflict import Choice, Clash, Conflict, Shown
from tui import format as fmt
from tui.look import Look
from tui.plain import hanging
from tui.widgets.columns import Column, Row
from tui.widgets.passes import now

CONFLICTS = (
    Column("Mapping", 17),
    Column("No.", 14),
    Column("Name", 27),
    Column("Fields", 8, right=True),
    Column("Since", 11, right=True),
)
FIELDS = (
    Column("Field", 20),
    Column("NAV", 24),
    Column("CRM", 24),
    Column("Choice", 9),
)

_LINES = 3


def key(one: Conflict) -> str:
    """What tells a conflict from all others."""
    return f"{one.mapping}/{one.nav_id}"


def conflict_row(one: Conflict, look: Look) -> Row:
    """A row of the table of conflicts."""
    left = sum(clash.choice is None for clash in one.fields)
    count = fmt.count(left) if left else "chosen"
    return Row(key(one), (one.mapping, one.nav_no or fmt.NONE, one.name, count, fmt.stamp(one.at, now(), utc=look.utc)))


def field_rows(one: Conflict, choices: Mapping[str, Choice]) -> list[Row]:
    """The rows of the table of fields; `choices` are made but not written yet."""
    return [
        Row(clash.key, (clash.nav, value(clash.nav_value), crm(clash), _choice(clash, choices))) for clash in one.fields
    ]


def value(one: Shown) -> str:
    """A value as people read it."""
    if one is None or one == "":
        return "(blank)"
    return {True: "yes", False: "no"}[one] if isinstance(one, bool) else str(one)


def crm(clash: Clash) -> str:
    """CRM's value, by its name where it has one: `NET30 (3)`."""
    return clash.crm_name or value(clash.crm_value)


def about(clash: Clash) -> tuple[str, str]:
    """Both values of a field in full, each a text of its own."""
    return f"NAV {clash.nav}: {value(clash.nav_value)}", f"CRM {clash.crm}: {crm(clash)}"


def beginning(clash: Clash, width: int) -> list[str]:
    """Both values of a field, of which each takes three lines at most; what is cut says by which key it is seen."""
    lines = []
    for text in about(clash):
        parts = hanging(text, width)
        if len(parts) > _LINES:
            more = " … (enter = all)"
            parts = [*parts[: _LINES - 1], parts[_LINES - 1][: width - len(more)].rstrip() + more]
        lines += parts
    return lines


def _choice(clash: Clash, choices: Mapping[str, Choice]) -> str:
    """The choice in words; one that is not written yet has a mark."""
    made = choices.get(clash.key)
    if made is not None:
        return f"{made.value.upper()} *"
    return fmt.NONE if clash.choice is None else clash.choice.value.upper()
