"""The simulation of `tests/sim` as lines of the table, on all cores."""

import time

from tests.reliability.kept import FOLDER, Progress, note, noted
from tests.reliability.line import Line, Measured
from tests.sim.bugs import BUGS, START
from tests.sim.kills import killing_steps
from tests.sim.pool import TOGETHER, Task, hunt_task, play_task, processes

_SEEDS = 20_000
_TIMED, _A_MINUTE = 500, 2_000
most_minutes = float("inf")
"""For the seeds, which take most of the time; the line is short when they are not all played then."""
folder = FOLDER
"""Where it is kept how far they are."""
_KILLED_SEEDS = 20
_BUGS, _BUDGET = 12, 300


def _play(seeds: range) -> tuple[str, ...]:
    """What failed."""
    with processes() as pool:
        played = pool.imap_unordered(play_task, map(Task, seeds), TOGETHER)
        return tuple(f"make sim SEED={task.seed}: {one.wrong[0]}" for task, one in played if one.wrong)


def _seeds() -> Measured:
    """Goes on where it was ended; short where there is no more time."""
    done = noted(folder)
    begun = time.monotonic()
    while done.played < _SEEDS and time.monotonic() - begun < most_minutes * 60:
        some = range(done.played, min(done.played + _TIMED, _SEEDS))
        done = Progress(some.stop, (*done.failing, *_play(some)))
        note(done, folder)
    return Measured(f"{done.played:,} / {len(done.failing)}", done.played == _SEEDS and not done.failing, done.failing)


def _a_minute() -> Measured:
    begun = time.monotonic()
    failing = _play(range(_TIMED))
    speed = _TIMED / (time.monotonic() - begun) * 60
    return Measured(f"{speed:,.0f}, of {_TIMED}", speed >= _A_MINUTE and not failing, failing)


def _kills() -> Measured:
    with processes() as pool:
        tasks: list[Task] = []
        steps = 0
        for seed, (number, points) in enumerate(pool.imap(killing_steps, range(_KILLED_SEEDS))):
            steps += number
            tasks += [Task(seed, step) for step in points]
        played = pool.imap_unordered(play_task, tasks, TOGETHER)
        failing = tuple(
            f"make sim SEED={task.seed} KILL={task.kill_at}: {one.wrong[0]}" for task, one in played if one.wrong
        )
    survived = f"{len(tasks) - len(failing):,}/{len(tasks):,}, of {steps:,} steps"
    return Measured(survived, bool(tasks) and not failing, failing)


def _bugs() -> Measured:
    with processes() as pool:
        found = list(pool.imap_unordered(hunt_task, [Task(START.get(bug, 0), bug=bug, most=_BUDGET) for bug in BUGS]))
    missed = tuple(f"{task.bug}: not in {seeds} seeds" for task, seeds, _, finding in found if not finding)
    return Measured(f"{len(found) - len(missed)}/{len(found)}", len(found) >= _BUGS and not missed, missed)


LINES = (
    Line("simulated seeds / failing", f"{_SEEDS:,} / 0", _seeds),
    Line("simulated seeds a minute, all cores", f"{_A_MINUTE:,}", _a_minute),
    Line(f"kills at every step of {_KILLED_SEEDS} simulated seeds survived", "all", _kills),
    Line("planted bugs found", f"{_BUGS}/{_BUGS}", _bugs),
)
