"""Power cuts at any moment of a run: what may then be on the disk is opened as the engine opens it.

strace notes what a real engine writes, syncs and sends, in one order. From that, images of the state store are made for
moments of the run: no image may be damaged, and none may have forgotten a write that had been sent.
"""

import contextlib
import random
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from engine.model.errors import StoreError
from engine.store.database import Store
from engine.store.schema import coupling, extra, outcome, overwritten
from engine.store.work import open_intents
from tests.reliability.disk import Cut, Deed, Disk, Gone, Made, Sync, Write
from tests.reliability.line import Line, Measured
from tests.reliability.straced import begin, missing, trace
from tests.reliability.wire import Sent, take
from tests.runs.company import Company

IMAGES = 2000
_QUICK = Path("/dev/shm")
SIZE = ("--demo-size", "600")
"""So many that pages of the log are carried over while the run goes on."""
_NAMES = ("openat", "pwrite64", "fdatasync", "fsync", "ftruncate", "?unlink", "?unlinkat", "sendto")
_CALL = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)")
_UNFINISHED = " <unfinished ...>"
_FD = re.compile(r"\d+<([^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_RESULT = re.compile(r"\) += (-?\d+)")


@dataclass(frozen=True)
class Call:
    """A syscall that succeeded; `began` and `ended` are lines of the trace, `file` and `text` what it is about."""

    name: str
    began: int
    ended: int
    arguments: str
    result: int

    @property
    def file(self) -> str:
        """The path or socket behind its first argument."""
        found = _FD.match(self.arguments)
        return "" if found is None else _plain(found[1]).decode()

    @property
    def text(self) -> bytes:
        """The bytes that it is given."""
        found = _TEXT.search(self.arguments)
        return b"" if found is None else _plain(found[1])


@dataclass(frozen=True)
class Recording:
    """The files before a run, what was done to them, and what was sent; each with the line where it happened."""

    files: Mapping[str, bytes]
    deeds: Sequence[tuple[int, Deed]]
    sent: Sequence[tuple[int, Sent]]


@dataclass
class Images:
    """`damaged` and `forgetful` images; `faults` says what was wrong with them."""

    looked_at: int = 0
    damaged: int = 0
    forgetful: int = 0
    faults: list[str] = field(default_factory=list)


def record(folder: Path, *options: str) -> Recording:
    """An undisturbed run of an engine in a folder of its own."""
    with contextlib.closing(Company(folder, *options)) as company:
        run = begin(company)
        store = company.config.with_suffix(".db")
        files = {path.name: path.read_bytes() for path in folder.glob(f"{store.name}*") if path.suffix != ".db-shm"}
        out = folder / "trace"
        assert trace(company, run, _NAMES, out, "-y", "-xx", "-s", "10000000")
        with out.open() as lines:
            return recorded(files, store, list(calls(lines)))


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """The calls of a trace, in the order in which they ended."""
    begun: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines):
        if (found := _CALL.match(line)) is None:
            continue
        thread, name, rest = found.groups()
        if rest.endswith(_UNFINISHED):
            begun[thread] = number, rest.removesuffix(_UNFINISHED)
            continue
        start, earlier = begun.pop(thread, (number, ""))
        result = _RESULT.search(rest)
        if result is not None and int(result[1]) >= 0:
            yield Call(name, start, number, earlier + rest, int(result[1]))


def recorded(files: Mapping[str, bytes], store: Path, all: Sequence[Call]) -> Recording:
    """What calls did to the files of a store, and the writes that they sent."""
    there = set(files)
    deeds: list[tuple[int, Deed]] = []
    sent: list[tuple[int, Sent]] = []
    open_requests: dict[str, tuple[int, bytes]] = {}
    for call in all:
        path = _path(call)
        if call.name == "sendto" and len(call.text) > 1:
            start, before = open_requests.pop(call.file, (call.began, b""))
            request, rest = take(before + call.text[: call.result])
            if request is None:
                open_requests[call.file] = start, rest
            else:
                sent += [(start, one) for one in request.writes]
        elif path == store.parent and call.name in ("fsync", "fdatasync"):
            deeds.append((call.ended, Sync()))
        elif (
            path.parent == store.parent
            and path.name.startswith(store.name)
            and not path.name.endswith(("-shm", ".lock"))
        ):
            deeds += _deed(call, path.name, there)
    assert not open_requests, "every request was sent to its end"
    return Recording(files, sorted(deeds, key=lambda one: one[0]), sent)


def _path(call: Call) -> Path:
    return Path(call.text.decode() if call.name in ("openat", "unlink", "unlinkat") else call.file)


def _deed(call: Call, name: str, there: set[str]) -> Iterator[tuple[int, Deed]]:
    match call.name:
        case "openat" if name not in there:
            there.add(name)
            yield call.began, Made(name)
        case "unlink" | "unlinkat":
            there.discard(name)
            yield call.began, Gone(name)
        case "pwrite64":
            yield call.began, Write(name, _last_number(call), call.text[: call.result])
        case "ftruncate":
            yield call.began, Cut(name, _last_number(call))
        case "fsync" | "fdatasync":
            yield call.ended, Sync(name)


def _last_number(call: Call) -> int:
    return int(call.arguments.rpartition(")")[0].rpartition(",")[2])


def cut_power(recording: Recording, number: int, seed: int = 1) -> Images:
    """Make and look at so many images, half of them of moments when something has just been sent."""
    chance = random.Random(seed)
    images = Images()
    moments = sorted(_moments(recording, number, chance))
    disk, done = Disk(recording.files), 0
    with tempfile.TemporaryDirectory(dir=_QUICK if _QUICK.is_dir() else None) as folder:
        for moment in moments:
            while done < len(recording.deeds) and recording.deeds[done][0] <= moment:
                disk.do([recording.deeds[done][1]])
                done += 1
            place = Path(folder) / f"{images.looked_at}"
            place.mkdir()
            for name, content in disk.cut_power(chance).items():
                (place / name).write_bytes(content)
            _look(place, moment, [one for at, one in recording.sent if at <= moment], images)
            shutil.rmtree(place)  # thousands would fill the memory that they are in
    return images


def _moments(recording: Recording, number: int, chance: random.Random) -> Iterator[int]:
    last = max(at for at, _ in recording.deeds)
    yield from (chance.randint(0, last) for _ in range(number - number // 2))
    yield from (chance.choice(recording.sent)[0] for _ in range(number // 2))


def _look(place: Path, moment: int, sent: Sequence[Sent], images: Images) -> None:
    images.looked_at += 1
    try:
        store = Store.open(f"sqlite:///{place / 'sandbox.db'}")
        try:
            with store.reading() as connection:
                said = connection.scalars(sa.text("PRAGMA integrity_check")).all()
                if said != ["ok"]:
                    raise StoreError(str(said))
                made, touched = _known(connection)
        finally:
            store.close()
    except StoreError as error:
        images.damaged += 1
        images.faults.append(f"line {moment}: {error.message}")
        return
    forgotten = [one for one in sent if one.id not in (made if one.op == "create" else touched)]
    if forgotten:
        images.forgetful += 1
        images.faults.append(f"line {moment}: {len(forgotten)} of {len(sent)} are forgotten, {forgotten[:3]}")


def _known(connection: sa.Connection) -> tuple[set[str], set[str]]:
    """The ids of records of which the store says that they were made, and those that may have been written at all."""
    columns = (coupling.c.crm_id, coupling.c.nav_id, extra.c.id, outcome.c.source_id)
    made = {str(id) for column in columns for id in connection.scalars(sa.select(column))}
    for one in open_intents(connection):
        made |= {id for create in one.creates for id in (create.source_id, create.target_id) if id is not None}
    return made, made | {str(id) for id in connection.scalars(sa.select(overwritten.c.target_id))}


def _plain(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _measure() -> Measured:
    if reason := missing():
        return Measured(f"skipped: {reason}", met=False)
    with tempfile.TemporaryDirectory() as folder:
        images = cut_power(record(Path(folder), *SIZE), IMAGES)
    text = f"{images.damaged} / {images.forgetful} of {images.looked_at:,}"
    return Measured(text, images.looked_at == IMAGES and not images.faults, tuple(images.faults))


LINES = (Line("power cuts: state stores damaged / that forgot what was sent", f"0 / 0 of {IMAGES:,}", _measure),)
