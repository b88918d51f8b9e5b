"""One mapping: how it stands, what it says, and what of that differs from the default."""

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize

from engine.model.detail import MappingDetail, Setting
from tui import actions, dialogs, reasons, screens
from tui.door import Door
from tui.look import Look
from tui.screens.flag import turned
from tui.screens.page import Page, asked
from tui.screens.syncing import synchronize
from tui.text import safe
from tui.widgets import names, settings
from tui.widgets.keys import Keys
from tui.widgets.line import Line
from tui.widgets.table import Table


class Mapping(Page):
    """A line for each thing that the mapping says, section by section; those that are a setting can be changed."""

    SCOPE = "mapping"
    CSS_PATH = "mapping.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("mapping")

    def __init__(self, door: Door, look: Look, name: str) -> None:
        super().__init__(door, look)
        self.mapping = name
        self.found: MappingDetail | None = None
        self._poll = self.polling(partial(door.mapping, name), self.show)

    def body(self) -> ComposeResult:
        """The lines, and all about the one under the cursor."""
        yield Table(settings.columns(self.app.size.width), id="settings", ascii_only=self.look.ascii)
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Starts to read the store."""
        self.head(f"Coupler   Mapping   {self.mapping}")
        self.query_one("#about", Line).put("Reading ...")
        self.query_one(Table).focus()
        self.run_worker(self._poll.forever(), group="poll")

    def on_resize(self, event: Resize) -> None:
        """Columns are wider where there is room."""
        del event  # Textual calls `Page.on_resize` as well
        if self.found is not None:
            self.show(self.found)

    def wake(self) -> None:
        """Reads the store at once."""
        self._poll.wake()

    def show(self, found: MappingDetail) -> None:
        """Shows a snapshot."""
        self.found = found
        differ = settings.differing(one for _, one in settings.lines(found, self.look))
        self.head(f"Coupler   Mapping   {self.mapping}", f"{differ}  ({safe(self.door.environment, 24)})")
        self.query_one(Table).show(settings.rows(found, self.look), settings.columns(self.app.size.width))
        self._describe()
        self.shown += 1

    def _current(self) -> Setting | None:
        if self.found is None:
            return None
        return dict(settings.lines(self.found, self.look)).get(self.query_one(Table).current or "")

    @on(Table.Moved)
    def _describe(self) -> None:
        one = self._current()
        text = ["tab = next section   enter = a line in full"]
        self.query_one("#about", Line).put(*(text if one is None else settings.about(one, self.app.size.width - 2)))
        self.query_one(Keys).leave_out([each.name for each in actions.of("mapping") if self._why_not(each.name)])

    def _why_not(self, name: str) -> str | None:
        return reasons.mapping(name, self.found, self._current())

    def action_detail(self) -> None:
        """The line under the cursor in full."""
        one = self._current()
        if not self._refused("detail") and one is not None:
            self.app.push_screen(dialogs.Info(self.look, f"{self.mapping}: {one.name}", settings.everything(one)))

    @asked
    async def action_edit(self) -> None:
        """Changes the setting under the cursor, after questions."""
        one = self._current()
        if self._refused("edit") or one is None:
            return
        from tui.screens.changing import changed  # noqa: PLC0415 - the first paint waits for nothing that it does not show

        value = await changed(self, self.mapping, one)
        if one.key == "enabled" and value == "false":
            self._leave()
            words = [
                f"{self.mapping} takes no part from now on.",
                f"`coupler mappings {self.mapping} --default enabled` lets it take part again.",
            ]
            self.app.push_screen(dialogs.Info(self.look, "Left out", words))
        elif value is not None:
            self.wake()
            self.say(f"Written: {one.key} of {self.mapping} is {value}")

    def _leave(self) -> None:
        """Closes the screen, and before it what was opened over it meanwhile."""
        stack = list(self.app.screen_stack)
        for above in reversed(stack[stack.index(self) + 1 :]):
            if isinstance(above, dialogs.Dialog):
                above.action_close()
            else:
                above.dismiss()
        self.dismiss()

    def action_section(self) -> None:
        """The next section; behind the last one the first."""
        if not self._refused("section") and self.found is not None:
            table = self.query_one(Table)
            places = settings.sections(self.found, self.look)
            place = next((at for at in places if at > table.cursor_row), places[0])
            table.jump(place)
            self.call_after_refresh(table.scroll_to, y=place, animate=False)  # with what is in it

    @asked
    async def action_couple(self) -> None:
        """Couples two records that are named, or one with a new partner, after questions."""
        if not self._refused("couple"):
            from tui.screens.by_hand import couple_by_hand  # noqa: PLC0415 - as above

            await couple_by_hand(self, self.mapping)
            self.wake()

    @asked
    async def action_match(self) -> None:
        """Asks, couples what matches by the rules of the mapping, and shows the run."""
        found = self.found
        if self._refused("match") or found is None:
            return
        from tui.widgets import matching  # noqa: PLC0415 - as above

        heading = f"{self.mapping}: {matching.TITLE}"
        ways = matching.ways(found.standing.direction)
        way = await self.app.push_screen_wait(dialogs.Pick(self.look, heading, (), ways, ""))
        if way is None:
            return
        words = matching.meaning(found, way, min(80, self.app.size.width) - 5)
        if not await self.app.push_screen_wait(dialogs.Confirm(self.look, heading, words)):
            return
        if not await self._meant_in_production("match"):
            return
        run = await self.ask(partial(self.door.match, self.mapping, create=way == matching.CREATE), 0)
        if run:
            self.app.push_screen(screens.Run(self.door, self.look, run, started=True))

    async def _meant_in_production(self, purpose: str) -> bool:
        if not self.door.production:
            return True
        home = await self.ask(self.door.home, None)
        if home is None:
            return False
        return await self.app.push_screen_wait(dialogs.TypeName(self.look, names.crm(home.crm), purpose))

    def action_couplings(self) -> None:
        """Opens the couplings of the mapping."""
        self.app.push_screen(screens.Couplings(self.door, self.look, self.mapping))

    def action_errors(self) -> None:
        """Opens what went wrong with its records."""
        self.app.push_screen(screens.Errors(self.door, self.look, None, self.mapping))

    @asked
    async def action_sync(self) -> None:
        """Asks, then synchronizes modified records of the mapping."""
        if not self._refused("sync") and self.found is not None:
            await synchronize(self, self.found.standing)

    @asked
    async def action_only_coupled(self) -> None:
        """Asks, then changes the stored flag."""
        if not self._refused("only_coupled") and self.found is not None:
            await turned(self, self.found.standing)
