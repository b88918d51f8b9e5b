"""An undo that was broken off: it looks anew before it goes on, all else waits for it, and it can be given up."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from engine.model.errors import OnHold
from engine.model.snapshot import RunState
from engine.runs import control, coupling, snapshots, undoing
from engine.runs.requests import Couple, Match, Mend
from engine.store import runs
from engine.store.schema import coupling as coupling_table
from tests.coupling.tools import ask, sums
from tests.sync.company import CRM, NAV, prepare
from tests.sync.test_customers import account
from tests.sync.world import Make, World
from tests.undo.taking_back import assert_as_before, changed_by, company, contents, left, lines, undo, undo_until


def writes(name: str) -> bool:
    return name.startswith("before") and name.endswith("$batch")


def written_down(world: World, contact: str) -> Callable[[str], bool]:
    """At the commit that says that a contact was removed: an earlier one may take so long on a busy disk that the
    contact is gone when it ends, and its sign of life is older than that.
    """

    def ends(name: str) -> bool:
        active = snapshots.active(world.store) if name == "after commit" else None
        return active is not None and ("removed", contact) in {(one.kind, one.name) for one in world.outcomes(active)}

    return ends


async def changed_both_ways(make: Make) -> tuple[World, int, str]:
    """A second run has carried a phone number to CRM; the world, the run, and the account."""
    world = company(make)
    await world.run()
    account = next(pair.crm_id for pair in world.couplings("CUSTOMER") if pair.nav_no == "C1")
    world.edit_nav("Customer", "C1", Phone_No="99")
    run = await world.run()
    assert world.crm("accounts", accountid=account)[0]["telephone1"] == "99"
    return world, run.id, account


@pytest.mark.parametrize(
    "values",
    [
        {"Credit_Limit_LCY": 5},
        {"Mobile_Phone_No": "0170"},
        {"Salesperson_Code": "ANNA"},
        {"Currency_Code": "GBP"},
        {"Phone_No": "1"},
    ],
)
async def test_what_was_changed_in_nav_meanwhile_stays(make: Make, values: dict[str, Any]) -> None:
    world = company(make)
    run = await world.run()
    customer = world.nav("Customer", Name="Neu")[0]["No"]
    number = await undo_until(world, run.id, writes)
    await asyncio.sleep(3.1)
    world.edit_nav("Customer", customer, **values)
    done = await undo(world, run.id)
    assert done.id == number
    assert world.nav("Customer", No=customer), "it was changed since the run"
    assert customer in left(world, done)


async def test_what_our_user_changed_in_crm_meanwhile_stays(make: Make) -> None:
    world = company(make)
    run = await world.run()
    account = world.crm("accounts", name="Firm C1")[0]["accountid"]
    await undo_until(world, run.id, writes)
    await asyncio.sleep(3.1)
    world.edit_crm("accounts", account, description="met them")
    assert left(world, await undo(world, run.id))["C1"] == "it was changed after the run"
    assert world.crm("accounts", accountid=account)


async def test_a_price_stays_with_its_product(make: Make) -> None:
    world = company(make)
    run = await world.run()
    product = world.crm("products", productnumber="I1")[0]["productid"]
    await undo_until(world, run.id, writes)
    changed_by(world, "products", product, description="good")
    await undo(world, run.id)
    assert world.crm("products", productid=product)
    assert world.crm("productpricelevels", _productid_value=product)


async def test_links_that_the_engine_before_took_away_are_no_change(make: Make) -> None:
    world = company(make)
    before = contents(world)
    run = await world.run()
    await asyncio.sleep(3.1)

    assert world.nav("Customer", Name="Neu")[0]["Primary_Contact_No"]
    assert world.nav("Contact", Name="Anna Kis")
    await undo_until(world, run.id, written_down(world, "Anna Kis"))
    assert world.nav("Customer", Name="Neu")[0]["Primary_Contact_No"] == ""
    await asyncio.sleep(3.1)
    done = await undo(world, run.id)
    assert left(world, done) == {}
    assert_as_before(world, before)


async def broken_off(make: Make) -> tuple[World, int, int]:
    """An undo died when the contacts were gone, and lookups with them; the run, and the number of the undo."""
    world = company(make)
    run = await world.run()
    await asyncio.sleep(3.1)
    number = await undo_until(world, run.id, written_down(world, "Anna Kis"))
    assert world.nav("Customer", Name="Neu")[0]["Primary_Contact_No"] == "", "it ended with the contact"
    await asyncio.sleep(3.1)
    return world, run.id, number


async def test_a_look_at_the_rest_says_what_will_be_done_with_it(make: Make) -> None:
    world, run, number = await broken_off(make)
    before, audited = undoing.report(world.store, number), len(world.audit())
    looked = await undo(world, run, dry=True)
    assert undoing.report(world.store, number) == before, "looking changes nothing of the undo itself"
    assert world.audit(audited) == []
    assert left(world, looked) == {}
    foreseen = undoing.report(world.store, looked.id)
    done = await undo(world, run)
    assert (done.id, left(world, done)) == (number, {})
    for was, said, told in zip(before, foreseen, undoing.report(world.store, number), strict=True):
        sums = (was.removed + said.removed, was.restored + said.restored, was.uncoupled + said.uncoupled, said.left)
        assert sums == (told.removed, told.restored, told.uncoupled, told.left), said.mapping


async def test_whoever_names_the_undo_itself_goes_on_with_it(make: Make) -> None:
    world, _, number = await broken_off(make)
    done = await undo(world, number)
    assert (done.id, left(world, done)) == (number, {})


async def test_a_look_at_the_rest_sees_what_somebody_changed_meanwhile(make: Make) -> None:
    world, run, number = await broken_off(make)
    changed_by(world, "accounts", world.crm("accounts", name="Firm C1")[0]["accountid"], telephone1="1234")
    looked = await undo(world, run, dry=True)
    assert left(world, looked) == {"C1": "it was changed while the run was undone"}
    done = await undo(world, run)
    assert done.id == number
    assert left(world, done)["C1"] == "it was changed while the run was undone"


async def test_nothing_else_may_write_until_it_is_finished(make: Make) -> None:
    world = company(make)
    run = await world.run()
    number = await undo_until(world, run.id, writes)
    said = f"Run {number}, which undoes run {run.id}, is not finished"
    for kind in ("run", "sync", "plan"):
        with pytest.raises(OnHold, match=said) as refused:
            world.start(kind=kind)
        assert f"`coupler undo {run.id}`" in refused.value.hint
        assert f"`coupler cancel {number}`" in refused.value.hint
    with pytest.raises(OnHold, match=said):
        coupling.start(world.store, world.settings, Match((), create=False), by="test")
    with pytest.raises(OnHold, match=said):
        control.resume(world.store, world.settings, number)
    assert coupling.start(world.store, world.settings, Mend(""), by="test"), "looking changes nothing"
    home = snapshots.home(world.store, world.settings)
    assert home.active is not None
    assert (home.active.id, home.active.undoes) == (number, run.id)
    await undo(world, run.id)
    assert snapshots.active(world.store) is None
    assert world.start(kind="sync")


async def test_another_run_cannot_be_undone_meanwhile(make: Make) -> None:
    world, later, _ = await changed_both_ways(make)
    await undo_until(world, later, writes)
    with pytest.raises(OnHold, match=f"undoes run {later}"):
        undoing.start(world.store, world.settings, later - 1, dry=True, by="test")
    assert undoing.start(world.store, world.settings, later, dry=True, by="test"), "looking at what is left is allowed"


async def test_a_synchronization_that_was_committed_just_before_waits_too(make: Make) -> None:
    world = company(make)
    run = await world.run()
    waiting = world.start(kind="sync")
    await undo_until(world, run.id, writes)
    found = await world.work(waiting)
    assert (found.state, found.code, found.counters.read) == (RunState.STOPPED, "on_hold", 0)


@pytest.mark.parametrize("step", ["before crm POST $batch", "after crm POST $batch"])
@pytest.mark.parametrize("kind", ["run", "sync"])
async def test_given_up_it_loses_nothing(make: Make, step: str, kind: str) -> None:
    world, run, account = await changed_both_ways(make)
    number = await undo_until(world, run, lambda name: name == step)
    assert (world.crm("accounts", accountid=account)[0].get("telephone1") is None) == step.startswith("after")
    control.cancel(world.store, number, "test")
    given_up = snapshots.run(world.store, number)
    assert given_up.state is RunState.CANCELLED
    assert given_up.message == "cancelled by test; what it took back stays so"
    again = await world.work(world.start("CUSTOMER", kind=kind))
    assert "C1" not in world.codes(again)
    assert world.nav("Customer", No="C1")[0]["Phone_No"] == "99", "what is back in CRM is nobody's change"
    assert world.crm("accounts", accountid=account)[0]["telephone1"] == "99"


async def test_after_it_was_given_up_it_can_be_undone_anew(make: Make) -> None:
    world = company(make)
    before = contents(world)
    run = await world.run()
    number = await undo_until(world, run.id, writes)
    control.cancel(world.store, number, "test")
    done = await undo(world, run.id)
    assert done.id != number
    assert left(world, done) == {}
    assert_as_before(world, before)


async def test_an_engine_that_is_told_to_gives_it_up(make: Make) -> None:
    world = company(make)
    run = await world.run()
    number = undoing.start(world.store, world.settings, run.id, dry=False, by="test")
    for wish, state, words in (("stop", "stopped", "Stopped by an operator"), ("cancel", "cancelled", "Given up")):
        with world.store.writing() as connection:
            runs.change(connection, number, tuple(RunState), {"wish": wish, "state": "running"})

        async def work(engine: Any) -> None:
            taking_back = undoing.Undoing(engine._store, engine._settings, number, *engine._sides, clock=engine._clock)
            await taking_back.work()

        await world.with_engine(number, work)
        found = snapshots.run(world.store, number)
        assert (found.state.value, found.message[: len(words)]) == (state, words)
        assert (f"`coupler undo {run.id}`" in found.hint) == (state == "stopped")
    assert snapshots.active(world.store) is None


async def test_only_what_is_done_is_told_as_done(make: Make) -> None:
    world = company(make)
    run = await world.run()
    number = await undo_until(world, run.id, writes)
    told = undoing.report(world.store, number)
    assert {(one.removed, one.restored, one.uncoupled) for one in told} == {(0, 0, 0)}
    dry = undoing.report(world.store, (await undo(world, run.id, dry=True)).id)
    assert sum(one.removed for one in dry) > 10


async def test_what_is_looked_at_again_is_told_once(make: Make) -> None:
    world = company(make)
    run = await world.run()
    account = world.crm("accounts", name="Firm C1")[0]["accountid"]
    row = world.sandbox.crm.tables["accounts"].rows[account]
    as_it_was = dict(row)
    changed_by(world, "accounts", account, telephone1="1234")

    def it_is_left(name: str) -> bool:
        active = snapshots.active(world.store)
        return name == "before commit" and active is not None and "C1" in left(world, active)

    await undo_until(world, run.id, it_is_left)
    world.sandbox.crm.tables["accounts"].update(account, as_it_was)
    done = await undo(world, run.id)
    assert [one.kind for one in world.outcomes(done, "CUSTOMER") if one.nav_no == "C1"] == ["removed"]
    assert lines(world, done)["CUSTOMER"].left == 0
    assert sum(job.counters.skipped for job in done.jobs) == 0


async def test_removals_that_nobody_wrote_down_are_found_once_it_is_given_up(make: Make) -> None:
    world = company(make)
    run = await world.run()
    account = world.crm("accounts", name="Firm C1")[0]["accountid"]
    number = await undo_until(
        world, run.id, lambda name: name.startswith("after") and not world.crm("accounts", accountid=account)
    )
    assert account in {pair.crm_id for pair in world.couplings("CUSTOMER")}, "the engine died before it wrote that down"
    control.cancel(world.store, number, "test")
    again = await world.run()
    assert again.state is RunState.FINISHED
    assert "C1" not in world.codes(again)
    made = [row["accountid"] for row in world.crm("accounts", name="Firm C1")]
    assert made == [pair.crm_id for pair in world.couplings("CUSTOMER") if pair.nav_no == "C1"]
    before = len(world.audit())
    await world.run()
    assert world.audit(before) == []


async def account_removed_and_given_up(make: Make) -> tuple[World, str, str]:
    """An engine died when it had removed an account and not written that down, and the undo was given up; the account,
    and another one that may take its place.
    """
    other = account("By hand", "h@x.example", customertypecode=None)
    world = make(NAV, {**CRM, "account": [*CRM["account"], other]})
    prepare(world)
    run = await world.run()
    gone = str(world.crm("accounts", name="Firm C1")[0]["accountid"])
    number = await undo_until(
        world, run.id, lambda name: name.startswith("after") and not world.crm("accounts", accountid=gone)
    )
    control.cancel(world.store, number, "test")
    return world, gone, str(world.crm("accounts", name="By hand")[0]["accountid"])


async def test_what_is_coupled_by_hand_after_it_was_given_up_stays_coupled(make: Make) -> None:
    world, gone, mine = await account_removed_and_given_up(make)
    coupled = await ask(world, Couple("CUSTOMER", "C1", mine))
    assert (coupled.state, sums(coupled)["coupled"]) == (RunState.FINISHED, 1)
    await world.run()
    assert [pair.crm_id for pair in world.couplings("CUSTOMER") if pair.nav_no == "C1"] == [mine]
    assert [row["accountid"] for row in world.crm("accounts", name="Firm C1")] == [mine]
    assert not world.crm("accounts", accountid=gone)


async def test_a_coupling_with_another_record_is_not_the_one_to_remove(make: Make) -> None:
    world, gone, mine = await account_removed_and_given_up(make)
    with world.store.writing() as connection:
        connection.execute(sa.update(coupling_table).where(coupling_table.c.crm_id == gone).values(crm_id=mine))
    await world.run()
    assert [pair.crm_id for pair in world.couplings("CUSTOMER") if mine == pair.crm_id] == [mine]
    assert not world.crm("accounts", name="Firm C1"), "C1 is coupled, so that nothing is made for it"


async def test_a_mapping_that_is_gone_is_asked_for_until_it_is_settled(make: Make) -> None:
    world, *_ = await account_removed_and_given_up(make)
    settings = world.settings
    world.settings = replace(settings, mappings=tuple(one for one in settings.mappings if one.name != "CUSTOMER"))
    found = await world.work(world.start("CURRENCY"))
    assert (found.state, found.code) == (RunState.STOPPED, "config")
    assert "CUSTOMER" in found.message
    assert "[mapping.CUSTOMER]" in found.hint
    control.cancel(world.store, found.id, "test")
    world.settings = settings
    assert (await world.run()).state is RunState.FINISHED
