"""Putting a new file in the place of another one at once: it is whole at any time, and on the disk."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def beside(path: Path, raw: bytes, *, mode: int) -> Iterator[Path]:
    """A file beside another one, of the same owner; it is gone at the end unless it was moved. Raises OSError."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".toml", dir=path.parent)
    made = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _give(file.fileno(), path)
            os.fchmod(file.fileno(), mode)
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        yield made
        _settle(path.parent)
    finally:
        with contextlib.suppress(FileNotFoundError):
            made.unlink()


def _give(descriptor: int, path: Path) -> None:
    """Whose the old file was the new one is: a service must be able to read it as before."""
    with contextlib.suppress(FileNotFoundError):
        old, new = path.stat(), os.fstat(descriptor)
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            os.fchown(descriptor, old.st_uid, old.st_gid)


def _settle(folder: Path) -> None:
    """Have the disk know which file bears the name now, where that can be asked for."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
