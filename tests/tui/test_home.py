from dataclasses import replace
from datetime import timedelta

import pytest

from engine.model.errors import StoreError
from engine.model.snapshot import Counters, JobState, RunState, Wish
from tests.tui.made.runs import NOW, made_home, made_run, made_undo
from tests.tui.screens import see, showing, shown, text, until
from tests.tui.script import ScriptedDoor
from tui.screens.couplings import Couplings
from tui.screens.errors import Errors
from tui.screens.history import History
from tui.screens.home import Home
from tui.screens.mapping import Mapping
from tui.screens.matches import Matches
from tui.screens.run import Run
from tui.screens.schedule import Schedule
from tui.widgets import mappings
from tui.widgets.table import Table

pytestmark = pytest.mark.usefixtures("quick")


async def test_shows_the_seven_mappings_in_run_order(door: ScriptedDoor) -> None:
    async with showing(door) as (app, _):
        rows = [line.split()[0 if line[0] == " " else 1 :][:2] for line in shown(app)[3:10]]
    assert rows == [
        ["1", "CURRENCY"],
        ["2", "SALEPEOPLE"],
        ["3", "UNITOFMEASURE"],
        ["4", "CUSTOMER"],
        ["5", "CONTACTS"],
        ["6", "RESOURCE-PRODUCT"],
        ["7", "ITEM-PRODUCT"],
    ]


async def test_a_flag_that_a_run_overrides_says_by_which(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.STOPPED))
    async with showing(door) as (app, _):
        lines = shown(app)
    assert "on (cleared by run 16)" in lines[3]
    assert "cleared" not in lines[8]
    assert "off" in lines[8]


def _with(door: ScriptedDoor, number: int, **values: object) -> None:
    """One of the mappings with other values."""
    made = list(made_home().mappings)
    made[number] = replace(made[number], **values)  # type: ignore[arg-type]
    door.home_of = lambda active=None, last=None: replace(made_home(active, last), mappings=tuple(made))


@pytest.mark.parametrize(
    ("size", "whole"), [((160, 40), ("DEBTORS-OF-ALL-BRANCHES", "Customers of All Branches")), ((120, 40), ())]
)
async def test_names_have_the_room_that_is_left(
    door: ScriptedDoor, size: tuple[int, int], whole: tuple[str, ...]
) -> None:
    _with(door, 3, name="DEBTORS-OF-ALL-BRANCHES", nav_table="Customers of All Branches")
    async with showing(door, size=size) as (app, _):
        lines = shown(app)
    assert all(name in lines[6] for name in whole)
    assert max(len(line) for line in lines[2:10]) <= size[0]
    assert ("…" in lines[6]) == (not whole)
    assert "6m OK" in lines[3]


async def test_a_long_name_of_a_mapping_is_whole_at_120_columns(door: ScriptedDoor) -> None:
    _with(door, 3, name="DEBTORS-OF-BRANCHES")
    async with showing(door, size=(120, 40)) as (app, _):
        assert "4 DEBTORS-OF-BRANCHES Customer" in text(app)


@pytest.mark.parametrize("size", [(80, 24), (100, 24), (120, 40)])
@pytest.mark.parametrize(
    ("ended", "state", "words"),
    [
        (timedelta(days=123), JobState.PART, "123d PART"),
        (timedelta(minutes=59), JobState.PAUSE, "59m PAUSE"),
    ],
)
async def test_how_long_ago_the_last_job_was_is_never_cut(
    door: ScriptedDoor, size: tuple[int, int], ended: timedelta, state: JobState, words: str
) -> None:
    last = made_home().mappings[3].last
    assert last is not None
    _with(door, 3, last=replace(last, ended=NOW - ended), last_state=state)
    async with showing(door, size=size) as (_, pilot):
        await see(pilot, words)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (RunState.STOPPED, ("! Run 16 stopped at CUSTOMER 2,210/4,105", "r = resume")),
        (RunState.INTERRUPTED, ("! Run 16 interrupted", "r = resume")),
        (RunState.RUNNING, ("Run 16 is going", "u = watch")),
        (RunState.FINISHED, ("Run 16 finished",)),
    ],
)
async def test_the_banner_says_what_needs_attention(
    door: ScriptedDoor, state: RunState, words: tuple[str, ...]
) -> None:
    door.put(made_run(state))
    async with showing(door) as (_, pilot):
        await see(pilot, *words)


async def test_a_run_that_was_taken_back_says_so(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.FINISHED))
    door.home_of = lambda active=None, last=None: replace(made_home(active, last), taken_back_by=17)
    async with showing(door) as (_, pilot):
        await see(pilot, "Run 16 finished", "; taken back by run 17.")


async def test_the_detail_follows_the_cursor(door: ScriptedDoor) -> None:
    async with showing(door) as (_, pilot):
        await see(
            pilot, "CURRENCY   34 coupled, 0 not coupled   Currency -> transactioncurrency", "18 fields, match: number"
        )
        await pilot.press("j", "down", "j")
        await see(pilot, "> 4 CUSTOMER", "CUSTOMER   4,105 coupled, 41 not coupled   Customer <> account", "79 failed")
        await pilot.press("k")
        await see(pilot, "> 3 UNITOFMEASURE")
        await pilot.press("7")
        await see(pilot, "> 7 ITEM-PRODUCT", "last: never")
        await pilot.press("g")
        await see(pilot, "> 1 CURRENCY")


async def test_enter_opens_all_about_a_mapping_and_o_what_is_coupled(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("4", "enter")
        await see(pilot, "Mapping   CUSTOMER", "Customer <> account")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, Couplings))


async def test_h_and_e_open_history_and_errors(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.FINISHED))
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, History))
        await pilot.press("escape", "e")
        await until(pilot, lambda: isinstance(app.screen, Errors) and app.screen.shown)
    assert ("causes", 14, None) in door.calls, "the last one in which records failed, be it a synchronization"


async def test_while_a_run_is_not_finished_e_opens_its_errors(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.STOPPED))
    async with showing(door) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, Errors) and app.screen.shown)
    assert ("causes", 16, None) in door.calls


async def test_a_run_that_is_paused_is_not_said_to_be_going(door: ScriptedDoor) -> None:
    door.put(replace(made_run(RunState.RUNNING), paused=True, wish=Wish.PAUSE))
    async with showing(door) as (_, pilot):
        await see(pilot, "* Run 16 is paused at CUSTOMER")


async def test_r_resumes_and_shows_the_run(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.STOPPED))
    async with showing(door) as (app, pilot):
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Run))
    assert ("resume", 16) in door.calls


async def test_u_watches_the_run(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door) as (app, pilot):
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, Run))


@pytest.mark.parametrize("kind", ["sync", "match", "uncouple"])
@pytest.mark.parametrize("other", [None, RunState.FINISHED, RunState.STOPPED])
async def test_a_run_of_any_kind_that_is_going_is_shown_and_u_opens_it_first(
    door: ScriptedDoor, kind: str, other: RunState | None
) -> None:
    if other is not None:
        door.put(made_run(other))
    door.put(made_run(id=17, kind=kind))
    async with showing(door) as (app, pilot):
        await see(pilot, f"* Run 17 ({kind}) is going at CUSTOMER 2,210/4,105.  u = watch")
        assert ("! Run 16 stopped at CUSTOMER 2,210/4,105.  r = resume  h, u = look at it" in text(app)) is (
            other is RunState.STOPPED
        )
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, Run) and app.screen.shown > 0)
        assert isinstance(app.screen, Run)
        assert app.screen.run == 17
        await pilot.press("space")
        await until(pilot, lambda: ("wish", 17, Wish.PAUSE) in door.calls)
        await pilot.press("x")
        await see(pilot, "Cancel run 17")


async def test_a_full_run_that_is_going_is_said_once(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door) as (app, _):
        assert text(app).count("is going") == 1


@pytest.mark.parametrize("key", ["r", "a", "u"])
async def test_keys_that_make_no_sense_now_give_a_reason(door: ScriptedDoor, key: str) -> None:
    async with showing(door) as (_, pilot):
        await pilot.press(key)
        await see(pilot, {"r": "no run to resume", "a": "No run waits", "u": "no run yet"}[key])


@pytest.mark.parametrize(("opening", "row"), [((), "4"), ((), "6"), (("enter",), "4"), (("enter",), "6")])
async def test_n_synchronizes_modified_records_of_the_mapping_after_a_question(
    door: ScriptedDoor, opening: tuple[str, ...], row: str
) -> None:
    name, words = ("CUSTOMER", "is on:") if row == "4" else ("RESOURCE-PRODUCT", "is OFF:")
    async with showing(door) as (app, pilot):
        await pilot.press(row, *opening)
        await until(pilot, lambda: isinstance(app.screen, Mapping if opening else Home) and app.screen.shown)
        await pilot.press("N")
        await see(pilot, f"{name}: Synchronize Modified Records", f"Synch. Only Coupled Records {words}", "[ No ]")
        assert door.calls == []
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, Run) and app.screen.shown > 0)
        assert isinstance(app.screen, Run)
        assert app.screen.run == 18
    assert door.calls == [("start", "sync", name)]


async def test_no_synchronization_starts_without_a_clear_yes(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("N")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Home))
    assert door.calls == []


async def test_what_the_engine_says_against_a_synchronization_is_shown(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("N")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        door.error = StoreError("An engine works on this state store: run 17 (match).", "Watch it.")
        await pilot.press("y")
        await see(pilot, "This was not done", "run 17 (match)")


@pytest.mark.parametrize("key", ["s", "p", "N"])
async def test_nothing_starts_while_a_run_is_unfinished(door: ScriptedDoor, key: str) -> None:
    door.put(made_run(RunState.STOPPED))
    async with showing(door) as (_, pilot):
        await pilot.press(key)
        await see(pilot, "Run 16 is not finished: r = resume it")
    assert not door.calls


async def test_o_changes_the_stored_flag_after_a_confirmation(door: ScriptedDoor) -> None:
    async with showing(door) as (_, pilot):
        await pilot.press("6", "O")
        await see(pilot, "RESOURCE-PRODUCT: Synch. Only Coupled Records", "Turn it ON", "[ No ]")
        await until(pilot, lambda: getattr(pilot.app.screen, "armed", False))
        await pilot.press("y")
        await until(pilot, lambda: ("only_coupled", "RESOURCE-PRODUCT", True) in door.calls)


@pytest.mark.parametrize("key", ["n", "escape", "enter"])
async def test_the_flag_stays_without_a_clear_yes(door: ScriptedDoor, key: str) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("O")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await pilot.press(key)
        await until(pilot, lambda: not app.screen.is_modal)
    assert not door.calls


async def test_tab_and_enter_choose_yes(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("O")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await pilot.press("tab")
        await see(pilot, "[ Yes ]")
        await pilot.press("enter")
        await until(pilot, lambda: ("only_coupled", "CURRENCY", False) in door.calls)


async def test_a_store_that_cannot_be_read_is_said_and_tried_again(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        door.error = StoreError("The store is locked.", "Wait.")
        await see(pilot, "! The store is locked. Wait.")
        door.error = None
        await until(pilot, lambda: "locked" not in text(app))


async def test_nothing_is_painted_when_nothing_changed(door: ScriptedDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    async with showing(door) as (app, pilot):
        home = app.screen
        await until(pilot, lambda: home.shown > 5)  # type: ignore[attr-defined]
        painted: list[object] = []
        for widget in home.query("*"):
            monkeypatch.setattr(widget, "refresh", lambda *args, **kwargs: painted.append((args, kwargs)))
        before = home.shown  # type: ignore[attr-defined]
        await until(pilot, lambda: home.shown > before + 5)  # type: ignore[attr-defined]
        assert not painted


async def test_the_cursor_stays_when_the_columns_change(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("4")
        door.put(made_run(RunState.STOPPED))
        await see(pilot, "> 4 CUSTOMER", "cleared by run 16")
        assert app.screen.query_one(Table).current == "CUSTOMER"
        door.put(replace(made_run(RunState.CANCELLED), wish=Wish.CANCEL))
        await until(pilot, lambda: "cleared by" not in text(app))
        assert "> 4 CUSTOMER" in text(app)


@pytest.mark.parametrize("state", [RunState.STOPPED, RunState.INTERRUPTED])
async def test_an_undo_goes_on_as_a_run_does(door: ScriptedDoor, state: RunState) -> None:
    door.put(made_undo(state))
    async with showing(door) as (_, pilot):
        await see(pilot, f"! Undo of run 8 {state} at CUSTOMER", "r = resume  u =", "r Resume")
        await pilot.press("s")
        await see(pilot, "Run 23 is not finished: r = resume it, u = look at it.")
        await pilot.press("r")
        await see(pilot, "run 23  RUNNING")
    assert door.calls == [("resume", 23)]


@pytest.mark.parametrize(
    ("number", "words"), [(1, "! 1 record with conflicts waits."), (1_200, "! 1,200 records with")]
)
async def test_conflicts_that_wait_need_attention(door: ScriptedDoor, number: int, words: str) -> None:
    door.put(made_undo())
    door.home_of = lambda active=None, last=None: replace(made_home(active, last), conflicts=number)
    async with showing(door) as (_, pilot):
        await see(pilot, words, "c = look at them", "r = resume  u = look at it")


@pytest.mark.parametrize(
    ("number", "exact", "words"),
    [
        (1, True, "! 1 record matches several others."),
        (120, True, "! 120 records match several others."),
        (2_000, False, "! 2,000 or more records match several others."),
    ],
)
async def test_records_that_several_others_match_need_attention(
    door: ScriptedDoor, number: int, exact: bool, words: str
) -> None:
    door.home_of = lambda active=None, last=None: replace(
        made_home(active, last), ambiguous=number, ambiguous_exact=exact
    )
    async with showing(door) as (app, pilot):
        await see(pilot, words, "m = choose the right ones")
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, Matches))


async def test_records_that_are_left_alone_need_attention(door: ScriptedDoor) -> None:
    _with(door, 3, left_alone=True)
    async with showing(door) as (app, pilot):
        await see(pilot, "! Records of CUSTOMER are left alone.", "enter, e = look at them")
        await pilot.press("4", "enter")
        await see(pilot, "Mapping   CUSTOMER", "Customer <> account")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, Errors) and app.screen.shown)
    assert ("causes", None, "CUSTOMER") in door.calls


async def test_an_entry_of_the_schedule_in_error_needs_attention(door: ScriptedDoor) -> None:
    _with(door, 4, in_error=True)
    async with showing(door) as (app, pilot):
        await see(pilot, "! In error on the schedule: CONTACTS.   S = look at it")
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, Schedule))


async def test_all_that_needs_attention_is_shown_at_80x24(door: ScriptedDoor) -> None:
    home = made_home()
    waits = tuple(replace(one, left_alone=True, in_error=True) for one in home.mappings[3:5])
    door.home_of = lambda active=None, last=None: replace(
        made_home(active, last), conflicts=2, ambiguous=3, mappings=(*home.mappings[:3], *waits, *home.mappings[5:])
    )
    door.put(made_undo())
    door.put(made_run(id=24, kind="couple"))
    async with showing(door) as (_, pilot):
        await see(
            pilot, "CURRENCY   34 coupled", "last: run 14", "2 records with conflicts", "3 records match",
            "CUSTOMER, CONTACTS are left alone", "on the schedule: CUSTOMER, CONTACTS", "Undo of run 8",
            "look at it", "Run 24 (couple) is going",
        )  # fmt: skip


async def test_without_conflicts_nothing_is_said_of_them(door: ScriptedDoor) -> None:
    async with showing(door) as (app, _):
        assert not [word for word in ("conflicts", "several others", "left alone", "In error") if word in text(app)]


async def test_each_mapping_says_what_failed_and_what_is_not_coupled(door: ScriptedDoor) -> None:
    async with showing(door) as (app, _):
        failed = [line.split()[-3] for line in shown(app)[3:8]]
        assert "Failed Last" in shown(app)[2]
        assert failed == ["0", "0", "0", "79", "0"]
        assert shown(app)[9].split()[-2:] == ["3,400", "never"]  # nothing is known of it
    async with showing(door, size=(120, 40)) as (app, _):
        assert "Failed Not coupled Last" in shown(app)[2]
        assert shown(app)[6].split()[-5:] == ["4,105", "79", "41", "3m", "PART"]


async def test_at_80_columns_the_line_under_the_cursor_has_the_numbers_that_the_table_has_no_room_for() -> None:
    large = Counters(read=12_345_678, inserted=1_234_567, modified=1_234_567, failed=123_456)
    home = made_home()
    one = replace(home.mappings[3], coupled=12_345_678, not_coupled=1_234_567, last_counters=large)
    first, _, last = mappings.detail(one, home.now)
    assert "12,345,678 coupled, 1,234,567 not coupled" in first[:78]
    assert "123,456 failed" in last[:78]
    unknown = mappings.detail(replace(one, not_coupled=None), home.now)[0]
    assert "not coupled" not in unknown, "nothing is known of it"


async def test_the_columns_follow_the_width(door: ScriptedDoor) -> None:
    async with showing(door, size=(120, 40)) as (app, pilot):
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "Not coupled" not in text(app) and "Failed Last" in text(app))
