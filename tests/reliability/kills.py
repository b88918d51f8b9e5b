"""Engines that are killed at random moments over real sockets and a real SQLite file, and resumed until they are done."""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.line import Line, Measured, noting
from tests.reliability.trial import undisturbed
from tests.runs.company import QUIETLY, Company
from tests.runs.whole import Whole

SIZE = ("--demo-size", "300")
_LONGEST_LIFE = 1.6
"""Seconds; an undisturbed run takes about twice as long."""
_MOST_LIVES = 60
_MOST_FAULTS = 10
"""After so many, no further run is begun."""
_NUMBER = 200


@dataclass
class Kills:
    """`survived` are those `done` after which the run came to the same end as an undisturbed one; `faults` are the others,
    and what else went wrong.
    """

    done: int = 0
    survived: int = 0
    faults: list[str] = field(default_factory=list)

    def measured(self, number: int) -> Measured:
        """The figure: at least so many were to be survived."""
        met = self.survived == self.done >= number and not self.faults
        return Measured(f"{self.survived}/{self.done}", met, tuple(self.faults))


def kill_at_random(number: int, seed: int) -> Kills:
    """Kill engines `number` times, in as many runs as that takes; every run must end like one that nothing happened to."""
    chance = random.Random(seed)
    kills = Kills()
    with tempfile.TemporaryDirectory() as folder:
        whole = undisturbed(Path(folder), SIZE)
        for home in itertools.count():
            if kills.done >= number or len(kills.faults) >= _MOST_FAULTS:
                break
            before = kills.done
            with (
                noting(kills.faults, f"seed {seed}, run {home} from kill {before + 1} on"),
                contextlib.closing(Company(Path(folder) / f"{home}", *SIZE)) as company,
            ):
                _run(company, chance, kills, number)
                if wrong := whole.differences(Whole(company)):
                    raise AssertionError(wrong)
                kills.survived += kills.done - before
    return kills


def _run(company: Company, chance: random.Random, kills: Kills, number: int) -> None:
    for life in range(_MOST_LIVES):
        process = company.start("resume" if life else "run", *QUIETLY)
        pid = _engine(company, process)
        if pid and kills.done < number:
            longest = _LONGEST_LIFE * (1 + life / 5)  # on a busy machine a short life does nothing
            time.sleep(chance.uniform(0.0, longest))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                kills.done += 1
        process.communicate(timeout=600)
        if company.state() == "finished":
            return
    raise AssertionError(f"not done after {_MOST_LIVES} lives")


def _engine(company: Company, command: subprocess.Popen[str]) -> int:
    """The engine's process once it is there; 0 when the command ended before."""
    while command.poll() is None:
        if pid := company.engine():
            return pid
        time.sleep(0.02)
    return 0


def _measure() -> Measured:
    return kill_at_random(_NUMBER, 1).measured(_NUMBER)


LINES = (Line("kill -9 of the real process survived", f"{_NUMBER}/{_NUMBER}", _measure),)
