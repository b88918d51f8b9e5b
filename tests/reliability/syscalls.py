"""Engines that are killed between two syscalls: before each, in turn, of those that others could see the effect of.

`python -m tests.reliability.syscalls --every` tries all points of a run, which takes hours.
"""

import argparse
import contextlib
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.model.states import STARTING
from tests.reliability.kills import Kills
from tests.reliability.line import Line, Measured, noting
from tests.reliability.straced import Point, again, begin, kill, missing, trace
from tests.runs.company import QUIETLY, Company
from tests.runs.whole import Whole
from tui.exitcodes import ExitCode

SIZE = ("--demo-size", "5")
NUMBER = 120
_MAIN = ("sendto", "recvfrom", "?epoll_wait", "?epoll_pwait")
"""What the thread that talks to the servers does. Before `recvfrom`, the servers have done what is not known here yet."""
_ANY = (
    "pwrite64",
    "fdatasync",
    "fsync",
    "ftruncate",
    "?unlink",
    "?unlinkat",
    "?rename",
    "?renameat2",
    "flock",
    "sendto",
)
"""What all threads do; `sendto` of the thread that writes tells the other one that a commit is done."""
_STEP = 20
_ROUNDS = 20
"""Not every engine gets to the point at which it is to be killed; then others are tried."""
_LINE = re.compile(r"(\d+) +(\w+)\((.*)")
_WRITE = re.compile(r'.*"(?:POST|PATCH)')


def points(lines: Iterable[str]) -> tuple[list[Point], list[Point]]:
    """The points of a run, by its trace, which begins with the main thread: those from the sending of a write until what
    became of it is committed, and all others.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    most: Counter[str] = Counter()
    writing: list[Point] = []
    others: list[Point] = []
    on_its_way = synced = False
    for line in lines:
        if (found := _LINE.match(line)) is None:
            continue
        thread, name, arguments = found.groups()
        counts[thread][name] += 1
        at, main = counts[thread][name], thread == next(iter(counts))
        if main and name == "sendto" and _WRITE.match(arguments):
            on_its_way, synced = True, False
        if main and name in _names(_MAIN):
            (writing if on_its_way else others).append(Point(name, at, main=True))
        elif name in _names(_ANY) and at > most[name]:  # of several threads, the first to get there is killed
            (writing if on_its_way else others).append(Point(name, at, main=False))
        most[name] = max(most[name], at)
        synced = synced or name == "fdatasync"
        on_its_way = on_its_way and not (synced and not main and name == "sendto")
    return writing, others


def _names(wanted: Sequence[str]) -> set[str]:
    return {name.strip("?") for name in wanted}


def spread(all: Sequence[Point], number: int) -> list[Point]:
    """So many of the points: of each kind as many, at even distances, or all where there are few."""
    kinds: dict[tuple[str, bool], list[Point]] = defaultdict(list)
    for point in all:
        kinds[point.name, point.main].append(point)
    chosen: list[Point] = []
    for left, kind in zip(range(len(kinds), 0, -1), sorted(kinds.values(), key=len), strict=True):
        share = min(len(kind), -(-(number - len(chosen)) // left))
        chosen += [kind[(2 * one + 1) * len(kind) // (2 * share)] for one in range(share)]
    return chosen


def kill_at(number: int, seed: int = 1) -> Kills:
    """Kill so many engines: first ones at points spread over an undisturbed run, most of them while something is being
    written, and those that resume at random ones.
    """
    chance = random.Random(seed)
    with _measured() as (whole, (writing, others), folder):
        all = writing + others
        kills = Kills()
        runs = -(-number // 2)
        first = spread(others, runs // 4) + spread(writing, runs - runs // 4)
        for _ in range(_ROUNDS):
            if (left := number - kills.done) == 0:
                break
            lives = [[one, chance.choice(all)] for one in first]
            if len(lives) * 2 > left:
                lives[-1].pop()
            _live(folder, lives, whole, kills)
            first = chance.choices(all, k=-(-(number - kills.done) // 2))
        return kills


def kill_at_every(start: int = 0) -> Kills:
    """Kill an engine at every point there is, each in a run of its own."""
    with _measured() as (whole, (writing, others), folder):
        all = writing + others
        kills = Kills()
        for at in range(start, len(all), _STEP):
            _live(folder, [[point] for point in all[at : at + _STEP]], whole, kills)
            said = (f"{at} of {len(all)}: {kills.survived}/{kills.done}", *kills.faults)
            print(*said, sep="\n", file=sys.stderr)  # noqa: T201 - it takes hours
        return kills


@contextlib.contextmanager
def _measured() -> Iterator[tuple[Whole, tuple[list[Point], list[Point]], Path]]:
    """How an undisturbed run ends, the points that it has, and a folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with contextlib.closing(Company(folder / "whole", *SIZE)) as company:
            out = folder / "trace"
            assert trace(company, begin(company), dict.fromkeys((*_MAIN, *_ANY)), out)
            with out.open() as lines:
                yield Whole(company), points(lines), folder


def _live(folder: Path, runs: Sequence[Sequence[Point]], whole: Whole, kills: Kills) -> None:
    """Runs whose engines are killed at these points, and which are then resumed and looked at. A kill counts as soon as it
    is done, also where nothing goes on after it.
    """

    def one(points: Sequence[Point]) -> Kills:
        here = Kills()
        with (
            noting(here.faults, "; then ".join(map(str, points))),
            tempfile.TemporaryDirectory(dir=folder) as home,
            contextlib.closing(Company(Path(home), *SIZE)) as company,
        ):
            _kill(company, points, here)
            if company.state() != "finished":
                _resume(company)
            if differs := whole.differences(Whole(company)):
                raise AssertionError(f"after {here.done} kills: {differs}")
            here.survived = here.done
        return here

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for one_run in pool.map(one, runs):
            kills.done += one_run.done
            kills.faults += one_run.faults
            kills.survived += one_run.survived


def _resume(company: Company) -> None:
    """Go on with a run as operators do: one whose engine died before it gave a sign of life counts as starting for a
    while, and is refused until then.
    """
    latest = time.monotonic() + 2 * STARTING
    while company.coupler("resume", *QUIETLY).returncode == ExitCode.BUSY and time.monotonic() < latest:
        time.sleep(1)


def _kill(company: Company, points: Sequence[Point], kills: Kills) -> None:
    """Kill one engine after the other, as long as they get there."""
    run = begin(company)
    for point in points:
        if kills.done:
            if company.state() == "finished":  # the kill before came after the last commit
                return
            again(company, run)
        if not kill(company, run, point):
            return
        kills.done += 1


def _measure() -> Measured:
    if reason := missing():
        return Measured(f"skipped: {reason}", met=False)
    return kill_at(NUMBER).measured(NUMBER)


LINES = (Line("kills between two syscalls survived", f"{NUMBER}/{NUMBER}", _measure),)


def main() -> int:
    """Try some of the points, or every one."""
    parser = argparse.ArgumentParser(prog="syscalls")
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--start", type=int, default=0, help="of every point, from this one on")
    parser.add_argument("--number", type=int, default=NUMBER)
    options = parser.parse_args()
    kills = kill_at_every(options.start) if options.every else kill_at(options.number)
    print(f"{kills.survived}/{kills.done}", *kills.faults, sep="\n")  # noqa: T201
    return 1 if kills.faults else 0


if __name__ == "__main__":
    sys.exit(main())
