from dataclasses import replace

import pytest
from textual.widgets import Input

from engine.model.snapshot import RunState, Wish
from tests.tui.made.runs import made_home, made_run
from tests.tui.screens import see, showing, shown, text, until
from tests.tui.script import ScriptedDoor
from tests.tui.test_keys import OPENINGS, opened
from tui import actions
from tui.app import CouplerApp
from tui.dialogs.help import Help
from tui.dialogs.leave import Leave
from tui.dialogs.value import Pick
from tui.look import Look
from tui.screens.page import Page

pytestmark = pytest.mark.usefixtures("quick")
READS = {"causes", "couplings", "both records", "foreseen", "difference", "ambiguous", "candidates"}
"""Calls of the door that only look."""


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


@pytest.mark.parametrize("kind", ["plan", "sync", "couple", "match", "uncouple", "mend", "import", "look"])
async def test_asks_while_a_run_of_any_kind_is_going(door: ScriptedDoor, kind: str) -> None:
    door.put(made_run(id=17, kind=kind))
    async with showing(door) as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: _leaving(app))
        await see(pilot, f"Run 17 ({kind}) is going.", "start it anew")
        assert "resume it later" not in text(app)
        assert "flags" not in text(app)
        await pilot.press("s")
        await until(pilot, lambda: not app.is_running)
    assert door.calls == [("wish", 17, Wish.STOP)]


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


def _screens() -> list[actions.Scope]:
    return [one for one in dict.fromkeys(one.scope for one in actions.ACTIONS) if one not in ("lists", "everywhere")]


@pytest.mark.parametrize("scope", _screens())
async def test_help_has_every_key_of_the_screen(door: ScriptedDoor, scope: actions.Scope) -> None:
    if scope == "run":
        door.put(made_run())
    async with showing(door, size=(80, 50)) as (app, pilot):
        await opened(app, pilot, OPENINGS[scope])
        assert getattr(app.screen, "SCOPE", "") == scope
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        told = " ".join(" ".join(line.strip("| ") for line in shown(app)).split())
        for one in (*actions.of(scope), *actions.of("lists"), *actions.of("everywhere")):
            assert f"{actions.shown(one, {}, scope)} {one.help}" in told


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


@pytest.mark.parametrize("key", ["", "u", "h", "e", "c", "S", "n"])
async def test_the_colon_opens_any_screen_from_any_screen_by_its_name(door: ScriptedDoor, key: str) -> None:
    door.put(made_run())
    async with showing(door) as (app, pilot):
        if key:
            await pilot.press(key)
            await until(pilot, lambda: getattr(app.screen, "SCOPE", "home") != "home")
        before = getattr(app.screen, "SCOPE", "")
        await pilot.press("colon")
        await until(pilot, lambda: app.screen.is_modal)
        await pilot.press(*"hist")
        await see(pilot, "Integration synchronization jobs")
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "SCOPE", "") == "history")
        await pilot.press("escape")
        back = before if before in ("home", "run") else "home"
        await until(pilot, lambda: getattr(app.screen, "SCOPE", "") == back)


async def test_what_cannot_be_done_now_says_why_also_when_it_was_called_from_another_screen(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: getattr(app.screen, "SCOPE", "") == "history")
        await pilot.press("colon")
        await until(pilot, lambda: app.screen.is_modal)
        await pilot.press(*"resume")
        await see(pilot, "Go on with the run")
        await pilot.press("enter")
        await see(pilot, "There is no run to resume.")


@pytest.mark.parametrize("key", ["", "u", "h", "e", "c", "S", "n"])
async def test_the_palette_has_every_action_of_the_screen_and_of_the_first_one(door: ScriptedDoor, key: str) -> None:
    door.put(made_run())
    async with showing(door) as (app, pilot):
        if key:
            await pilot.press(key)
            await until(pilot, lambda: getattr(app.screen, "SCOPE", "home") != "home")
        offered = [one.title for one in app.get_system_commands(app.screen)]
        assert isinstance(app.screen, Page)
        scopes: tuple[actions.Scope, ...] = (app.screen.SCOPE, "home", "everywhere")
        wanted = {one.label for scope in scopes for one in actions.of(scope)} - {"Commands", "Back"}
        assert set(offered) == wanted
        assert len(offered) == len(set(offered)), "and each once"


async def test_a_dialog_is_not_left_through_the_palette(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("O")
        await until(pilot, lambda: app.screen.is_modal)
        offered = [one.title for one in app.get_system_commands(app.screen)]
    assert "History" not in offered


@pytest.mark.parametrize("size", [(40, 10), (22, 5), (79, 24), (80, 21)])
async def test_a_terminal_that_is_too_small_says_what_it_needs(door: ScriptedDoor, size: tuple[int, int]) -> None:
    async with showing(door, size=size) as (app, pilot):
        lines = [line for line in shown(app) if line]
        assert " ".join(" ".join(lines).split()) == f"Need 80x22, have {size[0]}x{size[1]}"
        await pilot.resize_terminal(80, 24)
        await see(pilot, "CURRENCY", "q Quit")


@pytest.mark.parametrize("way", ["", "u", "h", "e", "c", "o", "m", "p", "S", "v", "4 enter"])
async def test_behind_the_message_that_it_is_too_small_no_key_acts(door: ScriptedDoor, way: str) -> None:
    door.put(made_run())
    door.planned = 15
    door.runs[15] = made_run(RunState.FINISHED, id=15, kind="plan")
    async with showing(door) as (app, pilot):
        await pilot.press(*way.split())
        page = app.screen
        assert isinstance(page, Page)
        await until(pilot, lambda: page.shown)
        await pilot.pause(0.1)
        before, seen, utc = list(app.screen_stack), [one for one in door.calls if one[0] not in READS], app.look.utc
        await pilot.resize_terminal(79, 21)
        await see(pilot, "Need 80x22")
        own = [key for one in actions.of(page.SCOPE) for key in one.key.split(",")]
        await pilot.press(*own, *actions.ROWS, "j", "t", "l", "question_mark", "colon", "y", "enter", "y")
        await pilot.pause(0.1)
        assert app.screen_stack == before
        assert ([one for one in door.calls if one[0] not in READS], app.look.utc) == (seen, utc)


async def test_a_screen_that_has_room_again_has_its_cursor_and_its_keys_again(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: getattr(app.screen, "records", None))
        await pilot.press("tab", "j")
        await see(pilot, "> 01450001")
        await pilot.resize_terminal(79, 21)
        await see(pilot, "Need 80x22")
        await pilot.press("j", "j", "tab")
        await pilot.resize_terminal(80, 24)
        await see(pilot, "> 01450001", "in: records")
        await pilot.press("j")
        await see(pilot, "> 01450002")


async def test_a_program_that_was_started_too_small_has_a_cursor_once_there_is_room(door: ScriptedDoor) -> None:
    async with showing(door, size=(79, 21)) as (_, pilot):
        await pilot.resize_terminal(80, 24)
        await see(pilot, "> 1 CURRENCY")
        await pilot.press("j")
        await see(pilot, "> 2 SALEPEOPLE")


async def test_a_dialog_for_which_there_is_no_room_takes_no_answer_and_can_be_left(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("4", "enter")
        await until(pilot, lambda: getattr(app.screen, "shown", 0))
        await pilot.press("tab", "tab", "j", "E")
        await until(pilot, lambda: isinstance(app.screen, Pick))
        pick = app.screen
        await pilot.resize_terminal(79, 21)
        await see(pilot, "Need 80x22")
        await pilot.press("k", "enter")
        assert app.screen is pick
        await pilot.press("q")
        await until(pilot, lambda: app.screen is not pick)
        assert app.is_running


async def test_the_program_can_be_left_while_it_is_too_small(door: ScriptedDoor) -> None:
    async with showing(door, size=(79, 21)) as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


@pytest.mark.parametrize("size", [(80, 22), (80, 24), (200, 60)])
@pytest.mark.parametrize("key", ["", "u", "h", "e", "n", "v", "question_mark", "q"])
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
        for key in ("", "u", "escape", "h", "escape", "e", "escape", "n", "escape", "v"):
            if key:
                await pilot.press(key)
            await until(pilot, lambda: "q Quit" in shown(app)[-1] and shown(app)[-3].startswith("-----"))


async def test_keys_of_the_configuration(door: ScriptedDoor) -> None:
    look = Look(hz=50, keys={"home.history": "f2"})
    async with showing(door, look=look) as (app, pilot):
        assert "f2 History" in text(app)
        await pilot.press("h")
        await pilot.pause()
        assert getattr(app.screen, "SCOPE", "") == "home"
        await pilot.press("f2")
        await until(pilot, lambda: getattr(app.screen, "SCOPE", "") == "history")


@pytest.mark.parametrize("keys", ["Q", "ctrl+x,Q"])
async def test_letters_that_leave_the_program_can_still_be_typed(door: ScriptedDoor, keys: str) -> None:
    look = Look(hz=50, keys={"everywhere.leave": keys, "everywhere.command_palette": "P"})
    async with showing(door, look=look) as (app, pilot):
        await opened(app, pilot, ("h", "slash"))
        await pilot.press("Q", "P", "q")
        await until(pilot, lambda: isinstance(app.focused, Input) and app.focused.value == "QPq")
        await pilot.press("escape", "P")
        await until(pilot, lambda: app.screen.is_modal)
        await pilot.press("escape", "ctrl+q")
        await until(pilot, lambda: not app.screen.is_modal)
        assert app.is_running
        await pilot.press(keys.partition(",")[0])
        await until(pilot, lambda: not app.is_running)


async def test_blocks_instead_of_ascii(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, look=Look(hz=50, ascii=False), attach=16) as (_, pilot):
        await see(pilot, "█", "░", "─")


def test_the_keys_of_a_screen_are_distinct() -> None:
    for scope in _screens():
        own = [key for part in (scope, "lists") for one in actions.of(part) for key in one.key.split(",")]
        assert len(own) == len(set(own)), scope
        for one in actions.of("everywhere"):
            assert set(one.key.split(",")) - set(own), f"no key is left on {scope} for {one.id}"
        everywhere = [key for one in actions.of("everywhere") for key in one.key.split(",")]
        assert set(everywhere) & set(own) <= {"c"}, "copy gives way to what a screen does with its key"
    forbidden = {"ctrl+a", "ctrl+b", "ctrl+z", "ctrl+s"}
    assert not forbidden & {key for one in actions.ACTIONS for key in one.key.split(",")}


@pytest.mark.parametrize("key", ["question_mark", "q", "O"])
async def test_too_small_is_said_once_also_with_a_dialog_open(door: ScriptedDoor, key: str) -> None:
    door.put(made_run())
    async with showing(door) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: app.screen.is_modal)
        await pilot.resize_terminal(79, 20)
        await until(pilot, lambda: [line for line in shown(app) if line] == ["Need 80x22, have 79x20"])
        await pilot.resize_terminal(80, 22)
        await until(pilot, lambda: not [line for line in shown(app) if "Need" in line])


@pytest.mark.parametrize("keys", ["", "u", "h", "e", "c", "o", "m", "p", "4 enter", "u h", "u e", "n", "v", "O", "q"])
async def test_the_environment_is_on_every_screen(keys: str) -> None:
    door = ScriptedDoor()
    door.environment = "production"
    door.home_of = lambda active=None, last=None: replace(
        made_home(active, last), nav="N" * 60, crm="C" * 60, environment="production"
    )
    door.put(replace(made_run(RunState.RUNNING), nav="N" * 60, crm="C" * 60, environment="production"))
    async with showing(door) as (app, pilot):
        for key in keys.split():
            await pilot.press(key)
            await pilot.pause(0.2)
        await until(pilot, lambda: "(production)" in shown(app)[0])


async def test_in_the_demo_leaving_says_that_the_run_ends() -> None:
    door = ScriptedDoor(demo=True)
    door.put(made_run())
    async with showing(door) as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: _leaving(app))
        await see(pilot, "its servers, its data and the run end with it", "s Leave the demo", "Stay")
        assert "Detach" not in text(app)
        assert "attach" not in text(app)
        await pilot.press("d", "x")
        assert _leaving(app)
        await pilot.press("s")
        await until(pilot, lambda: not app.is_running)
    assert door.calls == [("wish", 16, Wish.STOP)]


async def test_leaving_twice_is_staying(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door) as (app, pilot):
        await pilot.press("ctrl+c")
        await until(pilot, lambda: _leaving(app))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not app.screen.is_modal)
        assert app.is_running


@pytest.mark.parametrize(
    ("state", "offered", "left_out"),
    [
        (None, "s Full sync|p Preflight", "r Resume|a Answer|u Watch"),
        (RunState.STOPPED, "r Resume|u Watch", "s Full sync|p Preflight|a Answer"),
        (RunState.RUNNING, "u Watch", "s Full sync|p Preflight|r Resume|a Answer"),
    ],
)
async def test_keys_that_can_do_nothing_now_are_not_offered(
    door: ScriptedDoor, state: RunState | None, offered: str, left_out: str
) -> None:
    if state is not None:
        door.put(made_run(state))
    async with showing(door) as (app, _):
        keys = "\n".join(shown(app)[-2:])
    assert all(one in keys for one in offered.split("|"))
    assert not any(one in keys for one in left_out.split("|"))


async def test_the_states_of_jobs_have_their_colours(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (app, pilot):
        await pilot.press("7")
        await see(pilot, "> 7 ITEM-PRODUCT")
        assert (_colours(app, "OK"), _colours(app, "RUN")) == ({"green"}, {"cyan"})
        door.put(made_run(RunState.FINISHED))
        await see(pilot, "4 CUSTOMER         PART")
        assert _colours(app, "PART") == {"yellow"}


def _colours(app: CouplerApp, word: str) -> set[str]:
    segments = [one for strip in app.screen._compositor.render_strips() for one in strip if one.text.strip() == word]
    return {"" if one.style is None or one.style.color is None else one.style.color.name for one in segments}
