"""`make sim`: many seeds, kills at every step, and the search for planted bugs, on all cores."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from multiprocessing.pool import Pool

from tests.sim.bugs import BUGS
from tests.sim.kills import kill_tasks
from tests.sim.plot import Played, play
from tests.sim.pool import TOGETHER, Task, hunt_task, play_task, processes

_SHOWN = 5


def main() -> int:
    """Do what is asked for; 1 when something was found that must not be, or a planted bug was not found."""
    parser = argparse.ArgumentParser(prog="make sim", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this seed and show its trace")
    parser.add_argument("--kill", type=int, help="with --seed: kill the first life before this step")
    parser.add_argument("--seeds", type=int, default=0, help="how many seeds to play")
    parser.add_argument("--start", type=int, default=0, help="the first of them")
    parser.add_argument("--kills", type=int, default=0, help="of how many seeds every step is a kill")
    parser.add_argument("--bugs", type=int, default=0, help="within how many seeds a planted bug must be found")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    given = parser.parse_args()
    if given.seed is not None:
        return _show(play(given.seed, kill_at=given.kill))
    if not (given.seeds or given.kills or given.bugs):
        given.seeds, given.kills, given.bugs = 1000, 2, 300
    with processes(given.jobs) as pool:
        failed = 0
        if given.seeds:
            seeds = range(given.start, given.start + given.seeds)
            failed += _report("seeds", len(seeds), pool.imap_unordered(play_task, map(Task, seeds), TOGETHER))
        if given.kills:
            failed += _kills(pool, given.start, given.kills)
        if given.bugs:
            tasks = [Task(given.start, bug=name, most=given.bugs) for name in BUGS]
            failed += _bugs(pool.imap(hunt_task, tasks))
    return 1 if failed else 0


def _kills(pool: Pool, start: int, seeds: int) -> int:
    steps, tasks = kill_tasks(pool, range(start, start + seeds))
    print(f"{steps} steps of {seeds} seeds, {len(tasks)} of them change something: a kill at each")  # noqa: T201
    return _report("kills", len(tasks), pool.imap_unordered(play_task, tasks, TOGETHER))


def _report(what: str, number: int, found: Iterable[tuple[Task, Played]]) -> int:
    begun = time.monotonic()
    failed: list[tuple[Task, Played]] = []
    faults: Counter[str] = Counter()
    lives = requests = done = 0
    for task, one in found:
        done += 1
        lives, requests = lives + one.lives, requests + one.requests
        faults.update(one.faults)
        if one.wrong:
            failed.append((task, one))
            print(f"{_again(task)}: {one.wrong[0]}", flush=True)  # noqa: T201
        if done % 500 == 0:
            print(f"... {done} of {number}, {done / (time.monotonic() - begun):.1f}/s", flush=True)  # noqa: T201
    took = time.monotonic() - begun
    for task, one in failed[:_SHOWN]:
        print("\n".join(["", _again(task), *one.trace]))  # noqa: T201
    print(  # noqa: T201
        f"{done} {what}, {len(failed)} failing, {took:.0f} s, {done / took:.1f}/s ({done / took * 60:.0f}/min); "
        f"{lives} lives, {requests} requests"
    )
    print("\n".join(f"  {count:7} {kind}" for kind, count in faults.most_common()))  # noqa: T201
    return len(failed)


def _bugs(found: Iterable[tuple[Task, int, float, str]]) -> int:
    missed = 0
    print(f"{'planted bug':<24} {'seeds':>6} {'s':>6}  first finding")  # noqa: T201
    for task, seeds, took, finding in found:
        missed += not finding
        print(f"{task.bug:<24} {seeds:>6} {took:>6.1f}  {finding or 'NOT FOUND'}", flush=True)  # noqa: T201
    return missed


def _again(task: Task) -> str:
    return f"make sim SEED={task.seed}" + (f" KILL={task.kill_at}" if task.kill_at is not None else "")


def _show(one: Played) -> int:
    print("\n".join(one.trace))  # noqa: T201
    print(f"{one.steps} steps in the first life, {one.lives} lives, {one.requests} requests")  # noqa: T201
    return 1 if one.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
