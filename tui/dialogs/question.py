"""The closing question: whether Synch. Only Coupled Records stays cleared on the mappings that the run used."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from engine.model.errors import CouplerError
from engine.model.snapshot import FlagChange, JobSnapshot, JobState, RunSnapshot
from tui import format as fmt
from tui.dialogs.dialog import ROOM, Dialog
from tui.look import Look
from tui.text import safe
from tui.widgets.choice import Choice
from tui.widgets.line import Line, hanging

Answer = Literal["yes", "no", "later", "errors"]


class Question(Dialog[Answer]):
    """Opens by itself, so it hears nothing for a second. `esc` does not answer."""

    ARM = 1.0
    HINT = "y Yes   n No   tab Switch   e Errors   w Write report   d Decide later"
    QUESTION = "Keep it cleared?"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('yes')", "Yes: they stay cleared", show=False),
        Binding("n", "answer('no')", "No: each mapping as it was before the run", show=False),
        Binding("d", "answer('later')", "Decide later; the question stays open", show=False),
        Binding("e", "answer('errors')", "The errors of the run; then it is asked again", show=False),
        Binding("w", "report", "Write the report to a file", show=False),
    ]

    def __init__(self, look: Look, run: RunSnapshot, save: Callable[[], Path]) -> None:
        super().__init__(look, f"Full synchronization finished: run {run.id} ({safe(run.environment, 24)})")
        self.run = run
        self._save = save

    def foot(self) -> ComposeResult:
        """The line that says what `esc` does not do, or where the report is."""
        yield Line(id="note")

    def write(self) -> None:
        """What the run did, and what either answer means for each mapping."""
        self.query_one("#text", Line).put(*summary(self.run), "", *meaning(self.run))
        if not self.query_one("#note", Line).text:
            self._note("No answer = No: until you answer, stored settings stay as they were.")

    @on(Choice.Taken)
    def take(self, event: Choice.Taken) -> None:
        """`enter` on the choice."""
        self.action_answer("yes" if event.yes else "no")

    def action_answer(self, answer: Answer) -> None:
        """Gives the answer back, unless it came too early to be meant."""
        if not self.deaf:
            self.dismiss(answer)

    def action_close(self) -> None:
        """Leaving a question is not an answer to it."""
        self._note("Not answered; the question stays open: y = Yes, n = No, d = decide later.")

    @work(exclusive=True)
    async def action_report(self) -> None:
        """Writes the report as a page and says where it is."""
        if self.deaf:
            return
        try:
            path = await asyncio.to_thread(self._save)
        except (OSError, CouplerError) as error:
            self._note(f"The report was not written: {error}")
        else:
            self._note(f"Written to {path}")

    def _note(self, text: str) -> None:
        # Paths have no blanks to break at; a cut one is of no use.
        text = safe(text, 3 * ROOM)
        self.query_one("#note", Line).put(*(text[at : at + ROOM] for at in range(0, len(text), ROOM)))
        self.call_after_refresh(self._limit)


def summary(run: RunSnapshot, width: int = ROOM) -> list[str]:
    """Two lines: the sums, and how the jobs ended."""
    sums = run.counters
    took = fmt.duration(run.worked)
    ends = {
        state: [job for job in run.jobs if job.state is state]
        for state in (JobState.OK, JobState.PART, JobState.FAIL, JobState.SKIP)
    }
    words = {JobState.OK: "OK", JobState.PART: "with failed records", JobState.FAIL: "failed", JobState.SKIP: "skipped"}
    parts = [f"{len(jobs)} {words[state]}" + _which(state, jobs) for state, jobs in ends.items() if jobs]
    done = (
        f"{took}   {fmt.count(sums.read)} read   {fmt.count(sums.inserted)} inserted   "
        f"{fmt.count(sums.modified)} modified   {fmt.count(sums.failed)} failed"
    )
    return [*hanging(done, width), *hanging("Jobs: " + ", ".join(parts), width)]


def _which(state: JobState, jobs: list[JobSnapshot]) -> str:
    return "" if state is JobState.OK else f" ({', '.join(job.mapping for job in jobs)})"


def meaning(run: RunSnapshot) -> list[str]:
    """What either answer means: in words, and per mapping."""
    return [
        'Keep "Synch. Only Coupled Records" cleared for all jobs?',
        "  Yes  scheduled jobs may CREATE records for uncoupled records.",
        f"  No   put each mapping back as it was before run {run.id}.",
        "",
        f"  {'mapping':<20}{'before':<9}{'now':<9}{'if Yes':<9}if No",
        *(_change(one) for one in run.flags),
    ]


def _change(one: FlagChange) -> str:
    words = (fmt.on_off(value) for value in (one.before, one.now, one.if_yes, one.if_no))
    before, now, if_yes, if_no = words
    edited = "  edited meanwhile; stays" if one.edited else ""
    return f"  {safe(one.mapping, 18):<20}{before:<9}{now:<9}{if_yes:<9}{if_no}{edited}"
