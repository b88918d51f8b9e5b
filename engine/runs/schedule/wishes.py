"""What operators do to the schedule: each is one short transaction, whether a process keeps it or not."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from engine.config import Settings
from engine.mapping.times import next_time, zone_of
from engine.model.errors import RunError
from engine.model.schedule import Entry, EntryState, Keeper, ScheduleRow, ScheduleSnapshot
from engine.runs.schedule import rules
from engine.store import schedule
from engine.store.database import Store
from engine.store.lock import schedule_lives
from engine.sync.context import Clock, system_clock


def look_up(store: Store, settings: Settings, *, clock: Clock = system_clock) -> ScheduleSnapshot:
    """The schedule as it is now; raises StoreError."""
    with store.reading() as connection:
        found, keeper = schedule.entries(connection), schedule.kept_by(connection)
    rows = (
        ScheduleRow(one.name, settings.schedule.timing(one.name).text, found.get(one.name)) for one in settings.mappings
    )
    return ScheduleSnapshot(clock(), schedule_lives(store), keeper, tuple(rows))


def hold(
    store: Store, settings: Settings, names: Sequence[str], *, by: str, clock: Clock = system_clock
) -> list[Entry]:
    """Put entries, or all, on hold until they are resumed; those that are changed. Raises RunError."""
    return _change(store, settings, names, clock(), by, lambda one, now: rules.held(one, now, by))


def resume(
    store: Store, settings: Settings, names: Sequence[str], *, by: str, clock: Clock = system_clock
) -> list[Entry]:
    """Let entries, or all that are on hold, inactive or in error, have their usual turns again. Raises RunError."""
    zone = zone_of(settings.schedule.time_zone)

    def change(one: Entry, now: datetime) -> Entry:
        timing = settings.schedule.timing(one.mapping)
        if one.state is EntryState.READY:
            return one
        return rules.resumed(one, timing, now, by, partial(next_time, zone=zone))

    return _change(store, settings, names, clock(), by, change)


def now(store: Store, settings: Settings, names: Sequence[str], *, by: str, clock: Clock = system_clock) -> list[Entry]:
    """Give entries their turn at once, or all but those that an operator put on hold. Raises RunError."""

    def change(one: Entry, at: datetime) -> Entry:
        if one.state is not EntryState.ON_HOLD:
            return rules.at_once(one, at, by)
        if names:
            raise RunError(
                f"{one.mapping} is on hold since {one.changed_at:%Y-%m-%dT%H:%M:%SZ}, by {one.changed_by}.",
                f"`coupler schedule resume {one.mapping}` lets it go on.",
            )
        return one

    return _change(store, settings, names, clock(), by, change)


def stop(store: Store, *, by: str) -> Keeper:
    """Tell the process that keeps the schedule to end; which one that is. Raises RunError when there is none."""
    if not schedule_lives(store):
        raise RunError("Nobody keeps the schedule.", "`coupler schedule` does, until it is ended.")
    with store.writing() as connection:
        schedule.ask_to_stop(connection, by)
        found = schedule.kept_by(connection)
    if found is None:
        raise RunError("The schedule is just being started.", "Try again.")
    return found


def _change(
    store: Store,
    settings: Settings,
    names: Sequence[str],
    at: datetime,
    by: str,
    change: Callable[[Entry, datetime], Entry],
) -> list[Entry]:
    known = {one.name: settings.schedule.timing(one.name) for one in settings.mappings}
    for name in names:
        if not known[name].enabled:
            raise RunError(
                f"{name} is not scheduled.", f"Its enabled = false in [schedule] of {settings.path} says so."
            )
    with store.writing() as connection:
        stored = schedule.entries(connection, change=True)
        changed = []
        for name in names or [one for one, timing in known.items() if timing.enabled]:
            before = stored.get(name) or Entry(name, EntryState.READY, at, at, by)
            after = change(before, at)
            if after != before or name not in stored:
                changed.append(after)
        schedule.put(connection, changed)
    return changed
