"""A line of the reliability table: a figure, what it must be, and how it is measured."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """A figure as it is printed, whether it is what it must be, and what to look at when it is not."""

    text: str
    met: bool
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """`target` is what `measure` must find, as it is printed; it may take minutes."""

    name: str
    target: str
    measure: Callable[[], Measured]
