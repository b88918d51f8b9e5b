"""The first screen: the integration table mappings in run order."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from engine.model.errors import CouplerError
from engine.model.states import RunState
from tui import actions, dialogs, reasons, screens
from tui import format as fmt
from tui.door import Door
from tui.look import Look
from tui.screens.counting import count
from tui.screens.flag import turned
from tui.screens.page import Page, asked
from tui.text import safe
from tui.widgets import mappings, names
from tui.widgets.keys import Keys
from tui.widgets.line import Line, hanging
from tui.widgets.table import Table, widened

if TYPE_CHECKING:
    from engine.model.snapshot import HomeSnapshot, MappingSnapshot, RunSnapshot


class Home(Page):
    """Mappings, what needs attention, and the way to everything else."""

    SCOPE = "home"
    CSS_PATH = "home.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("home")

    def __init__(self, door: Door, look: Look, *, attach: bool = False) -> None:
        super().__init__(door, look)
        self.snapshot: HomeSnapshot | None = None
        self._poll = self.polling(door.home, self.show)
        self._asked = attach

    def body(self) -> ComposeResult:
        """The table, the mapping under the cursor, the banner."""
        yield Table(mappings.columns(0), id="mappings", ascii_only=self.look.ascii)
        yield Line(id="detail")
        yield Line(id="banner")

    def on_mount(self) -> None:
        """Starts to read the store."""
        self.head("Coupler", "")
        self.query_one("#banner", Line).put("Reading ...")
        # The first paint waits for nothing, and the first read may open the store.
        self.call_after_refresh(self.run_worker, self._poll.forever, group="poll")

    def wake(self) -> None:
        """Reads the store at once."""
        self._poll.wake()

    def show(self, home: HomeSnapshot) -> None:
        """Shows a snapshot."""
        self.snapshot = home
        now = f"{fmt.clock(home.now, utc=self.look.utc, seconds=False)} {fmt.zone(home.now, utc=self.look.utc)}"
        room = self.app.size.width - 2 - len("Coupler   ") - 2 - len(now)
        self.head(f"Coupler   {names.systems(home.nav, home.crm, home.environment, room)}", now)
        self.query_one(Keys).leave_out([one.name for one in actions.of("home") if reasons.home(one.name, home)])
        width = self.app.size.width
        rows = mappings.rows(home, width)
        columns = widened(mappings.columns(width, cleared=mappings.is_cleared(home)), rows, width)
        self.query_one(Table).show(rows, columns)
        self._describe()
        width -= 2
        lines = (part for text in mappings.attention(home, self.look) for part in hanging(text, width, 2))
        self.query_one("#banner", Line).put(*lines)
        self.shown += 1
        if not self._asked:
            self._asked = True
            if home.active is not None and home.active.state is RunState.ASKING and self.is_current:
                self._watch(home.active.id)

    @property
    def run_at_hand(self) -> RunSnapshot | None:
        """The active run, or the last one."""
        return None if self.snapshot is None else self.snapshot.active or self.snapshot.last_run

    def complain(self, error: CouplerError | None) -> None:
        """Says that the store cannot be read; what is shown is then old."""
        if error is not None:
            text = f"! {error.told}"
            self.query_one("#banner", Line).put(*hanging(text, self.app.size.width - 2, 2))

    @on(Table.Moved)
    def _describe(self) -> None:
        one = self._current()
        if one is not None and self.snapshot is not None:
            width = self.app.size.width - 2
            self.query_one("#detail", Line).put(
                *(safe(text, width) for text in mappings.detail(one, self.snapshot.now))
            )

    def _current(self) -> MappingSnapshot | None:
        key = self.query_one(Table).current
        found = () if self.snapshot is None else (one for one in self.snapshot.mappings if one.name == key)
        return next(iter(found), None)

    def _why_not(self, name: str) -> str | None:
        return reasons.home(name, self.snapshot)

    def _watch(self, run: int, *, started: bool = False) -> None:
        self.app.push_screen(screens.Run(self.door, self.look, run, started=started))

    @asked
    async def action_start(self) -> None:
        """Counts, asks, starts."""
        home = self.snapshot
        if self._refused("start") or home is None:
            return
        counted = await count(self, can_skip=True)
        if counted == "stop":
            return
        plan = None if isinstance(counted, str) else counted
        view = None if plan is None else partial(self._show_plan, plan.id)
        question = dialogs.Start(self.look, home, plan, view)
        if not await self.app.push_screen_wait(question):
            return
        if self.door.production and not await self.app.push_screen_wait(
            dialogs.TypeName(self.look, names.crm(home.crm))
        ):
            return
        run = await self.ask(partial(self.door.start, "run", question.only), 0)
        if run:
            self._watch(run, started=True)

    def _show_plan(self, plan: int) -> None:
        self.app.push_screen(screens.Plan(self.door, self.look, plan))

    @asked
    async def action_preflight(self) -> None:
        """Shows the last plan; without one, counts first."""
        home = self.snapshot
        if self._refused("preflight") or home is None:
            return
        if home.plan is not None:
            self._show_plan(home.plan)
            return
        counted = await count(self, can_skip=False)
        if not isinstance(counted, str):
            self._show_plan(counted.id)

    @asked
    async def action_resume(self) -> None:
        """Starts an engine for the unfinished run and shows it."""
        if self._refused("resume") or self.snapshot is None or self.snapshot.active is None:
            return
        run = self.snapshot.active.id
        if await self.tell(partial(self.door.resume, run)):
            self._watch(run, started=True)

    def action_answer(self) -> None:
        """Opens the run, which asks."""
        if not self._refused("answer") and self.snapshot is not None and self.snapshot.active is not None:
            self._watch(self.snapshot.active.id)

    def action_watch(self) -> None:
        """Opens the run that an engine works on, else the active or the last one."""
        if self._refused("watch") or self.snapshot is None:
            return
        run = self.snapshot.going or self.run_at_hand
        if run is not None:
            self._watch(run.id)

    def action_detail(self) -> None:
        """Everything about the mapping under the cursor."""
        one = self._current()
        if not self._refused("detail") and one is not None:
            self.app.push_screen(screens.Mapping(self.door, self.look, one.name))

    def action_history(self) -> None:
        """Opens the integration synchronization jobs."""
        self.app.push_screen(screens.History(self.door, self.look, partial(self._watch, started=True)))

    def action_couplings(self) -> None:
        """Opens the couplings of all mappings."""
        self.app.push_screen(screens.Couplings(self.door, self.look))

    def action_connections(self) -> None:
        """Opens both connections."""
        self.app.push_screen(screens.Setup(self.door, self.look, self.action_start))

    def action_log(self) -> None:
        """Opens the engine's log."""
        self.app.push_screen(screens.Log(self.door, self.look))

    def action_schedule(self) -> None:
        """Opens the schedule of synchronizations of modified records."""
        self.app.push_screen(screens.Schedule(self.door, self.look))

    def action_conflicts(self) -> None:
        """Opens the conflicts that wait for a choice."""
        self.app.push_screen(screens.Conflicts(self.door, self.look))

    def action_matches(self) -> None:
        """Opens the records that several others match."""
        self.app.push_screen(screens.Matches(self.door, self.look))

    def action_errors(self) -> None:
        """Opens the errors of the run that is not finished, else of the last one in which records failed."""
        run = None if self.snapshot is None else mappings.run_with_errors(self.snapshot)
        self.app.push_screen(screens.Errors(self.door, self.look, run))

    @asked
    async def action_sync(self) -> None:
        """Asks, then synchronizes modified records of the mapping under the cursor."""
        one = self._current()
        if self._refused("sync") or one is None:
            return
        from tui.screens.syncing import synchronize  # noqa: PLC0415 - the first paint waits for nothing that it does not show

        await synchronize(self, one)

    @asked
    async def action_only_coupled(self) -> None:
        """Asks, then changes the stored flag of the mapping under the cursor."""
        one = self._current()
        if not self._refused("only_coupled") and one is not None:
            await turned(self, one)
