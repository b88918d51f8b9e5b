"""Rounds of two that work in turns, and what is said of them: this machine is never equally fast for two minutes.

Each run of a contender stands between two of the floor, and is compared with the mean of both.
"""

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

_Run = TypeVar("_Run")


class Figure(NamedTuple):
    """A median with its range."""

    median: float
    least: float
    most: float


def figure(values: Sequence[float]) -> Figure:
    """The median of some values and the least and the most of them; raises ValueError when there are none."""
    if not values:
        raise ValueError("there is nothing to say of no rounds")
    return Figure(statistics.median(values), min(values), max(values))


def ratios(floor: Sequence[float], contender: Sequence[float]) -> list[float]:
    """Each run of a contender by the mean of the floor before and after it; there is one more of the floor."""
    if len(floor) != len(contender) + 1:
        raise ValueError(f"{len(contender)} runs do not stand between {len(floor)} of the floor")
    return [cost / ((before + after) / 2) for before, cost, after in zip(floor, contender, floor[1:], strict=False)]


def bracketed(rounds: int, floor: Callable[[], _Run], contender: Callable[[], _Run]) -> tuple[list[_Run], list[_Run]]:
    """The runs of the floor, and between each two of them one of the contender."""
    before = [floor()]
    between = []
    for _ in range(rounds):
        between.append(contender())
        before.append(floor())
    return before, between
