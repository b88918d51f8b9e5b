"""Engines that are killed at moments that are seen in front of the servers, and what each of them left open."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.wire import take
from tests.runs.between import Between
from tests.runs.company import Company

WAYS = frozenset({"ToIntegrationTable", "FromIntegrationTable"})
_UNSEEN = """
SELECT direction FROM overwritten WHERE unsettled AND NOT EXISTS (
    SELECT 1 FROM page WHERE page.run_id = overwritten.run_id AND page.seq = overwritten.seq
    AND page.direction = overwritten.direction AND page.committed_at >= overwritten.at)
"""
"""Updates that no page has followed: what an undisturbed run leaves unsettled does not count."""


@dataclass(frozen=True)
class Left:
    """What an engine left open, as the ways of it: batches of creates that may have been sent, and updates of which no
    committed page says what came of them.
    """

    creates: tuple[str, ...]
    updates: tuple[str, ...]

    @property
    def ways(self) -> set[str]:
        """The ways on which something is open."""
        return {*self.creates, *self.updates}


def left_open(company: Company) -> Left:
    """What is open in a copy of the state store: nothing is changed that the next engine finds."""
    with tempfile.TemporaryDirectory() as folder:
        for path in company.folder.glob("sandbox.db*"):
            shutil.copy2(path, folder)
        with contextlib.closing(sqlite3.connect(Path(folder) / "sandbox.db")) as store:
            return Left(*(_ways(store, query) for query in ("SELECT direction FROM intent", _UNSEEN)))


def _ways(store: sqlite3.Connection, query: str) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in store.execute(query))


class Moments:
    """Stands in front of both servers until it is closed. `requests` have come from the engine that is to be killed and
    were answered by a server, `writes` of them asked for something to be written.
    """

    def __init__(self, company: Company) -> None:
        self.requests = self.writes = 0
        self._company = company
        self._lock = threading.Lock()
        self._due: Callable[[], bool] | None = None
        self._holds = False
        self._come, self._over = threading.Event(), threading.Event()
        self._between = [Between(company.port(side), self._note) for side in ("nav", "crm")]
        for side, between in zip(("nav", "crm"), self._between, strict=True):
            company.lead(side, between.port)

    def close(self) -> None:
        """Ends it."""
        for between in self._between:
            between.close()

    def kill(self, command: "subprocess.Popen[str]", due: Callable[[], bool], late: float | None = None) -> bool:
        """Kill a command's engine at the first answer with which `due` is so: before the answer arrives or, where `late`
        says so, as many seconds after. Whether that was done: it may have ended before.
        """
        while not (pid := self._company.engine()):
            if command.poll() is not None:
                return False
            time.sleep(0.02)
        self._come.clear()
        self._over.clear()
        with self._lock:
            self.requests = self.writes = 0
            self._holds, self._due = late is None, due
        try:
            while not self._come.wait(0.05):
                if command.poll() is not None:
                    return False
            time.sleep(late or 0.0)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return True
            return False
        finally:
            with self._lock:
                self._due = None
            self._over.set()

    def _note(self, request: bytes, _answer: bytes) -> None:
        whole, _ = take(request)
        assert whole is not None
        with self._lock:
            self.requests += 1
            self.writes += bool(whole.writes)
            if self._due is None or not self._due():
                return
            self._due = None
            self._come.set()
        if self._holds:
            self._over.wait(30)
