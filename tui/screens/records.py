"""Both records of a coupling side by side, as NAV and CRM have them now; nothing is written."""

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize

from engine.model.coupled import BothRecords, CoupledRow, FieldPair
from engine.model.errors import CouplerError
from tui import actions, dialogs, reasons
from tui.apart import apart
from tui.door import Door
from tui.look import Look
from tui.screens.page import Page
from tui.text import LONG, safe
from tui.widgets import pairs
from tui.widgets.keys import Keys
from tui.widgets.line import Line, hanging
from tui.widgets.table import Table


class Records(Page):
    """The fields of the mapping, with both values in one normal form. It reads once, and again when it is told to."""

    SCOPE = "records"
    CSS_PATH = "records.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("records")

    def __init__(self, door: Door, look: Look, one: CoupledRow) -> None:
        super().__init__(door, look)
        self.one = one
        self.found: BothRecords | None = None
        self.differing = False
        self._reading = False

    def body(self) -> ComposeResult:
        """Which records, their fields, and the field under the cursor."""
        yield Line(id="records")
        yield self.rule()
        yield Table(pairs.columns(self.app.size.width), id="fields", ascii_only=self.look.ascii)
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Starts to read both servers."""
        self._title()
        self.query_one(Table).focus()
        self._mark()
        self._read()

    def on_resize(self, event: Resize) -> None:
        """There are more columns where there is room."""
        del event  # Textual calls `Page.on_resize` as well
        self._title()
        self._show()

    def _title(self) -> None:
        self.head(f"Coupler   Records   {self.one.mapping} {self.one.nav_no}")

    @work(exclusive=True)
    async def _read(self) -> None:
        self._reading = True
        self.query_one("#records", Line).put("Reading NAV and CRM ...")
        try:
            found = await apart(partial(self.door.both_records, self.one))
        except CouplerError as error:
            self.complain(error)
        except OSError as error:
            self.complain(CouplerError(str(error)))
        else:
            self.found = found
            self._show()
        finally:
            self._reading = False
            self._mark()
        self.shown += 1

    def complain(self, error: CouplerError | None) -> None:
        """Says that a server cannot be read; values that were read before are old, and go."""
        if error is not None and self.app.is_running:
            self.found = None
            self.query_one(Table).show([])
            width = self.app.size.width - 2
            self.query_one("#records", Line).put(*hanging(f"! {safe(error.told, LONG)}", width, 3))
            self.query_one("#about", Line).put("")

    def _show(self) -> None:
        found = self.found
        if found is None:
            return
        width = self.app.size.width
        self.query_one("#records", Line).put(*pairs.heading(found, width - 2))
        self.query_one(Table).show(pairs.rows(found, width, differing=self.differing), pairs.columns(width))
        self._describe()

    def _current(self) -> FieldPair | None:
        key = self.query_one(Table).current
        found = () if self.found is None else self.found.fields
        return next((one for one in found if one.key == key), None)

    @on(Table.Moved)
    def _describe(self) -> None:
        self._mark()
        one = self._current()
        if self.found is not None:
            none = "Nothing differs; d shows all fields." if self.differing else ""
            lines = [none] if one is None else pairs.about(one, self.found, self.app.size.width - 2)
            self.query_one("#about", Line).put(*lines)

    def _mark(self) -> None:
        keys = self.query_one(Keys)
        keys.leave_out([one.name for one in actions.of("records") if self._why_not(one.name)])
        keys.label({"differing": "All" if self.differing else "Differing"})

    def _why_not(self, name: str) -> str | None:
        gone = self.found is not None and not self.found.crm.found
        return reasons.records(name, read=self.found is not None, reading=self._reading, crm_gone=gone)

    def action_detail(self) -> None:
        """Both values of the field under the cursor in full."""
        one = self._current()
        if not self._refused("detail") and one is not None and self.found is not None:
            heading = " ".join(filter(None, (one.nav, one.direction.arrow, one.crm)))
            self.app.push_screen(dialogs.Info(self.look, heading, pairs.everything(one, self.found)))

    def action_differing(self) -> None:
        """Fields that differ only, or all."""
        if not self._refused("differing"):
            self.differing = not self.differing
            self._show()

    @work
    async def action_address(self) -> None:
        """Where CRM's web client shows the row, to be copied."""
        if self._refused("address"):
            return
        address = await self.ask(partial(self.door.address, self.one), None)
        if address is not None:
            self.app.push_screen(dialogs.Info(self.look, "The row in CRM's web client", [address]))

    def action_again(self) -> None:
        """Reads both records again."""
        if not self._refused("again"):
            self._read()
