"""[schedule] of config.toml: when modified records are synchronized."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import timedelta

from engine.config.check import Table as Keys
from engine.config.check import short
from engine.mapping.defaults import default_schedule
from engine.mapping.times import cron_problem, zone_of
from engine.model.schedule import Schedule, Timing, duration, duration_text

_SECOND, _MONTH = timedelta(seconds=1), timedelta(days=31)
_NEVER = "off"


def read_schedule(top: Keys, mappings: Iterable[str]) -> Schedule:
    """The timings of mappings; faults are noted in the report of the file.

    What stands in [schedule] itself is for all mappings, and [schedule.NAME] changes it for one.
    """
    table = top.table("schedule")
    default = default_schedule()
    zone = table.optional("time_zone")
    if zone is not None:
        try:
            zone_of(zone)
        except ValueError:
            table.add("time_zone", f'"{short(zone)}" is no time zone, such as Europe/Berlin')
    look = _duration(table, "look_every", default.look_every)
    common = _timing(table, default.other)
    timings = {}
    for name in dict.fromkeys((*default.timings, *mappings)):
        base = _over(table, default.timing(name), common)
        own = table.table(name) if table.has(name) else table.nothing(name)
        table.raw(name)
        timings[name] = _timing(own, base)
        own.end({})
    table.end({})
    return Schedule(timings, common, look, zone)


def _over(table: Keys, default: Timing, common: Timing) -> Timing:
    """What is by default, with what [schedule] says for all."""
    names = (one.name for one in fields(Timing))
    return Timing(**{name: getattr(common if table.has(name) else default, name) for name in names})


def _timing(table: Keys, base: Timing) -> Timing:
    cron = table.optional("cron")
    if cron is not None:
        if table.has("every"):
            table.add("cron", "and every exclude each other")
        elif cron.strip() and (problem := cron_problem(cron)):
            table.add("cron", problem)
    every = _duration(table, "every", base.every)
    timeout = base.inactivity_timeout
    if table.peek("inactivity_timeout") == _NEVER:
        table.raw("inactivity_timeout")
        timeout = None
    else:
        timeout = _duration(table, "inactivity_timeout", timeout or _SECOND, more=f', or "{_NEVER}"')
        if not table.has("inactivity_timeout"):
            timeout = base.inactivity_timeout
    return Timing(
        every=every,
        inactivity_timeout=timeout,
        attempts=table.whole("attempts", base.attempts, 1, 1000),
        retry_delay=_duration(table, "retry_delay", base.retry_delay),
        cron=" ".join(cron.split()) if cron is not None else "" if table.has("every") else base.cron,
        wake_on_change=table.flag("wake_on_change", default=base.wake_on_change),
        enabled=table.flag("enabled", default=base.enabled),
    )


def _duration(table: Keys, key: str, default: timedelta, *, more: str = "") -> timedelta:
    text = table.text(key, duration_text(default))
    found = duration(text)
    if found is None or not _SECOND <= found <= _MONTH:
        if text.strip():
            table.add(key, f'must be a time from 1 s to 31 d, such as "90 s", "30 min", "12 h" or "1 d"{more}')
        return default
    return found
