"""Numbers and times as they are shown."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui import format as form

NOW = datetime(2026, 11, 25, 12, 4, 31, tzinfo=UTC)


def test_counts() -> None:
    assert form.count(2210) == "2,210"
    assert form.total(9800, exact=False) == "~9,800"
    assert form.total(None) == "?"
    assert form.progress(2210, 4105) == "2,210/4,105"
    assert form.on_off(True) == "on"
    assert form.on_off(False) == "off"


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0, "0.0"), (38.14, "38.1"), (999.96, "1,000"), (12345.6, "12,346")]
)
def test_rates(value: float | None, text: str) -> None:
    assert form.rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (-5, "00:00:00"), (401.9, "00:06:41"), (359_999, "99:59:59"), (360_000, "4d 04:00")],
)
def test_durations(value: float | None, text: str) -> None:
    assert form.duration(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"), (0, "00:00"), (49.4, "00:49"), (3599.6, "1:00:00"), (3723, "1:02:03"), (35_999, "9:59:59"),
        (45_296, "12h 34m"), (359_999, "99h 59m"), (360_000, "4d 04h"), (8_639_999, "99d 23h"), (8_640_000, "100d"),
    ],
)  # fmt: skip
def test_etas(value: float | None, text: str) -> None:
    assert form.eta(value) == text
    assert len(form.eta(value, exact=False)) <= 8


def test_an_eta_of_an_estimate_is_marked() -> None:
    assert form.eta(422, exact=False) == "~07:02"


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(0), "12:04:31"),
        (timedelta(days=1), "Tue 12:04"),
        (timedelta(days=6), "Thu 12:04"),
        (timedelta(days=7), "18 Nov"),
        (timedelta(days=400), "2025-10"),
        (timedelta(days=-1), "Thu 12:04"),
        (timedelta(days=-7), "2 Dec"),
    ],
)
def test_stamps_fit_nine_columns(before: timedelta, text: str) -> None:
    assert form.stamp(NOW - before, NOW) == text
    assert len(text) <= 9


def test_clocks_and_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        assert form.clock(NOW) == "12:04:31"
        assert form.clock(NOW, utc=False, seconds=False) == "17:34"
        assert form.clock(None) == form.stamp(None, NOW) == "-"
        assert form.zone(NOW) == "UTC"
        assert form.zone(NOW, utc=False) == "local (UTC+5:30)"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_times_for_programs_are_utc() -> None:
    east = NOW.astimezone(datetime.strptime("+0530", "%z").tzinfo)
    assert form.iso(east) == "2026-11-25T12:04:31Z"
    assert form.iso(None) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (60, "1m"), (7200, "2h"), (200_000, "2d"), (-9, "0s")]
)
def test_how_long_ago(seconds: int, text: str) -> None:
    assert form.ago(NOW - timedelta(seconds=seconds), NOW) == text
    assert form.ago(None, NOW) == "never"


@given(st.integers(0, 10**7), st.none() | st.integers(0, 10**7), st.integers(2, 60), st.booleans())
def test_bars_have_their_width_and_are_full_only_at_the_end(
    done: int, total: int | None, width: int, ascii_only: bool
) -> None:
    bar = form.bar(done, total, width, ascii_only=ascii_only)
    assert len(bar) == width
    assert bar.isascii() == (ascii_only or width == 2)
    if width > 2:
        empty = "." if ascii_only else "░"
        assert (empty not in bar) == (total is not None and done >= total)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((), ""),
        ((0.0, 0.0), "  "),
        ((0.0, 0.1, 7.0), " _#"),
        ((7.0, 5.9, 4.9, 3.9, 2.9, 1.9, 0.9), "#*+=-._"),
        ((100.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0), "#######"),
    ],
)
def test_throughput_is_drawn_by_the_highest_that_is_shown(values: tuple[float, ...], text: str) -> None:
    assert form.spark(values, 7) == text
    assert len(form.spark(values, 7, ascii_only=False)) == len(text)
    assert form.spark(values, 0) == ""


@pytest.mark.parametrize(
    ("part", "text"), [(0.0, "0 %"), (0.001, "1 %"), (0.634, "63 %"), (0.999, "99 %"), (1.0, "100 %")]
)
def test_a_share_is_neither_nothing_nor_all_unless_it_is(part: float, text: str) -> None:
    assert form.share(part) == text
