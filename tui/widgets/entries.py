"""Entries of the schedule as rows, and as what is said about one of them; pure."""

from datetime import datetime

from engine.model.schedule import EntryState, ScheduleRow, ScheduleSnapshot
from tui import format as fmt
from tui.look import Look
from tui.widgets.table import Column, Row

_WHEN = 16
COLUMNS = (
    Column("Mapping", 18),
    Column("When", _WHEN),
    Column("State", 11),
    Column("Next", 11),
    Column("Tries", 6, right=True),
    Column("Result", 15),
)


def row(one: ScheduleRow, now: datetime, look: Look) -> Row:
    """A row of the table."""
    entry = one.entry
    if entry is None:
        return Row(one.mapping, (one.mapping, one.when, fmt.NONE, fmt.NONE, "", ""))
    tries = str(entry.attempts) if entry.attempts else ""
    return Row(one.mapping, (one.mapping, one.when, entry.word, _turn(one, now, look), tries, entry.result))


def kept(found: ScheduleSnapshot, look: Look, *, demo: bool) -> str:
    """Who keeps the schedule, and what it waits for."""
    keeper = found.keeper
    if not found.running or keeper is None:
        how = "the demo has none" if demo else "s starts it, as `coupler schedule` does"
        return f"! Nobody keeps the schedule: {how}"
    if keeper.waiting:
        return f"! waits: {keeper.waiting}"
    return f"kept by {keeper.owner}, since {fmt.stamp(keeper.started_at, found.now, utc=look.utc)}"


def about(one: ScheduleRow, found: ScheduleSnapshot, look: Look) -> str:
    """Why an entry is where it is, after a time for which its column has no room."""
    why = _why(one, found, look)
    return why if len(one.when) < _WHEN else ": ".join(part for part in (one.when, why) if part)


def _why(one: ScheduleRow, found: ScheduleSnapshot, look: Look) -> str:
    entry = one.entry
    if entry is None:
        return "It has had no turn yet." if one.when != "off" else "It is not scheduled: [schedule] of config.toml."
    if entry.message:
        return f"! {entry.message}"
    if entry.state is EntryState.ON_HOLD:
        return f"on hold by {entry.changed_by}, {fmt.stamp(entry.changed_at, found.now, utc=look.utc)}"
    if entry.state is EntryState.INACTIVE:
        return "Nothing was modified. It has its turn at that time, or when something is."
    if entry.run is not None:
        return f"run {entry.run} is under way; u = watch it"
    return "" if entry.last_run is None else f"run {entry.last_run} ended {fmt.ago(entry.last_at, found.now)} ago"


def everything(one: ScheduleRow, found: ScheduleSnapshot, look: Look) -> list[str]:
    """All that is stored of an entry."""
    entry = one.entry
    if entry is None:
        return [f"when      {one.when}", _why(one, found, look)]

    def stamp(at: datetime | None) -> str:
        return fmt.stamp(at, found.now, utc=look.utc)

    last = fmt.NONE if entry.last_run is None else f"run {entry.last_run}, {stamp(entry.last_at)}: {entry.result}"
    return [
        f"when      {one.when}",
        f"state     {entry.word}",
        f"next      {_turn(one, found.now, look)}",
        f"failed    {entry.attempts} in a row",
        f"last      {last}",
        f"changed   by {entry.changed_by}, {stamp(entry.changed_at)}",
        *([f"message   {entry.message}"] if entry.message else []),
    ]


def _turn(one: ScheduleRow, now: datetime, look: Look) -> str:
    entry = one.entry
    if entry is None or entry.next_at is None:
        return fmt.NONE
    if entry.run is not None or entry.next_at <= now:
        return "now"
    return fmt.stamp(entry.next_at, now, utc=look.utc)
