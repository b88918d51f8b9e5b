"""A run of any kind, as it goes on: its jobs in order, what became of records, the latest events, what is cleared."""

from functools import partial
from math import inf
from time import monotonic
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize

from engine.model.errors import CouplerError
from engine.model.snapshot import Event, JobSnapshot, RunSnapshot, RunState, Wish
from tui import actions, dialogs, reasons, screens
from tui import format as fmt
from tui.dialogs.question import Answer
from tui.door import Door
from tui.look import Look
from tui.poll import RUN
from tui.screens.page import Page, asked
from tui.text import safe
from tui.widgets import jobs, names
from tui.widgets.keys import Keys
from tui.widgets.line import Line, hanging
from tui.widgets.table import Table

_ROOMY = 24
"""Rows below which the throughput gives way to what must be seen."""


class Run(Page):
    """One run. It asks the closing question as soon as the run waits for it."""

    SCOPE = "run"
    CSS_PATH = "run.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("run")

    def __init__(self, door: Door, look: Look, run: int, *, started: bool = False) -> None:
        super().__init__(door, look)
        self._started = monotonic() if started else -inf
        self.run = run
        self.snapshot: RunSnapshot | None = None
        self._poll = self.polling(partial(door.run, run), self.show, RUN)
        self._question: dialogs.Question | None = None
        self._later = False
        self._given = False
        self._placed: int | None = None
        self._mine = False
        self._held: tuple[Event, ...] | None = None

    def body(self) -> ComposeResult:
        """Jobs; the job under the cursor; events; what is cleared."""
        yield Table(jobs.COLUMNS, id="jobs", ascii_only=self.look.ascii)
        yield self.rule()
        yield Line(id="pace", classes="one")
        yield Line(id="sums")
        yield Line(id="waiting")
        yield self.rule()
        yield Line(id="tail")
        yield Line(id="cleared")

    def on_mount(self) -> None:
        """Starts to read the store."""
        self.head(f"Coupler   run {self.run}", "")
        self.run_worker(self._poll.forever(), group="poll")

    def wake(self) -> None:
        """Reads the store at once."""
        self._poll.wake()

    def show(self, run: RunSnapshot) -> None:
        """Shows a snapshot; asks, or takes the question back when somebody else answered it."""
        if self._goes_on(run):
            self._started = monotonic()
        run = jobs.starting(run, monotonic() - self._started)
        self.snapshot = run
        left = f"Coupler   {jobs.title(run)}"
        room = self.app.size.width - 2 - len(left) - 2
        self.head(left, names.systems(run.nav, run.crm, run.environment, room), keep_left=True)
        width = self.app.size.width
        self.query_one(Table).show(jobs.rows(run, self.look, width), jobs.columns(run, width))
        self.query_one("#pace", Line).put(jobs.pace(run, width - 2, self.look))
        self._place_cursor(run)
        self._describe()
        self._list_events()
        self.query_one("#cleared", Line).put(*jobs.cleared(run, self.app.size.width - 2))
        self.query_one(Keys).leave_out(
            [one.name for one in actions.of("run") if reasons.run(one.name, run, demo=self.door.demo)]
        )
        paused = run.wish is Wish.PAUSE and run.state is RunState.RUNNING
        self.query_one(Keys).label(
            {"pause": "Go on" if paused else "Pause", "follow": "Follow" if self._held else "Hold"}
        )
        self.shown += 1
        if run.state is RunState.ASKING:
            self._ask(run)
        elif self._question is not None and self._question.is_active:
            self._question.dismiss("later")
            self.say(f"Run {run.id} was answered by {run.answered_by or 'somebody else'}.")

    @property
    def run_at_hand(self) -> RunSnapshot | None:
        """The run that it shows."""
        return self.snapshot

    def _goes_on(self, run: RunSnapshot) -> bool:
        """Whether somebody started an engine for it since the last look."""
        before = self.snapshot
        return (
            before is not None
            and before.state.resumable
            and run.state in (RunState.RUNNING, RunState.INTERRUPTED)
            and before.state is not run.state
        )

    def on_resize(self, event: Resize) -> None:
        """Shows what there is room for now."""
        super().on_resize(event)
        self.query_one("#pace").display = event.size.height >= _ROOMY
        self.wake()

    def complain(self, error: CouplerError | None) -> None:
        """Says that the store cannot be read; what is shown is then old."""
        if error is not None:
            text = f"! {error.told}"
            self.query_one("#waiting", Line).put(*hanging(text, self.app.size.width - 2, 2), style="bold")

    def _place_cursor(self, run: RunSnapshot) -> None:
        """Stays on the job that is going on, until the operator moves the cursor."""
        table = self.query_one(Table)
        if self._placed is not None and table.cursor_row != self._placed:
            self._mine = True
        if not self._mine:
            going = [index for index, job in enumerate(run.jobs) if job.state in ("RUN", "PAUSE", "STOP")]
            self._placed = going[0] if going else len(run.jobs)
            table.jump(self._placed)

    def _job(self) -> JobSnapshot | None:
        key = self.query_one(Table).current
        found = () if self.snapshot is None else (job for job in self.snapshot.jobs if job.mapping == key)
        return next(iter(found), None)

    @on(Table.Moved)
    def _describe(self) -> None:
        run = self.snapshot
        if run is None:
            return
        job = self._job()
        width = self.app.size.width - 2
        name = "all" if job is None else f"{job.mapping} {job.direction.arrow}"
        sums = run.counters if job is None else job.counters
        undone = run.undone if job is None else None
        line = jobs.counters(name, sums, width, run.kind) if undone is None else jobs.undone(undone)
        self.query_one("#sums", Line).put(line)
        message = f"{job.state}: {job.message}" if job is not None and job.message else ""
        lines = jobs.waiting(run, width)
        self.query_one("#waiting", Line).put(*(lines if any(lines) else hanging(message, width, 1)))

    def _list_events(self) -> None:
        if self.snapshot is None:
            return
        tail = self.query_one("#tail", Line)
        room = max(1, tail.size.height or 4)
        events = self.snapshot.events if self._held is None else self._held
        lines = [
            " ".join(part for part in (fmt.clock(one.at, utc=self.look.utc), one.mapping, one.text) if part)
            for one in events[-room:]
        ]
        width = max(20, self.app.size.width - 2)
        tail.put(*(safe(one, width) for one in lines))

    def _ask(self, run: RunSnapshot) -> None:
        if self._question is None and not self._later and self.is_active:  # not over another box
            self._question = dialogs.Question(self.look, run, partial(self.door.write_report, run.id))
            self.app.push_screen(self._question, self._take_answer)

    def _take_answer(self, answer: Answer | None) -> None:
        # Until the store says that the answer is in, snapshots still ask.
        self._later = answer != "errors"
        self._given = answer in ("yes", "no")
        self._answered(answer)

    @work
    async def _answered(self, answer: Answer | None) -> None:
        self._question = None
        run = self.snapshot
        if run is None or answer is None:
            return
        if answer in ("yes", "no"):
            if await self.tell(partial(self.door.answer, self.run, keep_cleared=answer == "yes")):
                self.say(f"Answered {answer}.")
            else:
                self._later = self._given = False
            self.wake()
        elif answer == "errors":
            self.action_errors()

    def _why_not(self, name: str) -> str | None:
        return reasons.run(name, self.snapshot, demo=self.door.demo)

    @work
    async def action_pause(self) -> None:
        """Pauses, or goes on."""
        if self._refused("pause") or self.snapshot is None:
            return
        wish = Wish.RUN if self.snapshot.wish is Wish.PAUSE else Wish.PAUSE
        await self.tell(partial(self.door.wish, self.run, wish))
        self.wake()

    @asked
    async def action_cancel(self) -> None:
        """Asks, then ends the run."""
        run = self.snapshot
        if self._refused("cancel") or run is None:
            return
        heading = f"Cancel run {run.id}" if run.undoes is None else f"Give up the undo of run {run.undoes}"
        if not await self.app.push_screen_wait(dialogs.Confirm(self.look, heading, jobs.cancelling(run))):
            return
        await self.tell(partial(self.door.cancel, self.run))
        self.wake()

    @asked
    async def action_resume(self) -> None:
        """Starts an engine that goes on."""
        if not self._refused("resume"):
            self._started = monotonic()
            if not await self.tell(partial(self.door.resume, self.run)):
                self._started = -inf
            self.wake()

    def action_answer(self) -> None:
        """Asks again after `decide later`."""
        if self._given:
            # What is shown may be from before it.
            self.say(f"Run {self.run} is answered.")
        elif not self._refused("answer") and self.snapshot is not None:
            self._later = False
            self._ask(self.snapshot)

    def action_errors(self) -> None:
        """Opens the errors of this run."""
        self.app.push_screen(screens.Errors(self.door, self.look, self.run))

    def action_detail(self) -> None:
        """Everything about the job under the cursor, and why the run does not go on."""
        run, job = self.snapshot, self._job()
        if self._refused("detail") or run is None:
            return
        heading = f"Run {run.id}" if job is None else job.mapping
        about = [jobs.counters("all", run.counters, kind=run.kind)] if job is None else jobs.detail(job, self.look)
        self.app.push_screen(dialogs.Info(self.look, heading, [*jobs.reason(run), *about]))

    def action_log(self) -> None:
        """Opens what the engine's log says of this run."""
        self.app.push_screen(screens.Log(self.door, self.look, self.run))

    def action_history(self) -> None:
        """Opens the integration synchronization jobs."""
        self.app.push_screen(screens.History(self.door, self.look, self._watch))

    def _watch(self, run: int) -> None:
        self.app.push_screen(Run(self.door, self.look, run, started=True))

    def action_follow(self) -> None:
        """Holds the events still, or follows them again."""
        if not self._refused("follow") and self.snapshot is not None:
            self._held = self.snapshot.events if self._held is None else None
            self.show(self.snapshot)

    def action_detach(self) -> None:
        """Leaves the program; the run keeps going."""
        if not self._refused("detach"):
            self.app.exit(message=Text(f"Run {self.run} keeps going; `coupler attach` shows it."))
