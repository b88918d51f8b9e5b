"""Connection Setup: both connections, changed, tried and saved; and where somebody without a config file begins."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize

from engine.config.edit import Form, Value, formed, put
from engine.config.secrets import end_commands, problem
from engine.config.toml import Keys
from engine.model.errors import ConfigError, CouplerError
from tui import actions, dialogs, reasons, screens
from tui.door import Door, Side
from tui.look import Look
from tui.poll import RARELY
from tui.screens.page import Page, asked
from tui.text import LONG, safe
from tui.widgets import connections, keys
from tui.widgets.connections import Setting
from tui.widgets.line import Line, hanging, spread
from tui.widgets.table import Table

Choice = Literal["saved", "demo"]
_WELCOME = (
    "Welcome. There is no config file yet: fill in what is marked with ! (enter),",
    "test both sides (n, c), save (w). Or try the demo with made-up data first (d).",
)


class Setup(Page):
    """One line for each setting. `start` begins a full synchronization; where there is no config file yet there is
    `leave` instead, for what comes after this screen.
    """

    SCOPE = "connections"
    CSS_PATH = "setup.tcss"
    BINDINGS: ClassVar[list[BindingType]] = actions.bindings("connections")

    def __init__(
        self,
        door: Door,
        look: Look,
        start: Callable[[], object] | None = None,
        leave: Callable[[Choice], None] | None = None,
    ) -> None:
        super().__init__(door, look)
        self.form: Form | None = None
        self.stale = False
        self._kept: dict[Keys, Value] = {}
        """What was there, and means nothing with another kind or sign-in, until all is saved."""
        self._saves = 0
        self._start = start
        self._leave = leave
        self._poll = self.polling(self._read, self.show, RARELY)

    def body(self) -> ComposeResult:
        """A welcome, which file it is, the settings, what the one under the cursor is."""
        yield Line(id="welcome")
        yield Line(id="status", classes="one")
        yield Table(connections.columns(80), id="settings", ascii_only=self.look.ascii)
        yield self.rule()
        yield Line(id="about")

    def on_mount(self) -> None:
        """Starts to read the file."""
        self.head("Coupler   Connection setup", "")
        self.query_one("#about", Line).put("Reading ...")
        welcome = self.query_one("#welcome", Line)
        welcome.put(*_WELCOME)
        welcome.display = self._leave is not None
        self.query_one(Table).focus()
        self.run_worker(self._poll.forever(), group="poll")

    def on_unmount(self) -> None:
        """Ends what was asked for secrets; nobody waits for it any more."""
        end_commands()

    def on_resize(self, event: Resize) -> None:
        """Wide terminals show more."""
        del event  # Textual calls `Page.on_resize` as well
        self._paint()

    def wake(self) -> None:
        """Reads the file at once."""
        self._poll.wake()

    def _read(self) -> tuple[int, Form]:
        """The file, and after how many saves; only asking for the connections may open the store."""
        saves = self._saves
        return saves, self.door.connections.read()

    def show(self, read: tuple[int, Form]) -> None:
        """Shows the file as it is, unless something was changed here that is not saved."""
        saves, found = read
        if saves != self._saves:
            self.wake()
            return
        if self.form is None or not self.form.draft.changed:
            self.form, self.stale = found, False
            self._kept = {}
        else:
            self.stale = found.draft.before != self.form.draft.before
        self._paint()
        self.shown += 1

    def complain(self, error: CouplerError | None) -> None:
        """Says that the file cannot be read."""
        if error is None:
            return
        faults = error.problems[:2] if isinstance(error, ConfigError) else (error.message,)
        self.query_one("#about", Line).put(*(f"! {one}" for one in faults), error.hint)

    def _paint(self) -> None:
        form, width = self.form, self.app.size.width
        if form is None:
            return
        rows = [connections.row(one, form, width) for one in connections.listed(form)]
        self.query_one(Table).show(rows, connections.columns(width))
        self.query_one(keys.Keys).leave_out([one.name for one in actions.of("connections") if self._why_not(one.name)])
        self._describe()

    @on(Table.Moved)
    def _describe(self) -> None:
        form, one = self.form, self._current()
        self.call_after_refresh(self._say_more)
        if form is not None and one is not None:
            width = self.app.size.width - 2
            said = (safe(text, LONG) for text in connections.about(one, form))
            self.query_one("#about", Line).put(*(part for text in said for part in hanging(text, width, 2)))

    def _say_more(self) -> None:
        """Which file it is, and how many settings are below what can be seen, as the table stands by now."""
        if self.form is not None:
            below = self.query_one(Table).below
            more, width = f"{below} more below" if below else "", self.app.size.width - 2
            status = connections.status(self.form, stale=self.stale)
            self.query_one("#status", Line).put(f" {spread(safe(status, width), more, width) if more else status}")

    def _current(self) -> Setting | None:
        key = self.query_one(Table).current
        return next((one for one in connections.SETTINGS if one.id == key), None)

    def _why_not(self, name: str) -> str | None:
        return reasons.connections(name, self.form, new=self._leave is not None)

    def _ready(self, name: str) -> Form | None:
        """What an action works on; None, and why, when it cannot be done."""
        return None if self._refused(name) else self.form

    @asked
    async def action_edit(self) -> None:
        """Asks for another value of the setting under the cursor."""
        form, one = self._ready("edit"), self._current()
        if form is None or one is None:
            return
        if not one.table and form.draft.before is not None:
            self.say_of_row("It names the state store and the ids of records: it stays as it is.")
            return
        value = await (self._pick(one, form) if one.choices else self._type(one, form))
        if value is not None:
            await self._put(one, connections.parsed(one, value))

    async def _pick(self, one: Setting, form: Form) -> str | None:
        now = connections.value(one, form)
        kind = now.strip("()").partition(":")[0]
        picked = await self.app.push_screen_wait(
            dialogs.Pick(self.look, one.title, connections.explained(one, form), one.choices, kind)
        )
        if picked is None or one.key != "secret":
            return picked
        # What follows "command:" is not shown, and so not changed but typed anew.
        known = now.partition(":")[2] if picked == kind != "command" else ""
        where = await self.app.push_screen_wait(
            dialogs.Entry(
                self.look,
                f"{one.title}: {picked}",
                connections.sourced(picked),
                known,
                lambda text: problem(f"{picked}:{text}") or "",
                strict=True,
            )
        )
        return None if where is None else f"{picked}:{where}"

    async def _type(self, one: Setting, form: Form) -> str | None:
        def judge(text: str) -> str:
            try:
                changed = formed(put(form.draft, one.keys, connections.parsed(one, text)))
            except ConfigError as error:
                return error.told
            return changed.fault(one.keys)

        now = connections.written(form.draft.value(one.keys))
        return await self.app.push_screen_wait(
            dialogs.Entry(self.look, one.title, connections.explained(one, form), now, judge)
        )

    async def _put(self, one: Setting, value: Value) -> None:
        form = self.form
        if form is None:
            return

        kept = self._kept

        def changed() -> tuple[Form, dict[Keys, Value]]:
            made = formed(put(form.draft, one.keys, value))
            return connections.refitted(made, one.table, kept) if one.key in ("auth", "kind") else (made, kept)

        # both at once: what is read meanwhile is shown, and forgets what was kept
        self.form, self._kept = await self.ask(changed, (form, kept))
        self._paint()

    def action_nav(self) -> None:
        """Tries NAV."""
        self._test("nav")

    def action_crm(self) -> None:
        """Tries CRM."""
        self._test("crm")

    def _test(self, side: Side) -> None:
        form = self._ready(side)
        if form is None:
            return
        if faults := form.faults_without("crm" if side == "nav" else "nav"):
            self._faulty("It cannot be tested yet", faults)
            return
        steps = partial(self.door.connections.steps, form, side)
        self.app.push_screen(screens.Trial(self.door, self.look, side, steps))

    def _faulty(self, heading: str, faults: tuple[str, ...]) -> None:
        self.app.push_screen(dialogs.Info(self.look, heading, [f"! {safe(one, LONG)}" for one in faults]))

    @asked
    async def action_save(self) -> None:
        """Asks with the lines that change, then writes the file."""
        form = self._ready("save")
        if form is None:
            return
        if form.faults:
            self._faulty("It cannot be saved yet", form.faults_without(""))
            return
        self.say("Checking what the settings name ...")
        doubts = await self.ask(partial(self.door.connections.doubts, form), None)
        if doubts is None:
            return
        width = min(80, self.app.size.width) - 5
        said = [safe(one, LONG) for one in connections.saving(form, doubts)]
        lines = [part for one in said for part in hanging(one, width, 2)]
        if not await self.app.push_screen_wait(dialogs.Confirm(self.look, "Save the connections", lines)):
            return
        if not await self.tell(partial(self.door.connections.save, form)):
            return
        if self._leave is not None:
            self._leave("saved")
            return
        self.form = None
        self._saves += 1
        self.say(f"Saved: {safe(form.draft.path, 60)}")
        self.wake()

    def action_sync(self) -> None:
        """Goes back to the mappings, and starts there."""
        if self._ready("sync") is not None and self._start is not None:
            self.dismiss()
            self._start()

    @asked
    async def action_demo(self) -> None:
        """Leaves for the demo."""
        if (why := self._why_not("demo")) is not None:
            self.say(why)
        elif self._leave is not None and await self.may_leave():
            self._leave("demo")

    async def may_leave(self) -> bool:
        """Asks where something is not saved."""
        if self.form is None or not self.form.draft.changed:
            return True
        words = ["What was changed here is not saved, and is forgotten."]
        return await self.app.push_screen_wait(dialogs.Confirm(self.look, "Leave without saving", words))

    def action_back(self) -> None:
        """To the screen before."""
        if (why := self._why_not("back")) is not None:
            self.say(why)
        else:
            self._go_back()

    @asked
    async def _go_back(self) -> None:
        if await self.may_leave():
            super().action_back()
