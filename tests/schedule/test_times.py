"""When an entry has its turn: every so often, by cron, and on the days on which clocks are set."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapping.times import cron_problem, next_time, zone_of
from engine.model.schedule import Timing, duration, duration_text

BERLIN = ZoneInfo("Europe/Berlin")
FORWARD, BACK = date(2026, 3, 29), date(2026, 10, 25)


def timing(cron: str = "", every: timedelta = timedelta(minutes=30)) -> Timing:
    return Timing(every, None, 10, timedelta(seconds=30), cron)


def turns(one: Timing, day: date, zone: ZoneInfo = BERLIN) -> list[datetime]:
    """Its turns on one day in a zone, as moments."""
    at = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - timedelta(seconds=1)
    found = []
    while (at := next_time(one, at, zone)).astimezone(zone).date() == day:
        found.append(at)
    return found


def walls(one: Timing, day: date, zone: ZoneInfo = BERLIN) -> list[str]:
    return [f"{at.astimezone(zone):%H:%M}" for at in turns(one, day, zone)]


def test_an_interval_is_counted_from_midnight_utc_so_that_equal_ones_are_due_together() -> None:
    at = datetime(2026, 5, 1, 12, 17, 3, 500, tzinfo=UTC)
    assert next_time(timing(), at) == datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
    assert next_time(timing(), datetime(2026, 5, 1, 12, 30, tzinfo=UTC)) == datetime(2026, 5, 1, 13, tzinfo=UTC)
    assert next_time(timing(every=timedelta(days=1)), at) == datetime(2026, 5, 2, tzinfo=UTC)


@pytest.mark.parametrize("cron", ["30 2 * * *", "15,45 2 * * *", "0 3 * * *", "0 */2 * * *", "*/20 1-3 * * *"])
def test_what_has_its_hours_is_neither_lost_nor_done_twice_when_clocks_are_set(cron: str) -> None:
    usual = walls(timing(cron), date(2026, 5, 1))
    forward, back = walls(timing(cron), FORWARD), walls(timing(cron), BACK)
    assert back == usual, "a repeated hour counts once"
    later = sorted({f"03{wall[2:]}" if wall.startswith("02") else wall for wall in usual})
    assert forward == later, "what is skipped comes an hour later"


def test_what_comes_each_hour_comes_in_a_repeated_hour_too() -> None:
    for one in (timing("*/30 * * * *"), timing()):
        assert len(turns(one, FORWARD)) == 46
        assert len(turns(one, BACK)) == 50
        for day in (FORWARD, BACK):
            assert {after - before for before, after in pairwise(turns(one, day))} == {timedelta(minutes=30)}


def test_midnight_may_be_skipped_and_half_an_hour_be_repeated() -> None:
    assert walls(timing("0 0 * * *"), date(2018, 11, 4), ZoneInfo("America/Sao_Paulo")) == ["01:00"]
    assert walls(timing("45 1 * * *"), date(2026, 4, 5), ZoneInfo("Australia/Lord_Howe")) == ["01:45"]


def test_a_turn_that_is_less_than_a_moment_away_is_not_left_out() -> None:
    turn = datetime(2026, 1, 3, 19, 30, tzinfo=UTC)
    assert next_time(timing(""), turn - datetime.resolution) == turn
    assert next_time(timing(""), turn) == turn + timedelta(minutes=30)


@given(
    st.integers(0, 360 * 86_400_000).map(lambda ms: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)),
    st.sampled_from(["30 2 * * *", "*/7 * * * *", "5 */3 * * mon-fri", "0 0 1 * *", "10 1,2,3 * 3,10 *", ""]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
)
def test_turns_come_one_after_the_other_and_none_lies_between(at: datetime, cron: str, name: str) -> None:
    zone = zone_of(name)
    first = next_time(timing(cron), at, zone)
    assert first > at
    assert first.utcoffset() == timedelta()
    between = at + (first - at) / 2
    assert next_time(timing(cron), between, zone) == first
    assert next_time(timing(cron), first, zone) > first


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", [6]), ("7", [6]), ("1", [0]), ("mon-fri", [0, 1, 2, 3, 4]), ("1-5", [0, 1, 2, 3, 4]), ("0-1", [0, 6]),
        ("5-7", [4, 5, 6]), ("sat,SUN", [5, 6]), ("*/2", [1, 3, 5, 6]), ("6-1", [0, 5, 6]), ("1-5/2", [0, 2, 4]),
    ],
)  # fmt: skip
def test_days_of_the_week_are_those_of_cron(field: str, days: list[int]) -> None:
    """Python counts from Monday, cron from Sunday."""
    assert cron_problem(f"0 12 * * {field}") is None
    week = [date(2026, 5, 4) + timedelta(days=n) for n in range(7)]
    assert [day.weekday() for day in week if walls(timing(f"0 12 * * {field}"), day)] == days


@pytest.mark.parametrize(
    ("cron", "fault"),
    [
        ("30 2 * *", "five fields"), ("@daily", "five fields"), ("61 * * * *", "61"), ("0 0 * * 8", "day of the week"),
        ("0 0 1 * 1", "as *"), ("0 0 31 2 *", "never"), ("0 0 * * */0", "day of the week"), ("x * * * *", "cannot be used"),
    ],
)  # fmt: skip
def test_what_is_no_cron_is_told(cron: str, fault: str) -> None:
    found = cron_problem(cron)
    assert found is not None
    assert fault in found


def test_a_zone_that_is_none_is_no_zone() -> None:
    for name in ("Europe/Berlim", "", "../etc/passwd", "Europe"):
        with pytest.raises(ValueError, match=name or None):
            zone_of(name)
    assert zone_of(None) is None


@pytest.mark.parametrize("text", ["1 s", "90 s", "30 min", "12 h", "1 d", "36 h"])
def test_a_duration_is_written_as_it_is_read(text: str) -> None:
    found = duration(text)
    assert found is not None
    assert duration_text(found) == text


@pytest.mark.parametrize("text", ["", "30", "1.5 h", "-1 s", "1 week", "30  min", "１ s"])
def test_other_texts_are_no_duration(text: str) -> None:
    assert duration(text) is None
