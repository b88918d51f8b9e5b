"""What has been measured of this program, so that a run of hours that is ended goes on where it was."""

import ast
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from tests.reliability.line import Line, Measured

_ROOT = Path(__file__).parents[2]
FOLDER = _ROOT / "build" / "reliability"
_PROGRESS = "seeds.json"
_PROGRAM = ("engine", "sandbox", "tui", "requirements.lock")
ROOMS = ("tests/sim", "tests/reliability", "tests/runs")
"""What measures; what their modules import of other rooms of `tests` belongs to it."""


@dataclass(frozen=True)
class Kept:
    """A figure, when it was there, and how many seconds it took."""

    found: Measured
    at: datetime
    seconds: float


@cache
def program(rests_on: tuple[str, ...] = ()) -> str:
    """Another one as soon as a file of the program, of a package, of what measures or of `rests_on` is."""
    digest = hashlib.sha256()
    for file in files(_ROOT, rests_on):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(_ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def files(root: Path, rests_on: tuple[str, ...] = ()) -> list[Path]:
    """All on which a figure rests, in order: whatever is there, not only modules."""
    found = {file for place in (*_PROGRAM, *ROOMS, *rests_on) for file in _within(root / place)}
    new = set(found)
    while new:
        new = {one for file in new if file.suffix == ".py" for one in _imported(file, root)} - found
        found |= new
    return sorted(found)


def _within(place: Path) -> Iterator[Path]:
    for one in [place] if place.is_file() else place.rglob("*"):
        if one.is_file() and "__pycache__" not in one.parts:
            yield one


def _imported(module: Path, root: Path) -> Iterator[Path]:
    """The modules of `tests` that one of them imports, wherever in it."""
    if root / "tests" not in module.parents:
        return
    for one in ast.walk(ast.parse(module.read_bytes())):
        names = [one.module or ""] if isinstance(one, ast.ImportFrom) else []
        names += [f"{names[0]}.{each.name}" for each in one.names] if isinstance(one, ast.ImportFrom) else []
        names += [each.name for each in one.names] if isinstance(one, ast.Import) else []
        for name in names:
            file = root / f"{name.replace('.', '/')}.py"
            if name.startswith("tests.") and file.is_file():
                yield file


def keep(line: Line, kept: Kept, folder: Path) -> None:
    """Keep what has been measured of `line`; each line has a file of its own, so that several can be measured at once."""
    folder.mkdir(parents=True, exist_ok=True)
    text = {
        "line": line.name,
        "target": line.target,
        "program": program(line.rests_on),
        **asdict(kept),
        "at": kept.at.isoformat(),
    }
    _file(line, folder).write_text(json.dumps(text, indent=1))


def kept(line: Line, folder: Path) -> Kept | None:
    """What has been kept of this line, this target and this program."""
    try:
        text = json.loads(_file(line, folder).read_text())
    except FileNotFoundError:
        return None
    if (text["line"], text["target"], text["program"]) != (line.name, line.target, program(line.rests_on)):
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
        file.write_text(json.dumps({"program": program(), **asdict(progress)}))


def noted(folder: Path) -> Progress:
    """How far a line of seeds is with this program."""
    try:
        text = json.loads((folder / _PROGRESS).read_text())
    except FileNotFoundError:
        return Progress()
    return Progress(text["played"], tuple(text["failing"])) if text["program"] == program() else Progress()


def _file(line: Line, folder: Path) -> Path:
    return folder / f"{hashlib.sha256(line.name.encode()).hexdigest()[:16]}.json"
