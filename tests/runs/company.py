"""The AdventureWorks company on a sandbox in a process of its own, and `coupler` working on it."""

import contextlib
import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import quote

import httpx
import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "adventureworks"
COUPLER = [sys.executable, "-P", "-m", "tui"]
QUIETLY = ("--yes", "--keep-cleared", "no")
Row = dict[str, Any]
_T = TypeVar("_T")

needs_adventureworks = pytest.mark.skipif(
    not DATA.is_dir(), reason="NOT TESTED: there is no ../shared/data/adventureworks beside the repository"
)


class Company:
    """A sandbox with data, and a folder, made where there is none, with the config file that leads to it; each with a home
    of its own.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.config = folder / "sandbox.toml"
        self.audit_file = folder / "audit.jsonl"
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ},
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm",
        }
        self.started: list[subprocess.Popen[str]] = []
        with (folder / "servers.log").open("wb") as said:
            self._servers = self._serve(options, said)
        assert self._servers.stdout is not None
        ready = json.loads(self._servers.stdout.readline())
        self.nav_url, self.crm_url, self.token = ready["nav"], ready["crm"], ready["token"]
        self._client = httpx.Client(headers={"Authorization": f"Bearer {self.token}"}, trust_env=False, timeout=30)

    def _serve(self, options: Sequence[str], said: IO[bytes]) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*COUPLER, "sandbox", *options, "--audit", str(self.audit_file), "--write-config", str(self.config)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=said,  # it tells of clients that were killed
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def close(self) -> None:
        """Ends all that was started here."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        while (pid := self.engine()) and _kill(pid):
            time.sleep(0.05)
        self._client.close()
        self._servers.kill()
        self._servers.communicate()

    def command(self, *arguments: str) -> list[str]:
        return [*COUPLER, *arguments, "--config", str(self.config)]

    def coupler(self, *arguments: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts a command and does not wait for it."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def lines(self, *arguments: str) -> list[Row]:
        """What a command says with --json; raises AssertionError when it fails, as then nothing is known."""
        done = self.coupler(*arguments, "--json")
        assert done.returncode == 0, f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr[-400:]}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    def status(self) -> Row:
        """The run that is active, or the last one."""
        found = self.lines("status")
        return found[0] if found else {}

    @contextlib.contextmanager
    def store(self) -> Iterator[sqlite3.Connection]:
        """The state store itself, until the end of the block."""
        with contextlib.closing(sqlite3.connect(self.config.with_suffix(".db"))) as store:
            yield store

    def state(self) -> str:
        """What the state store says of the last run, without the time that a command takes; blank when there is none."""
        with self.store() as store:
            found = store.execute("SELECT state FROM run ORDER BY id DESC").fetchone()
            return str(found[0]) if found else ""

    def port(self, side: str) -> int:
        """Where the server of a side listens, `nav` or `crm`."""
        port = httpx.URL(self.nav_url if side == "nav" else self.crm_url).port
        assert port is not None
        return port

    def lead(self, side: str, port: int, *settings: str) -> None:
        """Has the config file lead to a side by another port of this machine, and gives the side more settings."""
        text = self.config.read_text()
        address, head = f":{self.port(side)}/", f"[{side}]\n"
        assert address in text, f"the config file does not lead to {side}"
        assert head in text
        more = "".join(f"{one}\n" for one in settings)
        self.config.write_text(text.replace(address, f":{port}/").replace(head, head + more))

    def engine(self) -> int:
        """The process of the engine that works here; 0 when there is none."""
        return engine_of(self.config)

    def signal_engine(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Sends the engine that works here a signal; its process. Raises AssertionError when there is none."""
        return signal_engine(self.config, number)

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """Until the end of the block, requests are not answered."""
        self._servers.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._servers.send_signal(signal.SIGCONT)

    def calm(self) -> Row:
        """Ends the faults of servers that have some, and gives how often each happened."""
        self._servers.send_signal(signal.SIGUSR1)
        assert self._servers.stdout is not None
        found: Row = json.loads(self._servers.stdout.readline())["faults"]
        return found

    def audit(self, since: int = 0) -> list[Row]:
        """The accepted writes."""
        return [json.loads(line) for line in self.audit_file.read_bytes().splitlines()[since:]]

    def crm(self, table: str, *fields: str, where: str = "") -> list[Row]:
        """Rows as the CRM server gives them."""
        return self._rows(f"{self.crm_url}/{table}", fields, where)

    def nav(self, page: str, *fields: str, where: str = "") -> list[Row]:
        """Records as the NAV server gives them."""
        return self._rows(f"{self.nav_url}/Company('CRONUS%20International%20Ltd.')/{page}", fields, where)

    def remove(self, table: str, id: str) -> None:
        """Has the CRM server delete a row."""
        self._client.delete(f"{self.crm_url}/{table}({id})").raise_for_status()

    def edit(self, table: str, id: str, values: Row) -> None:
        """Has the CRM server change a row, as somebody else does."""
        self._client.patch(f"{self.crm_url}/{table}({id})", json=values).raise_for_status()

    def edit_nav(self, page: str, number: str, values: Row, key: str = "No") -> None:
        """Has the NAV server change a record, as somebody else does."""
        (found,) = self.nav(page, "SystemId", where=f"{key} eq '{number}'")
        address = f"{self.nav_url}/Company('CRONUS%20International%20Ltd.')/{page}({found['SystemId']})"
        self._client.patch(address, json=values, headers={"If-Match": "*"}).raise_for_status()

    def add(self, table: str, values: Row) -> None:
        """Has the CRM server make a row, as somebody else does."""
        self._client.post(f"{self.crm_url}/{table}", json=values).raise_for_status()

    def add_nav(self, page: str, values: Row) -> None:
        """Has the NAV server make a record, as somebody else does."""
        address = f"{self.nav_url}/Company('CRONUS%20International%20Ltd.')/{page}"
        self._client.post(address, json=values).raise_for_status()

    def _rows(self, address: str, fields: Sequence[str], where: str) -> list[Row]:
        rows: list[Row] = []
        condition = f"&$filter={quote(where)}" if where else ""
        answer = self._client.get(f"{address}?$select={','.join(fields)}{condition}")
        while True:
            answer.raise_for_status()
            content = answer.json()
            rows += content["value"]
            if "@odata.nextLink" not in content:
                return rows
            answer = self._client.get(content["@odata.nextLink"])


def engine_of(config: Path) -> int:
    """The process of the engine that works with a config file; 0 when there is none."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().decode().split("\0") if entry.name.isdigit() else []
            if "engine" in words and str(config) in words:
                return int(entry.name)
    return 0


def signal_engine(config: Path, number: signal.Signals = signal.SIGKILL) -> int:
    """Sends the engine that works with a config file a signal; its process.

    Raises AssertionError when there is none: process 0 would be all that the tests belong to.
    """
    pid = engine_of(config)
    assert pid, "no engine"
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        raise AssertionError("no engine") from None
    return pid


def eventually(check: Callable[[], _T], timeout: float = 30) -> _T:
    """Waits until something is true, and gives it."""
    end = time.monotonic() + timeout
    while not (found := check()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return found


def result(done: subprocess.CompletedProcess[str]) -> Row:
    """The last line of a run with --json."""
    found: Row = json.loads(done.stdout.splitlines()[-1])
    return found


def job(found: Row, name: str) -> Row:
    """A job of a run, its counters that are not zero."""
    one = next(one for one in found["jobs"] if one["job"] == name)
    names = ("inserted", "modified", "unchanged", "skipped", "failed", "coupled", "ambiguous", "warnings")
    return {name: one[name] for name in names if one[name]}


def seeds(name: str) -> list[dict[str, str]]:
    """The rows of a csv file of the data."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def peak_memory(pid: int) -> int:
    """The most memory that a process has had so far, in bytes; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def counted(audit: Sequence[Row], op: str) -> dict[str, int]:
    """How many records of each set were written, each counted once."""
    keys: dict[str, set[str]] = {}
    for line in audit:
        if line["op"] == op:
            keys.setdefault(line["set"], set()).add(line["key"])
    return {name: len(found) for name, found in keys.items()}


def _kill(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False
