"""What an undo of a full synchronization does, as operators are told it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UndoLine:
    """What is undone of one job; the first three are still to be done in a dry run, and done in a real one. `left` is
    how many records were left, or some values of them.
    """

    mapping: str
    removed: int
    restored: int
    uncoupled: int
    left: int
