"""How the program ended, for shells and schedulers."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from engine.model.errors import AccessDenied, Brake, ConfigError, ConnectionLost, LockHeld, OnHold, Refused, StoreError

if TYPE_CHECKING:
    from engine.model.snapshot import RunSnapshot


class ExitCode(IntEnum):
    """Exit codes are a contract: schedulers decide by them. `coupler run --help` lists them."""

    OK = 0
    """Finished, no failed records, Synch. Only Coupled Records in the state asked for."""
    RECORDS_FAILED = 1
    """Finished, some records failed."""
    USAGE = 2
    """The command line, the configuration, or no terminal for the screens; nothing was done."""
    CONNECTION = 3
    """A server or the state store is down, refuses or talks nonsense. A run that was going can be resumed."""
    BUSY = 4
    """Another run is not finished: running, stopped, interrupted or waiting for its answer."""
    NOT_FINISHED = 5
    """A job failed, or the run was stopped or cancelled; the setting is as before. Or a question whether to do it at
    all was answered no, and nothing was done.
    """
    ASKING = 6
    """All jobs ran; the closing question waits for its answer."""
    NOT_APPLIED = 7
    """The answer could not be stored: answer again before jobs run on a schedule."""
    BRAKE = 8
    """Going on could do harm, as when one side was restored from a backup."""
    INTERNAL = 70
    """A fault of the program, or an engine that ended without a word; the message says where the details are."""
    HANGUP = 129
    """The terminal went away; the engine goes on."""
    INTERRUPT = 130
    """Ctrl+C or SIGINT: stopped at a checkpoint."""
    TERMINATED = 143
    """SIGTERM: stopped at a checkpoint."""


def of_run(run: RunSnapshot) -> ExitCode:
    """The exit code of a command that waited for a run."""
    from engine.model.snapshot import JobState, RunState  # noqa: PLC0415 - help and version know no runs

    if run.state is RunState.ASKING:
        return ExitCode.ASKING
    if run.state is RunState.INTERRUPTED and not run.code:
        return ExitCode.INTERNAL
    if run.state is not RunState.FINISHED:
        return _OF_CODE.get(run.code, ExitCode.NOT_FINISHED)
    if any(job.state is JobState.FAIL for job in run.jobs):
        return ExitCode.NOT_FINISHED
    return ExitCode.RECORDS_FAILED if run.counters.failed else ExitCode.OK


_OF_CODE = {
    ConfigError.code: ExitCode.USAGE,
    ConnectionLost.code: ExitCode.CONNECTION,
    AccessDenied.code: ExitCode.CONNECTION,
    Refused.code: ExitCode.CONNECTION,
    StoreError.code: ExitCode.CONNECTION,
    LockHeld.code: ExitCode.BUSY,
    Brake.code: ExitCode.BRAKE,
    OnHold.code: ExitCode.BUSY,
    "internal": ExitCode.INTERNAL,
}
