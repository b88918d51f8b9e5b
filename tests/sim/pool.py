"""Seeds, kills and the search for planted bugs as tasks of a pool of processes."""

import gc
import math
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.pool import Pool

from tests.sim.bugs import BUGS
from tests.sim.plot import Played, play

TOGETHER = 10
"""How many tasks a process takes at once."""


@dataclass(frozen=True, slots=True)
class Task:
    """A seed to play, perhaps with a kill; or the first of at most so many in which a planted bug is looked for, `within` so
    many seconds.
    """

    seed: int
    kill_at: int | None = None
    bug: str = ""
    most: int = 0
    within: float = math.inf


def prepare() -> None:
    """Collect garbage between seeds only, and never look at what the modules are made of: that is half of the time."""
    play(0)
    gc.collect()
    gc.freeze()
    gc.disable()


@contextmanager
def processes(number: int | None = None) -> Iterator[Pool]:
    """So many processes, or one for each core, that end by themselves: what is terminated leaves its room behind."""
    with multiprocessing.Pool(number, prepare) as pool:
        yield pool
        pool.close()
        pool.join()


def play_task(task: Task) -> tuple[Task, Played]:
    """Play one seed."""
    played = play(task.seed, kill_at=task.kill_at)
    if task.seed % TOGETHER == 0:
        gc.collect()
    return task, played


def hunt(bug: str, start: int, most: int, within: float = math.inf) -> tuple[int, str]:
    """How many seeds it takes to find a planted bug, and what is found; blank when nothing is, in so many seconds."""
    begun = time.monotonic()
    number = 0
    with BUGS[bug]():
        for number, seed in enumerate(range(start, start + most), 1):
            if number % TOGETHER == 0:
                gc.collect()
            finding = play(seed).finding
            if time.monotonic() - begun > within:
                break
            if finding:
                return number, finding
    return number, ""


def hunt_task(task: Task) -> tuple[Task, int, float, str]:
    """Look for a bug; also how many seconds that took."""
    begun = time.monotonic()
    seeds, finding = hunt(task.bug, task.seed, task.most, task.within)
    gc.collect()
    return task, seeds, time.monotonic() - begun, finding
