"""The last plan: its jobs, the records of one job, and one record field by field."""

import csv
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest
import sqlalchemy as sa
from textual.command import CommandPalette
from textual.pilot import Pilot

from engine.model.errors import ConnectionLost, StoreError
from engine.model.plan import Difference, Effect
from engine.model.snapshot import Counters, JobState, RunState
from engine.runs import plans as runs_plans
from engine.store.database import Store
from engine.store.schema import foreseen
from tests.store.tools import TO, guid, new_run
from tests.tui.made.plans import made_difference
from tests.tui.made.runs import NOW, made_run
from tests.tui.screens import see, showing, text, until
from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.dialogs.count import Count
from tui.dialogs.info import Info
from tui.dialogs.start import Start
from tui.screens.difference import Difference as DifferenceScreen
from tui.screens.home import Home
from tui.screens.plan import Plan
from tui.screens.planned import Planned

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def door() -> ScriptedDoor:
    door = ScriptedDoor()
    door.planned = 15
    door.runs[15] = made_run(RunState.FINISHED, id=15, kind="plan")
    return door


@asynccontextmanager
async def opened(door: ScriptedDoor, *keys: str) -> AsyncIterator[tuple[CouplerApp, Pilot[None]]]:
    """The plan, and what these keys lead to."""
    async with showing(door) as (app, pilot):
        for key in ("p", *keys):
            await pilot.press(key)
            await pilot.pause(0.2)
        yield app, pilot


async def test_p_shows_the_last_plan_without_counting_again(door: ScriptedDoor) -> None:
    async with opened(door) as (app, pilot):
        await see(
            pilot,
            "Plan 15: what a full synchronization would do",
            "CUSTOMER         CRM     2,052      456       821       4       1      1,227",
            "CUSTOMER         NAV        12        0         0       0       0      4,093",
            "all                      8,822",
            "Nothing was written; both sides may have",
            "CUSTOMER: new records on both sides",
        )
        assert [call for call in door.calls if call[0] == "start"] == []
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Home))


async def test_without_a_plan_p_counts_and_then_shows_it(door: ScriptedDoor) -> None:
    door.planned = None
    async with showing(door) as (app, pilot):
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, Plan))
        assert ("start", "plan") in door.calls


async def test_a_plan_can_be_seen_while_a_run_is_not_finished(door: ScriptedDoor) -> None:
    door.put(made_run(RunState.STOPPED))
    async with showing(door) as (app, pilot):
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, Plan))


async def test_p_on_the_plan_counts_anew(door: ScriptedDoor) -> None:
    async with opened(door) as (app, pilot):
        await pilot.press("p")
        await until(pilot, lambda: ("start", "plan") in door.calls and isinstance(app.screen, Plan))


async def test_counting_anew_that_is_stopped_leaves_the_plan_as_it_was(door: ScriptedDoor) -> None:
    async with opened(door) as (app, pilot):
        door.plan_state = RunState.RUNNING
        await pilot.press("p")
        await see(pilot, "Preflight: counting")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Plan))
        assert any(call[0] == "wish" for call in door.calls)


async def test_the_question_before_a_start_shows_the_records_with_v_and_stays(door: ScriptedDoor) -> None:
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Start) and app.screen.armed)
        await see(pilot, "v View the records")
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, Plan))
        await see(pilot, "Plan 15")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Start))
        assert ("start", "run") not in door.calls


async def test_a_question_without_counts_has_nothing_to_view(door: ScriptedDoor) -> None:
    door.plan_state = RunState.RUNNING
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await see(pilot, "k Skip counting")
        await pilot.press("k")
        await until(pilot, lambda: isinstance(app.screen, Start) and app.screen.armed)
        assert "v View" not in text(app)
        await pilot.press("v")
        await pilot.pause(0.1)
        assert isinstance(app.screen, Start)


async def test_a_job_that_could_not_be_counted_says_so(door: ScriptedDoor) -> None:
    plan = door.runs[15]
    first = plan.jobs[0]
    passes = tuple(
        replace(one, state=JobState.FAIL, message=f"There is no page [/] \x1b[2J. {'So it said. ' * 20}It did.")
        for one in first.passes
    )
    none = replace(first, state=JobState.FAIL, passes=passes)
    door.runs[15] = replace(plan, jobs=(none, *plan.jobs[1:]))
    async with opened(door) as (app, pilot):
        await see(pilot, "CURRENCY         CRM      FAIL", "! CURRENCY to CRM: There is no page [/]")
        await see(pilot, "all, incomplete", "enter = the whole reason")
        assert "It did." not in text(app)
        await pilot.press("enter")
        await see(pilot, "CURRENCY to CRM: not counted   [FAIL]", "It did.", "34 records had been read by then.")
        assert isinstance(app.screen, Info)
        assert "\x1b" not in text(app)


async def test_a_row_and_what_was_skipped_are_what_was_read(door: ScriptedDoor) -> None:
    plan = door.runs[15]
    first = plan.jobs[0]
    sums = Counters(read=40, inserted=17, coupled=3, modified=6, ambiguous=1, failed=1, unchanged=10, skipped=1_004)
    sums = replace(sums, read=1_040, uncoupled=2)
    done = replace(first, counters=sums, passes=tuple(replace(one, counters=sums) for one in first.passes))
    door.runs[15] = replace(plan, jobs=(done, *plan.jobs[1:]))
    async with opened(door) as (_, pilot):
        await see(pilot, "1,040 read, 1,004 skipped, 2 uncoupled. Those under Couple are in another")
        await pilot.press("5")
        await see(pilot, "4,105 read.")
        await pilot.press("G")
        await see(pilot, " read, 1,004 skipped, 2 uncoupled.")


async def test_the_sums_are_no_job(door: ScriptedDoor) -> None:
    async with opened(door) as (app, pilot):
        await pilot.press("G")
        await until(pilot, lambda: "enter Records" not in text(app))
        await pilot.press("enter")
        await see(pilot, "These are the sums: choose a job above.")
        assert isinstance(app.screen, Plan)


async def test_enter_lists_the_records_by_what_would_become_of_them(door: ScriptedDoor) -> None:
    async with opened(door, "4", "enter") as (app, pilot):
        await see(
            pilot,
            "Plan 15 > CUSTOMER to CRM",
            "> New             2,052   no match: a new CRM record would be made of each",
            "Couple            456   coupled with the only record that matches",
            "Update            821   fields of the partner in CRM would be written",
            "Ambiguous           4",
            "Fail                1",
            "Same            1,227",
            "page 1/42",
            "01450000        New Concepts Furniture                  00000000  new",
        )
        await pilot.press("3")
        await see(pilot, "page 1/17", "CRM 00000000-0000-4000-8000-00000000000c")
        assert isinstance(app.screen, Planned)


async def test_records_are_read_fifty_at_a_time(door: ScriptedDoor) -> None:
    async with opened(door, "4", "enter") as (_, pilot):
        await pilot.press("n")
        await see(pilot, "page 2/42", "01450050")
        await pilot.press("p")
        await see(pilot, "page 1/42", "01450000")
        await pilot.press("p")
        await see(pilot, "This is the first page.")
        await pilot.press("5")  # the one that fails
        await see(pilot, "page 1/1")
        await pilot.press("n")
        await see(pilot, "This is the last page.")
    asked = [call[5:] for call in door.calls if call[0] == "foreseen"]
    assert asked == [(51, 0), (51, 50), (51, 0), (51, 0)]


async def test_records_of_a_job_are_found_by_parts_of_number_and_name(door: ScriptedDoor) -> None:
    async with opened(door, "4", "enter") as (app, pilot):
        await pilot.press("slash", *"bel", "space", *"0145000")
        await see(pilot, 'page 1 (50 a page) of what has "bel 0145000"')
        assert isinstance(app.screen, Planned)
        assert [one.nav_no for one in app.screen.records] == ["01450002", "01450005", "01450008"]
        await pilot.press(*"x")
        await see(pilot, "Nothing is found; esc shows all.")
        await pilot.press("escape")
        await see(pilot, "page 1/42", "01450000")


async def test_tab_and_esc_move_between_counts_and_records(door: ScriptedDoor) -> None:
    async with opened(door, "4", "enter") as (app, pilot):
        await see(pilot, "in: counts, tab = records")
        await pilot.press("tab")
        await see(pilot, "in: records, tab = counts")
        await pilot.press("escape")
        await see(pilot, "in: counts")
        await pilot.press("enter")
        await see(pilot, "in: records")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, Plan))


async def test_what_is_only_counted_has_no_records(door: ScriptedDoor) -> None:
    async with opened(door, "4", "enter") as (app, pilot):
        await pilot.press("6")
        await see(pilot, "Nothing to write; these are only counted.")
        await pilot.press("enter")
        await see(pilot, "A plan only counts the records to which nothing would be done.")
        assert "in: counts" in text(app)


async def test_a_record_that_could_not_be_written_says_why_and_what_to_do(door: ScriptedDoor) -> None:
    async with opened(door, "4", "enter") as (_, pilot):
        await pilot.press("4", "enter")
        await see(pilot, "in: records", "2 uncoupled Account records have the same Name")
        await pilot.press("enter")
        await see(pilot, "Ambiguous   [ambiguous]", "Next step: Merge the duplicates")
        assert [call for call in door.calls if call[0] == "difference"] == []


async def test_records_that_a_newer_plan_made_the_store_forget_are_told(door: ScriptedDoor) -> None:
    async with opened(door) as (app, pilot):
        door.foreseen = lambda *_: []  # type: ignore[method-assign]
        await pilot.press("4", "enter")
        await see(pilot, "a newer plan was counted")
        assert isinstance(app.screen, Planned)


@pytest.mark.parametrize("row", ["1", "2", "3"])
async def test_enter_on_a_record_compares_it_on_demand(door: ScriptedDoor, row: str) -> None:
    async with opened(door, "4", "enter") as (app, pilot):
        await pilot.press(row, "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, DifferenceScreen))
        await see(
            pilot,
            "Plan 15 > CUSTOMER to CRM > 01450000 New Concepts Furniture",
            "Field                 Stands there now            Would become",
            "City                  (blank)                     Atlanta",
            "Currency_Code         EUR                         GBP",
            "Compared 12:04:34, both sides as they are then. Nothing was written; both may",
            "have changed since plan 15",
        )
        effect = (Effect.INSERTED, Effect.COUPLED, Effect.MODIFIED)[int(row) - 1]
        assert door.calls[-1] == ("difference", "01450000", effect)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Planned))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Difference(NOW, None, message="The record is not there any more."), "! The record is not there any more."),
        (Difference(NOW, Effect.UNCHANGED), "By now both sides are the same: nothing would be written in CRM."),
        (Difference(NOW, Effect.FAILED, message="Name is too long."), "! Fail by now: Name is too long."),
        (Difference(NOW, Effect.MODIFIED, elsewhere=True), "No field of the record itself: its state"),
        (replace(made_difference(), effect=Effect.INSERTED), "A new CRM record with 7 fields."),
        (made_difference(), "7 fields of CRM 00000000-0000-4000-8000-00000000000c would be written."),
    ],
)
async def test_says_what_would_become_of_the_record_by_now(door: ScriptedDoor, found: Difference, words: str) -> None:
    door.difference_found = found
    async with opened(door, "4", "enter", "3", "enter", "enter") as (_, pilot):
        await see(pilot, words, "Compared 12:04:34")


async def test_enter_shows_all_of_a_long_value_and_r_reads_again(door: ScriptedDoor) -> None:
    async with opened(door, "4", "enter", "3", "enter", "enter") as (app, pilot):
        await see(pilot, "Compared")
        await pilot.press("6")
        await see(pilot, "… (enter = all)")
        await pilot.press("enter")
        await see(
            pilot, "NAV Home_Page = CRM websiteurl", "The source has: www.new-concepts", "Would become: www.x.example"
        )
        await pilot.press("escape")
        door.difference_found = Difference(NOW, Effect.UNCHANGED)
        await pilot.press("r")
        await see(pilot, "By now both sides are the same")
        assert isinstance(app.screen, DifferenceScreen)
        await pilot.press("enter")
        await see(pilot, "There is nothing to open.")


async def test_a_side_that_cannot_be_read_is_told_and_can_be_tried_again(door: ScriptedDoor) -> None:
    async with opened(door, "4", "enter", "3", "enter") as (app, pilot):
        await see(pilot, "01450000")
        door.error = ConnectionLost("NAV cannot be reached.", "Check that it runs.")
        await pilot.press("enter")
        await see(pilot, "NAV cannot be reached.", "Check that it runs.")
        await pilot.press("escape")
        await see(pilot, "It could not be compared. r = try again")
        await pilot.press("w")
        await see(pilot, "There is nothing to write.")
        door.error = None
        await pilot.press("r")
        await see(pilot, "Compared")
        assert isinstance(app.screen, DifferenceScreen)


async def test_w_writes_what_is_shown(door: ScriptedDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(door) as (_, pilot):
        await pilot.press("w")
        await see(pilot, "9 jobs written to")
        await pilot.press("escape")
        await pilot.press("1", "enter")
        await see(pilot, "Plan 15 > CURRENCY to CRM", "page 1/1")
        await pilot.press("w")
        await see(pilot, "Written to")
        await pilot.press("escape", "enter", "enter")
        await see(pilot, "Compared")
        await pilot.press("w")
        await see(pilot, "7 fields written to")
    stem = "coupler-plan-15-00000000-0000-4000-8000-000000000000"
    jobs, records, changes = (
        list(csv.DictReader((tmp_path / name).read_text().splitlines()))
        for name in ("coupler-plan-15.csv", "coupler-plan-15-CURRENCY-to-CRM.csv", f"{stem}.csv")
    )
    assert (jobs[3]["mapping"], jobs[3]["inserted"], jobs[3]["ambiguous"], jobs[3]["failed"]) == (
        "CUSTOMER",
        "2052",
        "4",
        "1",
    )
    assert len(records) == 17 + 3 + 6 + 1
    assert records[0]["effect"] == "inserted"
    assert (changes[1]["nav_field"], changes[1]["now"], changes[1]["would_become"]) == ("City", "", "Atlanta")


async def test_a_store_that_cannot_be_read_is_told(door: ScriptedDoor) -> None:
    async with opened(door) as (_, pilot):
        await see(pilot, "Counted")
        door.error = StoreError("The store is gone.", "Mend it.")
        await see(pilot, "! The store is gone.")
        await pilot.press("4", "enter")
        await see(pilot, "Plan 15 > CUSTOMER", "! The store is gone.")


@pytest.fixture
def many(tmp_path: Path) -> Iterator[tuple[Store, int]]:
    """A store whose last plan would make a hundred thousand records."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    plan = new_run(store, "plan")
    own = {"run_id": plan, "seq": 4, "direction": TO.value, "kind": "inserted", "mapping": "CUSTOMER"}
    with store.writing() as connection:
        made = [
            {**own, "source_id": guid(no), "partner_id": None, "nav_no": f"C{no:06}", "name": "x" * 30}
            for no in range(100_000)
        ]
        connection.execute(sa.insert(foreseen), made)
    yield store, plan
    store.close()


def test_a_page_of_a_hundred_thousand_records_is_one_short_read(many: tuple[Store, int]) -> None:
    store, plan = many
    asked: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        asked.append(statement)

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
    begun = monotonic()
    try:
        found = runs_plans.records(store, plan, 4, TO, Effect.INSERTED, limit=50, offset=99_900)
    finally:
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)
    took = monotonic() - begun
    assert [one.nav_no for one in (found[0], found[-1])] == ["C099900", "C099949"]
    assert len([one for one in asked if "foreseen" in one and "LIMIT" in one]) == 1
    assert took < 3


async def test_a_count_that_ends_under_the_list_of_commands_waits_until_that_is_closed(door: ScriptedDoor) -> None:
    door.plan_state = RunState.RUNNING
    async with showing(door) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Count))
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        door.runs[15] = made_run(RunState.FINISHED, id=15, kind="plan")
        await pilot.pause(0.5)
        assert isinstance(app.screen, CommandPalette)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Start))
