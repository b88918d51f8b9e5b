"""The environment of this process, changed for commands that run within it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def surrounded(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables until the end of the block. The command line sets a umask, which is taken back too."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    mask = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(mask)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
