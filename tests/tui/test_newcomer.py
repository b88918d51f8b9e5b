"""`coupler` on a real terminal where there is no config file yet."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tui.terminal import ROOT, Terminal, python

Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the program in an empty folder."""
    made: list[Terminal] = []

    def begin(*arguments: str) -> Terminal:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path / "cfg"),
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        made.append(Terminal(python("-m", "tui", *arguments), cwd=tmp_path, env=env))
        return made[-1]

    yield begin
    for one in made:
        one.close()


def test_what_is_needed_is_filled_in_saved_and_used(start: Start, tmp_path: Path) -> None:
    terminal = start()
    terminal.until("Welcome. There is no config file yet")
    terminal.until("> -    Environment")
    for row, label, value in (
        ("2", "> NAV  Address", "http://127.0.0.1:1/BC/ODataV4"),
        ("3", "> NAV  Company", "CRONUS"),
        ("8", "> CRM  Organization", "http://127.0.0.1:2"),
    ):
        terminal.type(row)
        terminal.until(label)
        terminal.type("\r")
        terminal.until("esc Leave it as it is")
        terminal.type(f"{value}\r")
        terminal.until(lambda: "esc Leave it as it is" not in terminal.text)
        terminal.until(f"{value}")
    terminal.type("w")
    terminal.until("A new file")
    for _ in range(20):  # the question hears no keys that come too early
        terminal.type("y")
        terminal.read(0.2)
        if "Save the connections" not in terminal.text:
            break
    terminal.until("RESOURCE-PRODUCT", 60)
    terminal.until("CRONUS / 127.0.0.1:2 (uat)", 60)
    path = tmp_path / "cfg" / "coupler" / "config.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.restored


def test_the_demo_is_a_key_away(start: Start, tmp_path: Path) -> None:
    terminal = start()
    terminal.until("d Demo")
    terminal.type("d")
    terminal.until("ITEM-PRODUCT", 180)
    terminal.until("q Quit")
    terminal.type("q")
    assert terminal.ended(60) == 0
    assert terminal.restored
    assert not (tmp_path / "cfg").exists()


def test_leaving_leaves_nothing(start: Start, tmp_path: Path) -> None:
    terminal = start()
    terminal.until("q Quit")
    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.restored
    assert not (tmp_path / "cfg").exists()


def test_a_config_file_that_was_named_and_is_not_there_is_an_error_as_before(start: Start) -> None:
    terminal = start("--config", "there-is-none.toml")
    assert terminal.ended() == 2
    assert b"there is no such file" in terminal.raw


def test_a_config_file_with_faults_is_told_with_all_of_them(start: Start, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('environment = "uat"\n[nav]\nurl = "x"\n')
    terminal = start()
    assert terminal.ended() == 2
    for fault in (b"nav.url", b"nav.company", b"crm"):
        assert fault in terminal.raw
