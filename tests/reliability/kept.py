"""What has been measured of this program, so that a run of hours that is ended goes on where it was."""

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from tests.reliability.line import Line, Measured

_ROOT = Path(__file__).parents[2]
FOLDER = _ROOT / "build" / "reliability"
_PROGRESS = "seeds.json"
_PROGRAM = ("engine", "sandbox", "tui", "requirements.lock")
_MODULE = re.compile(r"tests(\.\w+)+")
_SEEDS = "tests.reliability.simulation"
_BESIDE = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True)
class Kept:
    """A figure, when it was there, and how many seconds it took."""

    found: Measured
    at: datetime
    seconds: float


@cache
def program() -> str:
    """Another one as soon as a file of the program or of a package is."""
    return _digest(sorted(_program(_ROOT)))


@cache
def basis(module: str, rests_on: tuple[str, ...] = ()) -> str:
    """Another one as soon as the program is, or what the module of a line measures with, or a file of `rests_on`."""
    return _digest(files(_ROOT, module, rests_on))


def files(root: Path, module: str, rests_on: tuple[str, ...] = ()) -> list[Path]:
    """All on which a figure rests, in order: the program, the modules that measure it, and whatever they may read."""
    found = _program(root) | {file for place in rests_on for file in _within(root / place)}
    new = found | {file for file in [_module(module, root)] if file.is_file()}
    while new:
        found |= new
        new = {one for file in new if file.suffix == ".py" for one in _named(file, root)} - found
    return sorted(found)


def _program(root: Path) -> set[Path]:
    return {file for place in _PROGRAM for file in _within(root / place)}


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(_ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _module(name: str, root: Path) -> Path:
    return root / f"{name.replace('.', '/')}.py"


def _within(place: Path) -> Iterator[Path]:
    for one in [place] if place.is_file() else place.rglob("*"):
        if one.is_file() and "__pycache__" not in one.parts:
            yield one


def _named(module: Path, root: Path) -> Iterator[Path]:
    """The modules of `tests` that one of them imports, wherever in it, or starts by their name, and the files beside it
    that it names.
    """
    if root / "tests" not in module.parents:
        return
    for one in ast.walk(ast.parse(module.read_bytes())):
        names = [one.module or ""] if isinstance(one, ast.ImportFrom) else []
        names += [f"{names[0]}.{each.name}" for each in one.names] if isinstance(one, ast.ImportFrom) else []
        names += [each.name for each in one.names] if isinstance(one, ast.Import) else []
        names += [one.value] if isinstance(one, ast.Constant) and isinstance(one.value, str) else []
        for name in names:
            if _MODULE.fullmatch(name):
                yield from (file for file in (_module(name, root), _module(f"{name}.__main__", root)) if file.is_file())
            elif _BESIDE.fullmatch(name):
                yield from _within(module.parent / name)


def keep(line: Line, kept: Kept, folder: Path) -> None:
    """Keep what has been measured of `line`; each line has a file of its own, so that several can be measured at once."""
    folder.mkdir(parents=True, exist_ok=True)
    text = {
        "line": line.name,
        "target": line.target,
        "basis": _basis(line),
        **asdict(kept),
        "at": kept.at.isoformat(),
    }
    _file(line, folder).write_text(json.dumps(text, indent=1))


def kept(line: Line, folder: Path) -> Kept | None:
    """What has been kept of this line, its target, this program and what measures it."""
    try:
        text = json.loads(_file(line, folder).read_text())
    except FileNotFoundError:
        return None
    if (text["line"], text["target"], text["basis"]) != (line.name, line.target, _basis(line)):
        return None
    found = text["found"]
    measured = Measured(found["text"], met=found["met"], details=tuple(found["details"]))
    return Kept(measured, datetime.fromisoformat(text["at"]), text["seconds"])


@dataclass(frozen=True)
class Progress:
    """How many seeds have been played, and what failed."""

    played: int = 0
    failing: tuple[str, ...] = ()


def note(progress: Progress | None, folder: Path) -> None:
    """Keep how far a line of seeds is; None: forget it."""
    file = folder / _PROGRESS
    if progress is None:
        file.unlink(missing_ok=True)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"basis": basis(_SEEDS), **asdict(progress)}))


def noted(folder: Path) -> Progress:
    """How far a line of seeds is with this program."""
    try:
        text = json.loads((folder / _PROGRESS).read_text())
    except FileNotFoundError:
        return Progress()
    return Progress(text["played"], tuple(text["failing"])) if text["basis"] == basis(_SEEDS) else Progress()


def _basis(line: Line) -> str:
    return basis(line.measure.__module__, line.rests_on)


def _file(line: Line, folder: Path) -> Path:
    return folder / f"{hashlib.sha256(line.name.encode()).hexdigest()[:16]}.json"
