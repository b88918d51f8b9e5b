"""The engine as a process of its own, in a session of its own, so that no terminal can take it along."""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from engine.config import Settings, log_dir
from engine.model.errors import ConfigError, CouplerError, StoreError
from engine.model.snapshot import Wish
from engine.runs.control import wish
from engine.runs.threads import at_most, end_with_threads
from engine.store import runs
from engine.store.database import Store
from engine.store.lock import engine_lock
from engine.sync.context import steady_clock

if TYPE_CHECKING:
    from engine.runs.full import FullSynchronization
    from engine.runs.notifier import Means

_LOG_LIMIT = 5_000_000
_MOMENT = 60
"""Seconds for what takes less than one: threads are started, or what they do comes to its end."""
_YOUNG = 20_000
"""Objects after which the garbage collector looks for cycles: a page makes thousands, and hardly any of them cyclic."""
BAD_CONFIG, LOST_STORE, NO_LOCK = 2, 3, 4
"""Exit codes of an engine that could not use the configuration or the store, and of one that did not get the lock."""
_DIED = "engine ended: a thread of it died, probably because there is not enough memory"


def log_path(settings: Settings, what: str = "engine") -> Path:
    """The file that engines of this store log to, or the process that keeps its "schedule": other stores may be of the
    same environment, and have the same numbers.
    """
    name = "".join(char if char.isalnum() or char in "-_" else "_" for char in settings.environment)
    store = sa.make_url(settings.store.url).render_as_string(hide_password=True)
    return log_dir() / f"{what}-{name}-{sha256(store.encode()).hexdigest()[:8]}.log"


def spawn(settings: Settings, run_id: int) -> int:
    """Start an engine for a run and return its process id; it lives on when its starter ends. A notifier goes with it
    where somebody is to be told of runs.

    Raises StoreError when its log cannot be written.
    """
    log = _open_log(settings, run_id, anew=True)
    pipe: tuple[int, ...] = ()
    try:
        with suppress(OSError):  # as where too many files are open: the run goes first
            pipe = os.pipe() if settings.notify else ()
        pid = _begin(settings, ["engine", str(run_id)], log, held=pipe[1:])
        if pipe:
            with suppress(OSError):
                _begin(settings, ["notifier", str(run_id)], log, waits=pipe[0])
    finally:
        for descriptor in (log, *pipe):
            os.close(descriptor)
    return pid


def tell(settings: Settings, run_id: int) -> None:
    """Start a notifier for a run that was changed without an engine, where somebody is to be told of runs."""
    if not settings.notify:
        return
    with suppress(StoreError, OSError):
        log = _open_log(settings, run_id)
        try:
            _begin(settings, ["notifier", str(run_id)], log)
        finally:
            os.close(log)


def spawn_schedule(settings: Settings) -> int:
    """Start a process that keeps the schedule and return its process id; it lives on when its starter ends.

    Raises StoreError when its log cannot be written.
    """
    log = _opened(
        log_path(settings, "schedule"),
        "The schedule was not started. Mend the cause (disk space, permissions), then start it again.",
        anew=True,
    )
    try:
        return _begin(settings, ["schedule", "--json"], log)
    finally:
        os.close(log)


def _put_aside(log: Path) -> None:
    """A large log makes place for a new one: not while an engine lives, which would go on writing to the old one."""
    with suppress(FileNotFoundError):  # there is none, or another one that starts has just done this
        if log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))


def _open_log(settings: Settings, run_id: int, *, anew: bool = False) -> int:
    hint = (
        "Its run is recorded and was not started. Mend the cause (disk space, permissions); "
        f"`coupler status {run_id}` says how to go on."
    )
    return _opened(log_path(settings), hint, anew=anew)


def _opened(path: Path, hint: str, *, anew: bool = False) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        if anew:
            _put_aside(path)
        return os.open(path, flags, 0o600)
    except OSError as error:
        what = path.name.partition("-")[0]
        raise StoreError(f"The {what}'s log {path} cannot be written: {error.strerror}.", hint) from error


def _begin(
    settings: Settings, words: list[str], log: int, *, waits: int = subprocess.DEVNULL, held: tuple[int, ...] = ()
) -> int:
    """Start a command of ours as a process: `waits` is its standard input, and what is `held` is open for its life."""
    command = [sys.executable, "-P", "-m", "tui", *words, "--config", str(settings.path)]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
        command,
        stdin=waits,
        stdout=log,
        stderr=log,
        start_new_session=True,
        cwd="/",
        pass_fds=held,
    )
    process.returncode = 0  # it is not ours to wait for
    return process.pid


def notify(settings: Settings, run_id: int) -> CouplerError | None:
    """Wait for the engine at the other end of standard input, and tell how its run ended; what kept it from that."""
    from engine.runs.notifier import Means  # noqa: PLC0415 - whoever starts processes need not wait for it

    log = _Log(settings, run_id)
    try:
        asyncio.run(_notify(settings, run_id, Means(partial(log.say, "warning"))))
    except CouplerError as error:
        log.failed("notifier", error)
        return error
    return None


async def _notify(settings: Settings, run_id: int, means: "Means") -> None:
    """A signal to all processes of a unit of systemd ends the engine, which this one is to tell before it ends too."""
    from engine.runs.notifier import accompany, engine_gone  # noqa: PLC0415 - as above

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, means.hurry.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    await accompany(settings, run_id, engine_gone, means)


def gone(pid: int) -> tuple[bool, int | None]:
    """Whether a process that this one started has ended, and its exit code where that is known."""
    with suppress(ChildProcessError):
        ended, status = os.waitpid(pid, os.WNOHANG)
        return ended == pid, os.waitstatus_to_exitcode(status) if ended == pid else None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True, None
    except PermissionError:
        return False, None
    return False, None


def main(settings: Settings, run_id: int) -> CouplerError | None:
    """Work on a run until it ends, is stopped or waits for its answer; what kept it from that, and cannot be said in
    the store.
    """
    log = _Log(settings, run_id)
    try:
        store = Store.open(settings.store.url)
        try:
            with engine_lock(store):
                log.say("info", "engine started")
                runner = asyncio.Runner()
                try:
                    with at_most(_MOMENT):
                        _make_ready(store, runner)
                    gc.freeze()  # what is loaded by now stays, so that nobody need look through it again
                    gc.set_threshold(_YOUNG)
                    runner.run(_watched(store, settings, run_id, partial(log.say, "error", _DIED)))
                finally:
                    with at_most(_MOMENT):
                        runner.close()
                        store.close()  # what is being written ends before another engine may begin
                log.say("info", "engine ended")
        finally:
            store.close()
    except CouplerError as error:
        log.failed("engine", error)
        return error
    return None


def refused(run_id: int, error: ConfigError) -> None:
    """Leave in the log why an engine could not read the configuration, and so not say it in the store."""
    _Log(None, run_id).say("error", "engine failed", code=error.code, message=error.problems[0], hint=error.hint)


class _Log:
    """Lines of JSON on standard error, each with what they are all about."""

    def __init__(self, settings: Settings | None, run_id: int) -> None:
        self._about: dict[str, int | str] = {"run": run_id, "pid": os.getpid()}
        if settings is not None:
            self._about["environment"] = settings.environment

    def say(self, level: str, event: str, **values: str) -> None:
        """Write to the log; when that cannot be written, as on a full disk, the work goes on without it."""
        at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        line = json.dumps({**self._about, **values, "event": event, "level": level, "timestamp": at})
        try:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stderr.fileno())  # what is left in its buffer must not fail again at the end
            os.close(nowhere)

    def failed(self, what: str, error: CouplerError) -> None:
        """Write what ended a process."""
        self.say("error", f"{what} failed", code=error.code, message=error.message, hint=error.hint)


def _make_ready(store: Store, runner: asyncio.Runner) -> None:
    """Have the threads that the engine waits for be there before there is work for them; raises StoreError."""
    store.make_ready()
    try:
        runner.run(asyncio.to_thread(int))
    except RuntimeError as error:
        raise StoreError("There is not enough memory for an engine.", "Free some, then resume.") from error


async def _watched(store: Store, settings: Settings, run_id: int, tell: Callable[[], object]) -> None:
    watch = asyncio.create_task(end_with_threads(tell))
    try:
        await _work(store, settings, run_id)
    finally:
        watch.cancel()


async def _work(store: Store, settings: Settings, run_id: int) -> None:
    from engine.runs.sides import connected  # noqa: PLC0415 - as above

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: loop.create_task(_stop(store, run_id)))
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    async with connected(settings) as (nav, crm):
        kind = _kind_of_engine(store, run_id)
        await kind(store, settings, run_id, nav, crm, clock=steady_clock()).work()


def _kind_of_engine(store: Store, run_id: int) -> "type[FullSynchronization]":
    from engine.runs.coupling import CouplingRun  # noqa: PLC0415 - as above
    from engine.runs.full import FullSynchronization  # noqa: PLC0415 - as above
    from engine.runs.undoing import Undoing  # noqa: PLC0415 - as above

    with store.reading() as connection:
        row = runs.get(connection, run_id)
    if row is not None and row.kind == runs.UNDO:
        return Undoing
    return CouplingRun if row is not None and row.request is not None else FullSynchronization


async def _stop(store: Store, run_id: int) -> None:
    """A signal asks for what an operator's stop asks for; who sent it is not known."""
    with suppress(CouplerError):  # it has ended meanwhile, or the work itself meets the same trouble
        await asyncio.to_thread(wish, store, run_id, Wish.STOP, by="signal")
