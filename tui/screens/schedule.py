"""The schedule: when each mapping has its turn; hold, resume, run now; start and stop who keeps it."""

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType

from engine.model.schedule import ScheduleRow, ScheduleSnapshot
from tui import actions, dialogs, reasons, screens
from tui import format as fmt
from tui.door import Door
from tui.look import Look
from tui.screens.page import UNREAD, Page, asked
from tui.text import LONG, safe
from tui.widgets import entries
from tui.widgets.keys import Keys
from tui.widgets.line import Line, hanging
from tui.widgets.table import Table, widened


class Schedule(Page):
    """One line for each mapping."""

    SCOPE = "schedule"
    CSS_PATH = "schedule.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("schedule")

    def __init__(self, door: Door, look: Look) -> None:
        super().__init__(door, look)
        self.snapshot: ScheduleSnapshot | None = None
        self._poll = self.polling(door.schedule, self.show)

    def body(self) -> ComposeResult:
        """The entries, three lines about who keeps them and the one under the cursor."""
        yield Table(entries.COLUMNS, id="entries", ascii_only=self.look.ascii)
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Starts to read the store."""
        self.head("Coupler   Schedule", "")
        self.query_one("#about", Line).put("Reading ...")
        self.query_one(Table).focus()
        self.run_worker(self._poll.forever(), group="poll")

    def wake(self) -> None:
        """Reads the store at once."""
        self._poll.wake()

    def show(self, found: ScheduleSnapshot) -> None:
        """Shows a snapshot."""
        self.snapshot = found
        zone = f"times: {fmt.zone(found.now, utc=self.look.utc)}  ({safe(self.door.environment, 24)})"
        self.head("Coupler   Schedule", zone)
        rows = [entries.row(one, found.now, self.look) for one in found.rows]
        self.query_one(Table).show(rows, widened(entries.COLUMNS, rows, self.app.size.width))
        self._describe()
        self.shown += 1

    def _current(self) -> ScheduleRow | None:
        key = self.query_one(Table).current
        rows = () if self.snapshot is None else self.snapshot.rows
        return next((one for one in rows if one.mapping == key), None)

    @on(Table.Moved)
    def _describe(self) -> None:
        found, one = self.snapshot, self._current()
        self.query_one(Keys).leave_out([each.name for each in actions.of("schedule") if self._why_not(each.name)])
        if found is None or one is None:
            return
        width = self.app.size.width - 2
        kept = hanging(safe(entries.kept(found, self.look, demo=self.door.demo), LONG), width, 1)
        self.query_one("#about", Line).put(*kept, *hanging(safe(entries.about(one, found, self.look), LONG), width, 2))

    def _why_not(self, name: str) -> str | None:
        return reasons.schedule(name, self.snapshot, self._current(), demo=self.door.demo)

    def _chosen(self, name: str) -> ScheduleRow | None:
        """The row that an action is for; None, and why, when it cannot be done."""
        return None if self._refused(name) else self._current()

    def action_detail(self) -> None:
        """Everything about the entry under the cursor."""
        one = self._current()
        if self.snapshot is None:
            self.say(UNREAD)
        elif one is not None:
            self.app.push_screen(
                dialogs.Info(self.look, one.mapping, entries.everything(one, self.snapshot, self.look))
            )

    def action_watch(self) -> None:
        """Opens the run under way of the entry under the cursor, or its last one."""
        one = self._chosen("watch")
        if one is not None and one.run is not None:
            self.app.push_screen(screens.Run(self.door, self.look, one.run))

    @work
    async def action_hold(self) -> None:
        """Puts the mapping on hold."""
        if (one := self._chosen("hold")) is not None:
            await self.tell(partial(self.door.hold, one.mapping))
            self.wake()

    @work
    async def action_resume(self) -> None:
        """Lets the mapping go on."""
        if (one := self._chosen("resume")) is not None:
            await self.tell(partial(self.door.resume_entry, one.mapping))
            self.wake()

    @asked
    async def action_now(self) -> None:
        """Asks, then gives the mapping its turn at once."""
        if (one := self._chosen("now")) is None:
            return
        words = ["It has its turn before it is due: what was modified since", "its last run is synchronized."]
        if self.snapshot is not None and not self.snapshot.running:
            words += ["", "Nobody keeps the schedule: it waits until somebody starts it."]
        if await self.app.push_screen_wait(dialogs.Confirm(self.look, f"Run {one.mapping} now", words)):
            await self.tell(partial(self.door.now, one.mapping))
            self.wake()

    @asked
    async def action_start(self) -> None:
        """Asks, then starts a process that keeps the schedule."""
        if self._refused("start"):
            return
        words = [
            "Modified records are synchronized again and again, as [schedule]",
            "of config.toml says. A process of its own does it, and goes on",
            "when you leave.",
        ]
        if await self.app.push_screen_wait(dialogs.Confirm(self.look, "Start the schedule", words)):
            self.say("The schedule is being started ...")
            if await self.tell(self.door.start_schedule):
                self.say("The schedule is kept from now on; x = stop it")
            self.wake()

    @asked
    async def action_stop(self) -> None:
        """Asks, then ends the process that keeps the schedule."""
        found = self.snapshot
        if self._refused("stop"):
            return
        owner = "" if found is None or found.keeper is None else found.keeper.owner
        words = [f"It is kept by {safe(owner)}.", "Nothing is synchronized until somebody starts it again."]
        if await self.app.push_screen_wait(dialogs.Confirm(self.look, "Stop the schedule", words)):
            await self.tell(self.door.stop_schedule)
            self.wake()
