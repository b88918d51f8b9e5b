"""A full synchronization of a small company is taken back: both sides are as before, and what people did stays."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from engine.model.errors import RunError
from engine.model.snapshot import RunSnapshot, RunState
from engine.runs import control, snapshots, undoing
from engine.store import deeds, runs
from engine.store.schema import run as run_table
from tests.sync.company import CRM, NAV, prepare
from tests.sync.faults import at, batch, lost_after, lost_before, refused
from tests.sync.world import Make, World
from tests.undo.taking_back import Until, assert_as_before, changed_by, company, contents, left, lines, undo

ALL_UNDONE = {
    "CURRENCY": (1, 0, 0, 0),
    "SALEPEOPLE": (1, 1, 1, 0),
    "UNITOFMEASURE": (1, 1, 1, 0),
    "CUSTOMER": (2, 2, 1, 0),
    "CONTACTS": (3, 0, 0, 0),
    "RESOURCE-PRODUCT": (3, 0, 0, 0),
    "ITEM-PRODUCT": (4, 0, 0, 0),
}
"""By mapping: removed, written back, only uncoupled, left."""


def counted(world: World, run: Any) -> dict[str, tuple[int, int, int, int]]:
    found = lines(world, run)
    return {name: (one.removed, one.restored, one.uncoupled, one.left) for name, one in found.items()}


async def test_both_sides_are_as_before(make: Make) -> None:
    world = company(make)
    before = contents(world)
    run = await world.run()
    assert contents(world) != before
    done = await undo(world, run.id)
    assert counted(world, done) == ALL_UNDONE
    assert left(world, done) == {}
    assert_as_before(world, before)
    assert all(not world.couplings(one.mapping) for one in run.jobs)
    assert {job.state.value for job in done.jobs} == {"OK"}


async def test_what_nav_made_itself_is_named(make: Make) -> None:
    world = company(make)
    run = await world.run()
    number = world.nav("Contact", Name="Neu")[0]["No"]
    done = await undo(world, run.id)
    told = [one.message for one in world.outcomes(done, "CUSTOMER") if one.kind == "removed" and number in one.message]
    assert told == [f"It was removed. NAV made contact {number} with it, which stays in NAV."]
    assert world.nav("Contact", Name="Neu")


async def test_a_dry_run_counts_the_same_and_writes_nothing(make: Make) -> None:
    world = company(make)
    run = await world.run()
    after, couplings = contents(world), {one.mapping: world.couplings(one.mapping) for one in run.jobs}
    written = len(world.audit())
    dry = await undo(world, run.id, dry=True)
    assert counted(world, dry) == ALL_UNDONE
    assert world.audit(written) == []
    assert contents(world) == after
    assert {one.mapping: world.couplings(one.mapping) for one in run.jobs} == couplings
    assert dry.jobs[0].message == "1 to remove"


async def test_undone_twice_is_undone_once(make: Make) -> None:
    world = company(make)
    run = await world.run()
    await undo(world, run.id)
    written = len(world.audit())
    again = await undo(world, run.id)
    assert world.audit(written) == []
    assert counted(world, again) == {}


async def test_a_run_after_an_undo_makes_it_all_again(make: Make) -> None:
    world = company(make)
    run = await world.run()
    after = contents(world)["accounts"]
    await undo(world, run.id)
    second = await world.run()
    assert second.counters.inserted == run.counters.inserted
    assert {row["name"] for row in contents(world)["accounts"].values()} == {row["name"] for row in after.values()}
    written = len(world.audit())
    assert counted(world, await undo(world, run.id)) == {}, "what is there now is another run's"
    assert world.audit(written) == []
    assert counted(world, await undo(world, second.id)) == ALL_UNDONE


async def test_what_somebody_changed_in_crm_stays_coupled(make: Make) -> None:
    world = company(make)
    run = await world.run()
    account = world.crm("accounts", name="Firm C1")[0]["accountid"]
    changed_by(world, "accounts", account, telephone1="1234")
    done = await undo(world, run.id)
    assert left(world, done)["C1"] == "somebody else changed it"
    assert world.crm("accounts", accountid=account)[0]["telephone1"] == "1234"
    assert [pair.crm_id for pair in world.couplings("CUSTOMER")] == [account]
    assert world.crm("transactioncurrencies", isocurrencycode="GBP"), "the account that stays is in pounds"
    assert "GBP" in left(world, done)
    assert {job.mapping: job.state.value for job in done.jobs}["CUSTOMER"] == "PART"


async def test_what_we_changed_in_crm_after_the_run_stays(make: Make) -> None:
    world = company(make)
    run = await world.run()
    await asyncio.sleep(3.1)
    contact = world.crm("contacts", lastname="P1")[0]["contactid"]
    world.edit_crm("contacts", contact, pager="77")
    done = await undo(world, run.id)
    assert left(world, done)["P1"] == "it was changed after the run"
    assert world.crm("contacts", contactid=contact)[0]["pager"] == "77"


async def test_an_account_with_a_contact_that_somebody_made_stays(make: Make) -> None:
    world = company(make)
    run = await world.run()
    account = world.crm("accounts", name="Firm C1")[0]["accountid"]
    address = f"{world.sandbox.crm_url}/contacts"
    world._ask("POST", address, {"lastname": "New", "parentcustomerid_account@odata.bind": f"/accounts({account})"}, {})
    done = await undo(world, run.id)
    assert left(world, done)["C1"] == "contacts belong to it"
    assert world.crm("contacts", lastname="New")


async def test_a_record_that_was_changed_in_nav_stays(make: Make) -> None:
    world = company(make)
    run = await world.run()
    customer = world.nav("Customer", Name="Neu")[0]["No"]
    world.edit_nav("Customer", customer, City="Wien")
    done = await undo(world, run.id)
    assert left(world, done)[customer] in ("values in it were changed", "it was changed after the run")
    assert world.nav("Customer", No=customer)


async def test_a_field_of_nav_that_is_not_mapped_counts_too(make: Make) -> None:
    world = company(make)
    run = await world.run()
    await asyncio.sleep(2.3)
    customer = world.nav("Customer", Name="Neu")[0]["No"]
    world.edit_nav("Customer", customer, Credit_Limit_LCY=5)
    assert left(world, await undo(world, run.id))[customer] == "it was changed after the run"


async def test_values_that_somebody_changed_since_stay(make: Make) -> None:
    world = company(make)
    matched = world.crm("accounts", name="Firm C2")[0]["accountid"]
    run = await world.run()
    assert world.crm("accounts", accountid=matched)[0]["address1_city"] == "Köln"
    world.edit_crm("accounts", matched, address1_city="Bonn")
    done = await undo(world, run.id)
    row = world.crm("accounts", accountid=matched)[0]
    assert row["address1_city"] == "Bonn"
    assert world.nav("Customer", No="C2")[0]["Fax_No"] == "", "what nobody touched is written back"
    assert "values were changed after the run" in left(world, done).values()
    assert not world.couplings("CUSTOMER")


async def test_what_a_later_run_changed_waits_for_its_undo(make: Make) -> None:
    world = company(make)
    run = await world.run()
    await asyncio.sleep(3.1)
    world.edit_nav("Customer", "C1", Phone_No="99")
    later = await world.run("CUSTOMER")
    assert later.counters.modified
    done = await undo(world, run.id, dry=True)
    told = next(one for one in world.outcomes(done) if one.nav_no == "C1")
    assert told.cause == "a later run changed it"
    assert told.message == f"Run {later.id} changed it too. Undo that run first."


async def test_what_cannot_be_undone_is_not_asked_for(make: Make) -> None:
    world = company(make)
    run = await world.run()
    await asyncio.sleep(3.1)
    world.edit_nav("Customer", "C1", Phone_No="99")
    later = await world.work(world.start("CUSTOMER", kind="sync"))
    assert later.counters.modified
    done = await undo(world, run.id, dry=True)
    told = next(one for one in world.outcomes(done) if one.nav_no == "C1")
    assert told.cause == "a later run changed it"
    assert told.message == f"Run {later.id} (sync) changed it too, and cannot be undone, so what it wrote stays."


async def test_runs_are_undone_one_after_the_other(make: Make) -> None:
    world = company(make)
    before = contents(world)
    first = await world.run()
    await asyncio.sleep(3.1)
    world.edit_nav("Customer", "C1", Phone_No="99")
    made = next(pair.crm_id for pair in world.couplings("CUSTOMER") if pair.nav_no == "C1")
    second = await world.run()
    await asyncio.sleep(3.1)
    world.edit_nav("Customer", "C1", Fax_No="55")
    third = await world.run()
    assert (world.crm("accounts", accountid=made)[0]["telephone1"], third.counters.modified) == ("99", 1)
    for run in (third, second):
        done = await undo(world, run.id)
        assert {name: (one.removed, one.restored, one.left) for name, one in lines(world, done).items()} == {
            "CUSTOMER": (0, 1, 0)
        }
    assert not world.crm("accounts", accountid=made)[0].get("telephone1")
    done = await undo(world, first.id)
    assert left(world, done) == {}
    world.edit_nav("Customer", "C1", Phone_No="", Fax_No="")
    assert_as_before(world, before)


async def test_runs_are_undone_one_after_the_other_where_a_price_changed(make: Make) -> None:
    world = company(make)
    before = contents(world)
    first = await world.run()
    price = world.nav("Item", No="I1")[0]["Unit_Price"]
    await asyncio.sleep(3.1)
    world.edit_nav("Item", "I1", Unit_Price=123)
    second = await world.run()
    line = world.sandbox.crm.tables["productpricelevels"]
    assert any(row["amount"] == 123 for row in line.rows.values())
    world.edit_nav("Item", "I1", Unit_Price=float(price))
    assert left(world, await undo(world, second.id)) == {}
    assert left(world, await undo(world, first.id)) == {}
    assert_as_before(world, before)


async def test_what_was_written_back_does_not_bounce(make: Make) -> None:
    world = company(make)
    await world.run()
    made = next(pair.crm_id for pair in world.couplings("CUSTOMER") if pair.nav_no == "C1")
    world.edit_nav("Customer", "C1", Phone_No="99")
    world.edit_crm("accounts", made, fax="55")
    run = await world.run()
    assert world.nav("Customer", No="C1")[0]["Fax_No"] == "55"
    await undo(world, run.id)
    assert world.nav("Customer", No="C1")[0]["Fax_No"] == ""
    assert not world.crm("accounts", accountid=made)[0].get("telephone1")
    await world.run()
    assert world.nav("Customer", No="C1")[0]["Fax_No"] == "55", "the change in CRM goes to NAV again"
    assert world.crm("accounts", accountid=made)[0]["telephone1"] == "99", "and that in NAV to CRM"


async def test_flags_are_put_back(make: Make) -> None:
    world = company(make)
    run = await world.run("CURRENCY", "CUSTOMER", keep=True)
    control.set_only_coupled(world.store, world.settings, "CUSTOMER", value=False, by="somebody")
    await undo(world, run.id)
    with world.store.reading() as connection:
        stored = runs.flags(connection)
    assert stored["CURRENCY"][0] is True
    assert stored["CUSTOMER"][0] is False, "an operator's own choice stands"
    await undo(world, run.id)
    with world.store.reading() as connection:
        assert runs.flags(connection) == stored


async def test_a_flag_that_was_changed_during_the_run_stays(make: Make) -> None:
    world = company(make)
    control.set_only_coupled(world.store, world.settings, "CUSTOMER", value=False, by="somebody")
    number = world.start("CURRENCY", "CUSTOMER", keep=True)
    control.set_only_coupled(world.store, world.settings, "CUSTOMER", value=True, by="somebody")
    run = await world.work(number)
    done = await undo(world, run.id)
    with world.store.reading() as connection:
        stored = runs.flags(connection)
    assert (stored["CUSTOMER"][0], stored["CURRENCY"][0]) == (True, True)
    assert undoing.kept_flags(world.store, done.id) == ["CUSTOMER"]
    assert any("was changed during the run" in one.text for one in done.events if one.mapping == "CUSTOMER")


async def test_a_flag_that_is_as_before_needs_no_word(make: Make) -> None:
    world = company(make)
    run = await world.run("CURRENCY", keep=True)
    await undo(world, run.id)
    again = await undo(world, run.id)
    assert undoing.kept_flags(world.store, again.id) == []
    assert not any("Synch. Only Coupled Records" in one.text for one in again.events)


async def test_the_time_is_that_of_the_engine_although_all_jobs_go_on_at_once(make: Make) -> None:
    world = company(make)
    run = await world.run()
    done = await undo(world, run.id)
    assert done.ended is not None
    assert 0 < done.worked <= (done.ended - done.started).total_seconds()


async def test_the_local_currency_and_the_price_list_go_last(make: Make) -> None:
    dollar = {"Code": "USD", "Exchange_Rate_Amount": 1.1}
    world = make({**NAV, "Currency": [*NAV["Currency"], dollar]}, CRM, base="USD")
    prepare(world)
    before = contents(world)
    run = await world.run()
    assert world.crm("transactioncurrencies", isocurrencycode="EUR")
    assert world.crm("pricelevels")
    done = await undo(world, run.id)
    assert left(world, done) == {}
    assert_as_before(world, before)


async def test_answers_that_are_lost_make_no_difference(make: Make) -> None:
    world = company(make)
    before = contents(world)
    run = await world.run()
    faults = [lost_after, None, lost_before, lost_after, lost_after, None, lost_before]
    crm, nav = at("crm", batch, *faults), at("nav", batch, *faults)
    done = await undo(world, run.id, plan=lambda seen: crm(seen) or nav(seen))
    assert counted(world, done) == ALL_UNDONE
    assert_as_before(world, before)


async def test_only_a_full_synchronization_that_is_over_can_be_undone(make: Make) -> None:
    world = company(make)
    plan = await world.plan()
    asking = await world.work(world.start())
    with pytest.raises(RunError, match="waits for its answer"):
        undoing.start(world.store, world.settings, asking.id, dry=True, by="test")
    with pytest.raises(RunError, match="no run with the number 99"):
        undoing.start(world.store, world.settings, 99, dry=True, by="test")
    with pytest.raises(RunError, match=f"Run {plan.id} is no full synchronization"):
        undoing.start(world.store, world.settings, plan.id, dry=True, by="test")
    control.cancel(world.store, asking.id, "test")
    number = world.start()
    with pytest.raises(RunError, match=f"Run {number} is not finished"):
        undoing.start(world.store, world.settings, asking.id, dry=True, by="test")


async def test_a_stopped_run_ends_when_it_is_undone(make: Make) -> None:
    world = company(make)
    before = contents(world)
    stopped = await world.run(plan=lambda _seen: refused if world.couplings("CUSTOMER") else None)
    assert stopped.state is RunState.STOPPED
    assert contents(world) != before
    await undo(world, stopped.id)
    assert snapshots.run(world.store, stopped.id).state is RunState.CANCELLED
    assert_as_before(world, before)


async def test_while_it_looks_it_says_at_what_and_how_far_it_is(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deeds, "CHUNK", 2)
    world = company(make)
    run = await world.run()
    seen: list[tuple[str, dict[str, tuple[int, int | None]]]] = []

    def look(name: str) -> bool:
        going = next(iter(newest_undo(world)), None)
        if name == "before commit" and going is not None and going.events:
            jobs = {one.mapping: (one.done, one.total) for one in going.jobs}
            seen.append((going.events[-1].text, jobs))
        return False

    done = await undo(world, run.id, dry=True, life=Until(look))
    told = list(dict.fromkeys(text for text, _ in seen))
    assert told[:3] == [
        f"looks at what run {run.id} created and coupled",
        f"looks at the rows that came with what run {run.id} created",
        f"looks at what run {run.id} changed",
    ]
    total = next(total for _, jobs in seen if (total := jobs["CUSTOMER"][1]) is not None)
    while_looking = [jobs for _, jobs in seen if jobs["CUSTOMER"][1] == total]
    counts = [jobs["CUSTOMER"][0] for jobs in while_looking]
    assert total in counts
    assert counts[: counts.index(total)] == sorted(counts[: counts.index(total)])
    assert len(set(counts)) > 2
    at_the_end = [all(number == of for number, of in jobs.values()) for jobs in while_looking]
    assert any(at_the_end), while_looking
    assert all(job.done == job.total for job in done.jobs), "it has seen all"
    assert not done.counters.skipped, "nothing is left"


async def test_a_look_can_be_ended_before_it_has_seen_all(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deeds, "CHUNK", 2)
    world = company(make)
    run = await world.run()
    number = undoing.start(world.store, world.settings, run.id, dry=True, by="test")
    with world.store.writing() as connection:
        runs.change(connection, number, tuple(RunState), {"wish": "cancel"})

    async def work(engine: Any) -> None:
        taking_back = undoing.Undoing(engine._store, engine._settings, number, *engine._sides, clock=engine._clock)
        await taking_back.work()

    await world.with_engine(number, work)
    found = snapshots.run(world.store, number)
    assert (found.state, found.message) == (RunState.CANCELLED, "Cancelled by an operator; nothing was done.")


def newest_undo(world: World) -> list[RunSnapshot]:
    """The last run that undoes, or looks what that would do, if any."""
    with world.store.reading() as connection:
        number = connection.scalar(sa.select(sa.func.max(run_table.c.id)).where(run_table.c.kind == "undo"))
    return [] if number is None else [snapshots.run(world.store, number)]
