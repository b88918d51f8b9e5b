"""Columns and rows of tables, apart from the widget: commands use what is said of rows, and load no Textual for it."""

from dataclasses import dataclass

WIDE = 120
"""Columns from which on a terminal has room for more than is complete on one of 80."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, its width including the gap to the next one, and whether its values stand right."""

    label: str
    width: int
    right: bool = False
    states: bool = False
    """Its values are state words, which have colours."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: a key that stays the same over refreshes, and a text for each column."""

    key: str
    cells: tuple[str, ...]
