"""Hostile texts on the screens of a real pty: nothing is written there that a harmless name would not have written."""

import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from textual.content import Content

from engine.model.snapshot import RunState
from tests.reliability.hostile import HostileDoor
from tests.reliability.payloads import SAMPLE, Shown, foreign
from tests.tui.made.runs import made_run
from tests.tui.terminal import ROOT, Terminal, python
from tui.app import CouplerApp, show
from tui.look import Look
from tui.screens.page import Page
from tui.widgets.line import Line

_SEQUENCE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]"
    rb"|\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    rb"|[PX^_k][^\x07\x1b]*(?:\x07|\x1b\\)?"
    rb"|[ -/]*[0-~])"
    rb"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
"""Control sequences whole, with all that they are given."""
_MOVE = re.compile(rb"\x1b\[\d+;\d+H")
"""Where the next letters stand; this differs with what is shown."""
_PATIENCE = 20.0


def on_a_terminal(texts: Sequence[str] = SAMPLE) -> Shown:
    """Show each text on the screens that an operator looks through, and look at all that was written."""
    shown = Shown()
    with tempfile.TemporaryDirectory() as folder:
        neutral = _written(Path(folder), "Acme", shown)
        for text in texts:
            _compare(shown, text, _written(Path(folder), text, shown), neutral)
    return shown


def spoiled(texts: Sequence[str]) -> Shown:
    """The same with one line of the first screen that writes the text as it is: what would be found then."""
    shown = Shown()
    with tempfile.TemporaryDirectory() as folder:
        neutral = _written(Path(folder), "Acme", shown)
        for text in texts:
            _compare(shown, text, _head_only(Path(folder), text), neutral)
    return shown


def _compare(shown: Shown, text: str, raw: bytes, neutral: bytes) -> None:
    shown.places.add("a terminal")
    shown.shows += 1
    for one in sorted((_sequences(raw) - _sequences(neutral)) | (_verbatim(text, raw) - _verbatim(text, neutral))):
        shown.foreign.append(f"on a terminal: {text!r}: {one!r}")


def _sequences(raw: bytes) -> set[bytes]:
    """All that a terminal obeys, but for moves, and all letters that nobody sees."""
    sequences = {found.group() for found in _SEQUENCE.finditer(raw)}
    letters = {one.encode("utf-8", "surrogateescape") for one in foreign(raw.decode("utf-8", "surrogateescape"))}
    return {one for one in sequences if not _MOVE.fullmatch(one)} | {
        one for one in letters if len(one) > 1 or one[0] > 0x7F
    }


def _verbatim(text: str, raw: bytes) -> set[bytes]:
    """The sequences of a text that were written between the letters which they have in it: those that Textual writes too."""
    whole = text.encode("utf-8", "surrogatepass")
    found = [*_SEQUENCE.finditer(whole), *re.finditer(rb"[\t\r\n]", whole)]
    between = {whole[max(0, one.start() - 1) : one.end() + 1] for one in found}
    return {one for one in between if len(one) > 1 and one in raw}


def _written(folder: Path, text: str, shown: Shown) -> bytes:
    terminal = _started(folder, text)
    try:
        terminal.until("q Quit", _PATIENCE)
        for key, sign in (
            ("e", "enter Open"),
            ("h", "enter Errors"),
            ("u", "space Pause"),
            ("c", "enter Fields"),
            ("S", "h Hold"),
        ):
            terminal.type(key)
            terminal.until(sign, _PATIENCE)
            terminal.type("\x1b")
            terminal.until("S Schedule", _PATIENCE)
            terminal.read(0.1)
        terminal.type("q")
        terminal.until("Stay", _PATIENCE)
        terminal.read(0.1)
        time.sleep(0.5)  # the question hears no keys that come too early
        terminal.type("d")
        if code := terminal.ended():
            shown.crashes.append(f"on a terminal: {text!r}: exit code {code}: {terminal.text[-600:]}")
    except AssertionError as error:
        shown.crashes.append(f"on a terminal: {text!r}: {str(error)[-600:]}")
    finally:
        terminal.close()
    return terminal.raw


def _head_only(folder: Path, text: str) -> bytes:
    """What is written until the spoiled line is there; nobody can say what such a screen looks like."""
    terminal = _started(folder, text, "spoiled")
    try:
        terminal.until(lambda: b"S Schedule" in terminal.raw, _PATIENCE)
        for _ in range(5):
            terminal.read(0.2)
    finally:
        terminal.close()
    return terminal.raw


def _started(folder: Path, text: str, *more: str) -> Terminal:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    told = text.encode("utf-8", "surrogatepass").hex()
    return Terminal(python("-m", "tests.reliability.sequences", told, *more), cwd=folder, env=env)


class _App(CouplerApp):
    CSS_PATH = str(ROOT / "tui" / "tui.tcss")


def raw_head(page: Page, left: str, right: str = "", *, keep_left: bool = False) -> None:
    """A `Page.head` that writes what it was given as it is."""
    del left, right, keep_left
    page.query_one("#head", Line).put(Content(page.door.environment))


def main() -> None:
    """Show the screens with a text in everything, for the pty."""
    door = HostileDoor()
    door.put(made_run(RunState.RUNNING))
    door.take(bytes.fromhex(sys.argv[1]).decode("utf-8", "surrogatepass"))
    if "spoiled" in sys.argv:
        setattr(Page, "head", raw_head)  # noqa: B010 - to a method mypy lets nobody assign
    os._exit(show(_App(door, Look(hz=4))))


if __name__ == "__main__":
    main()
