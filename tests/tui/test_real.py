"""The screens over the real engine: a store, engine processes, and the two servers of the sandbox."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from engine.config import load
from engine.model.schedule import ScheduleSnapshot
from engine.model.snapshot import RunSnapshot, RunState
from engine.runs import browsing, snapshots
from engine.runs.schedule import wishes
from engine.store.database import Store
from tests.tui.terminal import ROOT, Terminal, python

Screens = Callable[..., Terminal]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    folder = tmp_path_factory.mktemp("sandbox")
    config = folder / "config.toml"
    process = subprocess.Popen(
        python("-m", "tui", "sandbox", "--write-config", str(config), "--demo-size", "60"),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["config"] == str(config)
    yield config, process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    folders = {
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CONFIG_HOME": str(tmp_path / "cfg"),
    }
    for name, value in folders.items():
        monkeypatch.setenv(name, value)
    return {**folders, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LANG": "C.UTF-8"}


@pytest.fixture
def config(sandbox: tuple[Path, subprocess.Popen[bytes]], tmp_path: Path, env: dict[str, str]) -> Path:
    """A configuration for the sandbox with a store of its own."""
    text = sandbox[0].read_text().replace("file:", f"file:{sandbox[0].parent}/")
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


@pytest.fixture
def screens(tmp_path: Path, env: dict[str, str]) -> Iterator[Screens]:
    made: list[Terminal] = []

    def start(config: Path, *arguments: str) -> Terminal:
        made.append(Terminal(python("-m", "tui", *arguments, "--config", str(config)), cwd=tmp_path, env=env))
        return made[-1]

    yield start
    for one in made:
        one.close()
    for pid in _engines(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _engines(folder: Path) -> list[int]:
    """The processes that screens of this test started; they are nobody's children any more."""
    found = []
    for one in Path("/proc").iterdir():
        if one.name.isdigit():
            with contextlib.suppress(OSError):
                words = (one / "cmdline").read_bytes().split(b"\0")
                if {b"engine", b"schedule"} & {*words} and str(folder / "config.toml").encode() in words:
                    found.append(int(one.name))
    return found


def _latest(config: Path) -> RunSnapshot:
    store = Store.open(load(config).store.url)
    try:
        run = snapshots.latest(store)
    finally:
        store.close()
    assert run is not None
    return run


def _ask(terminal: Terminal) -> None:
    terminal.until("ITEM-PRODUCT")
    terminal.type("s")
    terminal.until("Start now?", 60)
    sleep(0.8)


def _begin(terminal: Terminal) -> None:
    _ask(terminal)
    terminal.type("y")


@contextlib.contextmanager
def _standing_still(terminal: Terminal, servers: subprocess.Popen[bytes]) -> Iterator[None]:
    """A full synchronization begins, and is under way as long as the block: its servers stand still."""
    _ask(terminal)
    servers.send_signal(signal.SIGSTOP)
    try:
        terminal.type("y")
        yield
    finally:
        servers.send_signal(signal.SIGCONT)


def _wait(config: Path, state: RunState, seconds: float = 60) -> RunSnapshot:
    end = monotonic() + seconds
    while (run := _latest(config)).state is not state:
        assert monotonic() < end, run.state
        sleep(0.1)
    return run


def test_from_start_to_answer_with_the_terminal_lost_on_the_way(config: Path, screens: Screens) -> None:
    first = screens(config)
    _begin(first)
    first.until("if Yes", 60)
    first.kill(signal.SIGHUP)
    assert first.ended() == 129
    assert _latest(config).state is RunState.ASKING

    second = screens(config)
    second.until("if Yes")
    second.until("CUSTOMER            on       off      off      on")
    sleep(1.3)
    second.type("n")
    second.until("as before this run (answer: no")
    run = _latest(config)
    assert (run.state, run.answer) == (RunState.FINISHED, "no")
    assert all(one.now == one.before for one in run.flags)
    second.type("\x1b")
    second.until("answer: no by")
    second.type("h")
    second.until("keep cleared: no")
    second.type("\x1b")
    second.until("s Full sync")
    second.type("e")
    second.until("page 1/")
    second.type("\r")
    sleep(0.5)
    second.type("\r")
    second.until("NAV id")
    second.until("esc Close")
    second.type("\x1b")
    second.until(lambda: "NAV id" not in second.text)
    second.type("q")
    assert second.ended() == 0


def test_yes_clears_the_flags_and_a_second_run_shows_it(config: Path, screens: Screens) -> None:
    terminal = screens(config)
    _begin(terminal)
    terminal.until("if Yes", 60)
    sleep(1.3)
    terminal.type("y")
    terminal.until("stays cleared (answer: yes")
    assert not any(one.now for one in _latest(config).flags)
    terminal.type("\x1b")
    terminal.until("Run 2 finished")
    assert "  off " in terminal.text
    terminal.type("s")
    terminal.until("off on all mappings", 60)


def test_a_coupling_is_found_looked_at_on_both_sides_and_removed(
    config: Path, screens: Screens, env: dict[str, str], tmp_path: Path
) -> None:
    command = python("-m", "tui", "run", "--yes", "--keep-cleared", "no", "--config", str(config))
    assert subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, timeout=120, check=False).returncode in (
        0,
        1,
    )
    store = Store.open(load(config).store.url)
    try:
        settings = load(config)
        one = browsing.couplings(store, settings, "CUSTOMER", "", None, 50).rows[-1]
        terminal = screens(config)
        terminal.until("ITEM-PRODUCT")
        terminal.type("o")
        terminal.until(f"{browsing.number(store, None):,} couplings")
        terminal.until("> CURRENCY")  # the number may be known before the first page
        terminal.type("/")
        terminal.until("no names are stored")
        terminal.type(one.crm_id[:8])
        terminal.until(f'begins with "{one.crm_id[:8]}"')
        terminal.type("\r")
        terminal.until(f"> CUSTOMER         {one.nav_no}")
        sleep(1)  # until the list has the keys again
        terminal.type("\r")
        terminal.until("none differs")
        terminal.type("\x1b")
        terminal.until(f"> CUSTOMER         {one.nav_no}")
        terminal.type("U")
        terminal.until("Do it?")
        sleep(0.8)
        terminal.type("y")
        terminal.until("1 uncoupled in CUSTOMER")
        terminal.until("Nothing is found; esc shows all.")
        assert not browsing.couplings(store, settings, "CUSTOMER", one.nav_id, None, 50).rows
    finally:
        store.close()


def test_a_killed_screen_does_not_touch_the_run(
    config: Path, screens: Screens, sandbox: tuple[Path, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    terminal = screens(config)
    with _standing_still(terminal, sandbox[1]):
        terminal.until("RUNNING")
        sleep(0.5)
        terminal.process.kill()
        terminal.process.wait()
        assert len(_engines(tmp_path)) >= 1
    run = _wait(config, RunState.ASKING)
    again = screens(config, "attach", str(run.id))
    again.until("if Yes")


def test_pause_go_on_stop_and_resume(
    config: Path, screens: Screens, sandbox: tuple[Path, subprocess.Popen[bytes]]
) -> None:
    terminal = screens(config)
    with _standing_still(terminal, sandbox[1]):
        terminal.until("RUNNING")
        terminal.type(" ")
        terminal.until("PAUS")
        terminal.type(" ")
        terminal.until("RUNNING")
        terminal.type("q")
        terminal.until("Stop and quit")
        sleep(0.5)
        terminal.type("s")
        assert terminal.ended() == 0
    _wait(config, RunState.STOPPED)
    again = screens(config)
    again.until("r = resume")
    again.type("r")
    again.until("if Yes", 60)


def test_a_killed_engine_is_an_interruption_that_can_be_resumed(
    config: Path, screens: Screens, sandbox: tuple[Path, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    terminal = screens(config)
    with _standing_still(terminal, sandbox[1]):
        terminal.until(lambda: bool(_engines(tmp_path)))
        terminal.until("RUNNING")
        for pid in _engines(tmp_path):
            os.kill(pid, signal.SIGKILL)
        terminal.until("INTERRUPTED", 60)
        terminal.type("\x1b")
        terminal.until("u = look at it")
        assert "cleared by run" in terminal.text
    terminal.type("r")
    terminal.until("if Yes", 60)


def test_cancel(config: Path, screens: Screens, sandbox: tuple[Path, subprocess.Popen[bytes]]) -> None:
    terminal = screens(config)
    with _standing_still(terminal, sandbox[1]):
        terminal.until("RUNNING")
        terminal.type("x")
        terminal.until("Do it?")
        sleep(0.8)
        terminal.type("y")
        terminal.until("CANCELL")
    run = _wait(config, RunState.CANCELLED)
    assert all(one.now == one.before for one in run.flags)
    terminal.until("CANCELLED")


def test_only_coupled_is_stored(config: Path, screens: Screens) -> None:
    terminal = screens(config)
    terminal.until("CURRENCY")
    terminal.type("O")
    terminal.until("Turn it OFF")
    sleep(0.8)
    terminal.type("y")
    terminal.until("transactio~ off")
    terminal.type("q")
    assert terminal.ended() == 0
    screens(config).until("transactio~ off")


def test_a_server_that_refuses_is_said_when_counting(tmp_path: Path, config: Path, screens: Screens) -> None:
    token = tmp_path / "wrong.token"
    token.write_text("not-the-token")
    token.chmod(0o600)
    text = config.read_text()
    start = text.index("file:")
    config.write_text(text.replace(text[start : text.index('"', start)], f"file:{token}"))
    terminal = screens(config)
    terminal.until("ITEM-PRODUCT")
    terminal.type("s")
    terminal.until("Counting ended", 60)
    assert "401" in terminal.text
    assert "not-the-token" not in terminal.text
    terminal.type("\x1b")
    sleep(1)
    terminal.type("q")
    assert terminal.ended() == 0


def _kept(config: Path) -> ScheduleSnapshot:
    settings = load(config)
    store = Store.open(settings.store.url)
    try:
        return wishes.look_up(store, settings)
    finally:
        store.close()


def test_the_schedule_is_started_from_its_screen_outlives_it_and_is_stopped_there(
    config: Path, screens: Screens
) -> None:
    config.write_text(f"{config.read_text()}\n[schedule]\nenabled = false\n")
    terminal = screens(config)
    terminal.until("ITEM-PRODUCT")
    terminal.type("S")
    terminal.until("Nobody keeps the schedule")
    terminal.type("s")
    terminal.until("Start the schedule")
    sleep(0.8)
    terminal.type("y")
    terminal.until("kept by", 60)
    terminal.type("q")
    assert terminal.ended() == 0
    found = _kept(config)
    assert found.running
    assert found.keeper is not None
    again = screens(config)
    again.until("ITEM-PRODUCT")
    again.type("S")
    again.until(f"kept by {found.keeper.owner[:20]}")
    again.type("x")
    again.until("Stop the schedule")
    sleep(0.8)
    again.type("y")
    again.until("Nobody keeps the schedule", 60)
    assert not _kept(config).running
