"""Couplings of which one record or both are gone, as a look at both sides found them; to be restored or removed."""

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType

from engine.model.snapshot import RecordOutcome, RunSnapshot
from tui import actions, dialogs, reasons, screens
from tui import format as fmt
from tui.door import Door, Mending
from tui.look import Look
from tui.poll import RARELY
from tui.reports import files
from tui.screens.page import asked
from tui.screens.paged import PAGE, Paged, pages
from tui.text import safe
from tui.uppermost import on_top
from tui.widgets import lost, names, problems
from tui.widgets.keys import Keys
from tui.widgets.line import Line, hanging
from tui.widgets.table import Table

_CHUNK = 1_000


class Broken(Paged):
    """What the run found, fifty at a time, of one mapping or of all."""

    SCOPE = "broken"
    CSS_PATH = "broken.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("broken")

    def __init__(self, door: Door, look: Look, run: RunSnapshot, mapping: str | None = None) -> None:
        super().__init__(door, look)
        self.run = run
        self.number = run.counters.failed
        self.mapping = mapping
        self.records: list[RecordOutcome] = []
        self.mended: dict[str, str] = {}
        """What was done about couplings, by `lost.key`."""
        self._busy = False
        self._poll = self.polling_pages(lambda skip, _: door.noted(run.id, PAGE, skip), self.show, RARELY)

    def body(self) -> ComposeResult:
        """The list, which page it is, and the coupling under the cursor."""
        yield Table(lost.COLUMNS, id="broken", ascii_only=self.look.ascii)
        yield Line(id="paging", classes="one")
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Starts to read the store."""
        of = "" if self.mapping is None else f"   {self.mapping}"
        self.head(f"Coupler   {lost.TITLE}{of}", f"{fmt.count(self.number)} found  ({safe(self.door.environment, 24)})")
        self.query_one("#about", Line).put("Reading ...")
        self.query_one(Table).focus()
        self.run_worker(self._poll.forever(), group="poll")

    def wake(self) -> None:
        """Reads the store at once."""
        self._poll.wake()

    def show(self, records: list[RecordOutcome]) -> None:
        """Shows a page."""
        self.records = records
        self.query_one(Table).show([lost.row(one, self.mended.get(lost.key(one), "")) for one in records])
        page = f"page {fmt.count(self.page_number)}/{fmt.count(pages(self.number))} ({PAGE} a page)"
        self.query_one("#paging", Line).put(f" {page}")
        self._describe()
        self.shown += 1

    def _current(self) -> RecordOutcome | None:
        key = self.query_one(Table).current
        return next((one for one in self.records if lost.key(one) == key), None)

    def _why_not(self, name: str) -> str | None:
        one = self._current()
        mended = "" if one is None else self.mended.get(lost.key(one), "")
        return reasons.broken(name, one, self.page_number, pages(self.number), mended=mended, busy=self._busy)

    @on(Table.Moved)
    def _describe(self) -> None:
        self.query_one(Keys).leave_out([one.name for one in actions.of("broken") if self._why_not(one.name)])
        if (one := self._current()) is not None:
            self.query_one("#about", Line).put(*lost.about(one, self.app.size.width - 2))

    def action_detail(self) -> None:
        """Everything about the coupling under the cursor."""
        one = self._current()
        if not self._refused("detail") and one is not None:
            self.app.push_screen(dialogs.Info(self.look, one.nav_no or "Coupling", lost.everything(one)))

    @asked
    async def action_restore(self) -> None:
        """Asks, and has the lost record made again."""
        await self._mend_one("restore")

    @asked
    async def action_remove(self) -> None:
        """Asks, and has the coupling removed."""
        await self._mend_one("remove")

    @asked
    async def action_restore_all(self) -> None:
        """Asks, has all lost records made again, and shows the run."""
        await self._mend_all("restore")

    @asked
    async def action_remove_all(self) -> None:
        """Asks, has all broken couplings removed, and shows the run."""
        await self._mend_all("remove")

    async def _mend_one(self, action: Mending) -> None:
        one = self._current()
        if self._refused(action) or one is None or one.nav_id is None:
            return
        heading = f"{action.capitalize()} {one.mapping} {one.nav_no}"
        if not await self._allowed(heading, lost.mending(action, one, 1, self.mapping)):
            return
        run = await self.ask(partial(self.door.mend, action, one.mapping, one.nav_id), 0)
        if not run:
            return
        self._busy = True
        self.say(f"Run {run} looks at both records of {one.mapping} {safe(one.nav_no, 30)} ...")
        self.hear()
        try:
            ended = await self.end_of(run)
            if ended is None:
                return
            none: list[RecordOutcome] = []
            words = lost.told(ended, await self.ask(partial(self.door.noted, run, PAGE, 0), none))
            if words:
                self.app.push_screen(dialogs.Info(self.look, heading, list(filter(None, words))))
                return
            done = ended.counters.inserted or ended.counters.uncoupled
            self.mended[lost.key(one)] = lost.MENDED[action] if done else "in order"
            self.say(f"Run {run}: {one.mapping} {safe(one.nav_no, 30)} is {self.mended[lost.key(one)]}.")
        finally:
            self._busy = False
            self.wake()

    async def _mend_all(self, action: Mending) -> None:
        if self._refused(f"{action}_all"):
            return
        words = lost.mending(action, None, self.number, self.mapping)
        if not await self._allowed(f"{action.capitalize()} all", words):
            return
        if (
            action == "restore"
            and self.door.production
            and not await self.app.push_screen_wait(dialogs.TypeName(self.look, names.crm(self.run.crm), "restore all"))
        ):
            return
        run = await self.ask(partial(self.door.mend, action, self.mapping, None), 0)
        if run and await on_top(self):
            self.dismiss()  # what it lists is of the past by then
            self.app.push_screen(screens.Run(self.door, self.look, run, started=True))

    async def _allowed(self, heading: str, words: list[str]) -> bool:
        width = min(80, self.app.size.width) - 5
        lines = [part for text in words for part in hanging(text, width, 2)]
        return await self.app.push_screen_wait(dialogs.Confirm(self.look, heading, lines))

    @work
    async def action_export(self) -> None:
        """Writes all that were found."""
        if self._refused("export"):
            return
        rows = map(problems.export, self._every())
        path = await self.ask(partial(files.write_csv, "coupler-broken", problems.HEADING, rows), None)
        if path is not None:
            self.say(f"Written to {path}")

    def _every(self) -> Iterator[RecordOutcome]:
        offset = 0
        while found := self.door.noted(self.run.id, _CHUNK, offset):
            yield from found
            offset += len(found)
