from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import pytest

from engine.model.errors import RunError
from engine.model.snapshot import Event, JobState, RunState, Wish
from engine.model.traffic import Traffic
from tests.tui.made.runs import NOW, made_run, made_undo
from tests.tui.screens import see, showing, shown, text, until
from tests.tui.script import ScriptedDoor
from tui.look import Look
from tui.screens.errors import Errors
from tui.screens.history import History
from tui.screens.home import Home
from tui.screens.run import Run

pytestmark = pytest.mark.usefixtures("quick")


async def test_shows_seven_jobs_their_sums_and_what_is_cleared(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (app, pilot):
        await see(
            pilot,
            "run 16  RUNNING 00:09:33",
            "> 4 CUSTOMER         RUN   [#########........]      2,210/4,105   38.1    00:50",
            "5 CONTACTS         WAIT",
            "0/~9,800",
            "CUSTOMER <>  inserted 323  modified 1,840  unchanged 44  skipped 0  failed 3",
            "wait: CRM again in 4 s (attempt 2): 429 too many requests",
            "12:04:32 CUSTOMER 01445544 updated 3 fields",
            "Synch. Only Coupled Records: cleared for this run on 6 mappings",
        )
        assert len(shown(app)) == 24


async def test_shows_throughput_requests_in_flight_and_the_limit(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (app, pilot):
        await see(pilot, "in flight NAV 1/8 CRM 6/48  63 % of limit  put off 3x 12 s  rec/s ")
        assert next(line for line in shown(app) if "in flight" in line).endswith("rec/s #. _=+***#**")
        door.change(16, traffic=(Traffic("NAV", 0, 8), Traffic("CRM", 48, 48, 0.999, 1, 299.6)), pace=())
        await see(pilot, "in flight: NAV 0 of 8, CRM 48 of 48   99 % of limit used   put off once, 300 s")
        door.change(16, traffic=(Traffic("NAV", 3, 4),))
        await see(pilot, "in flight: NAV 3 of 4")
        assert not [word for word in ("limit", "put off", "rec/s ") if word in text(app)]


async def test_bars_are_blocks_where_the_terminal_may_show_more_than_ascii(door: ScriptedDoor) -> None:
    door.put(replace(made_run(), pace=(0.0, 1.0, 4.0, 8.0)))
    async with showing(door, attach=16, look=Look(ascii=False, hz=20)) as (_, pilot):
        await see(pilot, "rec/s  ▂▅█")


async def test_a_run_that_is_over_says_how_fast_it_was(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.FINISHED))
    async with showing(door, attach=16) as (app, pilot):
        await see(pilot, "17,622 records in 00:04:39, 63.2 a second")
        assert "in flight" not in text(app)


async def test_the_job_that_goes_on_and_all_of_them_say_how_long_they_take_yet(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (_, pilot):
        await see(pilot, "2,210/4,105   38.1    00:50", "0/~9,800      -        -", "2,407/~17,622   38.1   ~06:39")
        door.change(16, eta=None)
        await see(pilot, "2,407/~17,622   38.1        -")


async def test_an_undo_says_which_of_its_two_steps_it_is_at(door: ScriptedDoor) -> None:
    run = made_undo(RunState.RUNNING)
    door.put(run)
    looking = [replace(job, passes=tuple(replace(one, started=None) for one in job.passes)) for job in run.jobs]
    async with showing(door, attach=23) as (_, pilot):
        await see(pilot, "Undo of run 8, 2 of 2: takes back what it did; then flags are as before it")
        door.change(23, jobs=tuple(looking))
        await see(pilot, "Undo of run 8, 1 of 2: looks at all of it as it is now,", "nothing is written yet")
        door.change(23, jobs=run.jobs, state=RunState.STOPPED)
        await see(pilot, "Undo of run 8: Synch. Only Coupled Records")


async def test_a_wide_terminal_shows_what_became_of_the_records_of_each_job(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16, size=(120, 40)) as (app, pilot):
        await see(pilot, "ETA       Ins       Mod      Same      Fail", "00:50       323     1,840        44         3")
        await pilot.resize_terminal(119, 40)
        await until(pilot, lambda: "Same" not in text(app))
        await see(pilot, "> 4 CUSTOMER         RUN   [#########........]      2,210/4,105   38.1    00:50")
        await pilot.resize_terminal(120, 40)
        await see(pilot, "> 4 CUSTOMER", "00:50       323     1,840        44         3")


async def test_the_least_terminal_shows_all_but_the_throughput(door: ScriptedDoor) -> None:
    stopped = replace(made_run(RunState.FINISHED), message=LONG, answer="no", answered_by="somebody " * 10)
    door.put(stopped)
    async with showing(door, attach=16, size=(80, 22)) as (app, pilot):
        await see(pilot, "all  ", "CUSTOMER", "the connection was reset", "CRM throttled", "(answer: no", "q Quit")
        assert "a second" not in text(app)
        await pilot.resize_terminal(60, 16)
        await see(pilot, "Need 80x22, have 60x16")


async def test_the_cursor_stays_on_the_job_that_is_going_on_until_it_is_moved(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (_, pilot):
        await see(pilot, "> 4 CUSTOMER")
        jobs = list(door.runs[16].jobs)
        jobs[3], jobs[4] = replace(jobs[3], state=JobState.OK), replace(jobs[4], state=JobState.RUN)
        door.change(16, jobs=tuple(jobs))
        await see(pilot, "> 5 CONTACTS")
        await pilot.press("2")
        await see(pilot, "> 2 SALEPEOPLE")
        jobs[4], jobs[5] = replace(jobs[4], state=JobState.OK), replace(jobs[5], state=JobState.RUN)
        door.change(16, jobs=tuple(jobs))
        await see(pilot, "6 RESOURCE-PRODUCT RUN", "> 2 SALEPEOPLE")


async def test_the_cursor_shows_the_sums_of_another_job(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (_, pilot):
        await pilot.press("1")
        await see(pilot, "CURRENCY ->  inserted 11")
        await pilot.press("G")
        await see(pilot, "all  inserted")


async def test_a_silent_engine_is_stale(door: ScriptedDoor) -> None:
    door.put(replace(made_run(), beat=NOW - timedelta(seconds=7)))
    async with showing(door, attach=16) as (_, pilot):
        await see(pilot, "STALE 7 s")
        door.change(16, beat=NOW - timedelta(seconds=4))
        await until(pilot, lambda: "STALE" not in text(pilot.app))  # type: ignore[arg-type]


async def test_space_pauses_and_goes_on(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (_, pilot):
        await pilot.press("space")
        await see(pilot, "PAUSING", "space Go on")
        door.change(16, paused=True)
        await see(pilot, "PAUSED")
        await pilot.press("space")
        await see(pilot, "RUNNING", "space Pause")
    assert [call for call in door.calls if call[0] == "wish"] == [("wish", 16, Wish.PAUSE), ("wish", 16, Wish.RUN)]


async def test_x_cancels_after_a_confirmation(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (app, pilot):
        await pilot.press("x")
        await see(pilot, "Cancel run 16", "What was written stays written", "[ No ]")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await pilot.press("n")
        await until(pilot, lambda: not app.screen.is_modal)
        assert not [call for call in door.calls if call[0] == "cancel"]
        await pilot.press("x")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await pilot.press("y")
        await see(pilot, "CANCELLED", "as before this run")
    assert ("cancel", 16) in door.calls


async def test_a_stopped_run_says_why_and_r_resumes_it(door: ScriptedDoor) -> None:
    door.put(replace(made_run(RunState.STOPPED), message="https://crm.example does not answer.", hint="Try later."))
    async with showing(door, attach=16) as (_, pilot):
        await see(pilot, "STOPPED", "https://crm.example does not answer.", "r = resume   enter = the whole reason")
        await pilot.press("r")
        await see(pilot, "RUNNING")
    assert ("resume", 16) in door.calls


async def test_an_engine_that_has_not_taken_the_run_yet_is_not_an_interruption(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.STOPPED))
    door.resume = lambda run: door.change(run, state=RunState.INTERRUPTED)  # type: ignore[method-assign]
    async with showing(door, attach=16) as (_, pilot):
        await pilot.press("r")
        await see(pilot, "RUNNING", "wait: the engine to start")


@pytest.mark.parametrize(
    ("key", "state", "why"),
    [
        ("r", RunState.RUNNING, "nothing to resume"),
        ("a", RunState.RUNNING, "does not ask"),
        ("space", RunState.STOPPED, "only a running one"),
        ("x", RunState.CANCELLED, "cancelled already"),
        ("d", RunState.STOPPED, "nothing keeps going"),
    ],
)
async def test_keys_that_make_no_sense_now_give_a_reason(
    door: ScriptedDoor, key: str, state: RunState, why: str
) -> None:
    door.put(made_run(state))
    async with showing(door, attach=16) as (_, pilot):
        await pilot.press(key)
        await see(pilot, why)


async def test_f_holds_the_events_still(door: ScriptedDoor) -> None:
    door.put(made_run())
    later = Event(NOW, "CONTACTS", "something new")
    async with showing(door, attach=16) as (app, pilot):
        await pilot.press("f")
        await see(pilot, "f Follow")
        door.change(16, events=(*door.runs[16].events, later))
        page = app.screen
        before = page.shown  # type: ignore[attr-defined]
        await until(pilot, lambda: page.shown > before + 2)  # type: ignore[attr-defined]
        assert "something new" not in text(app)
        await pilot.press("f")
        await see(pilot, "CONTACTS something new", "f Hold")


async def test_e_enter_and_escape(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (app, pilot):
        await pilot.press("enter")
        await see(pilot, "CUSTOMER <>   RUN", "coupled 0  ambiguous 0")
        await pilot.press("escape", "e")
        await until(pilot, lambda: isinstance(app.screen, Errors) and app.screen.shown)
        assert ("causes", 16, None) in door.calls
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


async def test_d_detaches(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (app, pilot):
        await pilot.press("d")
        await until(pilot, lambda: not app.is_running)
    assert app.code == 0
    assert not [call for call in door.calls if call[0] in ("wish", "cancel")]


LONG = (
    "https://crm.example/api/data/v9.2 does not answer: "
    + "the connection was reset again and again, " * 4
    + "finally."
)


async def test_a_long_reason_is_cut_with_a_mark_and_whole_in_the_detail(door: ScriptedDoor) -> None:
    door.put(replace(made_run(RunState.STOPPED), message=LONG, hint="Wait for it, then resume."))
    async with showing(door, attach=16) as (app, pilot):
        await see(pilot, "…/v9.2 does not answer", "r = resume", "r Resume")
        reason = next(line for line in shown(app) if "does not answer" in line)
        assert reason.endswith("…")
        await pilot.press("enter")
        await see(pilot, "finally.", "Next step: Wait for it, then resume.")
        await pilot.press("escape", "G", "enter")
        await see(pilot, "- Run 16 -", "finally.", "Next step: Wait for it, then resume.")


@pytest.mark.parametrize("state", [RunState.STOPPED, RunState.INTERRUPTED])
async def test_a_run_that_does_not_go_on_says_how_also_without_a_message(door: ScriptedDoor, state: RunState) -> None:
    door.put(made_run(state))
    async with showing(door, attach=16) as (_, pilot):
        await see(pilot, "without a word" if state is RunState.INTERRUPTED else "as it was told", "r = resume")


async def test_an_engine_that_ended_at_once_is_told_with_its_cause_although_it_was_just_started(
    door: ScriptedDoor,
) -> None:
    door.put(made_run(RunState.STOPPED))
    why = "The engine did not go on: config.toml:9: not valid TOML [config]"
    door.resume = lambda run: door.change(run, state=RunState.INTERRUPTED, code="config", message=why)  # type: ignore[method-assign]
    async with showing(door, attach=16) as (_, pilot):
        await pilot.press("r")
        await see(pilot, "run 16  INTERRUPTED", why, "r = resume")


async def test_a_long_wait_is_cut_with_a_mark(door: ScriptedDoor) -> None:
    door.put(replace(made_run(), waiting=f"CRM again in 4 s (attempt 2): {LONG}"))
    async with showing(door, attach=16) as (app, _):
        assert next(line for line in shown(app) if "wait: CRM again" in line).endswith("…")


async def test_the_answer_is_shown_whole(door: ScriptedDoor) -> None:
    by = "root@a-machine-with-a-name.example, in advance"
    door.put(replace(made_run(RunState.FINISHED), answer="no", answered_by=by))
    async with showing(door, attach=16) as (app, _):
        words = " ".join(text(app).split())
    assert f"Synch. Only Coupled Records: as before this run (answer: no, {by})" in words


@pytest.mark.parametrize("here", [True, False])
async def test_a_run_that_goes_on_is_not_stale_before_its_engine_gave_a_sign(door: ScriptedDoor, here: bool) -> None:
    old = NOW - timedelta(minutes=5)
    door.put(replace(made_run(RunState.STOPPED), beat=old))
    async with showing(door, attach=16) as (app, pilot):
        page = app.screen
        assert isinstance(page, Run)
        if here:
            await pilot.press("r")
        else:
            door.change(16, state=RunState.RUNNING)
        await until(pilot, lambda: "RUNNING" in text(app))
        before = page.shown
        while page.shown <= before + 4:
            await pilot.pause(0.02)
            assert "STALE" not in text(app)
        door.change(16, beat=NOW)
        await until(pilot, lambda: page.shown > before + 8)
        page._started -= 60
        door.change(16, beat=NOW - timedelta(seconds=9))
        await see(pilot, "STALE 9 s")


async def test_a_run_whose_start_is_refused_is_not_shown_as_running(door: ScriptedDoor) -> None:
    def refuse(run: int) -> NoReturn:
        raise RunError(f"Run {run} was started with other mappings.")

    door.put(made_run(RunState.INTERRUPTED))
    door.resume = refuse  # type: ignore[method-assign]
    async with showing(door, attach=16) as (app, pilot):
        page = app.screen
        assert isinstance(page, Run)
        await pilot.press("r")
        await see(pilot, "This was not done", "was started with other mappings")
        await pilot.press("escape")
        before = page.shown
        await until(pilot, lambda: page.shown > before + 2)
        assert "INTERRUPTED" in text(app)
        assert "the engine to start" not in text(app)


async def test_h_opens_the_history(door: ScriptedDoor) -> None:
    door.put(made_run())
    async with showing(door, attach=16) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, History))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Run))


@pytest.mark.parametrize(
    ("state", "offered", "left_out"),
    [
        (RunState.RUNNING, "space Pause|x Cancel|d Detach", "r Resume|a Answer"),
        (RunState.STOPPED, "x Cancel|r Resume", "space Pause|d Detach|a Answer"),
        (RunState.FINISHED, "e Errors|h History", "space Pause|x Cancel|d Detach|r Resume|a Answer"),
    ],
)
async def test_keys_that_can_do_nothing_now_are_not_offered(
    door: ScriptedDoor, state: RunState, offered: str, left_out: str
) -> None:
    door.put(made_run(state))
    async with showing(door, attach=16) as (app, _):
        keys = "\n".join(shown(app)[-2:])
    assert all(one in keys for one in offered.split("|"))
    assert not any(one in keys for one in left_out.split("|"))


async def test_in_the_demo_nothing_can_be_detached() -> None:
    door = ScriptedDoor(demo=True)
    door.put(made_run())
    async with showing(door, attach=16) as (app, pilot):
        assert "Detach" not in text(app)
        await pilot.press("d")
        await see(pilot, "servers end when you leave, and with them the run")
        assert app.is_running


async def test_an_undo_goes_on_as_a_run_does(door: ScriptedDoor) -> None:
    door.put(made_undo())
    async with showing(door, attach=23) as (_, pilot):
        await see(pilot, "r = resume   enter = the whole reason", "r Resume")
        await pilot.press("r")
        await see(pilot, "run 23  RUNNING")
    assert door.calls == [("resume", 23)]


@pytest.mark.parametrize("kind", ["sync", "plan", "undo", "coupling"])
async def test_what_is_no_full_synchronization_is_not_resumed(door: ScriptedDoor, kind: str) -> None:
    door.put(made_run(RunState.STOPPED, kind=kind))
    async with showing(door, attach=16) as (app, pilot):
        await see(pilot, "it cannot be resumed; start it again for the rest")
        assert "r Resume" not in text(app)
        await pilot.press("r")
    assert door.calls == []


async def test_cancelling_an_undo_says_that_it_is_given_up(door: ScriptedDoor) -> None:
    door.put(made_undo(RunState.RUNNING))
    async with showing(door, attach=23) as (app, pilot):
        await see(pilot, "Undo of run 8")
        await pilot.press("x")
        await see(
            pilot,
            "Give up the undo of run 8",
            "What it took back stays taken back; all the rest stays as it is,",
            "`coupler undo 8` can begin another undo for the rest.",
        )
        assert "as before the run" not in text(app)
        await pilot.press("y")
        await until(pilot, lambda: ("cancel", 23) in door.calls)


async def test_leaving_an_undo_says_what_becomes_of_it(door: ScriptedDoor) -> None:
    door.put(made_undo(RunState.RUNNING))
    async with showing(door, attach=23) as (app, pilot):
        await pilot.press("q")
        await see(pilot, "it stops; `coupler undo 8` goes on", "the undo is given up; what it took back stays so")
        assert "resume" not in text(app)


async def test_all_jobs_show_before_the_events_get_room(door: ScriptedDoor) -> None:
    run = made_undo(RunState.RUNNING)
    more = tuple(replace(run.jobs[0], seq=seq, mapping=f"MORE-{seq}") for seq in range(8, 12))
    door.put(replace(run, jobs=(*run.jobs, *more)))
    async with showing(door, attach=23) as (_, pilot):
        await see(pilot, " 1 CURRENCY", "MORE-11", "    all  ", "CRM throttled", "Undo of run 8")
