"""What has been measured of this program, so that a run of hours that is ended goes on where it was."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from tests.reliability.line import Line, Measured

_ROOT = Path(__file__).parents[2]
FOLDER = _ROOT / "build" / "reliability"
_PROGRESS = "seeds.json"


@dataclass(frozen=True)
class Kept:
    """A figure, when it was there, and how many seconds it took."""

    found: Measured
    at: datetime
    seconds: float


@cache
def program() -> str:
    """Another one as soon as a file of the program or a package is."""
    digest = hashlib.sha256((_ROOT / "requirements.lock").read_bytes())
    for room in ("engine", "sandbox", "tui"):
        for file in sorted((_ROOT / room).rglob("*.py")):
            digest.update(str(file.relative_to(_ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()


def keep(line: Line, kept: Kept, folder: Path) -> None:
    """Keep what has been measured of `line`; each line has a file of its own, so that several can be measured at once."""
    folder.mkdir(parents=True, exist_ok=True)
    text = {"line": line.name, "target": line.target, "program": program(), **asdict(kept), "at": kept.at.isoformat()}
    _file(line, folder).write_text(json.dumps(text, indent=1))


def kept(line: Line, folder: Path) -> Kept | None:
    """What has been kept of this line, this target and this program."""
    try:
        text = json.loads(_file(line, folder).read_text())
    except FileNotFoundError:
        return None
    if (text["line"], text["target"], text["program"]) != (line.name, line.target, program()):
        return None
    found = text["found"]
    measured = Measured(found["text"], met=found["met"], details=tuple(found["details"]))
    return Kept(measured, datetime.fromisoformat(text["at"]), text["seconds"])


@dataclass(frozen=True)
class Progress:
    """How many seeds have been played, and what failed."""

    played: int = 0
    failing: tuple[str, ...] = ()


def note(progress: Progress | None, folder: Path = FOLDER) -> None:
    """Keep how far a line of seeds is; None: forget it."""
    file = folder / _PROGRESS
    if progress is None:
        file.unlink(missing_ok=True)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"program": program(), **asdict(progress)}))


def noted(folder: Path = FOLDER) -> Progress:
    """How far a line of seeds is with this program."""
    try:
        text = json.loads((folder / _PROGRESS).read_text())
    except FileNotFoundError:
        return Progress()
    return Progress(text["played"], tuple(text["failing"])) if text["program"] == program() else Progress()


def _file(line: Line, folder: Path) -> Path:
    return folder / f"{hashlib.sha256(line.name.encode()).hexdigest()[:16]}.json"
