"""Whole runs with little of what a machine gives: few open files, little memory, and disks that take their time."""

import resource
import subprocess
from collections.abc import Callable, Sequence
from functools import partial

from tests.reliability.line import Line, Measured
from tests.reliability.trial import Trial, needed, try_all
from tests.runs.company import QUIETLY, Company

_FILES = 64
_FLUSH = 50_000
"""Microseconds."""
_MEGABYTES = (60, 80, 90, 100, 105, 110, 115, 120, 130, 140, 200)
"""Of addresses; what is too little for an engine, or for one in the middle of its run."""


def _run(
    company: Company, *before: str, limit: Callable[[], None] | None = None, most: float = 600
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, *company.command("resume" if company.status() else "run", *QUIETLY)],
        cwd=company.folder,
        env=company.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=most,
        check=False,
        preexec_fn=limit,
    )


def _as_ever(company: Company, done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 1, f"as earned, not {done.returncode}: {done.stderr[-600:]}"
    assert company.status()["state"] == "finished"


def _few_files(company: Company) -> None:
    limit = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (_FILES, _FILES))
    _as_ever(company, _run(company, limit=limit))


def _slow_flush(company: Company) -> None:
    strace: Sequence[str] = (needed("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync")
    _as_ever(company, _run(company, *strace, "-e", f"inject=fdatasync:delay_enter={_FLUSH}"))


def _little_memory(company: Company) -> None:
    """Each time a little more; wherever memory is short, nothing but the run's end is at stake."""
    company.coupler("status")
    ends: list[tuple[int, int]] = []
    for megabytes in _MEGABYTES:
        size = megabytes * 1024 * 1024
        done = _run(company, limit=partial(resource.setrlimit, resource.RLIMIT_AS, (size, size)), most=90)
        ends.append((done.returncode, company.audit_file.stat().st_size))
        if company.status().get("state") == "finished":
            break
        assert not company.engine()
    # 70 alone may also be a command that had too little itself
    assert sum(code == 70 and audit > 0 for code, audit in ends) > 1, f"nowhere was it too little in the middle: {ends}"


TRIALS = (
    Trial(f"{_FILES} open files", _few_files),
    Trial(f"{_FLUSH // 1000} ms a flush", _slow_flush),
    Trial("little memory", _little_memory),
)


def _measure() -> Measured:
    return try_all(TRIALS)


LINES = (Line("limits of files, disks and memory", f"{len(TRIALS)}/{len(TRIALS)}", _measure),)
