"""One record of a plan, field by field: what stands on the target now, and what it would become."""

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize

from engine.model import plan as model
from engine.model.plan import Effect, FieldChange, Foreseen
from tui import actions, dialogs, reasons
from tui import format as fmt
from tui.door import Door
from tui.look import Look
from tui.reports import files
from tui.screens.page import Page
from tui.text import LONG, safe
from tui.widgets import plans
from tui.widgets.keys import Keys
from tui.widgets.line import Line, hanging
from tui.widgets.table import Table

_READING = "Reading both sides ..."
_FAILED = "It could not be compared. r = try again"


class Difference(Page):
    """Compared when it is opened, and again when asked for; nothing is written."""

    SCOPE = "difference"
    CSS_PATH = "difference.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("difference")

    def __init__(self, door: Door, look: Look, record: Foreseen) -> None:
        super().__init__(door, look)
        self.record = record
        self.found: model.Difference | None = None

    def body(self) -> ComposeResult:
        """What would become of the record, its fields, and when they were compared."""
        yield Line(id="verdict")
        yield Table(plans.field_columns(0), id="fields", ascii_only=self.look.ascii)
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Compares."""
        self._title()
        self.query_one(Table).focus()
        self._compare()

    def on_resize(self, event: Resize) -> None:
        """A wider table has more columns."""
        super().on_resize(event)
        self._title()
        self._show()

    def _title(self) -> None:
        one = self.record
        who = " ".join(part for part in (one.nav_no, one.name) if part)
        self.head(f"Coupler   Plan {one.run} > {one.mapping} to {plans.side(one.direction)} > {who}")

    def wake(self) -> None:
        """Shows times as the operator wants them now."""
        self._show()

    @work(exclusive=True, group="compare")
    async def _compare(self) -> None:
        self.query_one("#about", Line).put(_READING)
        found = await self.ask_servers(partial(self.door.difference, self.record), None)
        if self.is_mounted and self.app.is_running:
            self.found = found
            self._show()
            if found is None:
                self.query_one("#about", Line).put(_FAILED)
            self.shown += 1

    def _show(self) -> None:
        found, width = self.found, self.app.size.width
        self.query_one(Keys).leave_out([one.name for one in actions.of("difference") if self._why_not(one.name)])
        changes = () if found is None else found.changes
        new = found is not None and found.effect is Effect.INSERTED
        rows = [plans.field_row(one, index, width, new=new) for index, one in enumerate(changes)]
        self.query_one(Table).show(rows, plans.field_columns(width))
        if found is not None:
            said = hanging(safe(plans.verdict(found, self.record), LONG), width - 2, 3)
            self.query_one("#verdict", Line).put(*said, style="bold")
            text = plans.compared(found, self.record, self.look)
            self.query_one("#about", Line).put(*self._whole(), *hanging(text, width - 2, 2))

    @on(Table.Moved)
    def _moved(self) -> None:
        self._show()

    def _whole(self) -> list[str]:
        one = self._change()
        return [] if one is None else plans.beginning(one, self.app.size.width - 2)

    def _change(self) -> FieldChange | None:
        key = self.query_one(Table).current
        changes = () if self.found is None else self.found.changes
        return changes[int(key)] if key is not None and int(key) < len(changes) else None

    def _why_not(self, name: str) -> str | None:
        return reasons.plan(name, 0 if self.found is None else len(self.found.changes))

    def action_open(self) -> None:
        """All of the field under the cursor."""
        one = self._change()
        if self._refused("open") or one is None:
            return
        self.app.push_screen(dialogs.Info(self.look, one.nav or one.crm, plans.whole(one)))

    def action_again(self) -> None:
        """Compares once more."""
        self._compare()

    @work
    async def action_export(self) -> None:
        """Writes the fields."""
        found = self.found
        if self._refused("export") or found is None:
            return
        rows = [(one.nav, one.crm, one.source, one.now, one.then) for one in found.changes]
        stem = f"coupler-plan-{self.record.run}-{self.record.source_id}"
        path = await self.ask(partial(files.write_csv, stem, plans.FIELD_HEADING, rows), None)
        if path is not None:
            self.say(f"{fmt.many(len(rows), 'field')} written to {path}")
