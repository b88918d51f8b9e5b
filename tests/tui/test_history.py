import csv
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.model.errors import RunError
from engine.model.snapshot import Counters, Event, JobState, RunState, Wish
from tests.tui.made.runs import NOW, TO, made_pass, made_run, made_undo
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.dialogs.confirm import TypeName
from tui.dialogs.undo import Undo
from tui.screens.errors import Errors
from tui.screens.history import History
from tui.screens.home import Home
from tui.screens.run import Run

pytestmark = pytest.mark.usefixtures("quick")


def _ready(app: CouplerApp) -> bool:
    return isinstance(app.screen, History) and app.screen.shown > 0


@pytest.fixture
def door() -> ScriptedDoor:
    made = ScriptedDoor()
    made.runs[15] = made_run(RunState.CANCELLED, id=15)
    made.put(replace(made_run(RunState.FINISHED), answer="no", answered_by="ops@bastion", answered_at=NOW))
    return made


async def test_shows_jobs_with_counters_and_who_answered(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await see(
            pilot,
            "Integration synchronization jobs",
            "times: UTC",
            "> 16   full     CUSTOMER         -> 12:00:34   1,368  1,026",
            "PART",
            "run 16  finished, keep cleared: no, by ops@bastion 12:04:34",
        )
        await pilot.press("G")
        await see(pilot, "> 15   full     CURRENCY", "run 15  cancelled, no answer")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


async def test_filter(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: _ready(app))
        await pilot.press("slash", *"curr 15")
        await see(pilot, "> 15   full     CURRENCY")
        assert "CUSTOMER" not in text(app)
        await pilot.press("enter", "j", "k")
        await see(pilot, "curr 15", "> 15   full     CURRENCY")
        await pilot.press("escape")
        await see(pilot, "CUSTOMER", "UNITOFMEASURE")
        assert isinstance(app.screen, History)


async def test_a_filter_that_matches_nothing_says_so(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: _ready(app))
        await pilot.press("slash", *"zzzq")
        await see(pilot, "No job matches the filter.")


async def test_u_opens_the_run_of_the_job_whatever_its_kind(door: ScriptedDoor) -> None:
    door.runs[15] = made_run(RunState.FINISHED, id=15, kind="sync")
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: _ready(app))
        await pilot.press("G", "u")
        await see(pilot, "run 15  FINISHED", "Synch. Only Coupled Records counts as it is stored")
        await pilot.press("escape")
        await until(pilot, lambda: _ready(app))


async def test_enter_opens_the_errors_of_that_job(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: _ready(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Errors))
        await see(pilot, "run 16 > CUSTOMER")
    assert ("causes", 16, "CUSTOMER") in door.calls


async def test_t_shows_local_times(door: ScriptedDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Etc/GMT-2")
    time.tzset()
    try:
        async with showing(door) as (app, pilot):
            await pilot.press("h")
            await until(pilot, lambda: _ready(app))
            await pilot.press("t")
            await see(pilot, "times: local (UTC+2)", "14:00:34")
            await pilot.press("t")
            await see(pilot, "times: UTC", "12:00:34")
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_w_writes_what_is_shown(door: ScriptedDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    door.passes[0] = replace(door.passes[0], message="=HYPERLINK(1)\x1b[2J")
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: _ready(app))
        await pilot.press("w")
        await see(pilot, "Jobs written to")
        if app.screen.is_modal:  # the path was too long for a notice on one line
            await pilot.press("escape")
        await pilot.press("w")
        await until(pilot, (tmp_path / "coupler-jobs-2.csv").exists)
    rows = list(csv.DictReader((tmp_path / "coupler-jobs.csv").read_text().splitlines()))
    assert len(rows) == 8
    assert rows[0]["message"] == "'=HYPERLINK(1)␛[2J"
    assert rows[0]["started"] == "2026-03-12T12:00:34Z"
    assert (tmp_path / "coupler-jobs.csv").stat().st_mode & 0o777 == 0o600


async def test_nothing_ran_yet() -> None:
    door = ScriptedDoor()
    door.passes = []
    async with showing(door) as (_, pilot):
        await pilot.press("h")
        await see(pilot, "Nothing ran yet.")
        assert "Filter" not in text(pilot.app)  # type: ignore[arg-type]
        await pilot.press("w")
        await see(pilot, "-- Nothing ran yet.")


async def _counted(door: ScriptedDoor, app: CouplerApp, pilot: Pilot[None]) -> Undo:
    await pilot.press("h")
    await until(pilot, lambda: _ready(app))
    await pilot.press("U")
    await until(pilot, lambda: isinstance(app.screen, Undo))
    assert isinstance(app.screen, Undo)
    assert door.calls[-1] == ("undo", 16, True)
    return app.screen


async def test_a_job_that_was_stopped_says_when_and_after_how_long(door: ScriptedDoor) -> None:
    stopped = made_pass(4, TO, JobState.STOP, Counters(read=10), 100)
    door.passes = [replace(stopped, ended=NOW - timedelta(seconds=90), spent=75, message="stopped")]
    async with showing(door) as (_, pilot):
        await pilot.press("h")
        await see(pilot, "full synchronization, stopped 12:03:04 after 00:01:15: skipped 0")


async def test_an_undo_says_what_it_would_do_before_it_is_done(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        dialog = await _counted(door, app, pilot)
        await see(
            pilot,
            "Undo run 16",
            "Mapping           Remove  Write back  Uncouple  Leave",
            "CUSTOMER           1,368       1,026     4,105      3",
            "all                5,872       4,404    17,622     12",
            "Numbers that NAV gave stay used",
            "coupler errors 22 --records",
            "[ No ]",
        )
        await until(pilot, lambda: dialog.armed)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, Run))
        await see(pilot, "Undo of run 16, 2 of 2: takes back what it did")
    assert ("undo", 16, False) in door.calls


async def test_an_undo_that_was_broken_off_goes_on_from_its_own_line(door: ScriptedDoor) -> None:
    door.put(replace(made_undo(), id=16, undoes=8))
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await see(pilot, "run 16  stopped")
        await pilot.press("U")
        await until(pilot, lambda: isinstance(app.screen, Undo))
    assert ("undo", 8, True) in door.calls


@pytest.mark.parametrize("key", ["n", "escape", "enter"])
async def test_an_undo_that_is_not_wanted_is_not_done(door: ScriptedDoor, key: str) -> None:
    async with showing(door) as (app, pilot):
        dialog = await _counted(door, app, pilot)
        await until(pilot, lambda: dialog.armed)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, History))
    assert ("undo", 16, False) not in door.calls


async def test_the_look_before_an_undo_can_be_stopped(door: ScriptedDoor) -> None:
    door.plan_state = RunState.RUNNING
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: _ready(app))
        await pilot.press("U")
        await see(pilot, "Undo run 16: counting, nothing is written")
        await pilot.press("escape")
        await until(pilot, lambda: ("wish", 22, Wish.CANCEL) in door.calls)
        await until(pilot, lambda: isinstance(app.screen, History))
    assert ("undo", 16, False) not in door.calls


async def test_in_production_an_undo_needs_the_name_of_the_organization() -> None:
    door = ScriptedDoor(production=True)
    door.put(made_run(RunState.FINISHED))
    async with showing(door) as (app, pilot):
        dialog = await _counted(door, app, pilot)
        await until(pilot, lambda: dialog.armed)
        await pilot.press("y")
        await see(pilot, "Type the name of the CRM organization to undo run 16:")
        typing = app.screen
        await until(pilot, lambda: isinstance(typing, TypeName) and typing.armed)
        await pilot.press(*"contoso", "enter")
        await see(pilot, "That is not the name.")
        await pilot.press("backspace", *"o.crm4", "enter")
        await until(pilot, lambda: isinstance(app.screen, Run))
    assert ("undo", 16, False) in door.calls


async def test_an_undo_that_the_engine_refuses_says_why(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: _ready(app))
        door.error = RunError("There is no full synchronization with the number 16.", "`coupler jobs` lists them.")
        await pilot.press("U")
        await see(pilot, "This was not done", "no full synchronization with the number 16")


async def test_the_look_before_an_undo_says_what_it_looks_at_and_how_far_it_is(door: ScriptedDoor) -> None:
    door.plan_state = RunState.RUNNING
    real = door.undo

    def look(run: int, *, dry: bool) -> int:
        number = real(run, dry=dry)
        door.change(number, waiting="", events=(Event(NOW, "", "looks at what run 16 changed"),))
        return number

    door.undo = look  # type: ignore[method-assign]
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, History) and app.screen.shown)
        await pilot.press("U")
        await see(pilot, "Undo run 16: counting, nothing is written", "Looks at what run 16 changed ...")
        await see(pilot, "2,210/4,105", "esc Stop")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, History))
        await until(pilot, lambda: ("wish", 22, Wish.CANCEL) in door.calls)


@pytest.mark.parametrize(
    ("kind", "short", "full"),
    [
        ("run", "full", "full synchronization"),
        ("sync", "sync", "synchronization"),
        ("undo", "undo", "undo"),
        ("couple", "couple", "coupling by hand"),
        ("match", "match", "coupling by match"),
        ("uncouple", "uncouple", "uncoupling"),
        ("mend", "mend", "mending couplings"),
        ("import", "import", "import of couplings"),
        ("new", "new", "new"),
    ],
)
async def test_each_job_says_of_what_type_it_is(door: ScriptedDoor, kind: str, short: str, full: str) -> None:
    door.passes = [replace(door.passes[0], kind=kind)]
    async with showing(door) as (_, pilot):
        await pilot.press("h")
        await see(pilot, f"> 16   {short:<9}CUSTOMER         -> 12:00:34", f"{full}, this job in 00:00:31: skipped 0")
    async with showing(door, size=(120, 40)) as (_, pilot):
        await pilot.press("h")
        await see(pilot, f"> 16   {full:<22}CUSTOMER         -> 12:00:34  00:00:31")
        await pilot.press("slash", *full.rsplit(maxsplit=1)[-1])
        await see(pilot, "> 16 ")


async def test_pages_filter_and_csv_have_all_jobs_of_the_store(
    door: ScriptedDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one = door.passes[0]
    door.passes = [replace(one, run=number, message="oldest" if number == 1 else "") for number in range(600, 0, -1)]
    async with showing(door) as (app, pilot):
        await pilot.press("h")
        await see(pilot, "> 600", "page 1 (50 a page, more follow)")
        await pilot.press("p")
        await see(pilot, "This is the first page.")
        await pilot.press("n")
        await see(pilot, "> 550", "page 2 (50 a page, more follow)")
        await pilot.press("p")
        await see(pilot, "> 600", "page 1")
        await pilot.press("w")
        await until(pilot, lambda: len(list(tmp_path.glob("*.csv"))) == 1)
        await pilot.press("escape") if app.screen.is_modal else None
        await until(pilot, lambda: isinstance(app.screen, History))
        await pilot.press("slash", *"oldest", "enter")
        await see(pilot, "> 1 ", "page 1 (50 a page)")
    assert len((tmp_path / "coupler-jobs.csv").read_text().splitlines()) == 601
