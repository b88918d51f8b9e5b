"""Starting a process that keeps the schedule, from screens, which it outlives."""

import time
from contextlib import suppress
from pathlib import Path

from engine.config import Settings
from engine.model.errors import LockHeld, RunError, sentences
from engine.runs import process
from engine.runs.schedule.keeping import named
from engine.store.database import Store
from engine.store.lock import schedule_lives

_STARTING = 60.0
"""Seconds that it may take to begin, on a busy machine, before nobody waits for it any more."""
_LOOK = 0.1
_LONGEST = 4_000
"""Bytes of its log that are looked through for why it ended."""
_SAID = "coupler: "
_ENDED = "The schedule ended as soon as it was started."


def start(store: Store, settings: Settings) -> None:
    """Start it and wait until the schedule is kept, by it or by another one that was faster.

    Raises LockHeld, which names the other one, where one keeps it already, RunError where it ended at once, StoreError
    where its log cannot be written.
    """
    if schedule_lives(store):
        held = LockHeld("The schedule is kept already.", "`coupler schedule list` shows by whom.")
        raise named(store, held)
    log = process.log_path(settings, "schedule")
    before = _size(log)
    pid = process.spawn_schedule(settings)
    end = time.monotonic() + _STARTING
    while not schedule_lives(store) and time.monotonic() < end:
        ended, _ = process.gone(pid)
        if ended and not schedule_lives(store):
            raise _failed(log, before)
        time.sleep(_LOOK)


def _failed(log: Path, before: int) -> RunError:
    """Why it ended, by what it left in its log behind the lines of others."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(before if _size(log) >= before else 0)
        said = file.read(_LONGEST).decode(errors="replace").splitlines()
        why = next((one.removeprefix(_SAID) for one in said if one.startswith(_SAID)), "")
        return RunError(sentences(_ENDED, why), f"Its log is {log}.")
    return RunError(_ENDED, f"Its log {log} cannot be read.")


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0
