"""The drawing of the throughput keeps to its frame whatever a run was like."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.report import Bar, Slot
from engine.runs.throughput import bars
from tests.reports.made import at, made_bars
from tui.reports import chart

NAMES = {1: "CURRENCY", 4: "CUSTOMER", 5: "CONTACTS"}


def numbers(text: str, tag: str, name: str) -> list[float]:
    return [float(one) for one in re.findall(rf'<{tag}\b[^>]* {name}="([^"]*)"', text)]


@given(
    st.lists(
        st.tuples(st.integers(0, 600_000), st.sampled_from([1, 4, 5]), st.integers(0, 5_000), st.integers(0, 50)),
        min_size=1,
        max_size=80,
    )
)
def test_everything_is_inside_the_frame(made: list[tuple[int, int, int, int]]) -> None:
    slots = sorted((Slot(at(seconds), *rest) for seconds, *rest in made), key=lambda one: one.at)
    text = chart.chart(bars(slots, at(0), at(600_000)), NAMES)
    for name, tag, most in (("x", "rect", chart.WIDTH), ("y", "rect", chart.HEIGHT), ("x", "text", chart.WIDTH)):
        assert all(0 <= one <= most for one in numbers(text, tag, name))
    ends = zip(numbers(text, "rect", "x"), numbers(text, "rect", "width"), strict=True)
    assert all(x + width <= chart.WIDTH + 0.2 for x, width in ends)
    assert all(one >= 0 for one in numbers(text, "rect", "height"))
    assert "nan" not in text
    assert "inf" not in text


def test_the_tallest_bar_is_the_fastest_and_failed_records_are_apart() -> None:
    one, two = Bar(at(0), 10, 4, 100, 0), Bar(at(10), 10, 4, 400, 100)
    text = chart.chart((one, two), NAMES)
    heights = dict(zip(re.findall(r'<rect[^>]*class="(\w+)"', text), numbers(text, "rect", "height"), strict=True))
    assert heights["read"] == pytest.approx(heights["failed"] * 3, abs=0.3)
    assert "11:57:44  40.0 records a second, CUSTOMER, 100 failed" in text


def test_a_night_without_work_is_a_dashed_line_and_is_told() -> None:
    text = chart.chart(made_bars(), NAMES)
    assert text.count('class="break"') == 1
    assert "11:00:00 without work" in text
    assert chart.gaps(made_bars()) == [(at(100), 39_600)]


@pytest.mark.parametrize(
    ("value", "most"),
    [(0, 1), (0.03, 0.1), (0.7, 0.8), (1, 1), (3, 4), (38.1, 40), (613, 800), (1_204, 2_000), (9_999, 10_000)],
)
def test_the_axis_ends_at_a_round_number(value: float, most: float) -> None:
    assert chart._nice(value) == pytest.approx(most)
    assert most >= value


def test_a_run_of_days_has_dates_below_the_axis() -> None:
    days = tuple(Bar(at(3_600 * one), 3_600, 4, 10, 0) for one in range(60))
    text = chart.chart(days, NAMES)
    assert "03-13 00:00" in text
    assert "03-14 12:00" in text
