"""What a command costs with all processes that it starts, also those that outlive it: CPU, wall time, memory.

`python -m bench.measure RESULT COMMAND ...` is a process between: it adopts what its command leaves behind (Linux's
child subreaper), so that it can wait for all of it, and the kernel adds up what they used.
"""

import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_PR_SET_CHILD_SUBREAPER = 36
_EVERY = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Cost(NamedTuple):
    """Seconds of CPU (user and system) and of wall time, and the most memory in bytes that all had together."""

    cpu: float
    wall: float
    memory: int


class FailedError(Exception):
    """The command ended badly; the message has the end of what it said."""


def measured(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end, and that of all it started; with just these variables. Raises FailedError."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "cost.json")
        done = subprocess.run(
            [sys.executable, "-m", "bench.measure", str(result), *command],
            env=dict(os.environ if environment is None else environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr)[-2000:]
            raise FailedError(f"{' '.join(command)} ended with {done.returncode}:\n{said}")
        return Cost(**json.loads(result.read_text(encoding="utf-8")))


def main(arguments: Sequence[str]) -> int:
    """Run the command and write what it cost; its exit code."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    result, *command = arguments
    most = _Most()
    start = time.monotonic()
    code = subprocess.Popen(command).wait()
    _wait_for_orphans()
    wall = time.monotonic() - start
    most.end()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = Cost(used.ru_utime + used.ru_stime, wall, most.bytes)
    Path(result).write_text(json.dumps(cost._asdict()), encoding="utf-8")
    return code


def _wait_for_orphans() -> None:
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


class _Most(threading.Thread):
    """Looks at the memory of all processes below this one, twenty times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.bytes = 0
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.wait(_EVERY):
            self.bytes = max(self.bytes, sum(_resident(one) for one in _below(os.getpid())))

    def end(self) -> None:
        self._ended.set()
        self.join()


def _below(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = [int(one) for one in task.read_text(encoding="ascii").split()]
        except OSError:  # it has ended
            continue
        for child in children:
            found += [child, *_below(child)]
    return found


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
