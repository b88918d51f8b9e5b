from dataclasses import replace

import pytest
from textual.pilot import Pilot

from engine.model.errors import LockHeld
from engine.model.snapshot import Counters, JobSnapshot, JobState, PassSnapshot, RunState, Wish
from tests.tui.made.runs import FROM, TO, made_home, planned_jobs
from tests.tui.screens import see, showing, shown, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.dialogs.confirm import TypeName
from tui.dialogs.only import Only
from tui.dialogs.start import Start
from tui.door import Kind
from tui.screens.home import Home
from tui.screens.run import Run


def _armed(app: object) -> bool:
    return bool(getattr(app.screen, "armed", False))  # type: ignore[attr-defined]


@pytest.mark.usefixtures("quick")
async def test_s_counts_asks_and_starts(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Start) and _armed(app))
        assert [call for call in door.calls if call[0] == "start"] == [("start", "plan")]
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, Run))
    assert ("start", "run") in door.calls


@pytest.mark.usefixtures("quick")
async def test_the_counts_are_shown_by_job_with_what_they_mean(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await see(
            pilot,
            "new in NAV",
            "new in CRM",
            "CUSTOMER                  12       2,052     456     821",
            "- ! CUSTOMER: new records on both sides, possible duplicates.",
            "28 match several records",
            "cleared during the run on all",
            "Start now?   [ No ]",
            "y Yes, start",
        )
        assert all(len(line) <= 80 for line in text(app).splitlines())


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("key", ["n", "escape", "enter"])
async def test_nothing_starts_without_a_clear_yes(door: ScriptedDoor, key: str) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Start) and _armed(app))
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, Home))
    assert ("start", "run") not in door.calls


async def test_type_ahead_does_not_start(door: ScriptedDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Start, "ARM", 3.0)
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Start))
        await pilot.press("y", "y", "tab", "enter", "y")
        assert isinstance(app.screen, Start)
        assert ("start", "run") not in door.calls
        await until(pilot, lambda: _armed(app))
        assert "[ No ]" in text(app)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, Run))


@pytest.mark.usefixtures("quick")
async def test_counting_shows_its_progress_and_can_be_stopped(door: ScriptedDoor) -> None:
    door.plan_state = RunState.RUNNING
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await see(pilot, "Preflight: counting", "8,210/8,210", "k Skip counting")
        await pilot.press("escape")
        await until(pilot, lambda: ("wish", 15, Wish.CANCEL) in door.calls)
        assert isinstance(app.screen, Home)


@pytest.mark.usefixtures("quick")
async def test_counting_can_be_skipped(door: ScriptedDoor) -> None:
    door.plan_state = RunState.RUNNING
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await see(pilot, "k Skip counting")
        await pilot.press("k")
        await until(pilot, lambda: isinstance(app.screen, Start) and _armed(app))
        await see(pilot, "Nothing was counted")
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, Run))


@pytest.mark.usefixtures("quick")
async def test_counting_that_fails_says_why(door: ScriptedDoor) -> None:
    door.plan_state = RunState.RUNNING
    async with showing(door) as (_, pilot):
        await pilot.press("p")
        await see(pilot, "esc Stop")
        door.change(
            15, state=RunState.STOPPED, message="https://nav.example refuses the token.", hint="Check the secret."
        )
        await see(pilot, "refuses the token.", "Check the secret.")


@pytest.mark.usefixtures("quick")
async def test_p_only_counts(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("p")
        await see(pilot, "Plan 15: what a full synchronization would do")
        assert "Start now?" not in text(app)
        await pilot.press("y", "escape")
        await until(pilot, lambda: isinstance(app.screen, Home))
    assert door.calls == [("start", "plan")]


@pytest.mark.usefixtures("quick")
async def test_production_asks_for_the_name_of_the_organization() -> None:
    door = ScriptedDoor(production=True)
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Start) and _armed(app))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, TypeName) and _armed(app))
        await pilot.press(*"quatsch", "enter")
        await see(pilot, "That is not the name.")
        assert ("start", "run") not in door.calls
        await pilot.press(*["backspace"] * 7, *"contoso.crm4", "enter")
        await until(pilot, lambda: isinstance(app.screen, Run))


@pytest.mark.usefixtures("quick")
async def test_production_without_the_name_does_not_start() -> None:
    door = ScriptedDoor(production=True)
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Start) and _armed(app))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, TypeName) and _armed(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))
    assert ("start", "run") not in door.calls


async def test_what_the_engine_refuses_is_shown(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        door.start = lambda kind, only=(): _refuse()  # type: ignore[method-assign]
        await pilot.press("s")
        await see(pilot, "This was not done", "Another engine holds the lock.", "Wait for it.")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


def _refuse() -> int:
    raise LockHeld("Another engine holds the lock.", "Wait for it.")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("size", [(80, 22), (80, 24), (120, 40)])
async def test_what_yes_does_is_always_in_sight(door: ScriptedDoor, size: tuple[int, int]) -> None:
    jobs = tuple(
        replace(job, passes=tuple(replace(one, counters=Counters(inserted=9)) for one in (*job.passes, *_other(job))))
        for job in planned_jobs()
    )
    async with showing(door, size=size) as (app, pilot):
        begin = door.start

        def start(kind: Kind, only: tuple[str, ...] = ()) -> int:
            number = begin(kind, only)
            door.change(number, jobs=jobs)
            return number

        door.start = start  # type: ignore[method-assign]
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Start) and _armed(app))
        words = (
            "CURRENCY, SALEPEOPLE",
            "possible",
            "28 match several",
            "get a NEW record",
            "at the end.",
            "Start now?",
        )
        await see(pilot, *words)
        cut = "all    " not in text(app)
        assert cut is (size[1] < 24)
        assert ("more: j/k" in text(app)) is cut
        await pilot.press(*["j"] * 8)
        await see(pilot, "all    ", *words)


def _other(job: JobSnapshot) -> tuple[PassSnapshot, ...]:
    if len(job.passes) > 1:
        return ()
    one = job.passes[0]
    return (replace(one, direction=FROM if one.direction is TO else TO),)


@pytest.mark.usefixtures("quick")
async def test_the_environment_is_shown_however_long_the_names_are(door: ScriptedDoor) -> None:
    door.home_of = lambda active=None, last=None: replace(
        made_home(active, last), nav="N" * 60, crm="C" * 60, environment="production"
    )
    async with showing(door) as (app, pilot):
        assert "(production)" in shown(app)[0]
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Start))
        await see(pilot, "C… (production)")


async def _choose(pilot: Pilot[None], app: CouplerApp, *keys: str) -> None:
    await pilot.press("s")
    await until(pilot, lambda: isinstance(app.screen, Start) and _armed(app))
    await pilot.press("o")
    await until(pilot, lambda: isinstance(app.screen, Only))
    await see(pilot, "> [x]  1 CURRENCY", "[x]  7 ITEM-PRODUCT")
    await pilot.press(*keys)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("keys", "jobs", "words"),
    [
        (("enter",), (), ""),
        (
            ("j", "space", "down", "down", "down", "space", "enter"),
            ("CURRENCY", "UNITOFMEASURE", "CUSTOMER", "RESOURCE-PRODUCT", "ITEM-PRODUCT"),
            "- ! Without SALEPEOPLE, CONTACTS: records of CUSTOMER fail or wait",
        ),
        (
            ("space", "j", "space", "j", "space", "j", "j", "space", "j", "space", "j", "space", "enter"),
            ("CUSTOMER",),
            "- ! Without CURRENCY, SALEPEOPLE, CONTACTS: records of CUSTOMER fail or wait",
        ),
        (("j", "space", "space", "k", "up", "space", "escape"), (), ""),
    ],
)
async def test_jobs_can_be_left_out(
    door: ScriptedDoor, keys: tuple[str, ...], jobs: tuple[str, ...], words: str
) -> None:
    async with showing(door) as (app, pilot):
        await _choose(pilot, app, *keys)
        await until(pilot, lambda: isinstance(app.screen, Start))
        await see(pilot, words, "Start now?   [ No ]")
        assert ("- ! Without " in text(app)) is ("CUSTOMER" in jobs)
        assert ("counted with all jobs" in text(app)) is bool(jobs)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, Run))
    assert door.calls[-1] == ("start", "run", *jobs)


@pytest.mark.usefixtures("quick")
async def test_counts_and_words_are_of_the_jobs_that_run(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _choose(pilot, app, "space", *["j", "space"] * 4, "j", "j", "space", "enter")
        await see(
            pilot,
            "RESOURCE-PRODUCT           0          60      13      24          6     1",
            "all                        0          60      13      24          6     1",
            "Only RESOURCE-PRODUCT runs",
            "Synch. Only Coupled Records is off on all mappings; nothing has to be",
        )
        assert "possible duplicates" not in text(app)


@pytest.mark.usefixtures("quick")
async def test_at_least_one_job_runs(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await _choose(pilot, app, "space", *["j", "space"] * 6)
        await see(pilot, "! At least one job must run.")
        await pilot.press("enter")
        assert isinstance(app.screen, Only)
        await pilot.press("space", "enter")
        await see(pilot, "Only ITEM-PRODUCT runs")


@pytest.mark.usefixtures("quick")
async def test_of_many_jobs_the_marked_one_stays_in_sight(door: ScriptedDoor) -> None:
    one = made_home().mappings[0]
    many = tuple(replace(one, seq=seq, name=f"JOB-{seq}") for seq in range(1, 41))
    door.home_of = lambda active=None, last=None: replace(made_home(active, last), mappings=many)
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Start) and _armed(app))
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, Only))
        for seq in range(2, 41):
            await pilot.press("j")
            await see(pilot, f"> [x] {seq:>2} JOB-{seq} ", "esc As it was")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("key", ["ctrl+c", "ctrl+q", "q"])
async def test_keys_that_leave_close_the_dialog_first(door: ScriptedDoor, key: str) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Start) and _armed(app))
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, Home))
        assert app.is_running
        door.plan_state = RunState.RUNNING
        await pilot.press("s")
        await see(pilot, "k Skip counting")
        await pilot.press(key)
        await until(pilot, lambda: ("wish", 15, Wish.CANCEL) in door.calls)
        assert isinstance(app.screen, Home)
    assert ("start", "run") not in door.calls


def _uncounted(job: JobSnapshot, state: JobState, message: str) -> JobSnapshot:
    return replace(job, state=state, message=message, counters=Counters(), passes=())


@pytest.mark.usefixtures("quick")
async def test_jobs_that_could_not_be_counted_are_no_zeros(door: ScriptedDoor) -> None:
    reason = "NAV refuses the filter [/] \x1b[2J: Customer has no field Bloked. " + "It names others. " * 20
    begin = door.start

    def start(kind: Kind, only: tuple[str, ...] = ()) -> int:
        number, jobs = begin(kind, only), list(planned_jobs())
        jobs[3] = _uncounted(jobs[3], JobState.FAIL, reason)
        for at in (4, 6):
            jobs[at] = _uncounted(jobs[at], JobState.SKIP, "needs CUSTOMER")
        jobs[5] = replace(jobs[5], state=JobState.FAIL, message="NAV went away.")
        door.change(number, jobs=tuple(jobs))
        return number

    door.start = start  # type: ignore[method-assign]
    async with showing(door, size=(80, 40)) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Start) and _armed(app))
        await see(
            pilot,
            "CUSTOMER          not counted       ",
            "RESOURCE-PRODUCT            0          60 ",
            "- ! CUSTOMER not counted: NAV refuses the filter [/]",
            "- ! CONTACTS, ITEM-PRODUCT not counted: needs CUSTOMER",
            "- ! RESOURCE-PRODUCT counted only in part: NAV went away.",
            "all, incomplete            25         133 ",
            "Start now?",
        )
        assert "\x1b" not in text(app)
