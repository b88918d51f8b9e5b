"""When an entry of the schedule has its turn, as APScheduler's triggers tell it.

They know no daylight saving: APScheduler 3 leaves out a time that the clocks skip, or carries out twice one that they
repeat. So cron is asked for times on a wall clock without changes, which are then looked up in the real zone.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from engine.model.schedule import Timing

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHIFT = timedelta(hours=2)
"""No clock is set forward or back by more at once."""
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(\*|[a-z0-9]+(?:-[a-z0-9]+)?)(?:/([1-9][0-9]?))?")


def next_time(timing: Timing, after: datetime, zone: tzinfo | None = None) -> datetime:
    """The first turn behind a moment, in UTC; `zone` is that of cron, None for the machine's own.

    A time of day that the clocks skip comes by so much later, one that they repeat comes the first time only; what
    comes each hour comes in a repeated hour too. Raises ValueError for a cron that never comes.
    """
    if timing.cron:
        return _next_cron(timing.cron, after, zone)
    from apscheduler.triggers.interval import IntervalTrigger  # noqa: PLC0415 - other commands need no triggers

    trigger = IntervalTrigger(seconds=int(timing.every.total_seconds()), start_date=_EPOCH, timezone=UTC)
    found: datetime = trigger.get_next_fire_time(None, after + datetime.resolution)
    return found


def cron_problem(cron: str) -> str | None:
    """What is wrong with a cron, if anything."""
    fields = cron.split()
    if len(fields) != 5:
        return "must be five fields: minute, hour, day of the month, month, day of the week"
    if "*" not in (fields[2], fields[4]):
        return "must leave the day of the month or the day of the week as *"
    try:
        found = _trigger(cron).get_next_fire_time(None, datetime(2000, 1, 1, tzinfo=UTC))
    except ValueError as error:
        return f"cannot be used: {error}"
    return "never comes" if found is None else None


def zone_of(name: str | None) -> tzinfo | None:
    """A time zone; raises ValueError when there is none of that name."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, KeyError) as error:  # a folder of zones, a name that is none
        raise ValueError(name) from error


def _next_cron(cron: str, after: datetime, zone: tzinfo | None) -> datetime:
    repeats = (0, 1) if cron.split()[1] == "*" else (0,)
    best: datetime | None = None
    for wall in _walls(cron, after.astimezone(zone).replace(tzinfo=None) - _SHIFT):
        if best is not None and wall - _SHIFT > best.astimezone(zone).replace(tzinfo=None):
            break
        for fold in repeats:
            at = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            if at > after and (best is None or at < best):
                best = at
    if best is None:
        raise ValueError(cron)
    return best


def _walls(cron: str, since: datetime) -> Iterator[datetime]:
    """Its times on a wall clock that is never set, from a moment on."""
    trigger = _trigger(cron)
    at = since.replace(tzinfo=UTC)
    while (found := trigger.get_next_fire_time(None, at)) is not None:
        yield found.replace(tzinfo=None)
        at = found + datetime.resolution


@cache
def _trigger(cron: str) -> Any:
    """Raises ValueError where it is no cron."""
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 - as above

    minute, hour, day, month, weekday = cron.lower().split()
    days = _weekdays(weekday)
    return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=days, timezone=UTC)


def _weekdays(field: str) -> str:
    """Days by name: APScheduler counts them from Monday, cron from Sunday. Raises ValueError."""
    if field == "*":
        return field
    found: dict[str, None] = {}
    for part in field.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f'"{part[:20]}" is no day of the week')
        first, _, last = ("0", "", "6") if match[1] == "*" else match[1].partition("-")
        begin = _weekday(first)
        end = _weekday(last) if last else 6 if match[2] else begin
        if last and (end < begin or last == "7"):
            end += 7
        found.update(dict.fromkeys(_DAYS[day % 7] for day in range(begin, end + 1, int(match[2] or 1))))
    return ",".join(found)


def _weekday(text: str) -> int:
    if text in _DAYS:
        return _DAYS.index(text)
    if text.isascii() and text.isdigit() and int(text) <= 7:
        return int(text) % 7
    raise ValueError(f'"{text[:20]}" is no day of the week')
