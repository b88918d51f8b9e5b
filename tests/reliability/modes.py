"""Files and folders that Coupler makes are their owner's alone whatever the umask, and links in their places are refused."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.config import load
from engine.store.database import Store
from engine.store.lock import engine_lock
from tests.cli.conftest import CONFIG
from tests.reliability.line import Line, Measured
from tests.reports.made import made_report
from tests.runs.company import QUIETLY, Company
from tui import diagnostics
from tui.reports import files
from tui.reports.page import page

UMASKS = (0o000, 0o022)
_OURS = frozenset({"servers.log", "whole-000", "whole-022", "parts-000", "parts-022"})
"""What this measure makes itself."""


@dataclass
class Made:
    """`files` and folders were looked at; `links` were planted, `followed` are those through which something was written."""

    files: int = 0
    links: int = 0
    wide: list[str] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)


def make_all() -> Made:
    """Have everything made under each umask, and look at the modes; then with links in the places."""
    made = Made()
    with tempfile.TemporaryDirectory() as name:
        for mask in UMASKS:
            with _umask(mask):
                _whole(made, Path(name) / f"whole-{mask:03o}")
        _small(made, Path(name))
    return made


def make_parts() -> Made:
    """The same without a whole run."""
    made = Made()
    with tempfile.TemporaryDirectory() as name:
        _small(made, Path(name))
    return made


def _small(made: Made, folder: Path) -> None:
    for mask in UMASKS:
        with _umask(mask):
            _parts(made, folder / f"parts-{mask:03o}")
    for place in _PLACES:
        _plant(made, folder, place)


@contextlib.contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def _look(made: Made, folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.name in _OURS or path.is_symlink():
            continue
        made.files += 1
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & ~(0o700 if path.is_dir() else 0o600):
            made.wide.append(f"{path.relative_to(folder.parent)}: {mode:04o}")


def _whole(made: Made, folder: Path) -> None:
    """Servers with their files, a run, and a mapping that was set back."""
    folder.mkdir()
    with contextlib.closing(Company(folder, "--demo-size", "30")) as company:
        done = company.coupler("run", *QUIETLY)
        if done.returncode not in (0, 1):
            made.wide.append(f"the run failed: {done.stderr[-300:]}")
        with company.config.open("a") as file:
            file.write('\n[mapping.CUSTOMER]\ndirection = "to"\n')
        company.coupler("mappings", "CUSTOMER", "--use-defaults", "--yes")
        company.coupler("couplings", "import", "nothing.csv")
        _look(made, folder)
    _look(made, folder)


def _parts(made: Made, folder: Path) -> None:
    """Parts by themselves: they must not need the umask that the program sets."""
    folder.mkdir()
    with _at(folder):
        (folder / "config.toml").write_text(CONFIG)
        (folder / "config.toml").chmod(0o600)
        _store(folder)
        files.write_text("report", ["x"])
        files.write_csv("jobs", ("a",), [("b",)])
        for replace in (False, True):
            files.write(folder / "report.html", ["x"], replace=replace)
        with contextlib.redirect_stderr(None):
            diagnostics.fail(ValueError("x"))
        _tui_log(folder)
    _look(made, folder)


def _store(folder: Path) -> None:
    store = Store.open(f"sqlite:///{folder}/made/deep/store.db")
    with engine_lock(store), store.writing():
        pass
    store.close()


def _tui_log(folder: Path) -> None:
    """What the screens write when they fail."""
    from tests.tui.script import ScriptedDoor
    from tui.app import CouplerApp  # Textual takes long
    from tui.look import Look

    app = CouplerApp(ScriptedDoor(), Look(), log=folder / "state" / "coupler" / "log" / "tui.log")
    try:
        raise ValueError("x")
    except ValueError:
        app._fatal_error()


def _engine_log_path(folder: Path) -> Path:
    from engine.runs import process

    return process.log_path(load(folder / "config.toml"))


def _engine_log(folder: Path) -> None:
    from engine.runs import process

    os.kill(process.spawn(load(folder / "config.toml"), 999_999), 9)


def _crash(folder: Path) -> None:
    del folder
    with contextlib.redirect_stderr(None):
        diagnostics.fail(ValueError("x"))


@contextlib.contextmanager
def _at(folder: Path) -> Iterator[None]:
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        os.environ.pop("XDG_STATE_HOME") if before is None else os.environ.update(XDG_STATE_HOME=before)


@dataclass(frozen=True)
class Place:
    """A file that is written, and what writes it."""

    name: str
    path: str | Callable[[Path], Path]
    write: Callable[[Path], object]


_PLACES = (
    Place("the store", "made/deep/store.db", _store),
    Place("its lock", "made/deep/store.db.lock", _store),
    Place("its log of what is new", "made/deep/store.db-wal", _store),
    Place("its shared memory", "made/deep/store.db-shm", _store),
    Place("the log of the screens", "state/coupler/log/tui.log", _tui_log),
    Place("the log of engines", _engine_log_path, _engine_log),
    Place(
        "a report",
        "coupler-run-16.html",
        lambda folder: files.write_new("coupler-run-16", ".html", page(made_report())),
    ),
    Place("a page", "x.html", lambda folder: files.write(folder / "x.html", ["x"], replace=False)),
    Place(
        "a page that replaces another one", "y.html", lambda folder: files.write(folder / "y.html", ["x"], replace=True)
    ),
    Place("a csv file", "coupler-jobs.csv", lambda folder: files.write_csv("coupler-jobs", ("a",), [("b",)])),
)


def _plant(made: Made, folder: Path, place: Place) -> None:
    """A link to a file of somebody's, and one to what is not there: neither may be written or made."""
    for kind in ("there", "nowhere"):
        room = folder / f"{place.name}-{kind}".replace(" ", "-")
        room.mkdir()
        (room / "config.toml").write_text(CONFIG)
        target = room / "target"
        if kind == "there":
            target.write_bytes(b"")
            target.chmod(0o644)
        with _at(room):
            link = room / place.path if isinstance(place.path, str) else place.path(room)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)
            made.links += 1
            with contextlib.suppress(Exception):
                place.write(room)
        changed = (
            target.read_bytes() != b"" or target.stat().st_mode & 0o777 != 0o644 if kind == "there" else target.exists()
        )
        if changed:
            made.followed.append(f"{place.name}, a link to what is {kind}")


def _measure() -> Measured:
    made = make_all()
    text = f"{len(made.wide)} of {made.files}, {len(made.followed)} of {made.links} links followed"
    return Measured(text, not made.wide and not made.followed and made.files > 20, (*made.wide, *made.followed))


LINES: tuple[Line, ...] = (Line("files wider than 0600, folders wider than 0700", "0", _measure),)
