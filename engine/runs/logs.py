"""Reading the engine's log from its end: a page of lines costs the same however large the file is."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.model.errors import StoreError
from engine.model.masking import mask

LONGEST = 16_384
"""Bytes of a line that are kept."""
REACH = 4_000_000
"""Bytes that one read looks at, at most; a filter that finds nothing must not read a log of gigabytes."""
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line: where it begins, its text, and how many bytes are left out at its end because it is too long."""

    offset: int
    text: str
    left: int = 0


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some lines, in their order, of the bytes from `start` to `end`. `size` is that of the file, None where there is
    none; `file` tells one file from another of the same name.
    """

    path: Path
    lines: tuple[LogLine, ...] = ()
    start: int = 0
    end: int = 0
    size: int | None = None
    file: tuple[int, int] = (0, 0)

    @property
    def begins(self) -> bool:
        """Whether there is nothing before it."""
        return self.start == 0

    @property
    def ends(self) -> bool:
        """Whether there is nothing after it."""
        return self.end >= (self.size or 0)

    def anew(self, before: "LogPage") -> bool:
        """Whether the log began anew since another page was read: put aside, or cut."""
        if before.size is None or self.size is None:
            return before.size is not None
        return self.file != before.file or self.size < before.size


def before(path: Path, end: int | None, count: int, words: tuple[str, ...] = ()) -> LogPage:
    """The last lines, those of the end for None, that have all of the words, whatever their case.

    Raises StoreError where the file is there and cannot be read.
    """
    with _opened(path) as found:
        if found is None:
            return LogPage(path)
        handle, size, file = found
        end = size if end is None else min(end, size)
        kept: list[LogLine] = []
        at = start = end
        rest = b""
        while at > 0 and len(kept) < count and end - at < REACH:
            step = min(_CHUNK, at)
            at -= step
            block = os.pread(handle, step, at) + rest
            cut = block.find(b"\n") + 1 if at else 0
            rest = block[:cut]
            if at and not cut:
                rest = block  # no line begins here
                continue
            for offset, raw in _backwards(block, cut, at):
                start = offset
                if _wanted(raw, words):
                    kept.append(_line(offset, raw))
                    if len(kept) == count:
                        break
            else:
                start = at + cut
        if start == end and at < end:  # a line longer than all that one read looks at
            kept += [_line(at, rest)] if _wanted(rest, words) else []
            start = at
        return LogPage(path, tuple(reversed(kept)), start, end, size, file)


def after(path: Path, start: int, count: int, words: tuple[str, ...] = ()) -> LogPage:
    """The first lines from a place on, where a line begins, that have all of the words; raises as `before`."""
    with _opened(path) as found:
        if found is None:
            return LogPage(path)
        handle, size, file = found
        kept: list[LogLine] = []
        at = min(start, size)
        end = begin = at
        rest = b""
        while at < size and len(kept) < count and at - begin < REACH:
            piece = os.pread(handle, _CHUNK, at)
            if not piece:
                break  # it was cut meanwhile
            block, offset, at = rest + piece, at - len(rest), at + len(piece)
            *lines, rest = block.split(b"\n")
            for raw in lines:
                end = offset + len(raw) + 1
                if _wanted(raw, words):
                    kept.append(_line(offset, raw))
                offset = end
                if len(kept) == count:
                    break
        if rest and len(kept) < count and (at >= size or end == begin):
            kept += [_line(at - len(rest), rest)] if _wanted(rest, words) else []
            end = at
        return LogPage(path, tuple(kept), begin, end, size, file)


def of_run(run: int) -> str:
    """What is in each line that a process wrote of a run, and in no other."""
    return f'"run": {run},'


@contextmanager
def _opened(path: Path) -> Iterator[tuple[int, int, tuple[int, int]] | None]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise StoreError(f"The engine's log {path} cannot be read: {error.strerror}.", "Mend the cause.") from error
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            raise StoreError(f"The engine's log {path} is no regular file.", "Move it away.")
        yield handle, state.st_size, (state.st_dev, state.st_ino)
    except OSError as error:
        raise StoreError(f"The engine's log {path} cannot be read: {error.strerror}.", "Mend the cause.") from error
    finally:
        os.close(handle)


def _backwards(block: bytes, begin: int, at: int) -> Iterator[tuple[int, bytes]]:
    """The lines of a block at `at`, from `begin` on in it, the last one first, each with its place in the file."""
    end = len(block) - block.endswith(b"\n")
    while end >= begin:
        first = block.rfind(b"\n", begin, end) + 1 or begin
        yield at + first, block[first:end]
        end = first - 1


def _wanted(raw: bytes, words: tuple[str, ...]) -> bool:
    if not raw.strip():
        return False
    if not words:
        return True
    text = raw.decode("utf-8", "replace").casefold()
    return all(word.casefold() in text for word in words)


def _line(offset: int, raw: bytes) -> LogLine:
    # masked before it is cut: a part of a secret would not be known as one
    shown = mask(raw.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    return LogLine(offset, shown[:LONGEST].decode("utf-8", "replace"), max(0, len(shown) - LONGEST))
