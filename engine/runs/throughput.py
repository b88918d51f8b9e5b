"""How many records a second a run read over time, from the moments in which its pages were committed; pure."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from engine.model.report import Bar, Slot

MOST = 120
"""Bars of a run whose work was never broken off; each time it was adds at most one."""
IDLE = timedelta(minutes=10)
"""A longer time without a page was no work: the run was stopped, or waited. Services put us off for minutes."""
_STEPS = (1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 450, 600, 900, 1_200, 1_800, 2_700, 3_600)
_HOUR = 3_600
_SECOND = timedelta(seconds=1)


def bars(slots: Sequence[Slot], begun: datetime, until: datetime) -> tuple[Bar, ...]:
    """The slots, which are in the order of time, as bars of the same width, but for the last one of each stretch.

    `begun` is when the work on the first slot began, `until` when the run ended, or now.
    """
    stretches = _stretches(slots)
    spans = [(stretch[0].at, stretch[-1].at + _SECOND) for stretch in stretches]
    if spans:
        first, last = spans[0], spans[-1]
        if timedelta() < first[0] - begun <= IDLE:
            spans[0] = (begun.replace(microsecond=0), first[1])
        if timedelta() < until - last[1] <= IDLE:
            spans[-1] = (spans[-1][0], until.replace(microsecond=0) + _SECOND)
    step = _step(sum((end - begin).total_seconds() for begin, end in spans))
    return tuple(
        bar
        for stretch, (begin, end) in zip(stretches, spans, strict=True)
        for bar in _filled(stretch, begin, end, step)
    )


def _stretches(slots: Sequence[Slot]) -> list[list[Slot]]:
    """The slots, parted where nothing was committed for long."""
    found: list[list[Slot]] = []
    for one in slots:
        if found and one.at - found[-1][-1].at <= IDLE:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def _step(seconds: float) -> int:
    """Seconds of a bar, of those that are easy to read."""
    least = seconds / MOST
    return next((one for one in _STEPS if one >= least), math.ceil(least / _HOUR) * _HOUR)


def _filled(slots: Sequence[Slot], begin: datetime, end: datetime, step: int) -> list[Bar]:
    number = max(1, math.ceil((end - begin).total_seconds() / step))
    read, failed = [0] * number, [0] * number
    jobs: list[dict[int, int]] = [{} for _ in range(number)]
    for one in slots:
        at = int((one.at - begin).total_seconds() // step)
        read[at] += one.read
        failed[at] += one.failed
        jobs[at][one.seq] = jobs[at].get(one.seq, 0) + one.read
    made = []
    seq = slots[0].seq
    for at in range(number):
        moment = begin + timedelta(seconds=at * step)
        seq = max(jobs[at], key=lambda one: jobs[at][one], default=seq)
        seconds = min(step, (end - moment).total_seconds())
        made.append(Bar(moment, seconds, seq, read[at], failed[at]))
    return made
