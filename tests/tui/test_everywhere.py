import pytest

from engine.model.snapshot import RunState, Wish
from tests.tui.screens import see, showing, shown, text, until
from tests.tui.script import ScriptedDoor, made_run
from tui import actions
from tui.app import CouplerApp
from tui.dialogs.leave import Leave
from tui.look import Look

pytestmark = pytest.mark.usefixtures("quick")


def _leaving(app: CouplerApp) -> bool:
    return isinstance(app.screen, Leave) and app.screen.armed


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_leaves_at_once_when_nothing_is_going(door: ScriptedDoor, key: str) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: not app.is_running)
    assert app.code == 0


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_asks_while_a_run_is_going(door: ScriptedDoor, key: str) -> None:
    door.put(made_run())
    async with showing(door) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: _leaving(app))
        await see(pilot, "d  Detach", "s  Stop and quit", "x  Cancel and quit", "Stay")


@pytest.mark.parametrize(
    ("key", "calls"),
    [("d", []), ("s", [("wish", 16, Wish.STOP)]), ("x", [("wish", 16, Wish.CANCEL)])],
)
async def test_ways_to_leave(door: ScriptedDoor, key: str, calls: list[tuple[object, ...]]) -> None:
    door.put(made_run())
    async with showing(door) as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: _leaving(app))
        await pilot.press(key)
        await until(pilot, lambda: not app.is_running)
    assert door.calls == calls


@pytest.mark.parametrize("key", ["escape", "enter"])
async def test_staying(door: ScriptedDoor, key: str) -> None:
    door.put(made_run())
    async with showing(door) as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: _leaving(app))
        await pilot.press(key)
        await until(pilot, lambda: not app.screen.is_modal)
        assert app.is_running
    assert not door.calls


async def test_a_run_that_waits_does_not_hold_anybody_back(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.STOPPED))
    async with showing(door) as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


async def test_escape_on_the_first_screen_does_nothing(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("escape")
        await pilot.pause()
        assert app.is_running


@pytest.mark.parametrize(("keys", "scope"), [("", "home"), ("u", "run"), ("h", "history"), ("e", "errors")])
async def test_help_has_every_key_of_the_screen(door: ScriptedDoor, keys: str, scope: actions.Scope) -> None:
    door.put(made_run())
    async with showing(door, size=(80, 50)) as (app, pilot):
        if keys:
            await pilot.press(keys)
            await until(pilot, lambda: getattr(app.screen, "SCOPE", "") == scope)
        await pilot.press("question_mark")
        await see(pilot, *(one.help for one in (*actions.of(scope), *actions.of("lists"), *actions.of("everywhere"))))


async def test_help_scrolls_on_a_small_screen(door: ScriptedDoor) -> None:
    async with showing(door) as (_, pilot):
        await pilot.press("question_mark", *["j"] * 20)
        await see(pilot, "Go to that row")


async def test_the_palette_has_the_actions_of_the_screen_and_nothing_else(door: ScriptedDoor) -> None:
    async with showing(door) as (app, _):
        offered = [one.title for one in app.get_system_commands(app.screen)]
    assert "History" in offered
    assert "Quit" in offered
    assert not {"Theme", "Screenshot", "Maximize", "Keys"} & set(offered)


async def test_the_palette_runs_an_action(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen.is_modal)
        await pilot.press(*"history")
        await see(pilot, "Integration synchronization jobs")
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "SCOPE", "") == "history")


@pytest.mark.parametrize("size", [(40, 10), (20, 5), (59, 24), (80, 15)])
async def test_a_terminal_that_is_too_small_says_what_it_needs(door: ScriptedDoor, size: tuple[int, int]) -> None:
    async with showing(door, size=size) as (app, pilot):
        lines = [line for line in shown(app) if line]
        assert " ".join(" ".join(lines).split()) == f"Need 60x16, have {size[0]}x{size[1]}"
        await pilot.resize_terminal(80, 24)
        await see(pilot, "CURRENCY", "q Quit")


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (200, 60)])
@pytest.mark.parametrize("key", ["", "u", "h", "e", "question_mark", "q"])
async def test_every_screen_fits(door: ScriptedDoor, size: tuple[int, int], key: str) -> None:
    door.put(made_run())
    async with showing(door, size=size) as (app, pilot):
        if key:
            await pilot.press(key)
        await pilot.pause()
        assert len(shown(app)) == size[1]
        assert all(len(line) <= size[0] for line in shown(app))


async def test_the_footer_has_two_lines_and_quit_is_always_on_it(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door) as (app, pilot):
        for key in ("", "u", "escape", "h", "escape", "e"):
            if key:
                await pilot.press(key)
            await until(pilot, lambda: "q Quit" in shown(app)[-1] and shown(app)[-3].startswith("-----"))


async def test_keys_of_the_configuration(door: ScriptedDoor) -> None:
    look = Look(hz=50, keys={"home.history": "v"})
    async with showing(door, look=look) as (app, pilot):
        assert "v History" in text(app)
        await pilot.press("h")
        await pilot.pause()
        assert getattr(app.screen, "SCOPE", "") == "home"
        await pilot.press("v")
        await until(pilot, lambda: getattr(app.screen, "SCOPE", "") == "history")


async def test_blocks_instead_of_ascii(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, look=Look(hz=50, ascii=False), attach=16) as (_, pilot):
        await see(pilot, "█", "░", "─")


def test_the_keys_of_a_screen_are_distinct() -> None:
    for scope in ("home", "run", "history", "errors"):
        keys = [
            key for part in (scope, "lists", "everywhere") for one in actions.of(part) for key in one.key.split(",")
        ]
        assert len(keys) == len(set(keys)), scope
    forbidden = {"ctrl+a", "ctrl+b", "ctrl+z", "ctrl+s"}
    assert not forbidden & {key for one in actions.ACTIONS for key in one.key.split(",")}
