"""As many values as one statement takes."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

CHUNK = 500
_T = TypeVar("_T")


def chunks(values: Sequence[_T], size: int = CHUNK) -> Iterator[Sequence[_T]]:
    """The values in parts of at most `size`, in their order."""
    return (values[start : start + size] for start in range(0, len(values), size))
