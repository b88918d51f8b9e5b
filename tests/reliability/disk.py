"""A disk whose power may be cut: what was synced is on it, of all else any part may be."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

SECTOR = 512


@dataclass(frozen=True)
class Write:
    """Bytes that are written into a file at a place."""

    name: str
    at: int
    data: bytes


@dataclass(frozen=True)
class Cut:
    """A file is made so long."""

    name: str
    size: int


@dataclass(frozen=True)
class Sync:
    """All that was written into a file is durable from now on; without a name, the names in its folder are."""

    name: str = ""


@dataclass(frozen=True)
class Made:
    """A file that was not there."""

    name: str


@dataclass(frozen=True)
class Gone:
    """A file that is removed."""

    name: str


Deed = Write | Cut | Sync | Made | Gone


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Write | Cut] = field(default_factory=list)


class Disk:
    """Files of one folder. Names that are made or removed become durable in their order, contents in any."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._seen = {name: _File(bytearray(content)) for name, content in files.items()}
        self._names = dict(self._seen)
        self._pending: list[tuple[str, _File | None]] = []

    def do(self, deeds: Iterable[Deed]) -> None:
        """What a program did."""
        for deed in deeds:
            match deed:
                case Made(name):
                    self._seen[name] = _File()
                    self._pending.append((name, self._seen[name]))
                case Gone(name):
                    del self._seen[name]
                    self._pending.append((name, None))
                case Sync(""):
                    _rename(self._names, self._pending)
                    self._pending.clear()
                case Sync(name):
                    file = self._seen[name]
                    for one in file.pending:
                        _apply(file.durable, one)
                    file.pending.clear()
                case Write() | Cut():
                    self._seen[deed.name].pending.append(deed)

    def cut_power(self, chance: random.Random) -> dict[str, bytes]:
        """What may be found afterwards: of what was not synced some is there, some not, and some in part."""
        names = dict(self._names)
        _rename(names, self._pending[: chance.randint(0, len(self._pending))])
        kept = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        found = {}
        for name, file in names.items():
            content = bytearray(file.durable)
            for one in file.pending:
                if chance.random() < kept:
                    _apply(content, one)
                elif isinstance(one, Write) and chance.random() < 0.5:
                    for piece in _sectors(one):
                        if chance.random() < 0.5:
                            _apply(content, piece)
            found[name] = bytes(content)
        return found


def _rename(names: dict[str, _File], changes: Iterable[tuple[str, _File | None]]) -> None:
    for name, file in changes:
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file


def _apply(content: bytearray, deed: Write | Cut) -> None:
    if isinstance(deed, Cut):
        del content[deed.size :]
        content.extend(bytes(deed.size - len(content)))
        return
    content.extend(bytes(max(0, deed.at - len(content))))
    content[deed.at : deed.at + len(deed.data)] = deed.data


def _sectors(write: Write) -> Iterable[Write]:
    """The parts of a write that each lie in one sector of the file."""
    start, end = write.at, write.at + len(write.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        yield Write(write.name, start, write.data[start - write.at : stop - write.at])
        start = stop
