"""The simulation of `tests/sim` as lines of the table, on all cores."""

import time

from tests.reliability.kept import FOLDER, Progress, note, noted
from tests.reliability.line import Line, Measured
from tests.sim.bugs import BUGS, START
from tests.sim.kills import kill_tasks
from tests.sim.pool import TOGETHER, Task, hunt_task, play_task, processes

_SEEDS = 20_000
_TIMED, _A_MINUTE = 500, 2_000
most_minutes = float("inf")
"""For the seeds, which take most of the time; the line is short when they are not all played then."""
folder = FOLDER
"""Where it is kept how far they are."""
_KILLED_SEEDS = 20
_BUGS, _BUDGET, _WITHIN = 12, 1_000, 60
_KNOWN = 40
"""Seeds that a bug is given from where it is known to show."""


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
        steps, tasks = kill_tasks(pool, range(_KILLED_SEEDS))
        played = pool.imap_unordered(play_task, tasks, TOGETHER)
        failing = tuple(
            f"make sim SEED={task.seed} KILL={task.kill_at}: {one.wrong[0]}" for task, one in played if one.wrong
        )
    survived = f"{len(tasks) - len(failing):,}/{len(tasks):,}, of {steps:,} steps"
    return Measured(survived, bool(tasks) and not failing, failing)


def _bugs() -> Measured:
    """From the first seed on, each for a minute: who plants a bug does not know where it shows. What is not found so is
    looked for again where it is known to show: none must be missed altogether.
    """
    with processes() as pool:
        tasks = [Task(0, bug=bug, most=_BUDGET, within=_WITHIN) for bug in BUGS]
        hunted = list(pool.imap_unordered(hunt_task, tasks))
        late = sorted(task.bug for task, _, _, finding in hunted if not finding)
        again = [Task(START.get(bug, 0), bug=bug, most=_KNOWN) for bug in late]
        missed = tuple(f"{task.bug}: not found" for task, _, _, finding in pool.imap(hunt_task, again) if not finding)
    found = [(seconds, task.bug, seeds) for task, seeds, seconds, finding in hunted if finding]
    seconds, bug, seeds = max(found, default=(0.0, "none", 0))
    text = f"{len(found)} of {len(hunted)}, the slowest after {seconds:.0f} s ({bug}, {seeds} seeds)"
    rest = f"; from their known seeds on {len(late) - len(missed)} of {len(late)}: {', '.join(late)}" if late else ""
    return Measured(text + rest, len(found) >= _BUGS and not missed, missed)


LINES = (
    Line("simulated seeds / failing", f"{_SEEDS:,} / 0", _seeds),
    Line("simulated seeds a minute, all cores", f"{_A_MINUTE:,}", _a_minute),
    Line(f"kills at every step of {_KILLED_SEEDS} simulated seeds survived", "all", _kills),
    Line(f"planted bugs found, each within {_WITHIN} s from seed 0", f">= {_BUGS}, all from known seeds", _bugs),
)
