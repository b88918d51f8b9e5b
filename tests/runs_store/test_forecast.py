"""How long a run takes yet, by courses of pages that were made up: the time that is told comes true."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

import pytest

from engine.model.mapping import Direction
from engine.runs.forecast import Course, Lately, look_back, seconds_left
from engine.runs.held import Held, back, between, held
from tests.store.tools import FROM, TO

BEGUN = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
PAGE = 50
Pace = Callable[[float], float]
"""Records a second when that share of a pass is done."""


@dataclass(frozen=True)
class Played:
    """A pass as it went: when each of its pages was committed, in seconds from the begin of the run."""

    total: int
    begun: float
    commits: tuple[float, ...]
    learned: float | None
    way: Direction = FROM
    page: int = PAGE

    @property
    def ended(self) -> float:
        return self.commits[-1]

    def read(self, now: float) -> int:
        return min(self.total, self.page * sum(at <= now for at in self.commits))

    def course(self, now: float) -> Course:
        """What the store tells of it at that moment."""
        if now < self.begun:
            return Course(self.way, self.total, 0, 0, over=False, learned=self.learned)
        over = now >= self.ended
        seconds = (self.ended if over else now) - self.begun
        lately = None if over else self._lately(now)
        return Course(self.way, self.total, self.read(now), seconds, over, self.learned, lately)

    def _lately(self, now: float) -> Lately | None:
        back = now - look_back(now - self.begun)
        since = max((at for at in self.commits if at <= back), default=self.begun)
        pages = tuple((_at(at), self.page) for at in self.commits if since < at <= now)
        return Lately(_at(since), pages, first=since == self.begun) if pages else None


def _at(seconds: float) -> datetime:
    return BEGUN + timedelta(seconds=seconds)


def play(*jobs: tuple[int, Pace] | tuple[int, Pace, float | None], noise: float = 0.0) -> list[Played]:
    """Passes one after the other; of each its records, its pace, and seconds a record took the last time, if any."""
    chance = random.Random(7)
    now, made = 0.0, []
    for total, pace, *more in jobs:
        took = [PAGE / pace(done / total) * (1 + noise * chance.uniform(-1, 1)) for done in range(0, total, PAGE)]
        commits = tuple(accumulate(took, initial=now))[1:]
        made.append(Played(total, now, commits, more[0] if more else None))
        now = commits[-1]
    return made


def moments(begun: float, ended: float) -> Iterator[float]:
    """From the end of the first tenth until shortly before the end, where minutes are seconds."""
    return iter([begun + (ended - begun) * share / 100 for share in range(11, 96, 3)])


def told(run: Sequence[Played], now: float) -> float:
    """What is said to be left of the whole run."""
    left = seconds_left([one.course(now) for one in run], _at(now))
    assert None not in left
    return sum(filter(None, left))


def off(told: float, true: float) -> float:
    return abs(told - true) / true


def constant(rate: float) -> Pace:
    return lambda _: rate


def slowing(first: float, last: float) -> Pace:
    return lambda share: first + (last - first) * share


def after_a_burst(first: float, then: float) -> Pace:
    """Fast until a twentieth is done, as until a service's window is used up."""
    return lambda share: first if share < 0.05 else then


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize(
    "pace",
    [constant(40), constant(3), slowing(40, 28), after_a_burst(90, 30)],
    ids=["constant", "slow", "slowing", "burst"],
)
def test_of_a_pass_the_time_that_is_left_is_within_a_fifth_after_its_first_tenth(pace: Pace, noise: float) -> None:
    (one,) = run = play((10_000, pace), noise=noise)
    worst = max(off(told(run, now), one.ended - now) for now in moments(0, one.ended))
    assert worst < 0.2


@pytest.mark.parametrize("speed", [1.0, 0.5, 2.0], ids=["as before", "half as fast", "twice as fast"])
def test_of_a_run_it_is_so_where_each_job_has_its_own_cost_and_was_done_before(speed: float) -> None:
    """Jobs cost from 1 to 40 times as much a record; the service may be slower or faster than it was then."""
    costs = ((300, 1 / 20), (6_000, 1 / 80), (9_000, 1 / 30), (2_000, 1 / 2))
    run = play(*((total, constant(speed / cost), cost) for total, cost in costs), noise=0.2)
    end = run[-1].ended
    worst = max(off(told(run, now), end - now) for now in moments(0, end))
    assert worst < 0.2


@pytest.mark.parametrize("page", [80, 120, 160])
def test_of_a_pass_it_is_so_where_the_service_puts_it_off_once(page: int) -> None:
    """A pause of an eighth of what it took until then is an exception; it does not count as the pace."""
    (one,) = play((10_000, constant(20)))
    pause = one.commits[page] / 8
    put_off = replace(one, commits=tuple(at + pause * (index >= page) for index, at in enumerate(one.commits)))
    after = [now for now in moments(0, put_off.ended) if now > put_off.commits[page]]
    assert max(off(told([put_off], now), put_off.ended - now) for now in after) < 0.15


def test_of_a_pass_that_starts_slowly_it_is_so_as_three_of_its_pages_come_together() -> None:
    """To CRM, three pages are worked on at once: what the first one took is not what a page takes."""
    commits = tuple(at for burst in range(1, 11) for at in (2 + 12 * burst, 2.5 + 12 * burst, 3 + 12 * burst))
    one = Played(30_000, 0, commits, None, way=TO, page=1_000)
    errors = [off(told([one], now), one.ended - now) for now in moments(2, one.ended - 6)]
    assert max(errors) < 0.35
    assert sum(errors) / len(errors) < 0.15


def test_the_direction_tells_more_than_all_jobs() -> None:
    """New records are made in CRM, and read back from it fast."""
    made, seen = Played(5_000, 0, tuple(at * 2.0 for at in range(1, 101)), None, way=TO), constant(250)
    (back,) = play((5_000, seen))
    back = replace(back, begun=200, commits=tuple(at + 200 for at in back.commits), way=FROM)
    other = replace(made, begun=220, commits=tuple(at + 220 for at in made.commits))
    again = replace(back, begun=420, commits=tuple(at + 220 for at in back.commits))
    run = [made, back, other, again]
    assert max(off(told(run, now), 440 - now) for now in moments(210, 440)) < 0.2


def test_small_jobs_that_mostly_wait_do_not_make_others_slow() -> None:
    small = [Played(10, at, (at + 1.5,), None, page=10) for at in (0.0, 1.5, 3.0)]
    large = Played(10_000, 4.5, tuple(4.5 + at for at in range(1, 201)), None)
    after = replace(large, begun=204.5, commits=tuple(at + 200 for at in large.commits))
    assert max(off(told([*small, large, after], now), 404.5 - now) for now in moments(0, 404)) < 0.2


def test_what_an_engine_was_held_up_by_counts_in_no_pace() -> None:
    """Others had the store for a minute; before and after that a page came each second."""
    at = (*range(1, 31), *range(91, 260))
    one = Played(10_000, 0, tuple(map(float, at)), None)
    now, spans = 119.0, [(_at(30), _at(90))]
    course = replace(one.course(now), seconds=between(BEGUN, _at(now), spans))
    assert seconds_left([course], _at(now), spans) == [pytest.approx((10_000 - 59 * PAGE) / PAGE, rel=0.05)]


def test_an_engine_tells_what_it_was_held_up_by() -> None:
    mine = Held()
    mine.add(_at(10), _at(20))
    mine.add(_at(15), _at(30))
    mine.add(_at(40), _at(41))
    assert held(mine.stored(), _at(50), _at(51)) == [(_at(10), _at(30)), (_at(40), _at(41))]
    mine.add(_at(2_000), _at(2_001))
    assert held(mine.stored(), None, _at(2_002)) == [(_at(2_000), _at(2_001))]
    assert held([], _at(50), _at(60)) == [(_at(50), _at(60))], "no sign of life comes: others have the store"
    spans = [(_at(10), _at(20)), (_at(20), _at(50))]
    assert back(_at(60), 15, spans) == _at(5)
    assert back(_at(60), 5, spans) == _at(55)
    assert between(_at(0), _at(100), [(_at(-5), _at(10)), (_at(40), _at(50)), (_at(95), _at(120))]) == 75


def test_without_what_was_before_other_jobs_are_taken_to_cost_what_this_run_did() -> None:
    run = play((1_000, constant(10)), (5_000, constant(10)), noise=0.2)
    end = run[-1].ended
    assert max(off(told(run, now), end - now) for now in moments(0, end)) < 0.2


def test_a_few_records_of_small_jobs_tell_nothing_of_large_ones() -> None:
    small, large = Course(TO, 30, 30, 3, over=True), Course(TO, 5_000, 0, 0, over=False)
    assert seconds_left([small, large], BEGUN) == [0.0, None]
    assert seconds_left([Course(TO, 300, 300, 3, over=True), large], BEGUN) == [0.0, pytest.approx(50)]


def test_what_each_pass_takes_besides_its_records_is_told_by_small_ones() -> None:
    small, large, next_one = (
        Course(TO, 30, 30, 3, over=True),
        Course(TO, 300, 300, 6, over=True),
        Course(TO, 400, 0, 0, over=False),
    )
    assert seconds_left([small, large, next_one], BEGUN)[2] == pytest.approx(3 + 400 * 0.01)


def test_what_this_run_does_counts_more_than_what_was_before() -> None:
    (one,) = run = play((10_000, constant(20), 1 / 100), noise=0.2)
    assert max(off(told(run, now), one.ended - now) for now in moments(0, one.ended)) < 0.2


def test_before_anything_is_committed_it_is_known_from_the_last_run_only() -> None:
    assert seconds_left([Course(TO, 1_000, 0, 0, over=False)], BEGUN) == [None]
    assert seconds_left([Course(TO, 1_000, 0, 0, over=False, learned=0.1)], BEGUN) == [pytest.approx(100)]
    assert seconds_left([Course(TO, None, 0, 0, over=False, learned=0.1)], BEGUN) == [None]


def test_the_time_goes_down_between_two_pages_and_up_when_no_page_comes() -> None:
    run = play((10_000, constant(5)))  # a page each 10 s
    steady = [told(run, 200 + seconds) for seconds in range(10)]
    assert [before - after for before, after in pairwise(steady)] == [pytest.approx(1)] * 9
    stopped = Played(10_000, 0, (*(10.0 * at for at in range(1, 21)), 9_999.0), None)
    silent = [told([stopped], 200 + seconds) for seconds in (20, 60, 100)]
    assert silent == sorted(silent)
    assert silent[-1] > 1.3 * steady[0]


def test_what_is_over_takes_nothing_and_more_than_was_counted_is_no_debt() -> None:
    lately = Lately(BEGUN, ((_at(10), 120),))
    over, more = seconds_left(
        [Course(TO, 100, 80, 10, over=True), Course(TO, 100, 120, 10, over=False, lately=lately)], _at(10)
    )
    assert (over, more) == (0.0, 0.0)
