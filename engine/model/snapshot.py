"""What screens and reports are shown: one consistent, immutable picture of the store."""

from dataclasses import dataclass
from datetime import datetime

from engine.model.mapping import Direction
from engine.model.states import JobState, JobType, RunState, Wish
from engine.model.traffic import Traffic
from engine.model.undo import UndoLine

__all__ = [
    "Cause",
    "Counters",
    "CouplingRow",
    "Event",
    "FlagChange",
    "HomeSnapshot",
    "JobSnapshot",
    "JobState",
    "JobType",
    "MappingSnapshot",
    "PassSnapshot",
    "RecordOutcome",
    "RunSnapshot",
    "RunState",
    "Wish",
]


@dataclass(frozen=True, slots=True)
class Counters:
    """Sums over committed pages. `read` counts every source record that was looked at."""

    read: int = 0
    inserted: int = 0
    modified: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    coupled: int = 0
    ambiguous: int = 0
    warnings: int = 0
    uncoupled: int = 0

    def __add__(self, other: "Counters") -> "Counters":
        return Counters(
            self.read + other.read,
            self.inserted + other.inserted,
            self.modified + other.modified,
            self.unchanged + other.unchanged,
            self.skipped + other.skipped,
            self.failed + other.failed,
            self.coupled + other.coupled,
            self.ambiguous + other.ambiguous,
            self.warnings + other.warnings,
            self.uncoupled + other.uncoupled,
        )


@dataclass(frozen=True, slots=True)
class PassSnapshot:
    """One integration synchronization job: one mapping, one direction, one run of a `kind`. Times are aware, in UTC.

    `spent` are the seconds of work before `started`, by engines that did not come to its end; of one that is stopped,
    all until `ended`, when it was.
    """

    run: int
    seq: int
    mapping: str
    direction: Direction
    state: JobState
    counters: Counters
    total: int | None
    total_exact: bool
    started: datetime | None
    ended: datetime | None
    message: str = ""
    type: JobType = JobType.SYNCHRONIZATION
    spent: float = 0.0
    kind: str = "run"

    @property
    def took(self) -> float | None:
        """Seconds in which it was worked on, once nobody does; not those in which it was stopped."""
        if self.started is None or self.ended is None:
            return None
        if self.state is JobState.STOP:
            return self.spent
        return self.spent + (self.ended - self.started).total_seconds()


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """One of the ordered jobs of a run: its one or two passes together. While it goes on, `rate` is records a second
    and `eta` the seconds that it takes yet, where something tells.
    """

    seq: int
    mapping: str
    direction: Direction
    state: JobState
    counters: Counters
    total: int | None
    total_exact: bool
    rate: float | None
    eta: float | None
    passes: tuple[PassSnapshot, ...]
    message: str = ""

    @property
    def done(self) -> int:
        """Source records looked at, over all passes."""
        return self.counters.read


@dataclass(frozen=True, slots=True)
class FlagChange:
    """What the closing question means for one mapping: the flag before the run, now, and after either answer.

    `now` is what is in effect: off while the run is not over, whatever is stored.
    """

    mapping: str
    before: bool
    now: bool
    if_yes: bool
    if_no: bool
    edited: bool = False
    """An operator changed the flag during the run; that edit stands whatever the answer is."""


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the tail; `text` may hold text from outside."""

    at: datetime
    mapping: str
    text: str


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """A run as it is now. `beat` is when its engine last gave a sign of life, `waiting` what it waits for, `worked` the
    seconds in which engines worked on it, `undoes` the run that it undoes, if it is not a dry one.
    """

    id: int
    kind: str
    state: RunState
    wish: Wish
    paused: bool
    environment: str
    nav: str
    crm: str
    started: datetime
    ended: datetime | None
    now: datetime
    beat: datetime | None
    waiting: str
    code: str
    message: str
    hint: str
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None
    jobs: tuple[JobSnapshot, ...]
    flags: tuple[FlagChange, ...]
    events: tuple[Event, ...]
    left_alone: int = 0
    """Of a run that synchronized, records of its mappings that are left alone now; 0 while it is running."""
    worked: float = 0.0
    undone: UndoLine | None = None
    """Of an undo that no engine works on: what it did of all jobs, and left."""
    eta: float | None = None
    """While it is running, the seconds until all jobs are over, where something tells of each."""
    undoes: int | None = None
    resumed: datetime | None = None
    """When it was last resumed, which may be before the engine's first sign of life."""
    pace: tuple[float, ...] = ()
    """While it is running, records a second in each of the last five-second bars, oldest first."""
    traffic: tuple[Traffic, ...] = ()
    """While it is running, how the requests to each service go."""

    @property
    def counters(self) -> Counters:
        """The sums over all jobs."""
        return sum((job.counters for job in self.jobs), Counters())

    @property
    def cleared(self) -> tuple[str, ...]:
        """Mappings whose flag is on but has no effect while this run is active; a plan overrides nothing."""
        overrides = self.state.active and self.kind == "run"
        return tuple(one.mapping for one in self.flags if one.before) if overrides else ()


@dataclass(frozen=True, slots=True)
class MappingSnapshot:
    """A row of the home screen. `only_coupled` is the stored flag, `cleared_by` the run that overrides it."""

    seq: int
    name: str
    direction: Direction
    nav_table: str
    crm_table: str
    only_coupled: bool
    cleared_by: int | None
    fields: int
    nav_filter: str
    crm_filter: str
    match: str
    coupled: int
    last: PassSnapshot | None
    last_counters: Counters | None
    last_state: JobState | None
    not_coupled: int | None = None
    """Records that are known to have no partner: by the last plan, where it is newer than the last job and counted all
    of the mapping, what it would make or couple, and what would fail; else those that failed. None where nothing is
    known.
    """
    failing: int | None = None
    """Records that failed when they were tried last, one that did so in both directions for each; None where none was
    ever tried.
    """
    left_alone: bool = False
    """Whether records of it are left alone until an operator asks to retry them; of a long ledger, one looks only at
    its first entries.
    """
    in_error: bool = False
    """Whether the schedule gives it no turn any more, as it failed too often."""
    lookups: tuple[str, ...] = ()
    """The other mappings whose couplings its lookups are translated by."""


@dataclass(frozen=True, slots=True)
class HomeSnapshot:
    """The home screen: the mappings in run order and the run that is active, if any."""

    environment: str
    nav: str
    crm: str
    now: datetime
    mappings: tuple[MappingSnapshot, ...]
    active: RunSnapshot | None
    last_run: RunSnapshot | None
    conflicts: int = 0
    """Records with conflicts, which wait for a choice; not those that wait for a pass to apply it."""
    plan: int | None = None
    """The last plan that came to its end."""
    ambiguous: int = 0
    """Records that several others match; of many, one looks only at the first ones."""
    ambiguous_exact: bool = True
    """Whether these are all."""
    going: RunSnapshot | None = None
    """The run, of whatever kind, that an engine works on, or is about to."""
    taken_back_by: int | None = None
    """The undo, come to its end, of the last run."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Equal failures as one line. `retry` says whether running again can help without a change of data."""

    run: int
    mapping: str
    kind: str
    code: str
    cause: str
    count: int
    first_seen: datetime
    hint: str


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """What happened to one record that was not simply written; texts may be hostile."""

    run: int
    seq: int
    mapping: str
    direction: Direction
    kind: str
    code: str
    cause: str
    message: str
    hint: str
    nav_no: str
    name: str
    nav_id: str | None
    crm_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CouplingRow:
    """A coupling as `coupler couplings` lists it."""

    mapping: str
    nav_no: str
    nav_id: str
    crm_id: str
