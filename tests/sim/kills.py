"""Kills at every step of a seed's first life, each followed by another engine that goes on, and by the judge.

The world only changes at some steps: something is sent, a server gets to it, the store commits. Kills between two of these
leave the same world behind, so that one of each is tried.
"""

from collections.abc import Iterator
from multiprocessing.pool import Pool

from tests.sim.plot import Played, play
from tests.sim.pool import Task

_NEVER = 1 << 60


def killing_steps(seed: int) -> tuple[int, list[int]]:
    """How many steps a seed's first life has when nobody kills it, and those before which it is killed."""
    whole = play(seed, kill_at=_NEVER)
    assert not whole.wrong, "\n".join(whole.trace)
    return whole.steps, sorted({1, *(mark + 1 for mark in whole.marks)})


def kill_tasks(pool: Pool, seeds: range) -> tuple[int, list[Task]]:
    """How many steps the first lives of seeds have, and a kill before each of those that differ."""
    found = pool.map(killing_steps, seeds, chunksize=1)
    tasks = [Task(seed, step) for seed, (_, points) in zip(seeds, found, strict=True) for step in points]
    return sum(steps for steps, _ in found), tasks


def kills(seed: int, *, every: int) -> Iterator[Played]:
    """What comes of the kills of a seed; `every` how manieth one."""
    _, points = killing_steps(seed)
    for step in points[::every]:
        yield play(seed, kill_at=step)
