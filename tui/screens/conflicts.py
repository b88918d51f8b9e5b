"""Conflicts that wait: which records above, both values of each field below; nothing is chosen by itself."""

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType

from engine.model.conflict import Choice, Clash, Conflict, ConflictPage
from tui import actions, dialogs, reasons
from tui import format as fmt
from tui.door import Door
from tui.look import Look
from tui.screens.filtered import NONE_FOUND, Called
from tui.screens.paged import PAGE, pages
from tui.text import safe
from tui.widgets import clashes
from tui.widgets.keys import Keys
from tui.widgets.line import Line
from tui.widgets.table import Table

_NOTHING = "No conflict waits."
_HOW = "n takes NAV's value for both sides, c takes CRM's; w writes what is marked *."


class Conflicts(Called):
    """Choices are kept here until they are written; what was not written is forgotten with the screen."""

    SCOPE = "conflicts"
    CSS_PATH = "conflicts.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("conflicts")

    def __init__(self, door: Door, look: Look) -> None:
        super().__init__(door, look)
        self.conflicts: list[Conflict] = []
        self.choices: dict[str, dict[str, Choice]] = {}
        """By conflict, the choices by field that are not written yet."""
        self.total = 0
        self._answered = False
        self._shown: tuple[int, tuple[str, ...]] = (0, ())
        """Where the page begins that is shown, and what was looked for."""
        self._poll = self.polling_pages(lambda skip, words: door.conflicts(PAGE, skip, words), self.show)

    def body(self) -> ComposeResult:
        """Two tables and both values of the field under the cursor."""
        yield self.box()
        yield Table(clashes.CONFLICTS, id="conflicts", ascii_only=self.look.ascii)
        yield self.rule()
        yield Table(clashes.FIELDS, id="fields", ascii_only=self.look.ascii)
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Starts to read the store."""
        self.head("Coupler   Conflicts", "")
        self.query_one("#about", Line).put("Reading ...")
        self._list.focus()
        self.run_worker(self._poll.forever(), group="poll")

    def wake(self) -> None:
        """Reads the store at once."""
        self._poll.wake()

    def show(self, found: ConflictPage) -> None:
        """Shows a page; choices about values that have changed meanwhile are forgotten. A page that has become empty
        makes way for the last that is not; with another page all choices that were not written are forgotten.
        """
        self._answered = True
        self.total, conflicts = found.total, list(found.records)
        if not conflicts and self.skip:
            self.skip = (pages(self.total) - 1) * PAGE
            self.wake()
            return
        if (self.skip, self.words) != self._shown:
            self._shown = self.skip, self.words
            self.choices.clear()
        before = {clashes.key(one): {clash.key: clash.same for clash in one.fields} for one in self.conflicts}
        self.conflicts = conflicts
        now = {clashes.key(one): {clash.key: clash.same for clash in one.fields} for one in conflicts}
        for key, made in list(self.choices.items()):
            old, new = before.get(key, {}), now.get(key, {})
            self.choices[key] = {
                field: side for field, side in made.items() if field in new and new[field] == old[field]
            }
        page = f"  page {self.page_number}/{pages(self.total)}" if pages(self.total) > 1 else ""
        counted = fmt.many(self.total, "record")
        self.head("Coupler   Conflicts", f"{counted}{page}  ({safe(self.door.environment, 24)})")
        self.query_one(Keys).leave_out([one.name for one in actions.of("conflicts") if self._why_not(one.name)])
        current = self._list.current
        self._list.show([clashes.conflict_row(one, self.look) for one in conflicts])
        if self._list.current != current and self._fields.has_focus:
            self._list.focus()  # the record is gone: keys must not choose for the one that took its place
        self._follow()
        self.shown += 1

    @property
    def _list(self) -> Table:
        return self.query_one("#conflicts", Table)

    @property
    def _fields(self) -> Table:
        return self.query_one("#fields", Table)

    def _current(self) -> Conflict | None:
        key = self._list.current
        return next((one for one in self.conflicts if clashes.key(one) == key), None)

    def _clash(self) -> Clash | None:
        one, field = self._current(), self._fields.current
        return None if one is None else next((each for each in one.fields if each.key == field), None)

    @on(Table.Moved, "#conflicts")
    def _follow(self) -> None:
        one = self._current()
        made = {} if one is None else self.choices.get(clashes.key(one), {})
        self._fields.show([] if one is None else clashes.field_rows(one, made))
        self._describe()

    @on(Table.Moved, "#fields")
    def _describe(self) -> None:
        clash = self._clash()
        about = self.query_one("#about", Line)
        if clash is None:
            about.put(_HOW if self.conflicts else NONE_FOUND if self.words else _NOTHING)
            return
        width = self.app.size.width - 2
        about.put(*clashes.beginning(clash, width), _HOW)

    def action_open(self) -> None:
        """From the records to the fields of one, from a field to its values in full."""
        if self._refused("open"):
            return
        clash = self._clash()
        if clash is not None and self._fields.has_focus:
            nav, crm = clashes.about(clash)
            self.app.push_screen(dialogs.Info(self.look, clash.nav, [nav, "", crm]))
        elif self._current() is not None:
            self._fields.focus()

    def _why_not(self, name: str) -> str | None:
        rows = len(self.conflicts) if self._answered else None
        if self.words and not rows and name in ("open", "nav", "crm", "write"):
            return NONE_FOUND
        return reasons.conflicts(name, rows, self.page_number, pages(self.total))

    @work(exclusive=True, group="turn")
    async def _turn(self, name: str, by: int) -> None:
        if not self._refused(name) and await self._may_forget():
            self._list.focus()
            self.skip = max(0, self.skip + by)
            self.wake()

    @property
    def narrowed(self) -> Table:
        """The records."""
        return self._list

    def action_filter(self) -> None:
        """Opens the box, where nothing is lost by it."""
        if not self._refused("filter"):
            self._open_box()

    @work(exclusive=True, group="turn")
    async def _open_box(self) -> None:
        if await self._may_forget():
            self.choices.clear()
            self._follow()
            super().action_filter()

    async def _may_forget(self) -> bool:
        """Asks where something was chosen that is not written."""
        if not any(self.choices.values()):
            return True
        words = ["What was chosen on this page is not written, and is forgotten."]
        return await self.app.push_screen_wait(dialogs.Confirm(self.look, "Another page", words))

    def action_nav(self) -> None:
        """NAV's value for the field under the cursor."""
        self._choose(Choice.NAV)

    def action_crm(self) -> None:
        """CRM's value for the field under the cursor."""
        self._choose(Choice.CRM)

    def _choose(self, side: Choice) -> None:
        one, field = self._current(), self._fields.current
        if self._refused(str(side)) or one is None or field is None:
            return
        if not self._fields.has_focus:
            self.say("enter opens the fields of the record first.")
            return
        self.choices.setdefault(clashes.key(one), {})[field] = side
        self._follow()

    @work
    async def action_write(self) -> None:
        """Writes the choices for the record under the cursor."""
        one = self._current()
        if self._refused("write") or one is None:
            return
        key = clashes.key(one)
        made = dict(self.choices.get(key, {}))
        if not made:
            self.say("Nothing is chosen yet: n for NAV's value, c for CRM's.")
            return
        if await self.tell(partial(self.door.choose, one, made)):
            # What was chosen meanwhile is not written yet.
            now = self.choices.get(key, {})
            self.choices[key] = {field: side for field, side in now.items() if made.get(field) is not side}
            self.say(f"Written for {safe(one.mapping, 40)} {safe(one.nav_no, 30)}; the next pass applies it.")
        self.wake()

    def action_back(self) -> None:
        """From the fields to the records, from what was found to all, from the records to the screen before."""
        if self._fields.has_focus:
            self._list.focus()
        elif self.filters:
            self._show_all()
        else:
            super().action_back()

    @work(exclusive=True, group="turn")
    async def _show_all(self) -> None:
        if await self._may_forget():
            self.choices.clear()
            super().action_back()
