"""Why engines ended that could not say it in the store, by what they left in their log: one that cannot read the
configuration, or does not get the store, has nowhere else to say so.
"""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.mapping.stamps import moment
from engine.model.errors import StoreError
from engine.model.snapshot import RunSnapshot, RunState
from engine.runs import logs

FAILED, EVENTS = "engine failed", ("engine started", "engine ended", "engine failed")
_LINES = 20


class Failures:
    """The log of one store; it is read again once it has grown."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: dict[int, tuple[int, dict[str, Any] | None]] = {}
        self._begun: dict[int, int] = {}

    def begin(self, run: int) -> None:
        """An engine is about to be started for a run: what others left of it does not count any more."""
        self._begun[run] = self._size()
        self._read.pop(run, None)

    def told(self, run: RunSnapshot) -> RunSnapshot:
        """The run with why its last engine ended, when that is known by the log alone; else as it is."""
        waits = run.state is RunState.RUNNING and run.beat is None
        if run.message or not (waits or run.state is RunState.INTERRUPTED):
            return run
        found = self._last(run.id)
        if found is None or _before(found, run.beat):
            return run
        code, message = str(found.get("code", "")), str(found.get("message", ""))
        told = f"The engine did not go on: {message} [{code}]"
        return replace(run, state=RunState.INTERRUPTED, code=code, message=told, hint=str(found.get("hint", "")))

    def _last(self, run: int) -> dict[str, Any] | None:
        """What the last engine of a run said of why it failed; None when it did not, or nobody knows."""
        size, begun = self._size(), self._begun.get(run, 0)
        if run not in self._read or self._read[run][0] != size:
            try:
                page = logs.before(self._path, None, _LINES, (logs.of_run(run), '"engine '))
            except StoreError:
                return None
            lines = [one.text for one in page.lines if one.offset >= begun or begun > size]
            self._read[run] = (size, _failure(lines, run))
        return self._read[run][1]

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0


def _before(found: dict[str, Any], beat: datetime | None) -> bool:
    """Whether it is of an engine that ended while another one worked on the run, and so says nothing of its end."""
    at = moment(found.get("timestamp"))
    return beat is not None and at is not None and at < beat


def _failure(lines: list[str], run: int) -> dict[str, Any] | None:
    for text in reversed(lines):
        try:
            found = json.loads(text)
        except ValueError:
            continue
        if isinstance(found, dict) and found.get("run") == run and found.get("event") in EVENTS:
            return found if found["event"] == FAILED else None
    return None
