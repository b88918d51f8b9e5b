"""The last plan: what a full synchronization would do, job by job, before anything is written."""

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize

from engine.model.snapshot import PassSnapshot, RunSnapshot
from tui import actions, dialogs, reasons, screens
from tui import format as fmt
from tui.dialogs.start import warnings
from tui.door import Door
from tui.look import Look
from tui.reports import files
from tui.screens.counting import count
from tui.screens.page import Page, asked
from tui.text import LONG, safe
from tui.widgets import plans
from tui.widgets.keys import Keys
from tui.widgets.line import Line, hanging
from tui.widgets.table import Table


class Plan(Page):
    """One line for each pass, and their sums."""

    SCOPE = "plan"
    CSS_PATH = "plan.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("plan")

    def __init__(self, door: Door, look: Look, plan: int) -> None:
        super().__init__(door, look)
        self.plan = plan
        self.snapshot: RunSnapshot | None = None
        self._poll = self.polling(lambda: door.run(self.plan), self.show)

    def body(self) -> ComposeResult:
        """The passes, and what to know of the counts."""
        yield Table(plans.job_columns(0), id="jobs", ascii_only=self.look.ascii)
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Starts to read the store."""
        self.head(f"Coupler   Plan {self.plan}")
        self.query_one("#about", Line).put("Reading ...")
        self.query_one(Table).focus()
        self.run_worker(self._poll.forever(), group="poll")

    def on_resize(self, event: Resize) -> None:
        """A wider table has more columns."""
        super().on_resize(event)
        if self.snapshot is not None:
            self.show(self.snapshot)

    def wake(self) -> None:
        """Reads the store at once."""
        self._poll.wake()

    def show(self, plan: RunSnapshot) -> None:
        """Shows the counts."""
        self.snapshot = plan
        zone = f"times: {fmt.zone(plan.now, utc=self.look.utc)}  ({safe(self.door.environment, 24)})"
        self.head(f"Coupler   Plan {plan.id}: what a full synchronization would do", zone)
        width = self.app.size.width
        self.query_one(Table).show(plans.job_rows(plan, width), plans.job_columns(width))
        self._describe()
        self.shown += 1

    def _current(self) -> PassSnapshot | None:
        key = self.query_one(Table).current
        return next((one for one in self._passes() if plans.key(one) == key), None)

    def _passes(self) -> list[PassSnapshot]:
        return [] if self.snapshot is None else [one for job in self.snapshot.jobs for one in job.passes]

    def _why_not(self, name: str) -> str | None:
        if name == "open" and self._passes() and self._current() is None:
            return "These are the sums: choose a job above."
        return reasons.plan(name, len(self._passes()))

    @on(Table.Moved)
    def _describe(self) -> None:
        self.query_one(Keys).leave_out([one.name for one in actions.of("plan") if self._why_not(one.name)])
        if self.snapshot is None:
            return
        width = self.app.size.width - 2
        one = self._current()
        said = [plans.counted(self.snapshot, self.look), *warnings(self.snapshot)]
        if one is None or plans.is_counted(one):
            counters = self.snapshot.counters if one is None else one.counters
            said.insert(0, plans.reading(counters))
        else:
            why = f"! {one.mapping} to {plans.side(one.direction)}: {one.message or plans.NOT_COUNTED}"
            said[:0] = [why, "  enter = the whole reason"]
        self.query_one("#about", Line).put(*(part for text in said for part in hanging(safe(text, LONG), width, 2)))

    def action_open(self) -> None:
        """The records of the pass under the cursor, or why it was not counted."""
        one = self._current()
        if self._refused("open") or one is None:
            return
        if not plans.is_counted(one):
            heading = f"Plan {self.plan}: {plans.NOT_COUNTED}"
            self.app.push_screen(dialogs.Info(self.look, heading, plans.why_not(one)))
            return
        self.app.push_screen(screens.Planned(self.door, self.look, one))

    @asked
    async def action_count(self) -> None:
        """Counts once more, and shows that plan."""
        counted = await count(self, can_skip=False)
        if isinstance(counted, RunSnapshot):
            self.plan = counted.id
            self.show(counted)

    @work
    async def action_export(self) -> None:
        """Writes the counts."""
        plan = self.snapshot
        if self._refused("export") or plan is None:
            return
        rows = [plans.export_job(plan, one) for one in self._passes()]
        path = await self.ask(partial(files.write_csv, f"coupler-plan-{plan.id}", plans.JOB_HEADING, rows), None)
        if path is not None:
            self.say(f"{fmt.many(len(rows), 'job')} written to {path}")
