"""The real engine in the foreground under strace, which notes what it asks of the kernel, or kills it before it is done."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.config import Settings, load
from engine.runs import control
from engine.store.database import Store
from tests.runs.company import Company

_PATIENCE = 300
_ONE_MIGRATION = threading.Lock()
"""What makes the tables is not meant for threads."""
_KILLED = {-9, 137}


def missing() -> str:
    """Why nothing can be traced here; blank when it can."""
    if shutil.which("strace") is None:
        return "no strace"
    tried = subprocess.run(
        ["strace", "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, "-e", "trace=fsync", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()[:200]}"


@dataclass(frozen=True)
class Point:
    """The moment before a thread asks the kernel for `name` for the `at`th time: the main thread, or any."""

    name: str
    at: int
    main: bool

    def __str__(self) -> str:
        return f"{'main thread' if self.main else 'any thread'}, {self.name} {self.at}"


def begin(company: Company) -> int:
    """Commit a run whose closing question is answered in advance, without an engine; returns its number."""
    with _store(company) as (store, settings):
        return control.start(store, settings, keep_cleared=False, by="test")


def again(company: Company, run: int) -> None:
    """Make a run whose engine died ready for another one."""
    with _store(company) as (store, settings):
        control.resume(store, settings, run)


def trace(company: Company, run: int, names: Iterable[str], out: Path, *options: str) -> bool:
    """Have an engine work on a run, all threads traced into a file; whether it came to its end."""
    return _strace(company, run, "-f", "--seccomp-bpf", "-o", str(out), "-e", f"trace={','.join(names)}", *options)


def kill(company: Company, run: int, point: Point) -> bool:
    """Have an engine work on a run and kill it at a point; false when it ended before it got there."""
    follow = () if point.main else ("-f", "--seccomp-bpf")  # without -f, strace attends to the main thread only
    inject = f"inject={point.name}:signal=SIGKILL:when={point.at}"
    return not _strace(company, run, *follow, "-o", os.devnull, "-e", f"trace={point.name}", "-e", inject)


def _strace(company: Company, run: int, *options: str) -> bool:
    done = subprocess.run(
        ["strace", "-qq", *options, *company.command("engine", str(run))],
        env=company.environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode in {0, *_KILLED}, f"{done.returncode}: {done.stderr[-500:]}"
    return done.returncode == 0


@contextmanager
def _store(company: Company) -> Iterator[tuple[Store, Settings]]:
    settings = load(company.config)
    with _ONE_MIGRATION:
        store = Store.open(settings.store.url)
    try:
        yield store, settings
    finally:
        store.close()
