"""The schedule of synchronizations of modified records: what is asked for, and where each entry is
(reference/domain.md section 5.1).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.model.states import EntryState

__all__ = [
    "Entry",
    "EntryState",
    "Keeper",
    "Schedule",
    "ScheduleRow",
    "ScheduleSnapshot",
    "Timing",
    "duration",
    "duration_text",
]

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(rf"([0-9]{{1,9}}) ?({'|'.join(_UNITS)})")


@dataclass(frozen=True, slots=True)
class Timing:
    """When a mapping is synchronized: by `cron`, or where that is blank `every` so often, counted from midnight UTC.

    After a run that changed nothing it is on hold for `inactivity_timeout`, unless that is None; with `wake_on_change`
    it ends sooner when records are modified. What cannot be done is tried so many `attempts`, `retry_delay` apart.
    """

    every: timedelta
    inactivity_timeout: timedelta | None
    attempts: int
    retry_delay: timedelta
    cron: str = ""
    wake_on_change: bool = True
    enabled: bool = True

    @property
    def text(self) -> str:
        """`every 30 min`, `cron 0 6-20 * * mon-fri`, or `off`."""
        if not self.enabled:
            return "off"
        return f"cron {self.cron}" if self.cron else f"every {duration_text(self.every)}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The timings by mapping, and that of `other` mappings. `time_zone` is that of cron, None for the machine's own;
    `look_every` is how often it is looked whether something was modified while an entry is on hold.
    """

    timings: Mapping[str, Timing]
    other: Timing
    look_every: timedelta
    time_zone: str | None = None

    def timing(self, mapping: str) -> Timing:
        """When a mapping is synchronized."""
        return self.timings.get(mapping, self.other)


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry of one mapping, as it is stored. Times are aware, in UTC.

    `run` is the synchronization under way, `last_run` the one before, which ended at `last_at`. `attempts` failed in a
    row, the last one with `code` and `message`. `seen` is what a look found when it went on hold.
    """

    mapping: str
    state: EntryState
    next_at: datetime | None
    changed_at: datetime
    changed_by: str
    run: int | None = None
    attempts: int = 0
    code: str = ""
    message: str = ""
    last_run: int | None = None
    last_at: datetime | None = None
    result: str = ""
    seen: bytes | None = None

    @property
    def word(self) -> str:
        """The state as people are told it."""
        return "in process" if self.run is not None else str(self.state)


@dataclass(frozen=True, slots=True)
class Keeper:
    """The process that keeps the schedule, or kept it last. `waiting` is why nothing starts at the moment."""

    owner: str
    started_at: datetime
    waiting: str = ""
    stop_by: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A mapping, when it has its turn, and its entry: None when it is not scheduled, or nobody has kept the schedule
    since it is.
    """

    mapping: str
    when: str
    entry: Entry | None

    @property
    def run(self) -> int | None:
        """The run under way, else the last one, if any."""
        return None if self.entry is None else self.entry.run or self.entry.last_run


@dataclass(frozen=True, slots=True)
class ScheduleSnapshot:
    """The schedule in run order, and the process that keeps it, or kept it last. `running`: whether one does."""

    now: datetime
    running: bool
    keeper: Keeper | None
    rows: tuple[ScheduleRow, ...]

    def entry(self, mapping: str) -> Entry | None:
        """The entry of a mapping."""
        return next((one.entry for one in self.rows if one.mapping == mapping), None)


def duration(text: str) -> timedelta | None:
    """`90 s`, `30 min`, `12 h`, `1 d`; None for anything else."""
    found = _DURATION.fullmatch(text)
    return None if found is None else timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def duration_text(span: timedelta) -> str:
    """The same as text, in the largest unit that it is a whole number of."""
    seconds = int(span.total_seconds())
    unit = next(unit for unit in reversed(_UNITS) if seconds % _UNITS[unit] == 0 and seconds >= _UNITS[unit])
    return f"{seconds // _UNITS[unit]} {unit}"
