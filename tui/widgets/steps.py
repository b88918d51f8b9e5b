"""Steps of a connection test as rows, and as what is said about one of them; pure."""

from collections.abc import Sequence

from engine.model.masking import mask
from engine.runs.connection import State, Tried
from tui.widgets.table import Column, Row


def columns(width: int) -> tuple[Column, ...]:
    """The columns of the table."""
    step = 26 if width < 120 else 40
    return (Column("State", 11), Column("Step", step), Column("Found", width - 13 - step))


def row(number: int, one: Tried) -> Row:
    """A row of the table."""
    state = f"! {one.state}" if one.state is State.FAILED else str(one.state)
    return Row(str(number), (state, one.step, mask(one.detail)))


def about(one: Tried) -> list[str]:
    """What a step found, and what to do about it."""
    if one.state is State.NOT_TRIED:
        return ["It needs a step that failed."]
    return [mask(one.detail), *([f"Next step: {one.hint}"] if one.hint else [])]


def sums(found: Sequence[Tried], *, over: bool) -> str:
    """How many steps ended how."""
    failed, untried = (sum(one.state is state for one in found) for state in (State.FAILED, State.NOT_TRIED))
    said = f"{len(found) - failed - untried} ok, {failed} failed, {untried} not tried"
    return f"{'! ' if failed else ''}{said}" if over else f"{said}; trying the next one ..."
