"""`coupler schedule` as a process of its own, with short intervals, against a sandbox in another one."""

import json
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from engine.config import load
from engine.runs import control
from engine.store.database import Store
from tests.cli.conftest import Coupler, coupler, environment
from tests.cli.terminal import Terminal
from tests.modified.test_commands import Servers, lines, servers

__all__ = ["coupler", "environment", "servers"]
SCHEDULE = """
[schedule]
every = "2 s"
inactivity_timeout = "1 h"
look_every = "1 s"
enabled = false
[schedule.CUSTOMER]
enabled = true
"""
Told = dict[str, Any]


class Keeper:
    """The process, and what it says as it says it."""

    def __init__(self, folder: Path, environment: dict[str, str], *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tui", "schedule", *options],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self.lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, event: str, timeout: float = 60, **wanted: Any) -> Told:
        """Waits until something happens."""
        end = time.monotonic() + timeout
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError((event, wanted, self.said)) from None
            self.said.append(line)
            told: Told = json.loads(line)
            found = {**told.get("entry", {}), **told}
            if told["event"] == event and all(found[name] == value for name, value in wanted.items()):
                return found

    def ends(self, number: int | None = None, timeout: float = 60) -> tuple[int, str]:
        """Its exit code, after a signal, and what it said of errors."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(timeout)
        assert self.process.stderr is not None
        return code, self.process.stderr.read()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)


Keep = Callable[..., Keeper]


@pytest.fixture
def keep(tmp_path: Path, environment: dict[str, str]) -> Iterator[Keep]:
    """Starts `coupler schedule --json`."""
    with ExitStack() as stack:

        def call(*options: str) -> Keeper:
            one = Keeper(tmp_path, environment, *(options or ("--json",)))
            stack.callback(one.close)
            return one

        yield call


@pytest.fixture
def ready(servers: Servers, coupler: Coupler) -> Servers:
    """A company whose customers are coupled, with a schedule."""
    servers.config.write_text(servers.config.read_text() + SCHEDULE)
    assert coupler("run", "--yes", "--keep-cleared", "no", "--only", "CUSTOMER").returncode in (0, 1)
    return servers


def entry(coupler: Coupler, mapping: str = "CUSTOMER") -> Told:
    found = lines(coupler("schedule", "list", "--json").stdout)
    return next(one for one in found if one.get("mapping") == mapping)


def write(servers: Servers, text: str) -> None:
    """As editors do: there is no moment with half a file."""
    new = servers.config.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o600)
    new.replace(servers.config)


def edit(servers: Servers, coupler: Coupler, city: str) -> None:
    pair = lines(coupler("couplings", "--mapping", "CUSTOMER", "--json").stdout)[0]
    servers.edit(servers.customer(pair["nav_id"]), City=city)


def test_it_sleeps_wakes_and_ends_and_others_see_it(coupler: Coupler, ready: Servers, keep: Keep) -> None:
    assert lines(coupler("schedule", "list", "--json").stdout)[0]["running"] is False
    one = keep()
    owner = one.until("started")["text"]
    assert f"process {one.process.pid}" in owner
    one.until("ended", state="inactive")

    second = coupler("schedule")
    assert second.returncode == 4
    assert owner in second.stderr
    assert "coupler schedule stop" in second.stderr

    edit(ready, coupler, "Köln")
    one.until("woken")
    assert one.until("ended")["result"].startswith("1 modified")
    assert f"kept by {owner}" in coupler("schedule", "list").stdout
    assert lines(coupler("jobs", "--json").stdout)[0]["mapping"] == "CUSTOMER"

    assert coupler("schedule", "hold", "customer").stdout == "CUSTOMER: on hold\n"
    assert entry(coupler)["state"] in ("on hold", "in process")
    assert coupler("schedule", "now", "CUSTOMER").returncode == 2
    assert coupler("schedule", "now").stdout.startswith("nothing to do: everything is on hold")
    assert coupler("schedule", "resume", "CUSTOMER").stdout.startswith("CUSTOMER: ready, next ")
    assert coupler("schedule", "resume").stdout == "nothing to do: nothing is on hold, inactive or in error\n"
    assert coupler("schedule", "now").stdout.startswith("CUSTOMER: ready, next ")
    one.until("began")
    assert owner in coupler("schedule", "stop").stdout
    assert "by " in one.until("stopped")["text"]
    assert one.ends() == (0, "")
    assert one.lines.empty(), "that it stopped is the last thing it says"
    assert [json.loads(line)["event"] for line in one.said[-2:]] == ["ended", "stopped"]
    assert coupler("schedule", "stop").returncode == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_what_is_under_way_and_the_next_start_goes_on(
    coupler: Coupler, ready: Servers, keep: Keep, number: int, code: int
) -> None:
    one = keep()
    run = one.until("began")["run"]
    assert one.ends(number) == (code, "")
    (job,) = lines(coupler("status", str(run), "--json").stdout)[:1]
    assert job["state"] == "stopped"
    found = entry(coupler)
    assert (found["state"], found["run"], found["attempts"]) == ("ready", None, 0)
    again = keep()
    assert again.until("began")["run"] == run + 1
    assert again.until("ended")["result"]
    assert again.ends(number)[0] == code


def test_a_hang_up_lets_what_is_under_way_go_on_and_the_next_start_takes_it_over(
    coupler: Coupler, ready: Servers, keep: Keep
) -> None:
    one = keep()
    run = one.until("began")["run"]
    assert one.ends(signal.SIGHUP) == (129, "")
    again = keep()
    assert again.until("ended")["run"] == run


def test_it_is_held_during_a_full_synchronization_and_until_its_question_is_answered(
    coupler: Coupler, ready: Servers, keep: Keep
) -> None:
    one = keep()
    one.until("ended", state="inactive")
    store = Store.open(load(ready.config).store.url)
    number = control.start(store, load(ready.config), by="test")
    store.close()
    assert f"Run {number} is not finished" in one.until("waits")["text"]
    assert f"waits: Run {number}" in coupler("schedule", "list").stdout
    edit(ready, coupler, "Ulm")
    assert coupler("schedule", "now", "CUSTOMER").returncode == 0
    time.sleep(2)
    assert lines(coupler("schedule", "list", "--json").stdout)[0]["waiting"]
    assert coupler("cancel").returncode == 0
    one.until("goes on")
    assert one.until("ended")["result"].startswith("1 modified")


def test_a_changed_configuration_is_used_and_a_broken_one_is_told(coupler: Coupler, ready: Servers, keep: Keep) -> None:
    one = keep()
    one.until("ended")
    before = ready.config.read_text()
    write(ready, before.replace('every = "2 s"', 'every = "soon"'))
    told = one.until("waits")["text"]
    assert "has one error" in told
    assert "schedule.every: must be a time from 1 s to 31 d" in told
    for command in ("list", "hold", "resume", "now", "stop"):
        assert coupler("schedule", command).returncode == 2
    write(ready, before.replace('[crm]\nurl = "http:', '[crm]\nca_file = "not-there.pem"\nurl = "https:'))
    assert "not-there.pem" in one.until("waits")["text"]
    write(ready, before + "[schedule.CURRENCY]\nenabled = true\n")
    one.until("reloaded")
    assert "CURRENCY" in one.until("began")["mappings"]
    one.until("ended", mappings=["CURRENCY"])
    assert entry(coupler, "CURRENCY")["last_run"]


def test_the_list_fits_a_terminal_of_80_columns(
    ready: Servers, tmp_path: Path, environment: dict[str, str], coupler: Coupler, keep: Keep
) -> None:
    one = keep()
    one.until("ended", state="inactive")
    assert one.ends(signal.SIGTERM)[0] == 143
    program = [sys.executable, "-P", "-m", "tui", "schedule", "list"]
    terminal = Terminal(program, cwd=tmp_path, environment={**environment, "COLUMNS": "80"})
    try:
        shown = terminal.until("CONTACTS")
        assert terminal.ended() == 0
    finally:
        terminal.close()
    lines = [line.rstrip() for line in shown.splitlines() if not line.startswith("nobody")]
    (row,) = [line for line in lines if line.startswith("CUSTOMER ")]
    assert max(map(len, lines)) <= 80, lines
    assert re.search(r"every 2 s +inactive +\d\d-\d\d \d\d:\d\d ", row)
    (whole,) = [line for line in coupler("schedule", "list").stdout.splitlines() if line.startswith("CUSTOMER ")]
    assert len(whole) > 80, "where there is no terminal it is whole"


def test_lines_for_people(coupler: Coupler, ready: Servers, keep: Keep) -> None:
    one = keep("--plain")
    deadline = time.monotonic() + 60
    while entry(coupler).get("last_run") is None:
        assert time.monotonic() < deadline
    assert one.ends(signal.SIGTERM)[0] == 143
    one.close()
    said = list(one.lines.queue)
    assert said[0].endswith(f"process {one.process.pid}\n")
    assert " schedule began run=2 CUSTOMER\n" in said[1]
    assert " schedule ended run=2 CUSTOMER state=" in said[2]
    assert said[-1].endswith(" schedule stopped by SIGTERM\n")
