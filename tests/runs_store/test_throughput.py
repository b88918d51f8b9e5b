"""Records a second over time: no record is lost between bars, and nights without work are not drawn."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.model.report import Bar, Slot
from engine.runs.throughput import IDLE, MOST, bars
from tests.store.tools import AT, later


def slots(*seconds: float, seq: int = 1, read: int = 100, failed: int = 0) -> list[Slot]:
    return [Slot(later(one), seq, read, failed) for one in seconds]


def ends(one: Bar) -> datetime:
    return one.at + timedelta(seconds=one.seconds)


def test_nothing_was_committed() -> None:
    assert bars([], AT, later(60)) == ()


def test_a_short_run_has_a_bar_a_second_from_its_begin_to_its_end() -> None:
    found = bars(slots(1, 2, read=50, failed=3), AT, later(3.4))
    assert [(one.at, one.seconds, one.read, one.failed) for one in found] == [
        (AT, 1, 0, 0),
        (later(1), 1, 50, 3),
        (later(2), 1, 50, 3),
        (later(3), 1, 0, 0),
    ]
    assert [one.rate for one in found] == [0, 50, 50, 0]


def test_a_bar_is_of_the_job_that_read_most_and_an_empty_one_of_the_job_before() -> None:
    found = bars(sorted(slots(0, seq=1) + slots(0, seq=4, read=200) + slots(2, seq=5), key=lambda one: one.at), AT, AT)
    assert [one.seq for one in found] == [4, 4, 5]


def test_a_wait_that_a_service_asks_for_is_drawn_and_a_night_is_not() -> None:
    wait = IDLE.total_seconds()
    assert {one.seconds for one in bars(slots(0, wait), AT, AT)[:-1]} == {10}
    night = bars(slots(0, 1, 30_000, 30_001), AT, later(30_001))
    assert [one.at for one in night] == [AT, later(1), later(30_000), later(30_001)]


def test_a_run_that_waits_for_its_answer_does_not_work() -> None:
    assert ends(bars(slots(0, 1), AT, later(90_000))[-1]) == later(2)


def test_work_that_is_long_has_bars_that_are_wide() -> None:
    found = bars(slots(*range(0, 36_000, 10)), AT, later(36_000))
    assert {one.seconds for one in found[:-1]} == {450}
    assert {one.rate for one in found[:-1]} == {10}


@given(
    st.lists(
        st.tuples(st.integers(0, 400_000), st.integers(1, 7), st.integers(0, 500), st.integers(0, 5)), max_size=60
    ),
    st.integers(-5_000, 5_000),
    st.integers(-5_000, 500_000),
)
def test_every_record_is_in_a_bar_and_bars_do_not_overlap(
    made: list[tuple[int, int, int, int]], begun: int, until: int
) -> None:
    given_ones = sorted((Slot(later(at), *rest) for at, *rest in made), key=lambda one: one.at)
    found = bars(given_ones, later(begun), later(until))
    assert sum(one.read for one in found) == sum(one.read for one in given_ones)
    assert sum(one.failed for one in found) == sum(one.failed for one in given_ones)
    assert all(ends(one) <= after.at for one, after in pairwise(found))
    assert all(one.seconds > 0 for one in found)
    stretches = 1 + sum(ends(one) < after.at for one, after in pairwise(found))
    assert len(found) <= MOST + stretches
