import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.tui.made.runs import NOW
from tests.tui.script import ScriptedDoor
from tests.tui.terminal import ROOT, Terminal, python
from tui.dialogs.confirm import Confirm, TypeName
from tui.dialogs.leave import Leave
from tui.dialogs.partner import Partner
from tui.dialogs.question import Question
from tui.widgets import aside, coupled, passes, plans, problems, rivals

Play = Callable[..., Terminal]


@pytest.fixture
def door() -> ScriptedDoor:
    return ScriptedDoor()


@pytest.fixture(autouse=True)
def _same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(passes, "now", lambda: NOW)
    monkeypatch.setattr(problems, "now", lambda: NOW)
    monkeypatch.setattr(coupled, "now", lambda: NOW)
    monkeypatch.setattr(plans, "now", lambda: NOW)
    monkeypatch.setattr(rivals, "now", lambda: NOW)
    monkeypatch.setattr(aside, "now", lambda: NOW)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dialogs hear keys almost at once; what they do with keys that come too early has tests of its own."""
    for dialog in (Confirm, TypeName, Leave, Partner, Question):
        monkeypatch.setattr(dialog, "ARM", 0.01)


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    """Starts the screens over a scripted door, as a process on a terminal."""
    made: list[Terminal] = []

    def start(what: str = "calm", command: Sequence[str] = (), **more: str) -> Terminal:
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
        command = command or python("-m", "tests.tui.play", what, str(tmp_path / "tui.log"))
        terminal = Terminal(command, cwd=tmp_path, env={**env, "LANG": "C.UTF-8", **more})
        made.append(terminal)
        return terminal

    yield start
    for one in made:
        one.close()
