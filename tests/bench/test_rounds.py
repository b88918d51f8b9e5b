"""What is said of rounds: ratios to the floor before and after, medians, ranges."""

import pytest

from bench.rounds import bracketed, figure, ratios


def test_a_run_is_compared_with_the_mean_of_the_floor_before_and_after_it() -> None:
    assert ratios([1.0, 3.0, 1.0], [4.0, 1.0]) == [2.0, 0.5]


def test_each_run_needs_a_floor_on_both_sides() -> None:
    with pytest.raises(ValueError, match="2 runs do not stand between 2 of the floor"):
        ratios([1.0, 1.0], [2.0, 2.0])


def test_a_figure_is_a_median_with_its_range() -> None:
    assert figure([3.0, 1.0, 10.0]) == (3.0, 1.0, 10.0)
    with pytest.raises(ValueError, match="no rounds"):
        figure([])


def test_the_floor_comes_first_last_and_between_all_others() -> None:
    order: list[str] = []
    floors, runs = bracketed(2, lambda: order.append("floor"), lambda: order.append("ours"))
    assert order == ["floor", "ours", "floor", "ours", "floor"]
    assert (len(floors), len(runs)) == (3, 2)
