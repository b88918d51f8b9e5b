import os
import re
import signal
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.tui.conftest import Play
from tests.tui.terminal import ROOT, Terminal, python


def _left_clean(terminal: Terminal) -> None:
    assert terminal.restored
    for mode in (b"1049", b"1000", b"1003", b"2004"):
        on, off = terminal.raw.rfind(b"\x1b[?" + mode + b"h"), terminal.raw.rfind(b"\x1b[?" + mode + b"l")
        assert on <= off or on == -1, mode
    assert terminal.raw.rfind(b"\x1b[?25l") < terminal.raw.rfind(b"\x1b[?25h")


def test_starts_and_quits(play: Play) -> None:
    terminal = play()
    terminal.until("RESOURCE-PRODUCT")
    terminal.until("q Quit")
    terminal.type("q")
    assert terminal.ended() == 0
    _left_clean(terminal)


@pytest.mark.parametrize(
    "locale",
    [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii"}],
    ids=["locale", "encoding"],
)
def test_a_terminal_without_utf_8_shows_the_same_in_the_same_columns(play: Play, locale: dict[str, str]) -> None:
    shown = []
    for more in ({}, locale):
        terminal = play("calm", **more)
        terminal.until("ITEM-PRODUCT")
        terminal.until("q Quit")
        terminal.read(0.5)  # what is known a little later stands there too
        shown.append(terminal.text)
        terminal.type("q")
        assert terminal.ended() == 0
        _left_clean(terminal)
    assert shown[0].isascii(), "in ASCII mode, which is the default"
    assert shown[1] == shown[0]


def test_a_letter_as_wide_as_two_leaves_two_columns_where_it_has_no_code(play: Play) -> None:
    terminal = play("wide", PYTHONIOENCODING="ascii")
    terminal.until("???????? CRONUS")
    terminal.type("q")
    assert terminal.ended() == 0


def test_ctrl_c_quits(play: Play) -> None:
    terminal = play()
    terminal.until("RESOURCE-PRODUCT")
    terminal.type("\x03")
    assert terminal.ended() == 0
    _left_clean(terminal)


def test_leaving_a_run_says_that_it_goes_on(play: Play) -> None:
    terminal = play("running")
    terminal.until("u = watch")
    terminal.type("q")
    terminal.until("d  Detach")
    sleep(0.5)
    terminal.type("d")
    assert terminal.ended() == 0
    assert b"Run 16 keeps going; `coupler attach` shows it." in terminal.raw
    _left_clean(terminal)


@pytest.mark.parametrize("what", ["calm", "running", "asking"])
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGQUIT, 131)],
    ids=["hup", "int", "term", "quit"],
)
def test_signals(play: Play, what: str, number: signal.Signals, code: int) -> None:
    terminal = play(what)
    terminal.until("if Yes" if what == "asking" else "RESOURCE-PRODUCT")
    terminal.kill(number)
    assert terminal.ended() == code
    _left_clean(terminal)


def test_a_second_signal_does_not_change_the_code(play: Play) -> None:
    terminal = play()
    terminal.until("RESOURCE-PRODUCT")
    terminal.kill(signal.SIGTERM)
    sleep(0.02)
    terminal.kill(signal.SIGHUP)
    assert terminal.ended() == 143
    _left_clean(terminal)


def test_a_terminal_that_nobody_reads_does_not_keep_it_alive(play: Play) -> None:
    terminal = play("busy")
    terminal.until("RESOURCE-PRODUCT")
    sleep(5)
    begun = monotonic()
    terminal.kill(signal.SIGTERM)
    assert terminal.ended(read=False) == 143
    assert monotonic() - begun < 4
    assert terminal.restored


def test_a_closed_terminal_ends_it(play: Play) -> None:
    terminal = play()
    terminal.until("RESOURCE-PRODUCT")
    os.close(terminal.slave)
    os.close(terminal.master)
    terminal.master, terminal.slave = os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_RDONLY)
    assert terminal.process.wait(10) == 129


def test_a_terminal_that_is_closed_without_a_signal_ends_it_too(play: Play, tmp_path: Path) -> None:
    """The leader of the session gets the signal, and need not pass it on."""
    command = [*python("-m", "tests.tui.play", "calm", str(tmp_path / "tui.log"))]
    leader = f"import signal, subprocess; signal.signal(signal.SIGHUP, lambda *_: None); print(subprocess.call({command}), file=open('code', 'w'))"
    terminal = play(command=[sys.executable, "-c", leader])
    terminal.until("RESOURCE-PRODUCT")
    os.close(terminal.slave)
    os.close(terminal.master)
    terminal.master, terminal.slave = os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_RDONLY)
    terminal.process.wait(10)
    assert (tmp_path / "code").read_text() == "129\n"


def test_a_crash_is_one_line_and_a_log(play: Play, tmp_path: Path) -> None:
    terminal = play("crash")
    assert terminal.ended() == 70
    _left_clean(terminal)
    said = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert "internal error (ZeroDivisionError)" in said
    assert "Traceback" not in said
    log = (tmp_path / "tui.log").read_text()
    assert "Traceback" in log
    assert "ZeroDivisionError" in log
    assert (tmp_path / "tui.log").stat().st_mode & 0o077 == 0


def test_no_color_means_no_colours(play: Play) -> None:
    terminal = play("running", NO_COLOR="1")
    terminal.until("u = watch")
    terminal.type("u")
    terminal.until("> 4 CUSTOMER         RUN")
    terminal.type("q")
    terminal.until("d  Detach")
    assert not re.search(rb"\x1b\[[0-9;]*(3[0-7]|4[0-7]|38;|48;|9[0-7])[0-9;]*m", terminal.raw)


def test_colours_are_those_of_the_terminal(play: Play) -> None:
    terminal = play("running")
    terminal.until("u = watch")
    terminal.type("u")
    terminal.until("> 4 CUSTOMER         RUN")
    assert re.search(rb"\x1b\[([0-9]+;)*3[0-7][;m]", terminal.raw)
    assert not re.search(rb"\x1b\[[0-9;]*[34]8;[25];", terminal.raw)


def test_the_mouse_is_left_alone(play: Play) -> None:
    terminal = play()
    terminal.until("RESOURCE-PRODUCT")
    assert b"\x1b[?1000h" not in terminal.raw


def test_nothing_is_written_while_nothing_changes(play: Play) -> None:
    terminal = play("running")
    terminal.until("u = watch")
    for _ in range(10):
        terminal.read(0.1)
    before = len(terminal.raw)
    for _ in range(30):
        terminal.read(0.1)
    assert len(terminal.raw) == before


def test_hostile_names_do_not_reach_the_terminal(play: Play) -> None:
    terminal = play("hostile")
    terminal.until("Acme")
    terminal.type("u")
    terminal.until("38.1")
    terminal.type("\x1b")
    terminal.until("u = watch")
    terminal.type("e")
    terminal.until("page 1/2")
    assert b"\x1b]0;x" not in terminal.raw
    assert b"\x9b2J" not in terminal.raw.replace("\u009b".encode(), b"\x9b")
    terminal.type("q")
    terminal.until("Stay")


def _configured(tmp_path: Path, store: str) -> list[str]:
    """The program itself, whose servers need not be there for the first screen."""
    text = re.sub(r"(?ms)^\[store\].*?(?=^\[)", "", (ROOT / "config.toml").read_text())
    (tmp_path / "config.toml").write_text(f'{text}\n[store]\nurl = "{store}"\n')
    return python("-m", "tui", "--config", "config.toml")


def test_the_store_is_opened_behind_the_first_screen(play: Play, tmp_path: Path) -> None:
    command = _configured(tmp_path, f"sqlite:///{tmp_path}/store.db")
    terminal = play(command=command, NAV_SECRET="x", CRM_SECRET="x")
    terminal.until("Reading ...")
    terminal.until("RESOURCE-PRODUCT")
    assert (tmp_path / "store.db").stat().st_mode & 0o077 == 0
    terminal.type("q")
    assert terminal.ended() == 0
    _left_clean(terminal)


@pytest.mark.parametrize("key", ["", 'home.strt = "f2"'])
def test_a_configuration_that_is_wrong_ends_the_program_with_all_reasons(play: Play, tmp_path: Path, key: str) -> None:
    command = _configured(tmp_path, f"sqlite:///{tmp_path}/store.db")
    text = (tmp_path / "config.toml").read_text().replace("[keys]\n", f"[keys]\n{key}\n")
    wrong = '[mapping.CUSTOMER]\ndirecton = "to"\n[mapping.ITEMS]\nlike = "ITEM"\n'
    (tmp_path / "config.toml").write_text(f"{text}\n{wrong}")
    terminal = play(command=command, NAV_SECRET="x", CRM_SECRET="x")
    assert terminal.ended() == 2
    assert terminal.restored
    if key:
        assert b"\x1b[?1049h" not in terminal.raw, "the keys are needed for the first paint"
    else:
        _left_clean(terminal)
    said = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert "has 2 errors" in said
    assert 'did you mean "direction"?' in said
    assert "Traceback" not in said
    assert not (tmp_path / "store.db").exists()


def test_a_key_that_means_two_things_ends_the_program_before_the_first_screen(play: Play, tmp_path: Path) -> None:
    command = _configured(tmp_path, f"sqlite:///{tmp_path}/store.db")
    text = (tmp_path / "config.toml").read_text().replace("[keys]\n", '[keys]\nhome.history = "s"\n')
    (tmp_path / "config.toml").write_text(text)
    terminal = play(command=command, NAV_SECRET="x", CRM_SECRET="x")
    assert terminal.ended() == 2
    assert b"\x1b[?1049h" not in terminal.raw
    assert 'keys.home.history: "s" is already the key of "home.start"' in " ".join(terminal.raw.decode().split())


def test_a_store_that_cannot_be_opened_ends_the_program_with_the_reason(play: Play, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    command = _configured(tmp_path, f"sqlite:///{tmp_path}/file/store.db")
    terminal = play(command=command, NAV_SECRET="x", CRM_SECRET="x")
    assert terminal.ended() == 3
    _left_clean(terminal)
    said = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert "cannot be opened" in said
    assert "Traceback" not in said
