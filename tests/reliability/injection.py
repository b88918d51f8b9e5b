"""Hostile texts on every page and in every dialog: no control byte and no markup of theirs may reach a terminal."""

import asyncio
import contextlib
import importlib
import multiprocessing
import pkgutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen

import tui
from engine.model.coupled import Partner as CoupledPartner
from engine.model.errors import ConnectionLost
from engine.model.plan import Effect
from engine.model.snapshot import RunState
from tests.reliability.hostile import HostileDoor, filled, reads
from tests.reliability.line import Line, Measured
from tests.reliability.payloads import MARK, PAYLOADS, SAMPLE, TARGET, Shown, foreign
from tests.reliability.sequences import on_a_terminal
from tests.tui.made.runs import TO, made_run, planned_jobs
from tests.tui.screens import until
from tests.tui.terminal import ROOT
from tui.app import CouplerApp
from tui.dialogs.confirm import Confirm, TypeName
from tui.dialogs.count import Count
from tui.dialogs.dialog import Dialog
from tui.dialogs.help import Help
from tui.dialogs.info import Info
from tui.dialogs.leave import Leave
from tui.dialogs.only import Only
from tui.dialogs.partner import Partner
from tui.dialogs.question import Question
from tui.dialogs.start import Start
from tui.dialogs.undo import Undo
from tui.dialogs.value import Entry, Pick
from tui.dialogs.working import Working
from tui.look import Look
from tui.screens.broken import Broken
from tui.screens.candidates import Candidates
from tui.screens.conflicts import Conflicts
from tui.screens.couplings import Couplings
from tui.screens.difference import Difference
from tui.screens.errors import Errors
from tui.screens.filtered import Below, Called, Filtered
from tui.screens.history import History
from tui.screens.home import Home
from tui.screens.left_alone import LeftAlone
from tui.screens.log import Log
from tui.screens.mapping import Mapping
from tui.screens.matches import Matches
from tui.screens.page import Page
from tui.screens.paged import Paged
from tui.screens.plan import Plan
from tui.screens.planned import Planned
from tui.screens.records import Records
from tui.screens.run import Run
from tui.screens.schedule import Schedule
from tui.screens.setup import Setup
from tui.screens.trial import Trial
from tui.widgets import changes
from tui.widgets.connections import saving


class _App(CouplerApp):
    """Takes down what markup would run."""

    CSS_PATH = str(ROOT / "tui" / "tui.tcss")
    pwned = 0
    crashed: BaseException | None = None

    def action_pwned(self) -> None:
        self.pwned += 1

    def _handle_exception(self, error: Exception) -> None:
        self.crashed = error
        super()._handle_exception(error)


def _difference(door: HostileDoor, look: Look) -> Page:
    (record,) = door.foreseen(15, 4, TO, Effect.MODIFIED, 1, 0)
    return Difference(door, look, record)


def _saving(door: HostileDoor) -> list[str]:
    form = door.connections.read()
    return saving(form, door.connections.doubts(form))


def _trial(door: HostileDoor, look: Look) -> Page:
    return Trial(door, look, "nav", lambda: door.connections.steps(door.connections.read(), "nav"))


Make = Callable[[HostileDoor, Look], Page]
_PAGES: dict[str, tuple[RunState | None, Make]] = {
    "home": (None, Home),
    "home with a run": (RunState.STOPPED, Home),
    "run": (RunState.RUNNING, lambda door, look: Run(door, look, 16)),
    "run, leaving": (RunState.RUNNING, lambda door, look: Run(door, look, 16)),
    "run that stopped": (RunState.STOPPED, lambda door, look: Run(door, look, 16)),
    "run that asks": (RunState.ASKING, lambda door, look: Run(door, look, 16)),
    "run that ended": (RunState.FINISHED, lambda door, look: Run(door, look, 16)),
    "errors": (RunState.RUNNING, lambda door, look: Errors(door, look, None)),
    "history": (None, lambda door, look: History(door, look, lambda _: None)),
    "conflicts": (None, Conflicts),
    "schedule": (None, Schedule),
    "couplings": (None, Couplings),
    "records": (None, lambda door, look: Records(door, look, door.couplings(None, "", None, 1).rows[0])),
    "left alone": (None, LeftAlone),
    "couplings, broken": (None, Couplings),
    "couplings, coupling": (None, Couplings),
    "broken": (RunState.FINISHED, lambda door, look: Broken(door, look, door.run(16), door.text)),
    "broken, all": (RunState.FINISHED, lambda door, look: Broken(door, look, door.run(16), door.text)),
    "mapping, match": (None, lambda door, look: Mapping(door, look, "CUSTOMER")),
    "mapping": (None, lambda door, look: Mapping(door, look, "CUSTOMER")),
    "plan": (RunState.FINISHED, lambda door, look: Plan(door, look, 16)),
    "planned": (None, lambda door, look: Planned(door, look, filled(planned_jobs()[3].passes[0], door.text))),
    "difference": (None, _difference),
    "matches": (None, Matches),
    "candidates": (None, lambda door, look: Candidates(door, look, door.ambiguous(1, 0).records[0])),
    "connections": (None, lambda door, look: Setup(door, look, lambda: None)),
    "trial": (None, _trial),
    "log": (None, Log),
}
"""Each page, with the run that it is about; a new one needs a line here."""
_DIALOGS: dict[str, Callable[[HostileDoor, Look], Screen[Any]]] = {
    "question": lambda door, look: Question(look, door.run(16), partial(door.write_report, 16)),
    "leave": lambda door, look: Leave(look, door.run(16)),
    "start": lambda door, look: Start(look, door.home(), door.run(16)),
    "start without a plan": lambda door, look: Start(look, door.home(), None),
    "some jobs only": lambda door, look: Only(look, door.home().mappings, ()),
    "counting": lambda door, look: Count(door, look, 17, door.text, can_skip=True),
    "counting that ended": lambda door, look: Count(door, look, 18, "Preflight", can_skip=True),
    "notice": lambda door, look: Info(look, door.text, [door.text, door.text]),
    "confirmation": lambda door, look: Confirm(look, door.text, [door.text, door.text]),
    "undo": lambda door, look: Undo(look, 16, 22, door.undone(22)),
    "name to type": lambda door, look: TypeName(look, door.text, door.text),
    "partner": lambda door, look: Partner(look, [door.text], door.text, lambda _: CoupledPartner(problem=door.text)),
    "working": lambda door, look: Working(door, look, 17, door.text),
    "working that ended": lambda door, look: Working(door, look, 18, door.text),
    "saving": lambda door, look: Confirm(look, door.text, _saving(door)),
    "writing": lambda door, look: Confirm(look, door.text, changes.saving(door.propose("CUSTOMER", "conflict", "ask"))),
    "one of several": lambda door, look: Pick(look, door.text, [door.text], [(door.text, door.text)], ""),
    "value": lambda door, look: Entry(look, door.text, [door.text], door.text, lambda _: door.text),
    "help": lambda _, look: Help(look, "home"),
}
"""Each dialog; a new one needs a line here, or in `_FURTHER` the keys that open it."""
_FURTHER = {
    "errors": ("enter", "enter", "escape", "c", "K", "escape", "M", *"12", "enter"),
    "conflicts": ("enter", "enter"),
    "couplings": ("enter", "enter"),
    "couplings, broken": ("B",),
    "couplings, coupling": ("M", "enter", "enter", *"12", "enter"),
    "records": ("a",),
    "left alone": ("enter", "escape", "R"),
    "mapping, match": ("m", "enter"),
    "broken": ("enter", "escape", "r"),
    "broken, all": ("R",),
    "planned": ("enter", "enter"),
    "difference": ("enter",),
    "matches": ("enter", "enter"),
    "candidates": ("C",),
    "connections": ("3", "enter"),
    "log": ("enter", "escape", "f", "n"),
    "mapping": ("enter", "escape", "tab", "j", "E", "enter"),
    "home": ("enter",),
    "history": ("enter",),
    "schedule": ("enter",),
    "run": ("4", "enter"),
    "run, leaving": ("q",),
    "run that asks": ("a", "w"),
    "run that stopped": ("x",),
}
"""Keys that lead on from a page to what it opens."""
_BOXES = "dialogs"
_AT_ONCE = 6
NOTHING_FROM_OUTSIDE = frozenset({"leave", "help"})
"""All others must show a text that is a mere word, else nobody knows what they would do with another one."""
_BASES = (Page, Paged, Filtered, Called, Below, Dialog)


def screens() -> set[type[Screen[Any]]]:
    """Every screen of the program but for those that are only there to be inherited from."""
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return {one for one in _below(Screen) if one.__module__.startswith("tui.") and one not in _BASES}


def _below(one: type[Any]) -> Iterator[type[Any]]:
    for each in one.__subclasses__():
        yield each
        yield from _below(each)


def left_out(shown: Shown) -> list[str]:
    """What of the program no text went through: screens, reads of the door, and places that show nothing of it."""
    return [
        *(
            f"{one.__module__}.{one.__qualname__} is not shown: name it in _PAGES or _DIALOGS of {__file__}"
            for one in sorted(screens() - shown.screens, key=repr)
        ),
        *(f"Door.{one} is not read: open in {__file__} what reads it" for one in reads() if one not in shown.reads),
        *(f"{one}: shows nothing of what was read" for one in sorted(shown.silent - NOTHING_FROM_OUTSIDE)),
    ]


def on_screens(texts: Sequence[str] = PAYLOADS, further: Sequence[str] = (*SAMPLE, *PAYLOADS[::5])) -> Shown:
    """Show each text on every page, and those of `further` also in the dialogs that pages open; several pages at once, as
    most of the time one waits for the screen.
    """
    shown = Shown()
    with multiprocessing.Pool(_AT_ONCE) as pool:
        for one in pool.imap_unordered(partial(_place, (MARK, *texts), further), (_BOXES, *_PAGES)):
            _take(shown, one)
    return shown


def _take(shown: Shown, other: Shown) -> None:
    """Put together what was found in two processes."""
    shown.places |= other.places
    shown.screens |= other.screens
    shown.reads |= other.reads
    shown.silent |= other.silent
    shown.shows += other.shows
    shown.foreign += other.foreign
    shown.actions += other.actions
    shown.crashes += other.crashes


def _place(texts: Sequence[str], further: Sequence[str], name: str) -> Shown:
    shown = Shown()
    try:
        asyncio.run(
            _dialogs(shown, texts)
            if name == _BOXES
            else _page(shown, name, *_PAGES[name], texts=texts, further=further)
        )
    except Exception as error:  # noqa: BLE001  # that is what is looked for
        shown.crashes.append(f"{name}: {type(error).__name__}: {str(error)[:600]}")
    return shown


async def _dialogs(shown: Shown, texts: Sequence[str]) -> None:
    door = _made(RunState.ASKING)
    door.put(made_run(RunState.RUNNING, id=17, kind="plan"))
    door.put(made_run(RunState.STOPPED, id=18, kind="plan"))
    async with _started(door, Home) as (app, pilot, page):
        for text in texts:
            door.take(text)
            for name, make in _DIALOGS.items():
                dialog = make(door, page.look)
                app.push_screen(dialog)
                await _painted(pilot)
                await _read(pilot, dialog)
                _look(shown, app, name, text)
                app.pop_screen()
    shown.reads |= door.called
    if app.pwned:
        shown.actions.append(f"dialogs: {app.pwned} actions")


def _made(state: RunState | None) -> HostileDoor:
    door = HostileDoor()
    if state is not None:
        door.put(made_run(state))
    return door


@contextlib.asynccontextmanager
async def _started(door: HostileDoor, page: Make) -> AsyncIterator[tuple[_App, Pilot[None], Page]]:
    look = Look(hz=0.2)
    app = _App(door, look)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        made = page(door, look)
        app.push_screen(made)
        await until(pilot, lambda: made.shown > 0 or not hasattr(made, "_poll"))
        yield app, pilot, made


async def _page(
    shown: Shown, name: str, state: RunState | None, make: Make, texts: Sequence[str], further: Sequence[str]
) -> None:
    door = _made(state)
    async with _started(door, make) as (app, pilot, first):
        page = first
        for text in texts:
            page = await _show(pilot, door, make, page, text)
            if text == MARK:  # a question that comes by itself may be about to be seen
                with contextlib.suppress(AssertionError):
                    await until(pilot, lambda: MARK in _shown(app))
            _look(shown, app, name, text)
        for text in further if name in _FURTHER else ():
            page = await _show(pilot, door, make, page, text)
            await pilot.click(offset=(30, 5))
            for key in _FURTHER[name]:
                # neither while a question is about to be seen, nor right after it is
                await until(pilot, lambda: not getattr(app.screen, "deaf", False))
                await pilot.press(key)
                await pilot.pause()
                _look(shown, app, f"{name}, {key}", text)
            await _back(pilot, page)
        for text in further:
            _complain(page, text)
            page.say(text)
            await _painted(pilot)
            _look(shown, app, f"{name}, a complaint", text)
            await _back(pilot, page)
    shown.reads |= door.called
    if app.pwned:
        shown.actions.append(f"{name}: {app.pwned} actions")


def _complain(page: Page, text: str) -> None:
    """The page says that something cannot be read, or a box over it does."""
    if (complain := getattr(page, "complain", None)) is not None:
        complain(ConnectionLost(text, text))
    else:
        page._refuse(text, text)


async def _back(pilot: Pilot[None], page: Page) -> None:
    while (screen := pilot.app.screen) is not page:
        if isinstance(screen, Dialog):
            screen.dismiss("stay" if isinstance(screen, Leave) else None)  # whoever asked goes on, without an answer
        else:
            pilot.app.pop_screen()
        await pilot.pause()


async def _show(pilot: Pilot[None], door: HostileDoor, make: Make, page: Page, text: str) -> Page:
    """What the page does when it has read, without waiting for the time to come; one that reads once is opened anew."""
    door.take(text)
    if not hasattr(page, "_poll"):
        pilot.app.pop_screen()
        page = make(door, page.look)
        pilot.app.push_screen(page)
        await _painted(pilot)
    await _read(pilot, page)
    return page


async def _read(pilot: Pilot[None], screen: Screen[Any]) -> None:
    """Have a screen read, or wait until it has."""
    if (poll := getattr(screen, "_poll", None)) is not None:
        poll._show(poll._read())
    else:
        own = [one for one in pilot.app.workers if one.node is screen]
        if own:
            await pilot.app.workers.wait_for_complete(own)
    await _painted(pilot)


async def _painted(pilot: Pilot[None]) -> None:
    """Until what was asked for is on the screen; Textual's own pause waits for a process that does nothing at all."""
    for _ in range(2):
        done = asyncio.Event()
        pilot.app.screen.call_after_refresh(done.set)
        await asyncio.wait_for(done.wait(), 10)


def _shown(app: _App) -> str:
    return "".join(segment.text for strip in app.screen._compositor.render_strips() for segment in strip)


def _look(shown: Shown, app: _App, place: str, text: str) -> None:
    shown.places.add(place)
    shown.screens.add(type(app.screen))
    shown.shows += 1
    if text == MARK and MARK not in _shown(app):
        shown.silent.add(place)
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            if found := foreign(segment.text, frozenset()):
                shown.foreign.append(f"{place}: {text!r}: {sorted(map(ascii, found))}")
            if segment.control:
                shown.foreign.append(f"{place}: {text!r}: a control segment")
            if segment.style is not None and (segment.style.link or "@click" in segment.style.meta):
                shown.actions.append(f"{place}: {text!r}: {segment.style.link or segment.style.meta}")
        if strip.cell_length > app.size.width:
            shown.foreign.append(f"{place}: {text!r}: a line of {strip.cell_length} columns")
    if app.crashed is not None:
        shown.crashes.append(f"{place}: {text!r}: {app.crashed!r}"[:500])


def _measure() -> Measured:
    shown = on_screens()
    sample = on_a_terminal()
    places = len(shown.places | sample.places)
    text = f"{len(PAYLOADS)} x {places} / {len(shown.foreign) + len(sample.foreign)} / {len(shown.actions) + len(sample.actions)} / {len(shown.crashes) + len(sample.crashes)}"
    faults = (*left_out(shown), *shown.faults, *sample.faults)
    return Measured(text, not faults and len(PAYLOADS) >= TARGET, faults)


LINES: tuple[Line, ...] = (
    Line("hostile texts x screens: foreign bytes / actions run / crashes", f"{TARGET} x all / 0 / 0 / 0", _measure),
)
