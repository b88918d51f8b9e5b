"""Keys that are typed between the one that asks for something and what it brings: they are not for the page behind; and
those for a page that is not read yet.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.model.plan import Effect
from engine.model.snapshot import RunState
from tests.tui.made.plans import made_foreseen
from tests.tui.made.runs import TO, made_run, planned_jobs
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.dialogs.confirm import Confirm
from tui.dialogs.count import Count
from tui.dialogs.info import Info
from tui.dialogs.leave import Leave
from tui.dialogs.partner import Partner
from tui.dialogs.start import Start
from tui.dialogs.undo import Undo
from tui.dialogs.value import Pick
from tui.look import Look
from tui.screens.candidates import Candidates
from tui.screens.conflicts import Conflicts
from tui.screens.couplings import Couplings
from tui.screens.difference import Difference
from tui.screens.errors import Errors
from tui.screens.history import History
from tui.screens.home import Home
from tui.screens.log import Log
from tui.screens.mapping import Mapping
from tui.screens.matches import Matches
from tui.screens.page import Page
from tui.screens.plan import Plan
from tui.screens.planned import Planned
from tui.screens.records import Records
from tui.screens.run import Run
from tui.screens.schedule import Schedule

pytestmark = pytest.mark.usefixtures("quick")


class SlowDoor(ScriptedDoor):
    """One call of it waits until it is let go, as the store or an engine that has to end first makes it wait."""

    def __init__(self, slow: str) -> None:
        super().__init__()
        self.waits, self.free = threading.Event(), threading.Event()
        real: Callable[..., Any] = getattr(self, slow)

        def held(*args: Any, **more: Any) -> Any:
            self.waits.set()
            self.free.wait(20)
            return real(*args, **more)

        setattr(self, slow, held)

    @contextmanager
    def holding(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.free.set()


def written(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def typed(pilot: Pilot[None], *keys: str) -> None:
    for one in keys:
        await pilot.press(one)
    await pilot.pause(0.1)


async def test_while_counting_begins_the_mappings_hear_nothing() -> None:
    door = SlowDoor("start")
    async with showing(door) as (app, pilot):
        with door.holding():
            await pilot.press("s", "O")
            await until(pilot, door.waits.is_set)
            await see(pilot, "Counting begins ...")
            await typed(pilot, "s", "p", "O", "S", "h", "e", "enter", "escape", "n")
            assert [type(one) for one in app.screen_stack] == [Home]
        await until(pilot, lambda: isinstance(app.screen, Start))
    assert [call for call in door.calls if call[0] in ("start", "only_coupled")] == [("start", "plan")]


@pytest.mark.parametrize("key", ["y", "c", "l", "t", "question_mark", "colon", "ctrl+p"])
async def test_keys_that_are_everywhere_are_not_heard_either(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    door = SlowDoor("start")
    async with showing(door) as (app, pilot):
        copied = app.clipboard
        with door.holding():
            await pilot.press("s")
            await until(pilot, door.waits.is_set)
            await typed(pilot, key)
            assert [type(one) for one in app.screen_stack] == [Home]
            assert (app.clipboard, app.look.utc, written(tmp_path)) == (copied, True, [])
        await until(pilot, lambda: isinstance(app.screen, Start))


async def test_the_program_can_be_left_while_counting_begins() -> None:
    door = SlowDoor("start")
    async with showing(door) as (app, pilot):
        with door.holding():
            await pilot.press("s")
            await until(pilot, door.waits.is_set)
            await pilot.press("q")
            await until(pilot, lambda: not app.is_running)


async def test_the_end_of_what_was_asked_for_before_lets_nothing_be_heard_that_comes_later() -> None:
    door = SlowDoor("skip")
    couple = door.couple

    def begun(mapping: str, nav: str, crm: str) -> int:
        number = couple(mapping, nav, crm)
        door.change(number, state=RunState.RUNNING)
        return number

    door.couple = begun  # type: ignore[method-assign, assignment]
    made = door.outcome_of
    door.outcome_of = lambda number, cause: replace(made(number, cause), crm_id=made(number, cause).nav_id)
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, Errors) and app.screen.records)
        await pilot.press("tab", "M")
        await until(pilot, lambda: isinstance(app.screen, Partner) and app.screen.armed)
        await pilot.press(*"8f0c", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        await pilot.press("y")
        await see(pilot, "Run 17 looks for the two records ...")
        with door.holding():
            await pilot.press("K")
            await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
            await pilot.press("y")
            await until(pilot, door.waits.is_set)
            door.change(17, state=RunState.FINISHED)
            await until(pilot, lambda: isinstance(app.screen, Info))
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, Errors))
            await typed(pilot, "K", "M")
            assert isinstance(app.screen, Errors)
        await until(pilot, lambda: isinstance(app.screen, Errors) and not app.screen.deaf)


async def test_keys_that_come_all_at_once_do_not_either() -> None:
    door = SlowDoor("start")
    async with showing(door) as (app, pilot):
        with door.holding():
            for one in ("s", "O", "S"):
                app.simulate_key(one)
            await until(pilot, door.waits.is_set)
            assert isinstance(app.screen, Home)
        await until(pilot, lambda: isinstance(app.screen, Start))


async def test_arrows_move_on_while_counting_begins() -> None:
    door = SlowDoor("start")
    async with showing(door) as (app, pilot):
        with door.holding():
            await pilot.press("s")
            await until(pilot, door.waits.is_set)
            await typed(pilot, "j")
            await see(pilot, "> 2 SALEPEOPLE")
        await until(pilot, lambda: isinstance(app.screen, Start))


@pytest.mark.parametrize("slow", ["undo", "undone"])
async def test_nothing_is_heard_before_the_question_of_an_undo(slow: str) -> None:
    door = SlowDoor(slow)
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, History) and app.screen.shown)
        with door.holding():
            await pilot.press("U")
            await until(pilot, door.waits.is_set)
            await typed(pilot, "U", "w", "enter", "escape", "slash")
            assert isinstance(app.screen, History | Count)
            assert not app.screen_stack[-1].query("Input.-open")
        await until(pilot, lambda: isinstance(app.screen, Undo))
    assert [call for call in door.calls if call[0] == "undo"] == [("undo", 16, True)]


async def test_after_a_no_keys_are_heard_again(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Start) and app.screen.armed)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home) and not app.screen.deaf)
        await pilot.press("O")
        await until(pilot, lambda: isinstance(app.screen, Confirm))


async def test_after_an_error_keys_are_heard_again(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: getattr(app.screen, "shown", 0))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Candidates) and app.screen.shown)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        door.couple_state = RunState.STOPPED
        await pilot.press("y")
        await see(pilot, "nothing was coupled")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not isinstance(app.screen, Candidates))


async def test_the_way_to_another_screen_through_the_palette_ends_the_question(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Start) and app.screen.armed)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, Plan) and app.screen.shown)
        assert isinstance(app, CouplerApp)
        app._from_home("history")
        await until(pilot, lambda: isinstance(app.screen, History))
        await pilot.press("escape", "s")
        await until(pilot, lambda: isinstance(app.screen, Start))


async def test_a_run_that_is_cancelled_asks_before_anything_else_is_heard(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door) as (app, pilot):
        await pilot.press("u")
        await until(pilot, lambda: getattr(app.screen, "shown", 0))
        for one in ("x", "d"):
            app.simulate_key(one)
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        assert app.is_running, "d would have left"


async def test_a_mapping_that_is_left_out_is_left_whatever_is_open_over_it() -> None:
    door = SlowDoor("write")
    async with showing(door) as (app, pilot):
        await pilot.press("4", "enter")
        await until(pilot, lambda: isinstance(app.screen, Mapping) and app.screen.shown)
        await pilot.press("tab", "j", "E")
        await until(pilot, lambda: isinstance(app.screen, Pick))
        await pilot.press("k", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        with door.holding():
            await pilot.press("y")
            await until(pilot, door.waits.is_set)
            door.put(made_run())
            await pilot.press("question_mark", "q")
            await until(pilot, lambda: isinstance(app.screen, Leave))
        await see(pilot, "CUSTOMER takes no part from now on.")
        assert [type(one) for one in app.screen_stack] == [Home, Info]
        assert app.is_running


UNREAD = "Nothing is read yet; the key did nothing."
PAGES: dict[str, tuple[str, Callable[[SlowDoor, Look], Page], str]] = {
    "run": ("run", lambda door, look: Run(door, look, 16), "space x d r a enter f"),
    "history": ("history", lambda door, look: History(door, look, lambda _: None), "enter n p w U slash"),
    "errors": ("causes", lambda door, look: Errors(door, look, None), "enter tab n p r K M w slash"),
    "conflicts": ("conflicts", Conflicts, "enter greater_than_sign less_than_sign n c w"),
    "schedule": ("schedule", Schedule, "enter h r n s x"),
    "couplings": ("couplings", Couplings, "enter n p U w"),
    "records": ("both_records", lambda door, look: Records(door, look, door.coupled[0]), "enter d r"),
    "mapping": ("mapping", lambda door, look: Mapping(door, look, "CUSTOMER"), "enter E tab O"),
    "plan": ("run", lambda door, look: Plan(door, look, 15), "enter w"),
    "planned": (
        "foreseen",
        lambda door, look: Planned(door, look, planned_jobs()[3].passes[0]),
        "enter tab n p w slash",
    ),
    "difference": (
        "difference",
        lambda door, look: Difference(door, look, made_foreseen(0, 4, TO, Effect.MODIFIED)),
        "enter w",
    ),
    "matches": ("ambiguous", Matches, "enter n p w slash"),
    "candidates": ("candidates", lambda door, look: Candidates(door, look, door.ambiguous_found[0]), "enter C"),
    "log": ("log", Log, "enter p n"),
}
"""By page: the read that it waits for, how it is made, and the keys that are about what is read."""


@pytest.mark.parametrize("name", PAGES)
async def test_a_key_that_comes_before_its_page_is_read_says_so_and_does_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    slow, made, keys = PAGES[name]
    door = SlowDoor(slow)
    door.runs = {15: made_run(RunState.FINISHED, id=15, kind="plan"), 16: made_run()}
    async with showing(door) as (app, pilot):
        page = made(door, app.look)
        with door.holding():
            app.push_screen(page)
            await until(pilot, door.waits.is_set)
            calls = list(door.calls)
            for key in (*keys.split(), "j", "3"):
                page.say_cut("")
                await pilot.press(key)
                await until(pilot, lambda: UNREAD in text(app))
                assert app.screen is page
            assert (door.calls, written(tmp_path)) == (calls, [])
        await until(pilot, lambda: page.shown and UNREAD not in text(app), 3)


async def test_a_key_that_comes_before_the_mappings_are_read_says_so() -> None:
    door = SlowDoor("home")
    app = CouplerApp(door, Look(hz=20))
    async with app.run_test(size=(80, 24)) as pilot:
        with door.holding():
            await until(pilot, door.waits.is_set)
            for key in ("s", "p", "r", "a", "u", "enter", "O", "j", "3"):
                assert isinstance(app.screen, Home)
                app.screen.say_cut("")
                await pilot.press(key)
                await see(pilot, UNREAD)
        await see(pilot, "> 1 CURRENCY")
        await until(pilot, lambda: UNREAD not in text(app), 3)
    assert door.calls == []
