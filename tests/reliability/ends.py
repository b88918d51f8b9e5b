"""How each way to end a command or the screens leaves the terminal, the exit code and the run, on real terminals.

In every case one terminal shows a run in lines (`coupler run`, then `coupler resume`), another one on the screens
(`coupler attach`).
"""

import contextlib
import fcntl
import os
import signal
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.line import Line, Measured, noting
from tests.reliability.trial import slowed, undisturbed
from tests.runs.company import COUPLER, QUIETLY, Company, eventually
from tests.runs.whole import Whole
from tests.tui.terminal import Terminal

SIZE = ("--demo-size", "250")
_MODES = (b"1049", b"1000", b"1003", b"2004")
_LOGIN = ("-m", "tests.reliability.login")
_NO_UTF_8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""Python takes UTF-8 for C otherwise."""
_CRASHING = ("-m", "tests.reliability.crashing")


@dataclass
class Scene:
    """A run that goes on, and the two terminals that show it."""

    company: Company
    lines: Terminal
    screens: Terminal | None

    @property
    def terminals(self) -> list[Terminal]:
        """Those that there are."""
        return [self.lines] if self.screens is None else [self.lines, self.screens]

    @property
    def shown(self) -> Terminal:
        """That of the screens."""
        assert self.screens is not None
        return self.screens


@dataclass(frozen=True)
class Case:
    """What happens, with which exit codes (None: it has not ended, or is not there), and whether the engine goes on.

    `way` is how the screens are started, on a terminal of the kind `term`, and `first` what is to be seen on it before.
    Without `utf_8`, all that is started has a locale that knows ASCII only.
    """

    name: str
    happen: Callable[[Scene], None]
    lines: int | None
    screens: int | None
    goes_on: bool
    way: tuple[str, ...] | None = ("-m", "tui")
    term: str = "xterm-256color"
    first: str = "CUSTOMER"
    utf_8: bool = True


@dataclass
class Ends:
    """`right` are cases in which all was as it must be, also the end of the run."""

    tried: int = 0
    right: int = 0
    faults: list[str] = field(default_factory=list)


def end_in_every_way(cases: Sequence[Case], size: Sequence[str] = SIZE) -> Ends:
    """Try the cases, one after the other, on as few runs as that takes; each run must end like an undisturbed one."""
    ends = Ends()
    left = list(cases)
    with tempfile.TemporaryDirectory() as folder:
        whole = undisturbed(Path(folder), size)
        while left:
            before, wrong = len(left), list[str]()
            with contextlib.closing(Company(Path(folder) / f"{before}", *size)) as company, slowed(company):
                while left and (company.status().get("state") in (None, "stopped", "interrupted")):
                    case = left.pop(0)
                    with noting(wrong, case.name):
                        _try(company, case)
                tried = before - len(left)
                if company.status()["state"] != "finished":
                    company.coupler("resume", *QUIETLY)
                if differs := whole.differences(Whole(company)):
                    wrong.append(f"the end after {', '.join(one.name for one in cases[-before:][:tried])}: {differs}")
                    tried, ends.tried = 0, ends.tried + tried
            ends.tried += tried
            ends.right += max(0, tried - len(wrong))
            ends.faults += wrong
    return ends


def _try(company: Company, case: Case) -> None:
    command = "resume" if company.status() else "run"
    login = _LOGIN if case.way == _LOGIN else ("-m", "tui")
    lines = _terminal(company, "lines", login, command, *QUIETLY, utf_8=case.utf_8)
    screens = None
    try:
        lines.until("job=", 60)
        engine = eventually(company.engine)
        if case.way is not None:
            screens = _terminal(company, "screens", case.way, "attach", utf_8=case.utf_8, term=case.term)
            screens.until(case.first, 60)
        scene = Scene(company, lines, screens)
        case.happen(scene)
        for terminal, name, code in ((lines, "lines", case.lines), (screens, "screens", case.screens)):
            if terminal is not None and code is not None:
                ended = _code(company, terminal, name, case)
                assert ended == code, f"{name} ended with {ended}, not {code}: {terminal.text[-600:]}"
                _left_clean(terminal, case)
        time.sleep(0.7)
        if case.goes_on:
            assert company.engine() == engine or company.status()["state"] == "finished", "the engine goes on"
            company.coupler("stop")
        eventually(lambda: not company.engine())
        state = company.status()["state"]
        assert state == "stopped" or (case.goes_on and state == "finished"), state
    finally:
        company.coupler("stop")
        for one in (lines, screens):
            if one is not None:
                one.close()


def _terminal(
    company: Company,
    name: str,
    way: Sequence[str],
    *arguments: str,
    utf_8: bool,
    term: str = "xterm-256color",
) -> Terminal:
    env = {**company.environment, "TERM": term, **({"LANG": "C.UTF-8"} if utf_8 else _NO_UTF_8)}
    code = (str(company.folder / f"{name}.code"), *COUPLER) if way == _LOGIN else ()
    command = [sys.executable, "-P", *way, *code, *arguments, "--config", str(company.config)]
    return Terminal(command, cwd=company.folder, env=env)


def _code(company: Company, terminal: Terminal, name: str, case: Case) -> int:
    if case.happen is _closed:
        return terminal.process.wait(40)
    if case.way != _LOGIN:
        return terminal.ended(40)
    told = company.folder / f"{name}.code"
    return int(eventually(lambda: told.exists() and told.read_text().strip()))


def _left_clean(terminal: Terminal, case: Case) -> None:
    if case.happen in (_closed, _logged_out):
        return  # there is nothing left to be clean
    assert terminal.restored, "the terminal is not as it was"
    for mode in _MODES:
        on, off = terminal.raw.rfind(b"\x1b[?" + mode + b"h"), terminal.raw.rfind(b"\x1b[?" + mode + b"l")
        assert on <= off or on == -1, f"mode {mode!r} is left on"
    assert terminal.raw.rfind(b"\x1b[?25l") <= terminal.raw.rfind(b"\x1b[?25h"), "the cursor is left off"
    assert b"canary" not in terminal.raw
    assert b"Traceback" not in terminal.raw


def _both(number: signal.Signals) -> Callable[[Scene], None]:
    def send(scene: Scene) -> None:
        for one in scene.terminals:
            one.kill(number)

    return send


def _typed_twice(scene: Scene) -> None:
    """Ctrl+C, and again while the servers keep the engine from its checkpoint; the screens ask what is meant."""
    with scene.company.hanging():
        scene.lines.type("\x03")
        time.sleep(1)
        begun = time.monotonic()
        scene.lines.type("\x03")
        scene.lines.ended(5)
        assert time.monotonic() - begun < 1.5, "the second one does not wait"


def _left(scene: Scene) -> None:
    scene.shown.type("q")
    scene.shown.until("d  Detach")
    time.sleep(0.8)
    scene.shown.type("d")


def _resized(scene: Scene) -> None:
    for columns, rows in ((20, 5), (300, 90), (1, 1), (80, 21), (79, 22), (132, 43)) * 8 + ((80, 24),):
        fcntl.ioctl(scene.shown.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        scene.shown.read(0.02)
    time.sleep(0.5)
    _left(scene)


def _small(scene: Scene) -> None:
    """It says that it is too small, and shows the run again when it is not."""
    for size, seen in (((5, 20), "Need 80x22,"), ((24, 80), "CUSTOMER")):
        scene.shown.screen.reset()
        fcntl.ioctl(scene.shown.slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        scene.shown.until(seen)
    assert scene.shown.raw.isascii(), "letters that the terminal has no codes for"
    _left(scene)


def _closed(scene: Scene) -> None:
    for one in scene.terminals:
        for handle in (one.slave, one.master):
            os.close(handle)
        one.master, one.slave = os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_RDONLY)


def _logged_out(scene: Scene) -> None:
    for one in scene.terminals:
        one.process.kill()
        one.process.wait()


def _nothing(_: Scene) -> None:
    """It ends by itself."""


def _no_terminal(scene: Scene) -> None:
    refused = scene.company.coupler("run")
    assert refused.returncode == 2, "nobody can be asked"
    watcher = scene.company.start("attach")
    assert watcher.stdout is not None
    said = watcher.stdout.readline()
    watcher.send_signal(signal.SIGTERM)
    rest, _ = watcher.communicate(timeout=30)
    assert watcher.returncode == 143
    assert "job=" in said
    assert "\x1b" not in said + rest


def _dumb(scene: Scene) -> None:
    scene.shown.kill(signal.SIGTERM)
    scene.shown.ended()
    assert b"\x1b" not in scene.shown.raw, "escape codes on a terminal that has none"


CASES = (
    Case("SIGTERM", _both(signal.SIGTERM), 143, 143, goes_on=False),
    Case("SIGHUP", _both(signal.SIGHUP), 129, 129, goes_on=True),
    Case("SIGINT", _both(signal.SIGINT), 130, 130, goes_on=False),
    Case("Ctrl+C twice", _typed_twice, 130, None, goes_on=False, way=None),
    Case("SIGQUIT", _both(signal.SIGQUIT), -signal.SIGQUIT, 131, goes_on=True),
    Case("closed terminal", _closed, 129, 129, goes_on=True),
    Case("line that drops", _logged_out, 129, 129, goes_on=True, way=_LOGIN),
    Case("crash", _nothing, None, 70, goes_on=True, way=_CRASHING, first="internal error"),
    Case("leaving", _left, None, 0, goes_on=True),
    Case("resizing", _resized, None, 0, goes_on=True),
    Case("20x5 without UTF-8", _small, None, 0, goes_on=True, utf_8=False),
    Case("no terminal", _no_terminal, None, None, goes_on=True, way=None),
    Case("TERM=dumb", _dumb, None, 143, goes_on=True, term="dumb", first="job="),
)


def _measure() -> Measured:
    ends = end_in_every_way(CASES)
    met = ends.right == ends.tried == len(CASES)
    return Measured(f"{ends.right}/{ends.tried}", met, tuple(ends.faults))


LINES = (Line("terminal restored and exit code right", f"{len(CASES)}/{len(CASES)}", _measure),)
