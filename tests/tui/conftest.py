import pytest

from tests.tui.script import NOW, ScriptedDoor
from tui.dialogs.confirm import Confirm, TypeName
from tui.dialogs.leave import Leave
from tui.dialogs.partner import Partner
from tui.dialogs.question import Question
from tui.widgets import passes, problems


@pytest.fixture
def door() -> ScriptedDoor:
    return ScriptedDoor()


@pytest.fixture(autouse=True)
def _same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(passes, "now", lambda: NOW)
    monkeypatch.setattr(problems, "now", lambda: NOW)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dialogs hear keys almost at once; what they do with keys that come too early has tests of its own."""
    for dialog in (Confirm, TypeName, Leave, Partner, Question):
        monkeypatch.setattr(dialog, "ARM", 0.01)
