"""Integration synchronization jobs as rows, and as what is said about one of them; pure but for the clock."""

from datetime import UTC, datetime

from engine.model.snapshot import PassSnapshot, RunSnapshot
from tui import format as fmt
from tui.look import Look
from tui.widgets.table import Column, Row

COLUMNS = (
    Column("Run", 5),
    Column("Job", 17),
    Column("", 3),
    Column("Started", 10),
    Column("Took", 9),
    Column("Ins", 7, right=True),
    Column("Mod", 7, right=True),
    Column("Same", 7, right=True),
    Column("Fail", 7, right=True),
    Column("State", 6, states=True),
)
HEADING = (
    "run", "mapping", "direction", "state", "started", "ended", "read", "inserted", "modified", "unchanged", "skipped",
    "failed", "coupled", "ambiguous", "warnings", "message",
)  # fmt: skip


def now() -> datetime:
    """The time, for days that are named relative to it."""
    return datetime.now(UTC)


def key(one: PassSnapshot) -> str:
    """What tells a job from all others."""
    return f"{one.run}/{one.seq}/{one.direction}"


def words(one: PassSnapshot) -> str:
    """What the filter looks into."""
    return f"{one.run} {one.mapping} {one.direction} {one.state} {one.message}".casefold()


def row(one: PassSnapshot, look: Look) -> Row:
    """A row of the table."""
    sums = one.counters
    return Row(
        key(one),
        (
            str(one.run),
            one.mapping,
            one.direction.arrow,
            fmt.stamp(one.started, now(), utc=look.utc),
            fmt.duration(one.took),
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


def about(one: PassSnapshot) -> str:
    """The message of a job, or its other counters."""
    sums = one.counters
    counts = (
        f"skipped {fmt.count(sums.skipped)}  coupled {fmt.count(sums.coupled)}  ambiguous {fmt.count(sums.ambiguous)}"
    )
    return one.message or counts


def export(one: PassSnapshot) -> tuple[object, ...]:
    """A row of the CSV file."""
    sums = one.counters
    return (
        one.run, one.mapping, one.direction, one.state, fmt.iso(one.started), fmt.iso(one.ended),
        sums.read, sums.inserted, sums.modified, sums.unchanged, sums.skipped, sums.failed, sums.coupled,
        sums.ambiguous, sums.warnings, one.message,
    )  # fmt: skip
