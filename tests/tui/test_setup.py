"""Connection Setup: what it shows, each of its keys, and what it writes."""

import asyncio
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from time import sleep

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from engine.config import load
from engine.config.edit import Form, Value
from engine.config.toml import Keys
from engine.model.errors import ConfigError
from tests.tui.made.connections import CONFIG
from tests.tui.screens import see, showing, shown, text, until
from tests.tui.script import ScriptedDoor
from tui import actions
from tui.app import CouplerApp
from tui.connections import FileConnections
from tui.dialogs.confirm import Confirm
from tui.dialogs.value import Entry, Pick
from tui.look import Look
from tui.newcomer import NewcomerApp
from tui.screens.history import History
from tui.screens.home import Home
from tui.screens.setup import Setup
from tui.screens.trial import Trial
from tui.widgets import connections
from tui.widgets.table import Table

pytestmark = pytest.mark.usefixtures("quick")


@asynccontextmanager
async def setup(door: ScriptedDoor, size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[CouplerApp, Pilot[None]]]:
    async with showing(door, size=size) as (app, pilot):
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, Setup) and app.screen.shown > 0)
        yield app, pilot


async def to(pilot: Pilot[None], name: str) -> None:
    """Moves the cursor to a setting, once the page hears keys."""
    await until(pilot, lambda: isinstance(pilot.app.screen, Setup) and not pilot.app.screen.deaf)
    await pilot.press("g")
    table = pilot.app.screen.query_one(Table)
    for _ in range(40):
        if table.current == name:
            return
        await pilot.press("j")
    raise AssertionError(f"there is no {name}")


async def enter(pilot: Pilot[None], name: str, value: str) -> None:
    """Gives a setting another text."""
    await to(pilot, name)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, Entry))
    pilot.app.screen.query_one(Input).value = value
    await pilot.press("enter")


async def pick(pilot: Pilot[None], name: str, moves: str) -> None:
    await to(pilot, name)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
    await pilot.press(*moves, "enter")


def _draft(app: CouplerApp) -> str:
    screen = next(one for one in app.screen_stack if isinstance(one, Setup))
    assert screen.form is not None
    return screen.form.draft.text


async def test_shows_both_sides_and_where_their_secrets_are(door: ScriptedDoor) -> None:
    async with setup(door) as (app, pilot):
        await see(
            pilot,
            "as saved: /home/ops/.config/coupler/config.toml",
            "NAV  Address       https://nav.example.com:7048/NAV/ODataV4",
            "NAV  Kind          (odata)",
            "NAV  Sign-in       (token)",
            "NAV  Secret        env:NAV_SECRET",
            "CRM  Sign-in       entra",
        )
        await to(pilot, "nav.secret")
        await see(pilot, "[nav] secret", "read -rs NAV_SECRET; export NAV_SECRET")
        await to(pilot, "crm.secret")
        await see(pilot, "command:pass ***", "Have pass print the secret")
        assert "coupler/crm" not in text(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


async def test_every_setting_is_there(door: ScriptedDoor) -> None:
    async with setup(door, (120, 50)) as (_, pilot):
        for label in ("Environment", "Address", "Company", "Kind", "Version", "Sign-in", "Secret", "Organization"):
            await see(pilot, label)
        for label in ("Client id", "Tenant", "Cloud", "Token URL", "Scope", "CA file", "Marker field", "Settle wait"):
            await see(pilot, label)
        await see(
            pilot, "Page size", "Batch", "Concurrency", "What it is", "(https://contoso.crm4.dynamics.com/.defaul"
        )


async def test_a_text_is_changed_and_shown_as_changed(door: ScriptedDoor) -> None:
    async with setup(door) as (app, pilot):
        await enter(pilot, "nav.company", "Contoso Ltd.")
        await see(pilot, "NAV  Company       Contoso Ltd.", "changed", "1 change, not saved:")
        assert _draft(app) == CONFIG.replace("CRONUS International", "Contoso Ltd.")
        await enter(pilot, "nav.company", "CRONUS International")
        await see(pilot, "as saved:")
        assert door.calls == []


async def test_what_is_wrong_is_said_where_it_is_typed(door: ScriptedDoor) -> None:
    async with setup(door) as (app, pilot):
        await enter(pilot, "nav.url", "http://nav.example.com/BC")
        await see(pilot, "! must begin with https://", "enter again = keep it all the same")
        assert isinstance(app.screen, Entry)
        await pilot.press("enter")
        await see(pilot, "! mend", "! must begin with https://")
        await pilot.press("w")
        await see(pilot, "It cannot be saved yet", "! nav.url: must begin with https://")
        assert door.calls == []


async def test_esc_leaves_a_value_as_it_is(door: ScriptedDoor) -> None:
    async with setup(door) as (app, pilot):
        for name in ("nav.company", "nav.auth", "nav.secret"):
            await to(pilot, name)
            await pilot.press("enter")
            await until(pilot, lambda: app.screen.is_modal)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, Setup))
        assert _draft(app) == CONFIG


async def test_a_number_is_written_as_one_and_a_blank_leaves_it_out(door: ScriptedDoor) -> None:
    async with setup(door) as (app, pilot):
        await enter(pilot, "crm.page_size", "500")
        await until(pilot, lambda: "page_size = 500\n" in _draft(app))
        await enter(pilot, "crm.page_size", "many")
        await see(pilot, "! must be a whole number, not text")
        app.screen.query_one(Input).value = " "
        await pilot.press("enter")
        await until(pilot, lambda: _draft(app) == CONFIG)


async def test_another_way_to_sign_in_takes_the_keys_of_the_old_one_along(door: ScriptedDoor) -> None:
    async with setup(door) as (app, pilot):
        await pick(pilot, "crm.auth", "kkk")
        await until(pilot, lambda: 'auth = "token"' in _draft(app))
        assert "client_id" not in _draft(app)
        assert "tenant" not in _draft(app)
        await pick(pilot, "nav.auth", "j")
        await until(pilot, lambda: '# auth = "basic"\nauth = "basic"\n' in _draft(app))
        await see(pilot, "NAV  User          -", "! needed")


async def test_what_another_kind_drops_comes_back_with_the_kind_until_all_is_saved(door: ScriptedDoor) -> None:
    door.scripted.text = CONFIG.replace('# auth = "basic"', 'kind = "odata"\nmarker_field = "CRM_Id" # of ours')
    before = door.scripted.text
    async with setup(door) as (app, pilot):
        await pick(pilot, "nav.kind", "j")
        await until(pilot, lambda: "marker_field" not in _draft(app))
        await pick(pilot, "nav.kind", "k")
        await until(pilot, lambda: _draft(app) == before)
        await see(pilot, "as saved")
        await enter(pilot, "nav.marker_field", "Other_Id")
        await pick(pilot, "nav.kind", "j")
        await until(pilot, lambda: "marker_field" not in _draft(app))
        await pick(pilot, "nav.kind", "k")
        await until(pilot, lambda: 'marker_field = "Other_Id"' in _draft(app))
        await pick(pilot, "nav.kind", "j")
        await until(pilot, lambda: "marker_field" not in _draft(app))
        await enter(pilot, "nav.url", "https://bc.example.com/api/v2.0")
        await until(pilot, lambda: "bc.example.com" in _draft(app))
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        await pilot.press("y")
        await see(pilot, "as saved")
        await pick(pilot, "nav.kind", "k")
        await until(pilot, lambda: 'kind = "odata"' in _draft(app))
        assert "marker_field" not in _draft(app), "it was saved without"


async def test_a_choice_outlasts_a_look_at_the_file_and_a_key_that_come_before_it_is_made(
    door: ScriptedDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.scripted.text = CONFIG.replace('# auth = "basic"', 'marker_field = "CRM_Id"')
    made, pressed = connections.refitted, Event()
    async with setup(door) as (app, pilot):
        screen = app.screen
        assert isinstance(screen, Setup)

        def slowly(form: Form, table: str, kept: Mapping[Keys, Value]) -> tuple[Form, dict[Keys, Value]]:
            result, looks = made(form, table, kept), screen.shown
            app.call_from_thread(screen.wake)
            while screen.shown == looks or not pressed.is_set():
                sleep(0.01)
            return result

        monkeypatch.setattr(connections, "refitted", slowly)
        await pick(pilot, "nav.kind", "j")
        await pilot.press("enter")
        pressed.set()
        await until(pilot, lambda: "marker_field" not in _draft(app))
        assert app.screen is screen, "the key was meant for what is yet to be seen"
        await pick(pilot, "nav.kind", "k")
        await until(pilot, lambda: 'marker_field = "CRM_Id"' in _draft(app))


async def test_settings_below_the_edge_are_told(door: ScriptedDoor) -> None:
    async with setup(door) as (app, pilot):
        listed = app.screen.query_one(Table).row_count
        await see(pilot, f"{listed - 12} more below")
        await pilot.press("G")
        await until(pilot, lambda: "below" not in text(app))
        assert "as saved: /home/ops" in text(app)
    async with setup(door, size=(120, 40)) as (app, pilot):
        await pilot.pause(0.2)
        assert "below" not in text(app)


async def test_the_kind_of_nav_decides_which_settings_there_are(door: ScriptedDoor) -> None:
    async with setup(door, (80, 50)) as (app, pilot):
        await see(pilot, "NAV  Version", "NAV  Marker field")
        await pick(pilot, "nav.kind", "j")
        await see(pilot, "NAV  Kind          api", "! mend")
        assert "Version" not in text(app)
        assert "Marker field" not in text(app)


@pytest.mark.parametrize(
    ("moves", "typed", "source"),
    [
        ("", "OTHER", "env:OTHER"),
        ("j", "nav.token", "file:nav.token"),
        ("jj", "pass show nav", "command:pass show nav"),
        ("jjj", "coupler/nav", "keyring:coupler/nav"),
    ],
)
async def test_a_secret_is_a_reference(door: ScriptedDoor, moves: str, typed: str, source: str) -> None:
    async with setup(door) as (app, pilot):
        await pick(pilot, "nav.secret", moves)
        await until(pilot, lambda: isinstance(app.screen, Entry))
        await see(pilot, "Never type the secret itself")
        assert app.screen.query_one(Input).value == ("NAV_SECRET" if not moves else "")
        app.screen.query_one(Input).value = typed
        await pilot.press("enter")
        await until(pilot, lambda: f'secret = "{source}"' in _draft(app))


async def test_what_follows_command_is_neither_shown_nor_taken_over(door: ScriptedDoor) -> None:
    async with setup(door) as (app, pilot):
        await pick(pilot, "crm.secret", "")
        await until(pilot, lambda: isinstance(app.screen, Entry))
        assert app.screen.query_one(Input).value == ""
        assert "coupler/crm" not in text(app)
        await pilot.press("enter", "enter")
        await see(pilot, 'nothing usable follows "command:"')
        assert isinstance(app.screen, Entry)


async def test_what_may_be_a_secret_is_not_shown(door: ScriptedDoor) -> None:
    door.scripted.text = CONFIG.replace("env:NAV_SECRET", "hunter2").replace("nav.example", "anna:hunter2@nav.example")
    async with setup(door) as (app, pilot):
        await see(pilot, "https://***@nav.example.com", "NAV  Secret        ***", "! mend")
        assert "hunter2" not in text(app)
        await pilot.press("w", "n")
        await see(pilot, "this looks like the secret itself")
        assert "hunter2" not in text(app)


async def test_the_environment_stays(door: ScriptedDoor) -> None:
    async with setup(door) as (app, pilot):
        await pilot.press("g", "enter")
        await see(pilot, "it stays as it is")
        assert isinstance(app.screen, Setup)
        await pilot.press("j")
        await until(pilot, lambda: "it stays as it is" not in text(app), 3)


async def test_saving_shows_the_lines_that_change_and_asks(door: ScriptedDoor) -> None:
    door.scripted.doubtful = [f"{door.scripted.path}: nav.secret: The environment variable NAV_SECRET is not set."]
    async with setup(door) as (app, pilot):
        await enter(pilot, "nav.company", "Contoso")
        await see(pilot, "not saved")
        await pilot.press("w")
        await see(
            pilot,
            '- company = "CRONUS International"',
            '+ company = "Contoso"',
            "Couplings belong to one company",
            "- ! nav.secret: The environment variable NAV_SECRET is not set.",
        )
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, Setup))
        assert door.calls == []
        await pilot.press("w")
        await see(pilot, "[ No ]")
        await pilot.pause(0.1)
        await pilot.press("y")
        await see(pilot, "as saved:")
        assert door.calls == [("save", '- company = "CRONUS International"', '+ company = "Contoso"')]


async def test_the_file_is_written(door: ScriptedDoor, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"# ours\n{CONFIG}")
    saved: list[bool] = []
    door.connections = FileConnections(path, lambda _: saved.append(True))
    async with setup(door) as (_app, pilot):
        await enter(pilot, "nav.company", "Contoso")
        await see(pilot, "not saved")
        await pilot.press("w")
        await see(pilot, "Do it?", "mode 644" if path.stat().st_mode & 0o044 else "Do it?")
        await pilot.pause(0.1)
        await pilot.press("y")
        await until(pilot, lambda: saved)
        await see(pilot, "as saved:")
    assert path.read_text() == f"# ours\n{CONFIG}".replace("CRONUS International", "Contoso")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_that_somebody_else_changed_stays(door: ScriptedDoor, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    door.connections = FileConnections(path, lambda _: None)
    async with setup(door) as (_app, pilot):
        await enter(pilot, "nav.company", "Contoso")
        await see(pilot, "not saved")
        path.write_text(f"{CONFIG}# theirs\n")
        await see(pilot, "! the file was changed meanwhile")
        await pilot.press("w")
        await see(pilot, "Do it?")
        await pilot.pause(0.1)
        await pilot.press("y")
        await see(pilot, "This was not done", "was changed meanwhile, and stays as it is now")
    assert path.read_text() == f"{CONFIG}# theirs\n"


async def test_a_file_that_is_no_toml_any_more_is_told(door: ScriptedDoor, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[nav\x1b[2J")
    door.connections = FileConnections(path, lambda _: None)
    async with showing(door) as (_app, pilot):
        await pilot.press("n")
        await see(pilot, "not valid TOML")
        await pilot.press("enter", "n", "c", "w")
        await see(pilot, "Nothing is read yet; the key did nothing.")
        path.write_text(CONFIG.replace("CRONUS", "Contoso"))
        await see(pilot, "Contoso International")


async def test_leaving_with_changes_asks_first(door: ScriptedDoor) -> None:
    async with setup(door) as (app, pilot):
        await enter(pilot, "nav.company", "Contoso")
        await see(pilot, "not saved")
        for key in ("escape", "q"):
            await pilot.press(key)
            await see(pilot, "Leave without saving", "is forgotten")
            await pilot.pause(0.1)
            await pilot.press("n")
            await until(pilot, lambda: isinstance(app.screen, Setup))
        await pilot.press("escape")
        await see(pilot, "Leave without saving")
        await pilot.pause(0.1)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, Home))
    assert door.calls == []


async def test_leaving_through_the_palette_asks_first_too(door: ScriptedDoor) -> None:
    async with setup(door) as (app, pilot):

        async def to_history(answer: str) -> None:
            await pilot.press("colon")
            await until(pilot, lambda: app.screen.is_modal)
            await pilot.press(*"hist")
            await see(pilot, "Integration synchronization jobs")
            await pilot.press("enter")
            await see(pilot, "Leave without saving", "is forgotten")
            await pilot.pause(0.1)
            await pilot.press(answer)

        await enter(pilot, "nav.company", "Contoso")
        await see(pilot, "not saved")
        await to_history("n")
        await until(pilot, lambda: isinstance(app.screen, Setup))
        assert 'company = "Contoso"' in _draft(app)
        await to_history("y")
        await until(pilot, lambda: isinstance(app.screen, History))


async def test_quitting_without_changes_asks_nothing(door: ScriptedDoor) -> None:
    async with setup(door) as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


@pytest.mark.parametrize(("key", "side"), [("n", "nav"), ("c", "crm")])
async def test_each_side_is_tried_step_by_step(door: ScriptedDoor, key: str, side: str) -> None:
    async with setup(door) as (app, pilot):
        door.scripted.hold = asyncio.Event()
        await pilot.press(key)
        await see(
            pilot, f"test {side.upper()}", "> ok         address", "2 ok, 0 failed, 0 not tried; trying the next one"
        )
        assert "TLS" not in text(app)
        await pilot.press("r")
        await see(pilot, "It is not over yet.")
        door.scripted.hold.set()
        await see(
            pilot,
            "> ! failed   authentication",
            "! 3 ok, 1 failed, 2 not tried",
            "401 Unauthorized",
            "Next step: Renew the token.",
        )
        await pilot.press("enter")
        await see(pilot, f"{side.upper()} authentication", "state: failed")
        await pilot.press("escape", "j")
        await see(pilot, "It needs a step that failed.")
        assert door.calls == [("steps", side)]
        await pilot.press("r")
        await until(pilot, lambda: door.calls == [("steps", side)] * 2)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Setup))


async def test_leaving_a_test_ends_it(door: ScriptedDoor) -> None:
    async with setup(door) as (app, pilot):
        door.scripted.hold = asyncio.Event()
        await pilot.press("n")
        await see(pilot, "2 ok")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Setup))
        door.scripted.hold.set()
        await pilot.pause(0.1)
        assert app.is_running


async def test_a_side_is_tried_before_the_other_one_is_filled_in(door: ScriptedDoor) -> None:
    door.scripted.text = CONFIG.replace("https://contoso.crm4.dynamics.com", "")
    async with setup(door) as (app, pilot):
        await see(pilot, "! needed")
        await pilot.press("c")
        await see(pilot, "It cannot be tested yet", "crm.url: must not be blank")
        await pilot.press("escape", "n")
        await until(pilot, lambda: isinstance(app.screen, Trial))
    assert door.calls == [("steps", "nav")]


async def test_what_cannot_be_tried_at_all_is_told(door: ScriptedDoor) -> None:
    def broken(side: str) -> list[object]:
        raise ConfigError("ca.pem cannot be read.", "Mend it.")

    door.scripted.steps_of = broken  # type: ignore[assignment]
    async with setup(door) as (_, pilot):
        await pilot.press("n")
        await see(pilot, "! It cannot be tried.", "ca.pem cannot be read.", "Mend it.")


async def test_run_full_synchronization_leads_to_the_start_of_it(door: ScriptedDoor) -> None:
    async with setup(door) as (_app, pilot):
        await enter(pilot, "nav.company", "Contoso")
        await see(pilot, "not saved")
        await pilot.press("s")
        await see(pilot, "Save the connections first: w")
        await enter(pilot, "nav.company", "CRONUS International")
        await see(pilot, "as saved", "s Full sync")
        await pilot.press("s")
        await see(pilot, "Start full synchronization", "Start now?")
    assert door.calls == [("start", "plan")]


@pytest.mark.parametrize(("key", "why"), [("w", "Nothing was changed."), ("d", "`coupler demo` starts it")])
async def test_what_can_do_nothing_says_why_and_is_not_offered(door: ScriptedDoor, key: str, why: str) -> None:
    async with setup(door) as (app, pilot):
        assert not {"w Save", "d Demo"} & {one for one in ("w Save", "d Demo") if one in "\n".join(shown(app)[-2:])}
        await pilot.press(key)
        await see(pilot, why)


@asynccontextmanager
async def newcomer(tmp_path: Path) -> AsyncIterator[tuple[NewcomerApp, Pilot[None]]]:
    app = NewcomerApp(tmp_path / "coupler" / "config.toml", Look(hz=20))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Setup) and app.screen.shown > 0)
        yield app, pilot


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.mark.usefixtures("state")
async def test_a_newcomer_fills_in_what_is_needed(tmp_path: Path) -> None:
    async with newcomer(tmp_path) as (app, pilot):
        await see(pilot, "Welcome. There is no config file yet", "a new file:", "! needed", "d Demo")
        for key, why in (("w", "Nothing was changed"), ("s", "Save the connections first"), ("escape", "q = quit")):
            await pilot.press(key)
            await see(pilot, why)
        await enter(pilot, "environment", "test")
        await enter(pilot, "nav.url", "https://nav.example.com/BC/ODataV4")
        await enter(pilot, "nav.company", "CRONUS")
        await enter(pilot, "crm.url", "https://contoso.crm4.dynamics.com")
        await see(pilot, "4 changes, not saved")
        await pilot.press("w")
        await see(pilot, "A new file", '+ company = "CRONUS"', "NAV_SECRET is not set")
        await pilot.pause(0.1)
        await pilot.press("y")
        await until(pilot, lambda: not app.is_running)
    path = tmp_path / "coupler" / "config.toml"
    assert app.then == ["--config", str(path)]
    assert load(path).environment == "test"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "# Which pair of systems this is." in path.read_text()


@pytest.mark.usefixtures("state")
async def test_a_newcomer_tries_the_demo(tmp_path: Path) -> None:
    async with newcomer(tmp_path) as (app, pilot):
        await pilot.press("d")
        await until(pilot, lambda: not app.is_running)
    assert app.then == ["demo"]
    assert not (tmp_path / "coupler").exists()


@pytest.mark.usefixtures("state")
async def test_a_newcomer_is_not_offered_what_the_first_screen_does(tmp_path: Path) -> None:
    async with newcomer(tmp_path) as (app, _):
        offered = {one.title for one in app.get_system_commands(app.screen)}
    scopes: tuple[actions.Scope, ...] = ("connections", "everywhere")
    assert offered == {one.label for scope in scopes for one in actions.of(scope)} - {"Commands", "Back"}


@pytest.mark.usefixtures("state")
async def test_a_newcomer_may_quit(tmp_path: Path) -> None:
    async with newcomer(tmp_path) as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)
    assert app.then is None


@pytest.mark.usefixtures("state")
async def test_a_form_that_is_not_finished_is_not_lost_by_a_key(tmp_path: Path) -> None:
    async with newcomer(tmp_path) as (app, pilot):
        await enter(pilot, "nav.company", "CRONUS")
        await see(pilot, "not saved")
        await pilot.press("d")
        await see(pilot, "Leave without saving")
        await pilot.pause(0.1)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, Setup))
        assert app.then is None
