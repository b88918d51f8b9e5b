"""What all full screens have in common: a title line, a body, two lines of keys, and reads that do not block."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial, wraps
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.events import Key, Resize
from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Rule

from engine.model.errors import ConfigError, CouplerError
from engine.model.states import STARTING, RunState
from tui import actions, dialogs, tour
from tui.apart import apart
from tui.door import Door
from tui.look import Look
from tui.poll import LISTS, Poll
from tui.text import safe
from tui.widgets.fit import Fit, too_small
from tui.widgets.keys import Keys
from tui.widgets.line import Line, hanging, spread
from tui.widgets.notice import Notice
from tui.widgets.table import Table

if TYPE_CHECKING:
    from engine.model.snapshot import RunSnapshot

T = TypeVar("T")
P = TypeVar("P", bound="Page")
UNREAD = "Nothing is read yet; the key did nothing."
_MOVES = frozenset((*actions.ROWS, *(key for one in actions.of("lists") for key in one.key.split(","))))


def asked(work: Callable[[P], Coroutine[None, None, None]]) -> Callable[[P], None]:
    """Makes an action of what asks the operator, or starts something, perhaps after a while.

    From the moment it is asked for, the keys of the page do nothing until it is done, or `hear` is called: what is
    typed meanwhile was meant for what is yet to be seen.
    """

    @wraps(work)
    def action(page: P) -> None:
        page.awaited += 1
        page.occupied = True
        page.run_worker(_heard_after(page, work(page), page.awaited))

    return action


async def _heard_after(page: Page, work: Coroutine[None, None, None], number: int) -> None:
    try:
        await work
    finally:
        if page.awaited == number:  # else it is occupied by what was asked for later
            page.hear()


class Page(Screen[None]):
    """A full screen. `SCOPE` says which actions of `tui.actions` it has."""

    SCOPE: ClassVar[actions.Scope] = "home"

    shown: var[int] = var(0, init=False)
    """How many snapshots were shown; tests wait for it."""

    def __init__(self, door: Door, look: Look) -> None:
        super().__init__()
        self.door = door
        self.look = look
        self.set_class(look.tour, "-tour")
        self.occupied = False
        """Whether something that was asked for is about to be seen."""
        self.awaited = 0
        """How many times something was asked for that occupies it."""
        self._said_of: tuple[str, list[str | None]] = ("", [])
        """What was said of the current rows, and which these were."""

    def compose(self) -> ComposeResult:
        """Title, body, keys."""
        yield Fit()
        yield Line(id="head")
        yield self.rule()
        yield from self.body()
        yield Notice(ascii_only=self.look.ascii)
        if self.look.tour:
            yield Line(id="tour")
        yield Keys(self.SCOPE, self.look)

    def body(self) -> ComposeResult:
        """What is between title and keys."""
        yield from ()

    def rule(self) -> Rule:
        """A horizontal line."""
        return Rule(line_style="ascii" if self.look.ascii else "solid")

    def on_resize(self, event: Resize) -> None:
        """A terminal that is too small gets one line that says so."""
        self.query_one(Fit).judge(event.size.width, event.size.height)

    def head(self, left: str, right: str = "", *, keep_left: bool = False) -> None:
        """Writes the title line; one that says nothing on its right says the environment there."""
        right = right or f"({safe(self.door.environment, 24)})"
        text = spread(safe(left), safe(right), self.app.size.width - 2, keep_left=keep_left)
        self.query_one("#head", Line).put(f" {text}", style="bold")
        if self.look.tour:
            words = hanging(tour.hint(self.SCOPE, self.run_at_hand), self.app.size.width - 2, 2)
            self.query_one("#tour", Line).put(*words, style="reverse")

    @property
    def run_at_hand(self) -> RunSnapshot | None:
        """The run that the screen shows, or the active or last one, where it knows one."""
        return None

    @property
    def seen(self) -> bool:
        """Whether the operator sees this screen, perhaps behind a dialog; never while the program ends."""
        if not self.app.is_running:
            return False
        above = self.app.screen_stack[self.app.screen_stack.index(self) :] if self in self.app.screen_stack else []
        return bool(above) and all(one.is_modal for one in above[1:])

    def say(self, text: str) -> None:
        """A short notice that goes away by itself; a longer one waits to be read. A page that is not seen yet has no
        room for one.
        """
        notice = next(iter(self.query(Notice)), None)
        if notice is None:
            return
        if len(text) <= notice.room():
            notice.say(text)
        else:
            self.app.push_screen(dialogs.Info(self.look, "Notice", [text]))

    def hear(self) -> None:
        """Lets keys do something again."""
        self.occupied = False

    @property
    def deaf(self) -> bool:
        """Whether keys do nothing: what was asked for is about to be seen, or the terminal is too small to see it."""
        return self.occupied or too_small(self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """A page that is deaf hears none of its keys."""
        return not self.deaf

    def _why_not(self, name: str) -> str | None:
        """Why an action can do nothing now; None where it can."""
        del name
        return None

    @property
    def unread(self) -> bool:
        """Whether there is nothing yet that a key could be about."""
        return not self.shown

    def _refused(self, name: str) -> bool:
        """Whether an action can do nothing now; says why."""
        if self.unread:
            self.say(UNREAD)
            return True
        why = self._why_not(name)
        if why is not None:
            self.say_of_row(why)
        return why is not None

    def say_of_row(self, text: str) -> None:
        """A short notice that goes away when the cursor moves on."""
        self.say(text)
        self._said_of = (text, self._rows())

    def watch_shown(self) -> None:
        """That nothing is read yet is not true any more."""
        if not self.unread:
            self.query_one(Notice).take_back(UNREAD)

    @on(Table.Moved)
    def _moved_on(self) -> None:
        """What was said of other rows than the current ones is true no more."""
        text, rows = self._said_of
        if text and rows != self._rows():
            self.query_one(Notice).take_back(text)

    def _rows(self) -> list[str | None]:
        return [one.current for one in self.query(Table)]

    def on_key(self, event: Key) -> None:
        """A list that is not read yet has no row to go to."""
        if self.unread and not self.deaf and event.key in _MOVES:
            self.say(UNREAD)

    def say_cut(self, text: str) -> None:
        """A short notice; what does not fit is cut with a mark."""
        self.query_one(Notice).say(text)

    def copied(self) -> str:
        """The row under the cursor as one line of plain text; blank when there is none."""
        tables = list(self.query(Table))
        table = next((one for one in tables if one.has_focus), tables[0] if tables else None)
        return "" if table is None else table.current_text

    def polling(self, read: Callable[[], T], show: Callable[[T], None], part: float = LISTS) -> Poll[T]:
        """Reads for this screen while it is seen, a part of as often as the operator wants (`tui.poll`)."""
        return Poll(read, show, self.complain, seen=lambda: self.seen, hz=self.look.hz * part)

    def complain(self, error: CouplerError | None) -> None:
        """Says that the store cannot be read; what is shown is then old."""
        if error is not None:
            self.query_one("#about", Line).put(f"! {error.message}", error.hint)

    def wake(self) -> None:
        """Reads the store at once."""

    def on_screen_resume(self) -> None:
        """Reads at once when it is to be seen again."""
        self.wake()

    async def ask(self, work: Callable[[], T], default: T) -> T:
        """Calls the engine in a thread. What it refuses is shown, and `default` comes back."""
        return await self._answer(asyncio.to_thread(work), default)

    async def ask_servers(self, work: Callable[[], T], default: T) -> T:
        """As `ask`, for what may wait long for NAV or CRM; the program can end meanwhile."""
        return await self._answer(apart(work), default)

    async def _answer(self, answer: Awaitable[T], default: T) -> T:
        try:
            return await answer
        except ConfigError as error:
            self._refuse(f"{error.problems[0]} [{error.code}]", error.hint)
        except CouplerError as error:
            self._refuse(error.message, error.hint)
        except OSError as error:
            self._refuse(str(error), "")
        return default

    def _refuse(self, message: str, hint: str) -> None:
        if self.app.is_running:
            self.app.push_screen(dialogs.Info(self.look, "This was not done", [message, *([hint] if hint else [])]))

    async def tell(self, work: Callable[[], None]) -> bool:
        """As `ask`, for what has no answer; whether it was done."""

        def done() -> bool:
            work()
            return True

        return await self.ask(done, default=False)

    async def end_of(self, run: int) -> RunSnapshot | None:
        """Waits for the end of a short run; it goes on when nobody waits for it any more. None when the store does not
        say how it goes.
        """
        begun = monotonic()
        while (found := await self.ask(partial(self.door.run, run), None)) is not None:
            begins = found.state is RunState.INTERRUPTED and found.beat is None and not found.code
            starting = begins and monotonic() - begun < STARTING
            if found.state is not RunState.RUNNING and not starting:
                break
            await asyncio.sleep(1 / self.look.hz)
        return found

    async def may_leave(self) -> bool:
        """Whether the program may end now; asks the operator where something would be lost."""
        return True

    def action_back(self) -> None:
        """One step back; the first screen has none."""
        if len(self.app.screen_stack) > 1:
            self.dismiss()
