"""A line of the reliability table: a figure, what it must be, and how it is measured."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """A figure as it is printed, whether it is what it must be, and what to look at when it is not."""

    text: str
    met: bool
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """`target` is what `measure` must find, as it is printed; it may take minutes.

    `rests_on` are files and folders on which the figure rests besides the program and the modules that measure it.
    """

    name: str
    target: str
    measure: Callable[[], Measured]
    rests_on: tuple[str, ...] = ()


@contextmanager
def noting(faults: list[str], case: str) -> Iterator[None]:
    """Whatever a case raises becomes one more of the faults, so that the others are tried all the same."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        faults.append(f"{case}: {kind}{error}")
