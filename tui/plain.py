"""Runs as lines of text: for terminals without a screen, logs, screen readers and schedulers.

The lines are made from the same snapshots as the screens, so the two cannot disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

from engine.model.states import JobState, RunState
from tui import format as form
from tui.text import safe

if TYPE_CHECKING:
    from engine.model.snapshot import Counters, FlagChange, JobSnapshot, MappingSnapshot, RunSnapshot

_LABEL = re.compile(r"\s*(?:-\s+(?:!\s+)?|\S+(?: \S+)*\s{2,})?")
_ADDRESS = re.compile(r"https?://[^\s/]+(?:/\S*)?(/\S+)")
_LONGEST = 4_000
_NARROW = 8
"""Columns that a column of a table keeps however little room there is."""
_ENDED = frozenset({JobState.OK, JobState.PART, JobState.FAIL, JobState.SKIP, JobState.STOP})
_COUNTERS = ("inserted", "modified", "unchanged", "skipped", "failed", "coupled")


def job_line(run: RunSnapshot, job: JobSnapshot) -> str:
    """`12:04:31Z job=4/7 CUSTOMER state=RUN done=2210 total=4105 failed=3 eta=49s`."""
    words = [
        f"{form.clock(run.now)}Z",
        f"job={_place(run, job)}/{len(run.jobs)}",
        safe(job.mapping),
        f"state={job.state}",
        f"done={job.done}",
        f"total={_total(job)}",
    ]
    if job.state in _ENDED:
        words += _numbers(job.counters)
    else:
        words.append(f"failed={job.counters.failed}")
        words.append(f"eta={'?' if job.eta is None else f'{job.eta:.0f}s'}")
    if job.message:
        words.append(f"message={safe(job.message)}")
    return " ".join(words)


def run_line(run: RunSnapshot) -> str:
    """The whole run: `12:17:40Z run=16 state=finished read=17540 ... answer=no took=00:13:42`."""
    words = [
        f"{form.clock(run.now)}Z",
        f"{run.kind}={run.id}",
        f"state={run.state}",
        f"read={run.counters.read}",
        *_numbers(run.counters),
        *([f"left_alone={run.left_alone}"] if run.left_alone else []),
        f"answer={safe(run.answer or 'none')}",
        f"took={_took(run)}",
    ]
    return " ".join(words)


def status_lines(run: RunSnapshot, room: int | None = None) -> list[str]:
    """A run and its jobs, as they are now; the jobs as a terminal of `room` columns holds them."""
    word = "paused" if run.paused and run.state is RunState.RUNNING else str(run.state)
    left = "" if run.eta is None else f", {form.eta(run.eta, exact=False)} left"
    lines = [
        f"{run.kind} {run.id}: {word}, started {form.iso(run.started)}, took {_took(run)}{left}",
        f"NAV {safe(run.nav)}  CRM {safe(run.crm)}  ({safe(run.environment)})",
        *columns(
            ("#", "Job", "", "State", "Done/Total", "Ins", "Mod", "Same", "Skip", "Fail", "Rec/s", "ETA"),
            (
                (
                    str(_place(run, job)),
                    job.mapping,
                    job.direction.arrow,
                    job.state,
                    form.progress(job.done, job.total, exact=job.total_exact),
                    *map(form.count, _counts(job)),
                    form.rate(job.rate),
                    form.eta(job.eta, exact=job.total_exact),
                )
                for job in run.jobs
            ),
            right=frozenset({0, *range(4, 12)}),
            room=room,
            spare=("Rec/s", "Skip", "Same"),
        ),
    ]
    if run.waiting:
        lines.append(f"waits: {safe(run.waiting)}")
    if run.message:
        lines.append(f"message: {safe(run.message)}")
    lines += [f"next step: {safe(step, _LONGEST)}" for step in next_steps(run)]
    if run.left_alone:
        lines.append(left_alone(run.left_alone))
    if run.cleared:
        lines.append(f"Synch. Only Coupled Records: cleared by this run for {', '.join(map(safe, run.cleared))}")
    if run.state is RunState.ASKING:
        lines += ["", *question_lines(run.flags), ""]
    elif run.answer is not None:
        at = form.iso(run.answered_at) or form.NONE
        lines.append(f"answer: {run.answer}, by {safe(run.answered_by)}, {at}: {outcome(run)}")
    return lines


def next_steps(run: RunSnapshot) -> list[str]:
    """What to do about a run that is not finished, each thing once: the hint of what ended it names the command, or
    gets it.
    """
    hint = [run.hint] if run.hint else []
    if run.state is RunState.ASKING:
        asks = f"Run {run.id} asks: keep Synch. Only Coupled Records cleared? coupler answer {run.id} yes|no"
        return [*hint, asks]
    if not run.state.resumable:
        return hint
    if run.kind == "run":
        if "coupler resume" in run.hint:
            return hint
        how = f"Run {run.id} is stopped at a checkpoint."
        if run.state is RunState.INTERRUPTED:
            how = f"The engine of run {run.id} ended without a word. Nothing is lost."
        return [f"{run.hint or how} To go on: coupler resume {run.id}"]
    if run.undoes is not None:
        waits = f"The undo of run {run.undoes} is not finished, and nothing else may write until it is."
        ways = f"To go on: coupler undo {run.undoes}  To give it up: coupler cancel {run.id}"
        return [*hint, waits] if "coupler undo" in run.hint else [*hint, waits, ways]
    if run.kind == "sync":
        return [*hint, "It did not get to its end. Nothing is lost; the next one starts where the last one did."]
    if run.kind == "plan":
        return [*hint, "The plan did not get to its end. Start another one: coupler plan"]
    return [*hint, "It did not get to its end. What is done is done; start it again for the rest."]


def outcome(run: RunSnapshot) -> str:
    """What the answer that was given made of the flag."""
    kept = "stays cleared" if run.answer == "yes" else "is as before this run"
    return f"Synch. Only Coupled Records {kept}"


def left_alone(number: int) -> str:
    """How many records no run tries any more, and what makes it try them."""
    records = "1 record is" if number == 1 else f"{form.count(number)} records are"
    return (
        f"{records} left alone after failing twice in the same way: "
        "`coupler skipped` lists what is, `coupler retry --all` or `coupler retry MAPPING NO` tries again"
    )


def mapping_cells(one: MappingSnapshot) -> tuple[str, ...]:
    """What every list shows of a mapping; how it ended the last time comes behind."""
    return (
        str(one.seq),
        one.name,
        one.nav_table,
        one.direction.arrow,
        one.crm_table,
        flag(one),
        form.count(one.coupled),
    )


def flag(one: MappingSnapshot) -> str:
    """Synch. Only Coupled Records: the stored value, and the run that it has no effect for."""
    stored = form.on_off(one.only_coupled)
    return stored if one.cleared_by is None or not one.only_coupled else f"{stored} (cleared by run {one.cleared_by})"


def question_lines(flags: Sequence[FlagChange]) -> list[str]:
    """The closing question's table: what either answer does to each mapping."""
    rows = (
        (
            flag.mapping,
            *map(form.on_off, (flag.before, flag.now, flag.if_yes, flag.if_no)),
            "edited" if flag.edited else "",
        )
        for flag in flags
    )
    return columns(("Mapping", "before", "now", "if yes", "if no", ""), rows)


def columns(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: frozenset[int] = frozenset(),
    room: int | None = None,
    spare: Sequence[str] = (),
) -> list[str]:
    """A table of harmless texts, each column as wide as it must be; `right` are the columns of numbers.

    With `room`, the columns of a terminal, those named in `spare` are left out, one after the other, while the others
    have no room; then the widest ones give way, and what is cut ends in an ellipsis.
    """
    table = [tuple(header), *(tuple(safe(value) for value in row) for row in rows)]
    widths = {at: max(_width(row[at]) for row in table) for at in range(len(header))}

    def over() -> bool:
        return room is not None and sum(widths.values()) + 2 * (len(widths) - 1) > room

    for name in spare:
        if over():
            del widths[header.index(name)]
    while over() and max(widths.values()) > _NARROW:
        widths[max(widths, key=lambda at: widths[at])] -= 1
    lines = []
    for row in table:
        cells = []
        for at, width in widths.items():
            text = _cut(row[at], width)
            space = " " * (width - _width(text))
            cells.append(space + text if at in right else text + space)
        lines.append("  ".join(cells).rstrip())
    return lines


def hanging(text: str, width: int, most: int | None = None) -> list[str]:
    """A text that is too long for a line as several, the later ones below where the first one begins to tell.

    That is behind a bullet or a label, which two blanks end; else it is set in by two. With `most`, so many lines at
    most: addresses lose all but their ends first, as what comes behind them tells more; then an ellipsis stands where
    the rest is cut.
    """
    text = safe(text, _LONGEST)
    width = max(20, width)
    label = _LABEL.match(text)
    indent = 0 if label is None else label.end()
    if not text[:indent].strip() or indent > width // 2:
        indent = len(text) - len(text.lstrip()) + 2
    lines = wrap(text, width, subsequent_indent=" " * indent, break_on_hyphens=False) or [""]
    if most is None or len(lines) <= most:
        return lines
    brief = _ADDRESS.sub(r"…\1", text)
    if brief != text:
        return hanging(brief, width, most)
    return [*lines[: most - 1], f"{lines[most - 1][: width - 2]} …"]


def _cut(text: str, width: int) -> str:
    """The text, or as much of it as that many columns of a terminal hold, with an ellipsis."""
    if _width(text) <= width:
        return text
    while _width(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def _numbers(counters: Counters) -> list[str]:
    """The counters; that of uncoupled records only where there are any."""
    words = [f"{name}={getattr(counters, name)}" for name in _COUNTERS]
    return [*words, f"uncoupled={counters.uncoupled}"] if counters.uncoupled else words


def _counts(job: JobSnapshot) -> tuple[int, ...]:
    counters = job.counters
    return (counters.inserted, counters.modified, counters.unchanged, counters.skipped, counters.failed)


def _place(run: RunSnapshot, job: JobSnapshot) -> int:
    return run.jobs.index(job) + 1 if job in run.jobs else job.seq


def _total(job: JobSnapshot) -> str:
    if job.total is None:
        return "?"
    return str(job.total) if job.total_exact else f"~{job.total}"


def _took(run: RunSnapshot) -> str:
    return form.duration(run.worked)
