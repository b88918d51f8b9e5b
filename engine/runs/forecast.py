"""How long the passes of a run take yet, by what is known of each: what it did lately, what it took the last time, and
what others took in this run. Pure; times are aware, lengths of time are seconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

_SHORTEST, _LONGEST = 15.0, 600.0
"""A look back is long enough for several pages, and no longer than two windows of service protection."""
_TRUST = 5.0
"""Seconds of own work that count as much as what was learned before."""
_ENOUGH = 200
"""Records that tell what those of other jobs may take; the first jobs are small, and mostly wait."""
_STEADY = 10.0
"""Seconds of work that a run must have done until its being slower or faster than the last one counts half."""


@dataclass(frozen=True, slots=True)
class Lately:
    """Pages that were committed one after the other: the records of those after `since`, the last one `until`."""

    since: datetime
    until: datetime
    pages: int
    read: int


@dataclass(frozen=True, slots=True)
class Course:
    """One pass. `seconds` is what it took until now, `learned` what a record took in the last run that finished it,
    `lately` is there while it goes on and has committed something.
    """

    total: int | None
    read: int
    seconds: float
    over: bool
    learned: float | None = None
    lately: Lately | None = None


def look_back(seconds: float) -> float:
    """How much of the time that a pass took until now tells its pace: half, so that a start that was too fast, or a
    service that puts us off since then, does not count for long.
    """
    return min(max(seconds / 2, _SHORTEST), _LONGEST)


def seconds_left(courses: Sequence[Course], now: datetime) -> list[float | None]:
    """What each pass takes yet, in their order; None where nothing tells."""
    slower = _slower(courses)
    enough = sum(one.read for one in courses) >= _ENOUGH
    others = _usual((one.seconds, _cost(one, now, slower)) for one in courses if one.read) if enough else None
    return [_left(one, now, slower, others) for one in courses]


def _left(one: Course, now: datetime, slower: float, others: float | None) -> float | None:
    if one.over:
        return 0.0
    cost = _cost(one, now, slower)
    if cost is None and not one.read:
        cost = others
    if one.total is None or cost is None:
        return None
    left = max(0, one.total - one.read) * cost
    if one.lately is not None:  # a part of the page that is worked on is done
        waits = (now - one.lately.until).total_seconds()
        left -= min(waits, cost * one.lately.read / one.lately.pages, left)
    return left


def _cost(one: Course, now: datetime, slower: float) -> float | None:
    """Seconds that a record of the pass takes."""
    before = None if one.learned is None else one.learned * slower
    if one.over:
        return one.seconds / one.read if one.read else None
    if one.lately is None or not one.lately.read:
        return before
    took = _took(one.lately, now)
    if before is None:
        return took / one.lately.read
    return (took + _TRUST) / (one.lately.read + _TRUST / before)


def _took(lately: Lately, now: datetime) -> float:
    """From page to page; when the next one takes longer than those before, also the time since then."""
    told = (lately.until - lately.since).total_seconds()
    silent = (now - lately.since).total_seconds() * lately.pages / (lately.pages + 1)
    return max(told, silent)


def _slower(courses: Iterable[Course]) -> float:
    """How many times as long the work took as it would have taken in the last run."""
    known = [(one.seconds, one.read * one.learned) for one in courses if one.learned is not None and one.read]
    took, expected = sum(took for took, _ in known), sum(expected for _, expected in known)
    return (took + _STEADY) / (expected + _STEADY)


def _usual(costs: Iterable[tuple[float, float | None]]) -> float | None:
    """What a record of any pass of this run takes, long ones counting more."""
    known = [(seconds, cost) for seconds, cost in costs if cost and seconds > 0]
    records = sum(seconds / cost for seconds, cost in known)
    return sum(seconds for seconds, _ in known) / records if records else None
