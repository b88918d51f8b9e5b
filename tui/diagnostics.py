"""Everything that goes to stderr, and the exit code of everything that goes wrong.

stdout is for data. What is said here is narration: one line a fact, without control bytes, secrets or tracebacks.
"""

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

import click

from engine.model.errors import Brake, ConfigError, ConnectionLost, CouplerError, LockHeld, OnHold, RunError, StoreError
from engine.model.masking import mask
from tui.exitcodes import ExitCode
from tui.text import safe

_LONGEST = 2000
_COLUMNS = 80
_ROOM = 17
"""Lines for the faults of one file, a screen with what is around them. The first ones often cause the others."""


def say(text: str = "") -> None:
    """One line of narration. A stderr that is gone is no reason to end."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{safe(mask(text), _LONGEST)}\n")
        sys.stderr.flush()


def fail(error: BaseException) -> ExitCode:
    """Say what went wrong and what to do about it; the exit code that goes with it."""
    if isinstance(error, CouplerError):
        return _fail_known(error)
    if isinstance(error, click.exceptions.Exit):
        return ExitCode(error.exit_code) if error.exit_code in set(ExitCode) else ExitCode.INTERNAL
    if isinstance(error, click.Abort | KeyboardInterrupt):
        say("Interrupted.")
        return ExitCode.INTERRUPT
    if isinstance(error, click.ClickException):
        return _fail_usage(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        say("coupler: what was asked for cannot be written: the disk is full.")
        return ExitCode.INTERNAL
    return _crash(error)


def code_of(error: CouplerError) -> ExitCode:
    """The exit code of an error; `start` and `resume` know better what a RunError means."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return ExitCode.NOT_FINISHED


_CODES: tuple[tuple[type[CouplerError], ExitCode], ...] = (
    (Brake, ExitCode.BRAKE),
    (ConfigError, ExitCode.USAGE),
    (ConnectionLost, ExitCode.CONNECTION),
    (LockHeld, ExitCode.BUSY),
    (StoreError, ExitCode.CONNECTION),
    (OnHold, ExitCode.BUSY),
    (RunError, ExitCode.USAGE),
)


def _fail_known(error: CouplerError) -> ExitCode:
    say(f"coupler: {error.message}")
    if isinstance(error, ConfigError) and error.problems != (error.message,):
        shown = _fitting(error.problems)
        for problem in shown:
            say(f"  {problem}")
        if len(error.problems) > len(shown):
            say(f"  ... and {len(error.problems) - len(shown)} more")
    if error.hint:
        say(f"  {error.hint}")
    return code_of(error)


def _fitting(problems: Sequence[str]) -> Sequence[str]:
    """The first ones that fit on a screen, and one at least."""
    heights = accumulate(1 + (len(problem) + 2) // _COLUMNS for problem in problems)
    return problems[: max(1, sum(height <= _ROOM for height in heights))]


def _fail_usage(error: click.ClickException) -> ExitCode:
    say(f"coupler: {error.format_message()}")
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        say(f"  See: {context.command_path} --help")
    return ExitCode.USAGE


def _crash(error: BaseException) -> ExitCode:
    try:
        place = f"details are in {_write_crash(error)}"
    except (OSError, CouplerError):
        place = "the details could not be written"
    say(f"coupler: internal error ({type(error).__name__}); {place}. Runs are safe: coupler status")
    return ExitCode.INTERNAL


def _write_crash(error: BaseException) -> Path:
    from engine.config.paths import log_dir  # noqa: PLC0415 - only where a program error is kept

    now = datetime.now(UTC)
    path = log_dir() / f"crash-{now:%Y%m%dT%H%M%S%f}-{os.getpid()}.txt"
    lines = "".join(traceback.format_exception(error)).split("\n")
    text = "\n".join(safe(mask(line), _LONGEST) for line in lines)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return path
