"""Where runs, jobs and entries of the schedule are, in the words of the store and the screens."""

from enum import StrEnum

STARTING = 30.0
"""Seconds that an engine may take to begin, on a busy machine, before its run counts as interrupted."""


class RunState(StrEnum):
    """Where a run is. RUNNING with no live engine is shown as INTERRUPTED, which is not stored."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    ASKING = "asking"
    FINISHED = "finished"
    CANCELLED = "cancelled"

    @property
    def active(self) -> bool:
        """Whether Synch. Only Coupled Records is cleared by a run in this state."""
        return self not in (RunState.FINISHED, RunState.CANCELLED)

    @property
    def resumable(self) -> bool:
        """Whether an engine can go on with the run."""
        return self in (RunState.INTERRUPTED, RunState.STOPPED)


class JobState(StrEnum):
    """Where a job is, as the word that screens show."""

    WAIT = "WAIT"
    RUN = "RUN"
    PAUSE = "PAUSE"
    OK = "OK"
    PART = "PART"
    FAIL = "FAIL"
    SKIP = "SKIP"
    STOP = "STOP"


class JobType(StrEnum):
    """What an integration synchronization job does (reference/domain.md section 4.4)."""

    SYNCHRONIZATION = "Synchronization"
    COUPLING = "Coupling"
    UNCOUPLING = "Uncoupling"
    UNDO = "Undo"


class Wish(StrEnum):
    """What operators want of a run that an engine works on."""

    RUN = "run"
    PAUSE = "pause"
    STOP = "stop"
    CANCEL = "cancel"


class EntryState(StrEnum):
    """The states of a job queue entry. One that is synchronized at the moment has a run under way besides."""

    READY = "ready"
    INACTIVE = "inactive"
    """On hold with inactivity timeout."""
    ON_HOLD = "on hold"
    """By an operator, until one resumes it."""
    ERROR = "error"
    """All attempts failed, or going on could do harm: until an operator resumes it."""
