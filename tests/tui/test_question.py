import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from textual.command import CommandPalette

from engine.model.snapshot import RunState
from tests.reports.made import made_report
from tests.tui.made.runs import NOW, made_run
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.dialogs.confirm import Confirm
from tui.dialogs.question import Question
from tui.dialogs.start import Start
from tui.reports.page import page
from tui.screens.errors import Errors
from tui.screens.home import Home
from tui.screens.run import Run


def _asks(app: CouplerApp) -> bool:
    return isinstance(app.screen, Question)


def _armed(app: CouplerApp) -> bool:
    return isinstance(app.screen, Question) and app.screen.armed


@pytest.mark.usefixtures("quick")
async def test_opens_by_itself_when_the_run_asks(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (app, pilot):
        assert not _asks(app)
        door.put(made_run(RunState.ASKING))
        await until(pilot, lambda: _asks(app))
        await see(
            pilot,
            'Keep "Synch. Only Coupled Records" cleared for all jobs?',
            "scheduled jobs may CREATE records",
            "CURRENCY            on       off      off      on",
            "RESOURCE-PRODUCT    off      off      off      off",
            "ITEM-PRODUCT",
            "No answer = No",
            "[ No ]",
            "y Yes   n No",
        )


@pytest.mark.usefixtures("quick")
async def test_opens_whenever_the_program_starts_with_a_run_that_asks(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.ASKING))
    async with showing(door) as (app, pilot):
        await until(pilot, lambda: _asks(app))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("keys", "yes"), [("y", True), ("n", False), ("enter", False), ("tab enter", True)])
async def test_answers(door: ScriptedDoor, keys: str, yes: bool) -> None:
    door.put(made_run(RunState.ASKING))
    async with showing(door) as (app, pilot):
        await until(pilot, lambda: _armed(app))
        await pilot.press(*keys.split())
        await until(pilot, lambda: ("answer", 16, yes) in door.calls)
        await see(pilot, "FINISHED", "stays cleared" if yes else "as before this run", "-- Answered")
        assert isinstance(app.screen, Run)
        assert "was answered by" not in text(app)


async def test_type_ahead_does_not_answer(door: ScriptedDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Question, "ARM", 3.0)
    door.put(made_run())
    async with showing(door, attach=16) as (app, pilot):
        door.put(made_run(RunState.ASKING))
        await until(pilot, lambda: _asks(app))
        await pilot.press("y", "n", "enter", "tab", "d", "q")
        assert _asks(app)
        assert not [call for call in door.calls if call[0] == "answer"]
        await until(pilot, lambda: _armed(app))
        assert "[ No ]" in text(app)
        await pilot.press("y")
        await until(pilot, lambda: ("answer", 16, True) in door.calls)


def test_it_is_deaf_for_a_second_and_the_start_for_half_of_it() -> None:
    assert Question.ARM == 1.0
    assert Start.ARM == 0.5


async def test_keys_behind_a_stalled_terminal_do_not_answer(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.ASKING))
    async with showing(door) as (app, pilot):
        await until(pilot, lambda: _asks(app))
        await pilot.pause()
        import time

        time.sleep(2)  # noqa: ASYNC251 - the loop hangs in a write
        await pilot.press("y")
        assert not [call for call in door.calls if call[0] == "answer"]
        await until(pilot, lambda: _armed(app))


@pytest.mark.usefixtures("quick")
async def test_escape_does_not_answer(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.ASKING))
    async with showing(door) as (app, pilot):
        await until(pilot, lambda: _armed(app))
        await pilot.press("escape")
        await see(pilot, "Not answered; the question stays open: y = Yes, n = No")
        assert _asks(app)
    assert not [call for call in door.calls if call[0] == "answer"]


@pytest.mark.usefixtures("quick")
async def test_it_can_wait_and_a_asks_again(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.ASKING))
    async with showing(door) as (app, pilot):
        await until(pilot, lambda: _armed(app))
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Run))
        await asyncio.sleep(0.2)
        assert isinstance(app.screen, Run)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))
        await see(pilot, "! Run 16 asks", "a = answer")
        await pilot.press("a")
        await until(pilot, lambda: _armed(app))
        await pilot.press("d", "a")
        await until(pilot, lambda: _asks(app))


@pytest.mark.usefixtures("quick")
async def test_e_shows_the_errors_and_comes_back(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.ASKING))
    async with showing(door) as (app, pilot):
        await until(pilot, lambda: _armed(app))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, Errors) and app.screen.shown)
        await pilot.press("escape")
        await until(pilot, lambda: _asks(app))


@pytest.mark.usefixtures("quick")
async def test_w_writes_a_report(door: ScriptedDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    door.put(made_run(RunState.ASKING))
    async with showing(door) as (app, pilot):
        await until(pilot, lambda: _armed(app))
        await pilot.press("w")
        await until(pilot, (tmp_path / "coupler-run-16.html").exists)
        await until(pilot, lambda: _asks(app))
    assert (tmp_path / "coupler-run-16.html").read_text() == "".join(page(made_report()))


@pytest.mark.usefixtures("quick")
async def test_an_answer_given_elsewhere_takes_the_question_back(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.ASKING))
    async with showing(door) as (app, pilot):
        await until(pilot, lambda: _armed(app))
        answered = replace(made_run(RunState.FINISHED), answer="no", answered_by="eva@desk", answered_at=NOW)
        door.put(answered)
        await until(pilot, lambda: isinstance(app.screen, Run))
        await see(pilot, "eva@desk", "as before this run")
    assert not [call for call in door.calls if call[0] == "answer"]


@pytest.mark.usefixtures("quick")
async def test_an_answer_given_elsewhere_takes_the_question_back_once_the_list_of_commands_is_closed(
    door: ScriptedDoor,
) -> None:
    door.put(made_run(RunState.ASKING))
    async with showing(door) as (app, pilot):
        await until(pilot, lambda: _armed(app))
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        door.put(replace(made_run(RunState.FINISHED), answer="no", answered_by="eva@desk", answered_at=NOW))
        await asyncio.sleep(0.3)
        assert isinstance(app.screen, CommandPalette)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Run))
        await pilot.press("y")
        await see(pilot, "eva@desk", "as before this run")
    assert not [call for call in door.calls if call[0] == "answer"]


@pytest.mark.usefixtures("quick")
async def test_it_waits_until_another_question_is_answered(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (app, pilot):
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.armed)
        door.put(made_run(RunState.ASKING))
        await asyncio.sleep(0.3)
        assert isinstance(app.screen, Confirm)
        await pilot.press("n")
        await until(pilot, lambda: _asks(app))


@pytest.mark.usefixtures("quick")
async def test_a_question_that_cannot_be_seen_cannot_be_answered(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.ASKING))
    async with showing(door, size=(40, 10)) as (app, pilot):
        await until(pilot, lambda: _armed(app))
        await pilot.press("y")
        assert _asks(app)
        await pilot.resize_terminal(80, 24)
        await see(pilot, "[ No ]")
        await pilot.press("n")
        await until(pilot, lambda: ("answer", 16, False) in door.calls)


@pytest.mark.usefixtures("quick")
async def test_the_question_says_where_the_report_is_and_stays(
    door: ScriptedDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a-folder-with-a-very-long-name-in-which-somebody-keeps-the-reports-of-all-runs"
    folder.mkdir()
    monkeypatch.chdir(folder)
    door.put(made_run(RunState.ASKING))
    async with showing(door) as (app, pilot):
        await until(pilot, lambda: _armed(app))
        question = app.screen
        await pilot.press("w")
        path = str(folder / "coupler-run-16.html")
        await until(pilot, lambda: path in "".join(line.strip("| ") for line in text(app).splitlines()))
        await see(pilot, "Keep it cleared?", "y Yes   n No")
        assert app.screen is question
        monkeypatch.chdir(tmp_path)
        question._save = _full  # type: ignore[attr-defined]
        await pilot.press("w")
        await see(pilot, "The report was not written: ", "No space left")


def _full() -> Path:
    raise OSError(28, "No space left on device")


@pytest.mark.usefixtures("quick")
async def test_a_snapshot_from_before_the_answer_asks_and_tells_nothing(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.ASKING))
    async with showing(door) as (app, pilot):
        await until(pilot, lambda: _armed(app))
        asking = door.runs[16]
        await pilot.press("y")
        await see(pilot, "FINISHED", "-- Answered yes.")
        page = app.screen
        assert isinstance(page, Run)
        page.show(asking)
        await pilot.press("a")
        await see(pilot, "Run 16 is answered.")
        page.show(door.runs[16])
        await pilot.pause()
        assert app.screen is page
        assert "was answered by" not in text(app)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("key", ["ctrl+c", "q"])
async def test_the_question_stays_open(door: ScriptedDoor, key: str) -> None:
    door.put(made_run(RunState.ASKING))
    async with showing(door) as (app, pilot):
        await until(pilot, lambda: _armed(app))
        await pilot.press(key)
        await see(pilot, "the question stays open")
        assert _asks(app)
        await pilot.press("d", "q")
        await until(pilot, lambda: not app.is_running)


@pytest.mark.usefixtures("quick")
async def test_the_question_has_the_environment_and_hides_nothing_of_it(door: ScriptedDoor) -> None:
    door.put(replace(made_run(RunState.ASKING), environment="production", nav="N" * 60, crm="C" * 60))
    async with showing(door, size=(80, 22)) as (app, pilot):
        await until(pilot, lambda: _armed(app))
        await see(pilot, "run 16 (production)", "ITEM-PRODUCT        on", "No answer = No", "d Decide later")
        assert "more:" not in text(app)
