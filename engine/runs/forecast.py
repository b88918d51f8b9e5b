"""How long the passes of a run take yet, by what is known of each: what it did lately, what it took the last time, and
what others took in this run. Pure; times are aware, lengths of time are seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from engine.model.mapping import Direction
from engine.runs.held import Span, between

_SHORTEST, _LONGEST = 15.0, 600.0
"""A look back is long enough for several pages, and no longer than two windows of service protection."""
_TRUST = 5.0
"""Seconds of own work that count as much as what was learned before."""
_FEW = 100
"""Records; a pass of less tells what each pass takes to begin and to end, one of more what a record takes."""
_SOME = 200
"""Records in a direction that count as much for it as those of all directions."""
_STEADY = 10.0
"""Seconds of work that a run must have done until its being slower or faster than the last one counts half."""
_SEVERAL = 4
"""Pages of which one may be an exception."""
_AT_ONCE = 3
"""Pages towards CRM that are worked on at once (sync/passes.py)."""
_MOST = 0.9
"""The share of a pass that may be taken for an exception."""


@dataclass(frozen=True, slots=True)
class Lately:
    """Pages that were committed after `since`, each with the records it read, in the order of time; at least one.

    `first` says that they are the first ones of the pass.
    """

    since: datetime
    commits: tuple[tuple[datetime, int], ...]
    first: bool = False

    @property
    def read(self) -> int:
        """The records of all of them."""
        return sum(read for _, read in self.commits)


@dataclass(frozen=True, slots=True)
class Course:
    """One pass. `seconds` is what it took until now, `learned` what a record took in the last run that finished it,
    `lately` is there while it goes on and has committed something.
    """

    way: Direction
    total: float | None
    read: int
    seconds: float
    over: bool
    learned: float | None = None
    lately: Lately | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What the passes of a run tell of each other: how many times as long as in the last run those of a direction take,
    what a record of theirs takes, and what a pass takes besides.
    """

    slower: dict[Direction, float]
    record: dict[Direction, float] | None
    besides: float


def look_back(seconds: float) -> float:
    """How much of the time that a pass took until now tells its pace: half, so that a start that was too fast, or a
    service that puts us off since then, does not count for long.
    """
    return min(max(seconds / 2, _SHORTEST), _LONGEST)


def seconds_left(courses: Sequence[Course], now: datetime, held: Sequence[Span] = ()) -> list[float | None]:
    """What each pass takes yet, in their order; None where nothing tells."""
    known = _known(courses, now, held)
    return [_left(one, now, held, known) for one in courses]


def _left(one: Course, now: datetime, held: Sequence[Span], known: _Known) -> float | None:
    if one.over:
        return 0.0
    if one.lately is not None and _silent(one.lately, now, held) > look_back(one.seconds):
        return None  # whatever it waits for, nobody knows for how long
    cost, besides = _cost(one, now, held, known.slower[one.way]), 0.0
    if cost is None and not one.read and known.record is not None:
        cost, besides = known.record[one.way], max(0.0, known.besides - one.seconds)
    if one.total is None or cost is None:
        return None
    left = max(0, one.total - one.read) * cost + besides
    if one.lately is not None:  # a part of the page that is worked on is done
        pages = len(one.lately.commits)
        left -= min(_silent(one.lately, now, held), cost * one.lately.read / pages, left)
    return left


def _cost(one: Course, now: datetime, held: Sequence[Span], slower: float) -> float | None:
    """Seconds that a record of the pass takes."""
    before = None if one.learned is None else one.learned * slower
    if one.over:
        return one.seconds / one.read if one.read else None
    if one.lately is None or not one.lately.read:
        return before
    cost, read = _page_by_page(one, one.lately, now, held), one.lately.read
    if before is None:
        return cost
    return (cost * read + _TRUST) / (read + _TRUST / before)


def _page_by_page(one: Course, lately: Lately, now: datetime, held: Sequence[Span]) -> float:
    """By the pages that were committed lately. By how much one of them took longer than all others, or the next one
    does now, is an exception, such as a service that puts us off: it counts by its share of all that the pass took.
    """
    moments = (lately.since, *(at for at, _ in lately.commits))
    took = [between(before, after, held) for before, after in pairwise(moments)]
    *_, second, longest = sorted([0.0, *took])
    excess, read = (longest - second if len(took) >= _SEVERAL else 0.0), float(lately.read)
    if lately.first and one.way is Direction.TO_INTEGRATION_TABLE and len(took) < _AT_ONCE:
        # all of them were begun together, and are about to be committed together
        read = min(_AT_ONCE * max(float(each) for _, each in lately.commits), max(read, one.total or 0.0))
    lost = excess + max(0.0, _silent(lately, now, held) - longest)
    share = min(lost / one.seconds, _MOST) if one.seconds > 0 else 0.0
    return (sum(took) - excess) / read / (1 - share)


def _silent(lately: Lately, now: datetime, held: Sequence[Span]) -> float:
    return between(lately.commits[-1][0], now, held)


def _known(courses: Sequence[Course], now: datetime, held: Sequence[Span]) -> _Known:
    before = [one for one in courses if one.learned is not None and one.read]
    slower = _by_way([(one.way, one.seconds, one.read * (one.learned or 0.0)) for one in before], _STEADY, 1.0)
    small = [one.seconds for one in courses if one.over and 0 < one.read < _FEW]
    besides = sum(small) / len(small) if small else 0.0
    large = [one for one in courses if one.read >= _FEW]
    costs = [(one, _cost(one, now, held, slower[one.way])) for one in large]
    took = [
        (one.way, max(0.0, cost * one.read - (besides if one.over else 0.0)), float(one.read))
        for one, cost in costs
        if cost
    ]
    return _Known(slower, _by_way(took, _SOME, None) if took else None, besides)


def _by_way(
    known: Sequence[tuple[Direction, float, float]], trust: float, usual: float | None
) -> dict[Direction, float]:
    """Of what was taken for how much, what one takes in each direction: by those of the direction, and while these are
    few by those of all, or as `usual`.
    """
    took, of = sum(one for _, one, _ in known), sum(one for _, _, one in known)
    every = took / of if usual is None else (took + trust * usual) / (of + trust)
    found = {}
    for way in Direction:
        mine = [(took, of) for at, took, of in known if at is way]
        found[way] = (sum(one for one, _ in mine) + trust * every) / (sum(one for _, one in mine) + trust)
    return found
