"""What people are told about a run: numbers, states and commands, and nothing of records or secrets.

Messages of a run are left out, because they repeat what servers say, and that may name customers.
"""

import dataclasses
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.config import Settings, config_dir
from engine.model.errors import StoreError
from engine.model.snapshot import JobState, RunSnapshot, RunState
from engine.store import runs

_STOPPED = "stopped"
"""The code of a run that an operator stopped."""
_SAID = {
    "ended": "has ended",
    "asking": "waits for its answer",
    "failed": "could not go on",
}


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened to a run: `id` is the same whenever it is told, `last` when nothing can follow it."""

    id: str
    event: str
    values: Mapping[str, Any]
    last: bool = False


def told(settings: Settings, run: RunSnapshot) -> Told | None:
    """What there is to tell of a run as it is; None while it is running."""
    if run.state is RunState.RUNNING:
        return None
    event, at = _event(run), _moment(run)
    name = f"{run.id}-{event}-{run.state}-{at:%Y%m%dT%H%M%S%f}Z"
    failed = sum(job.state is JobState.FAIL for job in run.jobs)
    values = {
        **_values(settings, name, event, run.id, run.kind),
        "state": str(run.state),
        "code": run.code,
        "started": iso(run.started),
        "at": iso(at),
        "answer": run.answer,
        "failed_jobs": failed,
        "counters": dataclasses.asdict(run.counters),
        "go_on": _commands(settings, _ways(run)),
    }
    text = f"{_said(settings, run.id, event, str(run.state), run.code)}. {_counted(run, failed)}"
    over = not run.state.active or run.kind not in runs.RESUMED
    return Told(name, event, {**values, "text": _with_ways(text, values["go_on"])}, last=over)


def without_store(settings: Settings, run_id: int, kind: str, at: datetime) -> Told:
    """What there is to tell of a run whose engine has ended, when the store cannot say how."""
    name = f"{run_id}-failed-interrupted-{at:%Y%m%dT%H%M%S%f}Z"
    ways = _commands(settings, [f"status {run_id}"])
    values = {
        **_values(settings, name, "failed", run_id, kind),
        "state": str(RunState.INTERRUPTED),
        "code": StoreError.code,
        "at": iso(at),
        "go_on": ways,
    }
    text = f"{_said(settings, run_id, 'failed', 'interrupted', StoreError.code)}. The state store cannot be read."
    return Told(name, "failed", {**values, "text": _with_ways(text, ways)})


def trial(settings: Settings, at: datetime) -> Told:
    """What is told when it is only to be seen whether it arrives."""
    name = f"test-{at:%Y%m%dT%H%M%S%f}Z"
    values = {**_values(settings, name, "test", None, None), "state": None, "at": iso(at), "go_on": []}
    text = f"Coupler ({settings.environment}, {settings.nav.company}): this is a test; nothing has happened."
    return Told(name, "test", {**values, "text": text}, last=True)


def iso(moment: datetime) -> str:
    """A moment in UTC to the second."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _values(settings: Settings, name: str, event: str, run_id: int | None, kind: str | None) -> dict[str, Any]:
    return {
        "id": f"{settings.environment}-{name}",
        "event": event,
        "run": run_id,
        "kind": kind,
        "environment": settings.environment,
        "company": settings.nav.company,
    }


def _event(run: RunSnapshot) -> str:
    if run.state is RunState.ASKING:
        return "asking"
    broken = run.state is RunState.FINISHED and any(job.state is JobState.FAIL for job in run.jobs)
    halted = run.state is RunState.STOPPED and run.code != _STOPPED
    return "failed" if broken or halted or run.state is RunState.INTERRUPTED else "ended"


def _moment(run: RunSnapshot) -> datetime:
    """When it got into its state: for one that lost its engine, the last sign of life, or when it was resumed since."""
    if run.state is RunState.INTERRUPTED:
        return max(run.beat or run.started, run.resumed or run.started)
    if run.state is RunState.FINISHED and run.answered_at is not None:
        return run.answered_at
    return run.ended or run.started


def _ways(run: RunSnapshot) -> list[str]:
    if run.state is RunState.ASKING:
        return [f"answer {run.id} yes", f"answer {run.id} no"]
    if run.state.resumable and run.kind == "run":
        return [f"resume {run.id}", f"cancel {run.id}"]
    if run.state.resumable and run.undoes is not None:
        return [f"undo {run.undoes}", f"cancel {run.id}"]
    if run.counters.failed:
        return [f"errors {run.id}"]
    return [f"status {run.id}"]


def _commands(settings: Settings, ways: list[str]) -> list[str]:
    """The whole commands: they name the config file, but for the user's own, which all commands find from anywhere."""
    own = settings.path == config_dir() / "config.toml"
    return [f"coupler {way}" + ("" if own else f" --config {shlex.quote(str(settings.path))}") for way in ways]


def _said(settings: Settings, run_id: int, event: str, state: str, code: str) -> str:
    why = ": ".join(filter(None, (state, code))) if code != state else state
    return f"Coupler ({settings.environment}, {settings.nav.company}): run {run_id} {_SAID[event]} ({why})"


def _counted(run: RunSnapshot, failed: int) -> str:
    of = run.counters
    jobs = f", {failed} of {len(run.jobs)} jobs failed" if failed else ""
    return (
        f"{of.read:,} records read, {of.inserted:,} created, {of.modified:,} updated, {of.coupled:,} coupled, "
        f"{of.failed:,} failed{jobs}."
    )


def _with_ways(text: str, ways: list[str]) -> str:
    return f"{text} {' or '.join(ways)}"
