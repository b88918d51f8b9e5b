"""The ordered jobs of a run as rows and as the lines around them; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.model.snapshot import Counters, JobSnapshot, JobState, RunSnapshot, RunState, Wish
from engine.model.states import STARTING
from engine.model.traffic import Traffic
from engine.model.undo import UndoLine
from tui import format as fmt
from tui import reasons
from tui.look import Look
from tui.widgets.columns import WIDE, Column, Row
from tui.widgets.line import hanging

COLUMNS = (
    Column("#", 2),
    Column("Job", 17),
    Column("State", 6, states=True),
    Column("Progress", 20),
    Column("Done/Total", 17, right=True),
    Column("Rec/s", 7, right=True),
    Column("ETA", 9, right=True),
)
_BAR = 19
_LEAST_BARS, _MOST_BARS = 8, 60
_PACE = "rec/s "
_STALE = 5.0
_BECAME = {
    "inserted": ("inserted", "ins", "Ins"),
    "modified": ("modified", "mod", "Mod"),
    "unchanged": ("unchanged", "same", "Same"),
    "skipped": ("skipped", "skip", ""),
    "failed": ("failed", "fail", "Fail"),
}
"""What becomes of records, by counter: in a line, in a narrow one, and as the head of a column."""
_UNDONE = {
    "modified": ("written back", "back", "Back"),
    "skipped": ("left", "left", "Left"),
}
"""The same of an undo that goes on; what it removed and uncoupled is known when it has ended."""
_OVER = (JobState.OK, JobState.PART, JobState.FAIL, JobState.SKIP)


def columns(run: RunSnapshot, width: int) -> tuple[Column, ...]:
    """The columns that a terminal of that width has room for."""
    more = (Column(label, 10, right=True) for _, _, label in _became(run.kind).values() if label)
    return (*COLUMNS, *more) if width >= WIDE else COLUMNS


def rows(run: RunSnapshot, look: Look, width: int) -> list[Row]:
    """A row for each job, and one for all of them, for a terminal of that width."""
    made = [*((_row(job, look), job.counters) for job in run.jobs), (_all(run, look), run.counters)]
    if width < WIDE:
        return [row for row, _ in made]
    shown = [name for name, (_, _, label) in _became(run.kind).items() if label]
    return [Row(row.key, (*row.cells, *(fmt.count(getattr(sums, one)) for one in shown))) for row, sums in made]


def _became(kind: str) -> Mapping[str, tuple[str, str, str]]:
    return _UNDONE if kind == "undo" else _BECAME


def pace(run: RunSnapshot, width: int, look: Look) -> str:
    """The throughput of the last minutes, and how requests go: under way, of how many at once, what of the service's
    limit is used, how often it put us off. Of a run that is over, how fast it was.
    """
    if run.state is not RunState.RUNNING:
        read = run.counters.read
        if not (read and run.worked >= 1):
            return ""
        return f"{fmt.many(read, 'record')} in {fmt.duration(run.worked)}, {fmt.rate(read / run.worked)} a second"
    room = width - 2 - len(_PACE)
    most = room - _LEAST_BARS if any(run.pace) else width
    said = next((text for text in _said(run.traffic) if len(text) <= most), "")
    drawn = fmt.spark(run.pace, min(_MOST_BARS, room - len(said)), ascii_only=look.ascii)
    return "  ".join(filter(None, (said, f"{_PACE}{drawn}" if drawn.strip() else "")))


def _said(traffic: Sequence[Traffic]) -> tuple[str, ...]:
    """How requests go, in three lengths."""
    if not traffic:
        return ("",)
    way = ", ".join(f"{one.name} {one.under_way} of {one.welcome}" for one in traffic)
    short = " ".join(f"{one.name} {one.under_way}/{one.welcome}" for one in traffic)
    used = max((one.used for one in traffic if one.used is not None), default=None)
    times, seconds = sum(one.put_off for one in traffic), sum(one.paused for one in traffic)
    limit = "" if used is None else f"{fmt.share(used)} of limit"
    often = "once" if times == 1 else f"{fmt.count(times)} times"
    put_off = (
        (f"put off {often}, {seconds:.0f} s", f"put off {fmt.count(times)}x {seconds:.0f} s") if times else ("", "")
    )
    return (
        "   ".join(filter(None, (f"in flight: {way}", limit and f"{limit} used", put_off[0]))),
        "  ".join(filter(None, (f"in flight {short}", limit, put_off[1]))),
        f"in flight {short}",
    )


def _row(job: JobSnapshot, look: Look) -> Row:
    return Row(
        job.mapping,
        (
            str(job.seq),
            job.mapping,
            job.state.value,
            fmt.bar(job.done, job.total, _BAR, ascii_only=look.ascii),
            fmt.progress(job.done, job.total, exact=job.total_exact),
            fmt.rate(job.rate),
            fmt.eta(job.eta, exact=job.total_exact),
        ),
    )


def _all(run: RunSnapshot, look: Look) -> Row:
    done = sum(job.done for job in run.jobs)
    known = [job.total for job in run.jobs if job.total is not None]
    total = sum(known) if known else None
    exact = len(known) == len(run.jobs) and all(job.total_exact for job in run.jobs)
    rates = [job.rate for job in run.jobs if job.rate is not None and job.state not in _OVER]
    rate = sum(rates) if rates else None
    return Row(
        "",
        (
            "",
            "all",
            "",
            fmt.bar(done, total, _BAR, ascii_only=look.ascii),
            fmt.progress(done, total, exact=exact),
            fmt.rate(rate),
            fmt.eta(run.eta, exact=False),
        ),
    )


def starting(run: RunSnapshot, waited: float) -> RunSnapshot:
    """The run as its engine will have it, when that was started so lately that it may not have taken the run yet.

    Until it has, there is no sign of life to count from: the last one is of the engine before it.
    """
    lived = run.beat is not None and (run.now - run.beat).total_seconds() < waited
    if waited >= STARTING or lived:
        return run
    if run.state is RunState.INTERRUPTED and not run.code:
        return replace(run, state=RunState.RUNNING, waiting="the engine to start", beat=None)
    return replace(run, beat=None) if _stale(run) else run


def title(run: RunSnapshot) -> str:
    """`run 16  RUNNING 00:06:41`, and STALE when the engine gave no sign of life lately."""
    return f"run {run.id}  {_word(run)} {fmt.duration(run.worked)}{_stale(run)}"


def _word(run: RunSnapshot) -> str:
    if run.state is not RunState.RUNNING:
        return run.state.value.upper()
    wishes = {Wish.STOP: "STOPPING", Wish.CANCEL: "CANCELLING", Wish.PAUSE: "PAUSING"}
    return "PAUSED" if run.paused and run.wish is Wish.PAUSE else wishes.get(run.wish, "RUNNING")


def _stale(run: RunSnapshot) -> str:
    if run.state is not RunState.RUNNING or run.beat is None:
        return ""
    silent = (run.now - run.beat).total_seconds()
    return f"  STALE {silent:.0f} s" if silent > _STALE else ""


def undone(found: UndoLine) -> str:
    """What an undo did of all jobs, and left."""
    counts = (
        ("removed", found.removed),
        ("written back", found.restored),
        ("uncoupled", found.uncoupled),
        ("left", found.left),
    )
    return "  ".join(("all", *(f"{word} {fmt.count(number)}" for word, number in counts)))


def counters(name: str, sums: Counters, width: int = 200, kind: str = "run") -> str:
    """What became of the records of a kind of run, on one line; in short words where big numbers leave no room for long
    ones.
    """
    values = [(words, fmt.count(getattr(sums, one))) for one, words in _became(kind).items()]
    long, short = ("  ".join((name, *(f"{words[at]} {value}" for words, value in values))) for at in (0, 1))
    return long if len(long) <= width else short


def waiting(run: RunSnapshot, width: int) -> list[str]:
    """What the run waits for, or why it does not go on and how it does."""
    if run.waiting:
        return hanging(f"wait: {run.waiting}", width, 1)
    if not run.state.resumable:
        return hanging(run.message, width, 1)
    way = (
        "r = resume   enter = the whole reason" if reasons.can_resume(run) else f"{reasons.instead(run)}   enter = why"
    )
    return [*hanging(_reason(run), width, 1), *hanging(way, width, 1)]


def _reason(run: RunSnapshot) -> str:
    if run.message:
        return run.message
    if run.state is RunState.INTERRUPTED:
        return "The engine ended without a word. Nothing is lost."
    return "Stopped at a checkpoint, as it was told."


def reason(run: RunSnapshot) -> list[str]:
    """Why the run does not go on, and what to do about it, in full."""
    if not (run.state.resumable or run.message):
        return []
    return [_reason(run), *([f"Next step: {run.hint}"] if run.hint else []), ""]


def cancelling(run: RunSnapshot) -> list[str]:
    """What cancelling the run means."""
    ends = f"Run {run.id} ends after the page that is being written."
    if run.undoes is None:
        return [ends, "What was written stays written. The flags are as before the run."]
    return [
        f"This gives up the undo of run {run.undoes}.",
        *([ends] if run.state is RunState.RUNNING else []),
        "What it took back stays taken back; all the rest stays as it is,",
        "with its couplings and flags.",
        f"`coupler undo {run.undoes}` can begin another undo for the rest.",
    ]


def cleared(run: RunSnapshot, width: int) -> list[str]:
    """What is cleared now; or, when the run is over, what became of it."""
    return hanging(_cleared(run), width, 2)


def _cleared(run: RunSnapshot) -> str:
    if run.kind == "plan":
        return "Preflight: nothing is written, Synch. Only Coupled Records is not touched"
    if run.undoes is not None and _looks(run):
        return (
            f"Undo of run {run.undoes}, 1 of 2: looks at all of it as it is now, whatever was counted before; "
            "nothing is written yet"
        )
    if run.undoes is not None and run.state is RunState.RUNNING:
        return f"Undo of run {run.undoes}, 2 of 2: takes back what it did; then flags are as before it"
    if run.undoes is not None and run.state is RunState.CANCELLED:
        return f"Undo of run {run.undoes}, given up: Synch. Only Coupled Records stays as it is"
    if run.undoes is not None:
        return f"Undo of run {run.undoes}: Synch. Only Coupled Records becomes what it was before that run"
    if run.kind != "run":
        return "Synch. Only Coupled Records counts as it is stored" if run.kind == "sync" else ""
    if run.state.active:
        count = len(run.cleared)
        if not count:
            return "Synch. Only Coupled Records: was off on all mappings; nothing had to be cleared"
        return f"Synch. Only Coupled Records: cleared for this run on {count} mapping{'s' * (count != 1)}"
    if run.answer is None:
        return "Synch. Only Coupled Records: as before this run (no answer)"
    kept = "stays cleared" if run.answer == "yes" else "as before this run"
    return f"Synch. Only Coupled Records: {kept} (answer: {run.answer}, {run.answered_by})"


def _looks(run: RunSnapshot) -> bool:
    """Whether an undo, while it goes on, has not begun to take anything back."""
    begun = any(one.started is not None for job in run.jobs for one in job.passes)
    return run.state is RunState.RUNNING and not begun


def detail(job: JobSnapshot, look: Look) -> list[str]:
    """Everything about a job: its passes with times, counters and messages."""
    made = [f"{job.mapping} {job.direction.arrow}   {job.state}   {job.message}".rstrip(), ""]
    for one in job.passes:
        sums = one.counters
        times = f"{fmt.clock(one.started, utc=look.utc)} - {fmt.clock(one.ended, utc=look.utc)}"
        done = fmt.progress(sums.read, one.total, exact=one.total_exact)
        made += [f"{one.direction.arrow}  {one.state:<6}{done}   {times}"]
        made += [_indented(*row) for row in _all_of(one.kind, sums)]
        made += [*([f"    {one.message}"] if one.message else []), ""]
    return made[:-1]


def _all_of(kind: str, sums: Counters) -> tuple[tuple[tuple[str, int], ...], ...]:
    if kind == "undo":
        return ((("written back", sums.modified), ("left", sums.skipped)),)
    return (
        (("inserted", sums.inserted), ("modified", sums.modified), ("unchanged", sums.unchanged)),
        (("skipped", sums.skipped), ("failed", sums.failed), ("warnings", sums.warnings)),
        (("coupled", sums.coupled), ("ambiguous", sums.ambiguous)),
    )


def _indented(*values: tuple[str, int]) -> str:
    return "    " + "  ".join(f"{name} {fmt.count(value)}" for name, value in values)
