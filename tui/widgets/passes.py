"""Integration synchronization jobs as rows, and as what is said about one of them; pure but for the clock."""

from collections.abc import Sequence
from datetime import UTC, datetime

from engine.model.snapshot import JobState, PassSnapshot, RunSnapshot
from tui import format as fmt
from tui.look import Look
from tui.widgets.columns import WIDE, Column, Row

_KINDS = {
    "run": ("full", "full synchronization"),
    "sync": ("sync", "synchronization"),
    "undo": ("undo", "undo"),
    "couple": ("couple", "coupling by hand"),
    "match": ("match", "coupling by match"),
    "uncouple": ("uncouple", "uncoupling"),
    "mend": ("mend", "mending couplings"),
    "import": ("import", "import of couplings"),
}
"""By kind of run, what a job of it is: in short, and in full."""
TYPES = {kind: " ".join(words) for kind, words in _KINDS.items()}
"""By kind of run, both words for a job of it, for what looks for one."""
_COUNTS = (
    Column("Ins", 7, right=True),
    Column("Mod", 7, right=True),
    Column("Same", 7, right=True),
    Column("Fail", 7, right=True),
    Column("State", 6, states=True),
)
HEADING = (
    "run", "mapping", "direction", "state", "started", "ended", "read", "inserted", "modified", "unchanged", "skipped",
    "failed", "coupled", "ambiguous", "warnings", "message", "type",
)  # fmt: skip


def now() -> datetime:
    """The time, for days that are named relative to it."""
    return datetime.now(UTC)


def key(one: PassSnapshot) -> str:
    """What tells a job from all others."""
    return f"{one.run}/{one.seq}/{one.direction}"


def words(one: PassSnapshot) -> str:
    """What the filter looks into."""
    return f"{one.run} {one.mapping} {one.direction} {one.state} {' '.join(_kind(one))} {one.message}".casefold()


def _kind(one: PassSnapshot) -> tuple[str, str]:
    return _KINDS.get(one.kind, (one.kind, one.kind))


def columns(width: int) -> Sequence[Column]:
    """The columns of the table."""
    began = Column("Started", 10)
    type, times = (Column("Type", 22), (began, Column("Took", 11))) if width >= WIDE else (Column("Type", 9), (began,))
    return (Column("Run", 5), type, Column("Job", 17), Column("", 3), *times, *_COUNTS)


def row(one: PassSnapshot, look: Look, width: int) -> Row:
    """A row of the table."""
    sums = one.counters
    short, full = _kind(one)
    began = fmt.stamp(one.started, now(), utc=look.utc)
    return Row(
        key(one),
        (
            str(one.run),
            full if width >= WIDE else short,
            one.mapping,
            one.direction.arrow,
            *((began, fmt.duration(one.took)) if width >= WIDE else (began,)),
            fmt.count(sums.inserted),
            fmt.count(sums.modified),
            fmt.count(sums.unchanged),
            fmt.count(sums.failed),
            one.state.value,
        ),
    )


def about_run(number: int, run: RunSnapshot | None, look: Look) -> str:
    """How the run of a job ended and who answered its question."""
    if run is None:
        return f"run {number}"
    if run.answer is None:
        return f"run {number}  {run.state}, no answer"
    at = fmt.stamp(run.answered_at, now(), utc=look.utc)
    return f"run {number}  {run.state}, keep cleared: {run.answer}, by {run.answered_by} {at}"


def about(one: PassSnapshot, look: Look) -> str:
    """What a job is and how long it took, when it was stopped, with its message or its other counters."""
    sums = one.counters
    counts = (
        f"skipped {fmt.count(sums.skipped)}  coupled {fmt.count(sums.coupled)}  ambiguous {fmt.count(sums.ambiguous)}"
    )
    took, said = "" if one.took is None else f", this job in {fmt.duration(one.took)}", one.message
    if one.state is JobState.STOP and one.ended is not None:
        took = f", stopped {fmt.stamp(one.ended, now(), utc=look.utc)} after {fmt.duration(one.took)}"
        said = "" if said == "stopped" else said
    return f"{_kind(one)[1]}{took}: {said or counts}"


def export(one: PassSnapshot) -> tuple[object, ...]:
    """A row of the CSV file."""
    sums = one.counters
    return (
        one.run, one.mapping, one.direction, one.state, fmt.iso(one.started), fmt.iso(one.ended),
        sums.read, sums.inserted, sums.modified, sums.unchanged, sums.skipped, sums.failed, sums.coupled,
        sums.ambiguous, sums.warnings, one.message, _kind(one)[1],
    )  # fmt: skip
