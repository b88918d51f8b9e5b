"""What an undo does, or did, as rows and lines: for the command and for the screens."""

from collections.abc import Sequence

from engine.model.undo import UndoLine

DUE = ("Mapping", "Remove", "Write back", "Uncouple", "Leave")
DONE = ("Mapping", "Removed", "Written back", "Uncoupled", "Left")
NUMBERS = frozenset(range(1, 5))
"""The columns that hold numbers."""
COUNTED = "Rows that came with records count too, such as lines of price lists."
KEPT = (
    "What cannot be taken back:",
    "  Numbers that NAV gave stay used, and contacts that NAV made with its customers stay.",
    "  What people have hung on these records in CRM since, such as activities, notes and cases, goes with them.",
    "  A product that was published cannot be a draft again; the stamps of last changes are new.",
)


def rows(lines: Sequence[UndoLine]) -> list[tuple[str, ...]]:
    """A row for each job, and one of their sums."""
    numbers = [(one.removed, one.restored, one.uncoupled, one.left) for one in lines]
    sums = tuple(sum(row[at] for row in numbers) for at in range(4))
    names = [*(one.mapping for one in lines), "all"]
    return [(name, *(f"{number:,}" for number in row)) for name, row in zip(names, [*numbers, sums], strict=True)]
