"""What went wrong: equal problems as one, the records of a problem, and one record."""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import DescendantFocus

from engine.model.errors import CouplerError
from engine.model.snapshot import Cause, RecordOutcome
from tui import actions, dialogs, reasons, screens
from tui import format as fmt
from tui.door import Door
from tui.look import Look
from tui.reports import files
from tui.screens.filtered import NONE_FOUND, Below
from tui.screens.page import asked
from tui.screens.paged import PAGE
from tui.text import safe
from tui.widgets import problems
from tui.widgets.keys import Keys
from tui.widgets.line import Line, hanging
from tui.widgets.table import Table, widened

_CHUNK = 1_000


class Errors(Below):
    """Causes above, records below, what to do at the bottom. Without a run: all runs."""

    SCOPE = "errors"
    CSS_PATH = "errors.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("errors")

    def __init__(self, door: Door, look: Look, run: int | None, mapping: str | None = None) -> None:
        super().__init__(door, look)
        self.run = run
        self.mapping = mapping
        self.causes: list[Cause] = []
        self.records: list[RecordOutcome] = []
        self._cause: Cause | None = None
        self._poll = self.polling(partial(door.causes, run, mapping), self.show)

    def body(self) -> ComposeResult:
        """Two tables and the detail."""
        yield Table(problems.cause_columns(self.run), id="causes", ascii_only=self.look.ascii)
        yield Line(id="between", classes="one")
        yield self.box()
        yield Table(problems.RECORDS, id="records", ascii_only=self.look.ascii)
        yield Line(id="paging", classes="one")
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Starts to read the store."""
        self._title("")
        self.query_one("#about", Line).put("Reading ...")
        self.run_worker(self._poll.forever(), group="poll")

    def wake(self) -> None:
        """Reads the store at once."""
        self._poll.wake()

    def show(self, causes: list[Cause]) -> None:
        """Shows the causes; the records follow the cause under the cursor."""
        self.causes = causes
        records = sum(one.count for one in causes)
        counted = f"{fmt.many(records, 'record')}, {fmt.many(len(causes), 'cause')}"
        self._title(f"{counted}  ({safe(self.door.environment, 24)})")
        rows = [problems.cause_row(one, self.run, self.look) for one in causes]
        self._causes.show(rows, widened(problems.cause_columns(self.run), rows, self.app.size.width))
        if not causes:
            self.query_one("#about", Line).put("No errors.")
        self._follow()
        self._mark()
        self.shown += 1

    @on(DescendantFocus)
    def _mark(self) -> None:
        """Says where the cursor is, which keys do something, and how many causes cannot be seen."""
        table = self._causes
        pane, other = ("causes", "records") if table.has_focus else ("records", "causes")
        more = f"{fmt.many(table.below, 'more cause')} below" if table.below else ""
        self.query_one("#between", Line).put(
            problems.between(f"in: {pane}, tab = {other}", more, self.app.size.width, ascii_only=self.look.ascii)
        )
        self.query_one(Keys).leave_out([one.name for one in actions.of("errors") if self._why_not(one.name)])
        self._describe()

    def _why_not(self, name: str) -> str | None:
        count = 0 if self._cause is None else self._cause.count
        why = reasons.errors(name, len(self.causes), self.page_number, self.pages_of(count))
        return why or self.no_record(name, len(self.records)) or problems.why_not(name, self._meant())

    @property
    def _causes(self) -> Table:
        return self.query_one("#causes", Table)

    def _title(self, right: str) -> None:
        where = "all runs" if self.run is None else f"run {self.run}"
        self.head(f"Coupler   Errors   {where}{f' > {self.mapping}' if self.mapping else ''}", right)

    @on(Table.Moved, "#causes")
    def _follow(self) -> None:
        key = self._causes.current
        cause = next((one for one in self.causes if problems.cause_key(one) == key), None)
        if cause is None:
            return
        self.call_after_refresh(self._mark)
        other = self._cause is None or problems.cause_key(cause) != problems.cause_key(self._cause)
        if other or cause != self._cause:
            self._cause = cause
            self.skip = 0 if other else self.skip
            self._read()

    @work(exclusive=True, group="records")
    async def _read(self) -> None:
        cause = self._cause
        if cause is None:
            return
        try:
            found = await asyncio.to_thread(self.door.outcomes, cause, PAGE + 1, self.skip, self.words)
        except CouplerError as error:
            self._cause = None  # the next poll tries again
            if self.seen:
                self.complain(error)
            return
        if not self.seen:
            return
        self.records, self.more = found[:PAGE], len(found) > PAGE
        rows = [problems.record_row(one, index, self.look) for index, one in enumerate(self.records)]
        self._records.show(rows, widened(problems.RECORDS, rows, self.app.size.width))
        self.query_one("#paging", Line).put(self.paging(cause.count))
        self._mark()
        self.shown += 1

    @on(Table.Moved, "#records")
    def _describe(self) -> None:
        one = self._record()
        if one is not None:
            width = self.app.size.width - 2
            keys = "enter" if self._records.has_focus else "enter, enter"
            self.query_one("#about", Line).put(*problems.about(one, width, keys))
        elif self.words and self._cause is not None:
            self.query_one("#about", Line).put(NONE_FOUND)

    def _record(self) -> RecordOutcome | None:
        key = self._records.current
        return self.records[int(key)] if key is not None and int(key) < len(self.records) else None

    def action_open(self) -> None:
        """From causes to records, from a record to all about it."""
        if self._refused("open"):
            return
        if self._causes.has_focus:
            self.set_focus(self._records)
            return
        one = self._record()
        if one is not None:
            self.app.push_screen(dialogs.Info(self.look, one.nav_no or one.name or "Record", problems.everything(one)))

    def action_pane(self) -> None:
        """The other table."""
        if self._refused("pane"):
            return
        self.set_focus(self._records if self._causes.has_focus else self._causes)

    def action_back(self) -> None:
        """From records to causes, from causes to the screen before."""
        if self._records.has_focus and not self.filters:
            self.set_focus(self._causes)
        else:
            super().action_back()

    def read_page(self) -> None:
        """Reads the records that are wanted."""
        self._read()

    def copied(self) -> str:
        """A record with its whole ids and message; of a cause what the table says."""
        one = self._record()
        return problems.copied(one) if one is not None and self._records.has_focus else super().copied()

    def _meant(self) -> RecordOutcome | None:
        """The record that keys mean; none where they mean the whole cause."""
        return self._record() if self._records.has_focus else None

    @work
    async def action_retry(self) -> None:
        """Lets what is left alone take part again: all of the cause, or the one record."""
        cause, record = self._cause, self._meant()
        if self._refused("retry") or cause is None:
            return
        number = await self.ask(partial(self.door.retry, cause, record), -1)
        if number >= 0:
            self.say(problems.retried(number, record))
            self.wake()

    def action_left_alone(self) -> None:
        """Opens what no run tries any more."""
        self.app.push_screen(screens.LeftAlone(self.door, self.look))

    @asked
    async def action_skip(self) -> None:
        """Asks, then leaves coupled records alone: all of the cause, or the one record."""
        cause, record = self._cause, self._meant()
        if self._refused("skip") or cause is None:
            return
        if not await self.app.push_screen_wait(dialogs.Confirm(self.look, "Skip", problems.skipping(cause, record))):
            return
        number = await self.ask(partial(self.door.skip, cause, record), -1)
        if number >= 0:
            self.say(problems.skipped(number))
            self.wake()

    @asked
    async def action_couple(self) -> None:
        """Asks for the partner of the record, then whether it is meant, and says what came of it."""
        one = self._record()
        if self._refused("couple") or one is None:
            return
        find = partial(self.door.partner, one)
        question = dialogs.Partner(self.look, [problems.named(one)], problems.wanted(one), find)
        partner = await self.app.push_screen_wait(question)
        if partner is None:
            return
        width = min(80, self.app.size.width) - 5
        lines = [part for text in problems.coupling(one, partner) for part in hanging(text, width, 2) or [""]]
        if not await self.app.push_screen_wait(dialogs.Confirm(self.look, "Couple by hand", lines)):
            return
        run = await self.ask(partial(self.door.couple, one.mapping, *problems.pair(one, partner)), 0)
        if not run:
            return
        self.say(f"Run {run} looks for the two records ...")
        self.hear()
        found = await self.end_of(run)
        if found is not None:
            failed: list[RecordOutcome] = await self.ask(partial(self._failed, run), [])
            words = problems.coupled(one, partner, found, failed)
            self.app.push_screen(dialogs.Info(self.look, "Couple by hand", words))
            self.wake()

    def _failed(self, run: int) -> list[RecordOutcome]:
        return [one for cause in self.door.causes(run, None) for one in self.door.outcomes(cause, 1, 0)]

    @work
    async def action_export(self) -> None:
        """Writes all records of all causes that are shown."""
        if self._refused("export"):
            return
        causes = list(self.causes)
        stem = (
            "coupler-errors"
            + ("" if self.run is None else f"-run-{self.run}")
            + (f"-{self.mapping}" if self.mapping else "")
        )
        work = partial(files.write_csv, stem, problems.HEADING, map(problems.export, self._every(causes)))
        path = await self.ask(work, None)
        if path is not None:
            self.say(f"{fmt.count(sum(one.count for one in causes))} records written to {path}")

    def _every(self, causes: list[Cause]) -> Iterator[RecordOutcome]:
        for cause in causes:
            offset = 0
            while found := self.door.outcomes(cause, _CHUNK, offset):
                yield from found
                offset += len(found)
