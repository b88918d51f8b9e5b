"""The files that operators ask for: never wider than their owner, never over another one unless that was said.

A spreadsheet runs cells that begin with `=`, `+`, `-` or `@`, and a terminal obeys control bytes when somebody looks at
the file: names of records must do neither.
"""

import contextlib
import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tui.text import safe

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NEXT_FORMULA = re.compile(r";(?=[=+\-@])")
"""Where a spreadsheet whose cells end at a semicolon, as in many countries, would see another one begin."""
_LONGEST = 32_000
_SYSTEM = ("/dev", "/proc", "/sys")
"""Even a plain file there, as standard output may be, is not replaced: its name means another one to each program."""


def quoted(value: object) -> str:
    """A value as a cell that no spreadsheet runs."""
    if value is None:
        return ""
    text = safe(value, _LONGEST)  # first: what it leaves out may stand before a formula
    text = _NEXT_FORMULA.sub(";'", text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_lines(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The rows as lines of comma-separated values, the first one with the names of the columns."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(heading)
    yield buffer.getvalue()
    for row in rows:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([quoted(value) for value in row])
        yield buffer.getvalue()


def write_csv(stem: str, heading: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Writes the rows to a new file in the current directory; its path."""
    return write_new(stem, ".csv", csv_lines(heading, rows))


def write_text(stem: str, lines: Sequence[str]) -> Path:
    """Writes the lines to a new file in the current directory; its path."""
    return write_new(stem, ".txt", (f"{safe(one, _LONGEST)}\n" for one in lines))


def write_new(stem: str, suffix: str, pieces: Iterable[str]) -> Path:
    """Writes the pieces to a new file in the current directory, with a number where the name is taken; its path."""
    for number in range(1, 1_000):
        path = Path.cwd() / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            descriptor = _made(path)
        except FileExistsError:
            continue
        _fill(descriptor, path, pieces)
        return path
    raise FileExistsError(f"{stem}{suffix} exists a thousand times")


def write(path: Path, pieces: Iterable[str], *, replace: bool) -> None:
    """Writes the pieces to a new file; with `replace`, in the place of another one once all is written.

    Raises FileExistsError when there is something that is not to be replaced, which what is no file never is.
    """
    if not replace:
        _fill(_made(path), path, pieces)
        return
    if not fit(path):
        raise FileExistsError(f"{path} is no file")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    _fill(_made(beside), beside, pieces)
    beside.replace(path)


def fit(path: Path) -> bool:
    """Whether there is nothing at a path, or a plain file that is not one of the system. A link is neither: who planted
    it says what would be overwritten.
    """
    if path.is_symlink() or any(path.absolute().is_relative_to(own) for own in _SYSTEM):
        return False
    return path.is_file() or not path.exists()


def _made(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _fill(descriptor: int, path: Path, pieces: Iterable[str]) -> None:
    """Half a file is none."""
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
