"""Numbers, times and bars as text of a known width; pure, and the same on screens and in plain lines."""

from collections.abc import Sequence
from datetime import UTC, datetime

NONE = "-"
"""What stands where there is no value."""

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_BAR = {True: ("#", "."), False: ("█", "░")}
_SPARK = {True: "_.-=+*#", False: "▁▂▃▄▅▆▇█"}


def count(number: int) -> str:
    """`2,210`."""
    return f"{number:,}"


def many(number: int, what: str) -> str:
    """`1 record`, `2,210 records`."""
    return f"{count(number)} {what}{'s' * (number != 1)}"


def total(number: int | None, *, exact: bool = True) -> str:
    """`4,105`, `~9,800` when it is an estimate, `?` when it is not known."""
    if number is None:
        return "?"
    return count(number) if exact else f"~{count(number)}"


def progress(done: int, number: int | None, *, exact: bool = True) -> str:
    """`2,210/4,105`."""
    return f"{count(done)}/{total(number, exact=exact)}"


def rate(per_second: float | None) -> str:
    """`38.1` below a thousand, `1,204` from there on."""
    if per_second is None:
        return NONE
    return f"{per_second:.1f}" if per_second < 999.95 else f"{per_second:,.0f}"


def duration(seconds: float | None) -> str:
    """`00:06:41`; from a hundred hours on, days: `4d 04:00`."""
    if seconds is None:
        return NONE
    whole = max(0, int(seconds))
    if whole >= 100 * _HOUR:
        return f"{whole // _DAY}d {whole % _DAY // _HOUR:02}:{whole % _HOUR // _MINUTE:02}"
    return f"{whole // _HOUR:02}:{whole % _HOUR // _MINUTE:02}:{whole % _MINUTE:02}"


def eta(seconds: float | None, *, exact: bool = True) -> str:
    """`00:49` in minutes and seconds, `1:02:03` from an hour on, `12h 34m` from ten on, `4d 04h` from a hundred on, and
    in days alone from a hundred of these; `~` when the total is an estimate. At most eight characters.
    """
    if seconds is None:
        return NONE
    whole = max(0, round(seconds))
    minutes = f"{whole % _HOUR // _MINUTE:02}:{whole % _MINUTE:02}"
    if whole < 10 * _HOUR:
        text = minutes if whole < _HOUR else f"{whole // _HOUR}:{minutes}"
    elif whole < 100 * _HOUR:
        text = f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02}m"
    else:
        text = f"{whole // _DAY}d" + (f" {whole % _DAY // _HOUR:02}h" if whole < 100 * _DAY else "")
    return text if exact else f"~{text}"


def clock(at: datetime | None, *, utc: bool = True, seconds: bool = True) -> str:
    """`12:04:31`."""
    return NONE if at is None else f"{_zoned(at, utc=utc):{'%H:%M:%S' if seconds else '%H:%M'}}"


def stamp(at: datetime | None, now: datetime, *, utc: bool = True) -> str:
    """At most nine characters: the time today, `Mon 16:20` within a week before or after, `12 Mar` this year, else
    `2024-03`.
    """
    if at is None:
        return NONE
    local, today = _zoned(at, utc=utc), _zoned(now, utc=utc)
    days = (today.date() - local.date()).days
    if days == 0:
        return f"{local:%H:%M:%S}"
    if abs(days) < 7:
        return f"{_WEEKDAYS[local.weekday()]} {local:%H:%M}"
    if local.year == today.year:
        return f"{local.day} {_MONTHS[local.month - 1]}"
    return f"{local:%Y-%m}"


def ago(at: datetime | None, now: datetime) -> str:
    """`12s`, `5m`, `3h`, `2d`; `never` when it never was."""
    if at is None:
        return "never"
    seconds = max(0, int((now - at).total_seconds()))
    for unit, letter in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= unit:
            return f"{seconds // unit}{letter}"
    return f"{seconds}s"


def iso(at: datetime | None) -> str | None:
    """`2026-03-12T12:04:31Z`, for programs; in UTC whatever the screens show."""
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def zone(now: datetime, *, utc: bool = True) -> str:
    """What the times of a screen are: `UTC`, or `local (UTC+2)`."""
    if utc:
        return "UTC"
    offset = _zoned(now, utc=False).utcoffset()
    minutes = 0 if offset is None else int(offset.total_seconds()) // _MINUTE
    sign, minutes = ("-" if minutes < 0 else "+"), abs(minutes)
    return f"local (UTC{sign}{minutes // 60}{f':{minutes % 60:02}' if minutes % 60 else ''})"


def bar(done: int, number: int | None, width: int, *, ascii_only: bool = True) -> str:
    """`[####......]`, `width` characters with its brackets; full only when everything is done."""
    inner = max(0, width - 2)
    share = 0.0 if not number else min(1.0, max(0.0, done / number))
    if number == 0 or (number is not None and done >= number):
        filled = inner
    else:
        filled = min(int(share * inner), max(0, inner - 1))
    full, empty = _BAR[ascii_only]
    return f"[{full * filled}{empty * (inner - filled)}]"


def spark(values: Sequence[float], width: int, *, ascii_only: bool = True) -> str:
    """The newest values, one character each, as high as they are among those that are shown; blank for nothing."""
    newest = values[-width:] if width > 0 else ()
    most = max(newest, default=0.0)
    steps = _SPARK[ascii_only]
    return "".join(
        " " if value <= 0 else steps[min(len(steps) - 1, int(value / most * len(steps)))] for value in newest
    )


def share(part: float) -> str:
    """`63 %`; neither nothing nor all when it is a little more or less."""
    percent = round(part * 100)
    return f"{min(max(percent, 1), 99) if 0 < part < 1 else percent} %"


def on_off(value: bool) -> str:  # noqa: FBT001 - it is what is shown
    """A flag as the products show it."""
    return "on" if value else "off"


# strftime's %a and %b follow the locale, and columns would follow them.
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _zoned(at: datetime, *, utc: bool) -> datetime:
    return at.astimezone(UTC) if utc else at.astimezone()
