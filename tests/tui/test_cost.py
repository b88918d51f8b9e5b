"""What the screens cost, measured at a real pty: bytes to the terminal and CPU time, which a busy machine does not change
much, where seconds on the clock would say nothing.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import pytest

from engine.model.mapping import Direction
from engine.runs import control
from engine.store import pages, runs
from engine.store.database import Store
from engine.store.lock import engine_lock
from tests.runs_store.tools import add_page, put, scope_of, set_job, settings_of
from tests.store.tools import done
from tests.tui.conftest import Play
from tests.tui.terminal import ROOT, Terminal, python

_MEASURED = 6.0
"""Seconds."""
_EMPTY = """
from textual.app import App
from textual.widgets import Static

class Empty(App):
    def compose(self):
        yield Static("q Quit")

Empty().run()
"""
_TIMES, _MOST_TIMES = 4, 12
"""How often a first paint is looked at: what else a machine does makes some dearer, and none cheaper."""
_PAGE = 10
"""Records of a page of a run."""


def cpu(pid: int) -> float:
    """Seconds of CPU time, of all threads, that a process has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def told(figures: str) -> None:
    """Figures for those who look: `pytest -s`, and where a test fails."""
    sys.stdout.write(f"{figures}\n")


def measured(terminal: Terminal) -> tuple[float, float]:
    """Bytes a second, and the share of a core."""
    terminal.read(0.5)
    begun, bytes_before, cpu_before = monotonic(), len(terminal.raw), cpu(terminal.process.pid)
    while (wall := monotonic() - begun) < _MEASURED:
        terminal.read(0.1)
    return (len(terminal.raw) - bytes_before) / wall, (cpu(terminal.process.pid) - cpu_before) / wall


def test_a_run_that_goes_on_takes_little_of_the_line_and_of_a_core(play: Play) -> None:
    terminal = play("moving")
    terminal.until("u = watch")
    terminal.type("u")
    terminal.until("in flight")
    bytes_, share = measured(terminal)
    told(f"running: {bytes_ / 1000:.1f} KB/s, {share:.1%} of a core")
    assert 0 < bytes_ <= 20_000
    assert share <= 0.06


@contextmanager
def _going(folder: Path) -> Iterator[None]:
    """A run in the store of a folder that goes on while the block lasts, as if an engine worked on it: 200 pages are
    committed, and five a second more, each with an event.
    """
    store = Store.open(f"sqlite:///{folder}/store.db")
    number = control.start(store, settings_of(folder), by="ops@bastion")
    scope = scope_of(number, "CUSTOMER", Direction.TO_INTEGRATION_TABLE)
    over = Event()

    def page(at: int, when: datetime) -> None:
        outcomes = [done(at * _PAGE + one) for one in range(_PAGE)]
        add_page(store, scope, pages.PageResult(None, f"{at:09}", _PAGE, outcomes, []), when)

    def go_on() -> None:
        at = 200
        while not over.wait(0.2):
            at, now = at + 1, datetime.now(UTC)
            page(at, now)
            put(store, number, beat_at=now, worked=at / 5)
            with store.writing() as connection:
                runs.add_event(connection, number, "CUSTOMER", f"{at:08} updated 3 fields", now)

    begun = datetime.now(UTC) - timedelta(seconds=40)
    put(store, number, beat_at=begun)
    set_job(store, scope, state="RUN", started_at=begun, total=100_000, total_exact=True)
    for at in range(200):
        page(at, begun + timedelta(seconds=at / 5))
    engine = Thread(target=go_on)
    try:
        with engine_lock(store):
            engine.start()
            yield
            over.set()
            engine.join()
    finally:
        over.set()
        store.close()


def test_a_run_read_from_a_store_takes_little_of_the_line_and_of_a_core(tmp_path: Path, play: Play) -> None:
    with _going(tmp_path):
        terminal = play(command=python("-m", "tests.tui.play", "stored", str(tmp_path)))
        terminal.until("u = watch")
        terminal.type("u")
        terminal.until("updated 3 fields")
        before = terminal.text
        bytes_, share = measured(terminal)
        assert terminal.text != before
    told(f"running, from a store: {bytes_ / 1000:.1f} KB/s, {share:.1%} of a core")
    assert 0 < bytes_ <= 20_000
    assert share <= 0.06


@pytest.mark.parametrize("what", ["calm", "running"])
def test_a_screen_on_which_nothing_changes_writes_nothing(play: Play, what: str) -> None:
    """The scripted door's clock stands still. Else the minute in the title changes, a few bytes each minute, and the
    times that are left.
    """
    terminal = play(what)
    terminal.until("RESOURCE-PRODUCT")
    if what == "running":
        terminal.type("u")
        terminal.until("in flight")
    for _ in range(10):
        terminal.read(0.1)
    bytes_, share = measured(terminal)
    told(f"idle ({what}): {bytes_:.0f} bytes/s, {share:.1%} of a core")
    assert bytes_ == 0
    assert share <= 0.06


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_do_not_wait_for_libraries(tmp_path: Path, argument: str) -> None:
    """Beside an interpreter that does nothing."""
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}

    def once(*arguments: str) -> float:
        child = subprocess.Popen(python(*arguments), env=env, cwd=tmp_path, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0
        return used.ru_utime + used.ru_stime

    both = [(once("-m", "tui", argument), once("-c", "pass")) for _ in range(3 * _TIMES)]
    ours, least = (min(one) for one in zip(*both, strict=True))
    told(f"{argument}: {ours * 1000:.0f} ms, {ours / least:.1f} times the {least * 1000:.0f} ms of the interpreter")
    assert ours < 0.150
    assert ours <= 6 * least


def test_the_first_paint_does_not_wait_for_the_engine(tmp_path: Path, play: Play) -> None:
    """Beside an app of the same library with nothing in it: ours has a configuration to read, and a table to show."""
    (tmp_path / "config.toml").write_text((ROOT / "config.toml").read_text())
    commands = {"empty": python("-c", _EMPTY), "coupler": python("-m", "tui", "--config", "config.toml")}
    took: dict[str, list[float]] = {name: [] for name in commands}
    ours = least = 0.0
    for number in range(_MOST_TIMES):
        for name, command in commands.items():
            terminal = play(command=command, NAV_SECRET="x", CRM_SECRET="x")
            terminal.until("q Quit")
            took[name].append(cpu(terminal.process.pid))
            terminal.process.kill()
        ours, least = min(took["coupler"]), min(took["empty"])
        if number + 1 >= _TIMES and ours <= 1.3 * least:
            break
    told(f"first paint: {ours:.2f} s of CPU time, {ours / least:.2f} times the {least:.2f} s of an empty app")
    assert ours <= 1.3 * least
