"""The walk of the model of large runs: as early as the limits let it, never earlier, and what holds it up is named."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.scale.assumptions import Assumptions
from bench.scale.crew import CRM_EXECUTION, TODAY, Crew, stretches, synchronize, windows
from bench.scale.walk import Course, Stretch, Window, walk
from bench.scale.work import Case, passes
from sandbox.limits import BUSINESS_CENTRAL, DATAVERSE, Meter, Rules

SECOND = 1_000_000
EXECUTION = Window("execution", 1200 * SECOND, 300 * SECOND)
GIVEN = Assumptions()


def walked(line: Sequence[Stretch], limits: Sequence[Window]) -> list[tuple[int, Sequence[int]]]:
    """The moments of all pieces, and what they use."""
    pieces: list[tuple[int, Sequence[int]]] = []
    walk(line, limits, skip=False, note=lambda at, needs: pieces.append((at, needs)))
    return pieces


def most(pieces: Sequence[tuple[int, Sequence[int]]], place: int, span: int) -> int:
    """The most that is used of one window within any time of its span."""
    total = best = first = 0
    for at, needs in pieces:
        total += needs[place]
        while pieces[first][0] <= at - span:
            total -= pieces[first][1][place]
            first += 1
        best = max(best, total)
    return best


def work(total: int, case: Case, crew: Crew, given: Assumptions = GIVEN) -> list[Stretch]:
    return [stretch for one in passes(total, case, given) for stretch in stretches(one, crew, given)]


def test_a_burst_uses_the_window_up_and_the_rest_comes_as_the_window_slides() -> None:
    """120 pieces of 10 s fit into 1,200 s: they come within 2 minutes, the others 300 s after them."""
    course = walk([Stretch(240, SECOND, "gap", (10 * SECOND,))], [EXECUTION])
    assert course.now == (120 + 300) * SECOND
    assert course.blamed == {"gap": 120 * SECOND, "execution": 300 * SECOND}
    assert course.binding == ["execution", "gap"]


def test_what_fits_into_the_window_is_held_up_by_nothing_but_its_own_gap() -> None:
    course = walk([Stretch(1000, 3 * SECOND, "gap", (12 * SECOND,))], [EXECUTION])
    assert course.now == 3000 * SECOND
    assert course.blamed == {"gap": 3000 * SECOND}


def test_what_one_stretch_used_is_missing_in_the_next() -> None:
    course = walk([Stretch(1, SECOND, "gap", (1200 * SECOND,)), Stretch(1, SECOND, "gap", (1,))], [EXECUTION])
    assert course.now == 301 * SECOND


def test_a_limit_of_nothing_is_no_limit() -> None:
    assert walk([Stretch(9, SECOND, "gap", (10**9,))], [Window("none", 0, 300 * SECOND)]).now == 9 * SECOND


def test_a_piece_that_never_fits_is_refused() -> None:
    with pytest.raises(ValueError, match="more than a window allows"):
        walk([Stretch(1, SECOND, "gap", (1200 * SECOND + 1,))], [EXECUTION])


STRETCHES = st.lists(
    st.builds(
        Stretch,
        pieces=st.integers(0, 400),
        gap=st.integers(1, 40),
        bound=st.just("gap"),
        needs=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    ),
    max_size=4,
)
PAIRS = st.tuples(
    st.builds(Window, st.just("a"), st.integers(20, 150), st.just(300)),
    st.builds(Window, st.just("b"), st.integers(20, 150), st.just(300)),
)


@settings(max_examples=500, deadline=None)
@given(line=STRETCHES, limits=PAIRS)
@example(
    line=[Stretch(12, 28, "gap", (0, 8)), Stretch(1, 1, "gap", (0, 1))],
    limits=(Window("a", 20, 300), Window("b", 88, 300)),
)
def test_skipping_what_repeats_itself_changes_no_moment_and_no_window_is_exceeded(
    line: list[Stretch], limits: tuple[Window, Window]
) -> None:
    pieces = walked(line, limits)
    assert walk(line, limits).now == walk(line, limits, skip=False).now
    assert all(most(pieces, place, 300) <= limits[place].limit for place in (0, 1))


def test_a_long_run_is_skipped_through_to_the_same_moment_and_the_same_blame() -> None:
    whole = work(400_000, Case.FIRST, TODAY)
    fast, slow = walk(whole, windows(TODAY, GIVEN)), walk(whole, windows(TODAY, GIVEN), skip=False)
    assert fast == slow
    assert fast.binding[0] != ""


@pytest.mark.parametrize("case", Case)
@pytest.mark.parametrize("crew", [TODAY, Crew(4, 16)])
def test_no_user_exceeds_a_limit_within_any_window(case: Case, crew: Crew) -> None:
    given = replace(GIVEN, nav_environment=3000, pace=1)
    limits = windows(crew, given)
    pieces = walked(work(300_000, case, crew, given), limits)
    assert pieces
    for place, one in enumerate(limits):
        assert 0 < most(pieces, place, one.span) <= one.limit


def refused(given: Assumptions) -> int:
    """How often the sandbox's own meter puts off what today's engine would do by the model."""
    now = 0.0
    meter = Meter(DATAVERSE, lambda: now)
    requests = seconds = 0.0
    for at, needs in walked(work(300_000, Case.FIRST, TODAY, given), windows(TODAY, given)):
        now = at / SECOND
        requests, seconds = requests + needs[0] / 1000, seconds + needs[1] / SECOND
        while requests >= 1:
            requests -= 1
            if meter.arrive() is None:
                meter.leave(seconds)
                seconds = 0.0
    return sum(bool(one.refused) for one in meter.log)


def test_the_meter_of_the_sandbox_puts_off_nothing_of_it_and_much_of_what_goes_faster() -> None:
    assert refused(GIVEN) == 0
    assert refused(replace(GIVEN, pace=1.2)) > 0


def test_the_limits_are_those_that_the_sandbox_enforces() -> None:
    def rules(requests: float, execution: float | None, concurrent: int) -> Rules:
        return Rules(GIVEN.window, int(requests), execution, concurrent)

    assert rules(GIVEN.crm_requests, GIVEN.crm_execution, DATAVERSE.concurrent) == DATAVERSE
    assert GIVEN.crm_places <= DATAVERSE.concurrent
    bc = replace(BUSINESS_CENTRAL, queued=0, patience=0.0, tells=True)
    assert rules(GIVEN.nav_requests, None, int(GIVEN.nav_places)) == bc


@pytest.mark.parametrize("case", Case)
@pytest.mark.parametrize("size", [10_000, 1_000_000, 30_000_000])
def test_more_users_and_more_workers_are_never_slower(case: Case, size: int) -> None:
    def took(users: int, workers: int) -> int:
        return synchronize(size, case, Crew(users, workers), GIVEN).now

    for fixed in (1, 4):
        by_users = [took(users, fixed) for users in (1, 2, 3, 8)]
        by_workers = [took(fixed, workers) for workers in (1, 2, 3, 8)]
        assert all(later <= before for line in (by_users, by_workers) for before, later in pairwise(line))
        assert by_workers[-1] < by_workers[0]


def test_four_web_servers_are_as_good_as_four_times_the_window() -> None:
    four = synchronize(1_000_000, Case.FIRST, TODAY, replace(GIVEN, web_servers=4))
    wide = synchronize(1_000_000, Case.FIRST, TODAY, replace(GIVEN, crm_requests=24_000, crm_execution=4800))
    one = synchronize(1_000_000, Case.FIRST, TODAY, GIVEN)
    assert abs(four.now - wide.now) < 0.005 * wide.now
    assert four.now < one.now
    assert one.blamed[CRM_EXECUTION] > four.blamed[CRM_EXECUTION]


def test_nothing_to_do_takes_no_time() -> None:
    assert walk([], [EXECUTION]) == Course()
