"""All that a report of a run says. It is read piece by piece: of a run that is going, some may be newer than others."""

from dataclasses import dataclass
from datetime import datetime

from engine.model.conflict import Conflict
from engine.model.decision import Decision
from engine.model.snapshot import Cause, RecordOutcome, RunSnapshot


@dataclass(frozen=True, slots=True)
class Slot:
    """The records of one job whose pages were committed in the same moment."""

    at: datetime
    seq: int
    read: int
    failed: int


@dataclass(frozen=True, slots=True)
class Bar:
    """The records of some seconds of work. `seq` is the job that read the most of them; a bar that does not begin where
    the one before it ends comes after a time without work.
    """

    at: datetime
    seconds: float
    seq: int
    read: int
    failed: int

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.read / self.seconds


@dataclass(frozen=True, slots=True)
class Most:
    """How much of what may be without end a report takes: causes, records of each, conflicts, decisions."""

    causes: int
    records: int
    conflicts: int
    decisions: int


@dataclass(frozen=True, slots=True)
class Group:
    """A cause, with the first records that have it."""

    cause: Cause
    records: tuple[RecordOutcome, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A run with what became of it. The `all_` numbers count what is in the store, also what was left out here."""

    run: RunSnapshot
    bars: tuple[Bar, ...]
    groups: tuple[Group, ...]
    all_causes: int
    all_problems: int
    conflicts: tuple[Conflict, ...]
    all_conflicts: int
    decisions: tuple[Decision, ...]
    all_decisions: int
