"""Couplings with a lost partner (reference/domain.md sections 3.5 and 4.6)."""

import pytest

from engine.model.snapshot import RunState
from engine.runs import snapshots
from engine.runs.requests import Mend
from tests.coupling.tools import ask, sums
from tests.sync.faults import at, creating, lost_after
from tests.sync.test_customers import customer
from tests.sync.test_salespeople import user
from tests.sync.world import Make, World


async def lost(make: Make) -> World:
    """C1 has lost its account, the customer of C2's account is gone, C3 has lost both, C4 is well."""
    world = make({"Customer": [customer(f"C{number}") for number in range(1, 5)]})
    await world.run("CUSTOMER")
    accounts = {one.nav_no: one.crm_id for one in world.couplings("CUSTOMER")}
    for no in ("C1", "C3"):
        world.delete_crm("accounts", accounts[no])
    for no in ("C2", "C3"):
        world.delete_nav("Customer", no)
    return world


async def test_they_are_found_and_nothing_is_changed(make: Make) -> None:
    world = await lost(make)
    pairs, before = world.couplings("CUSTOMER"), len(world.audit())
    run = await ask(world, Mend())
    assert (run.state, sums(run)) == (RunState.FINISHED, {"failed": 3})
    assert world.codes(run) == {"C1": "crm_gone", "C2": "nav_gone", "C3": "both_gone"}
    assert world.couplings("CUSTOMER") == pairs
    assert world.audit(before) == []
    assert run.id not in {job.run for job in snapshots.history(world.store)}, "looking is no job"
    assert sums(await ask(world, Mend("CURRENCY"))) == {}


async def test_they_are_removed(make: Make) -> None:
    world = await lost(make)
    before = len(world.audit())
    run = await ask(world, Mend("CUSTOMER", "remove"))
    assert sums(run) == {"uncoupled": 3}
    assert [one.nav_no for one in world.couplings("CUSTOMER")] == ["C4"]
    assert world.audit(before) == []
    assert sums(await ask(world, Mend())) == {}


async def test_partners_are_made_again_from_what_is_left(make: Make) -> None:
    world = await lost(make)
    run = await ask(world, Mend("CUSTOMER", "restore"))
    assert sums(run) == {"inserted": 2, "failed": 1}
    assert world.codes(run) == {"C3": "not_restored"}
    assert {one["name"] for one in world.crm("accounts")} == {"Firm C1", "Firm C2", "Firm C4"}
    assert sorted(one["Name"] for one in world.nav("Customer")) == ["Firm C1", "Firm C2", "Firm C4"]
    assert world.codes(await ask(world, Mend())) == {"C3": "both_gone"}
    again = await world.run("CUSTOMER")
    assert again.counters.inserted == again.counters.modified == 0


async def test_a_partner_is_made_again_once_although_the_answer_is_lost(make: Make) -> None:
    world = await lost(make)
    run = await ask(world, Mend("CUSTOMER", "restore"), at("crm", creating, lost_after))
    assert run.counters.inserted == 2
    assert [one["name"] for one in world.crm("accounts")].count("Firm C1") == 1


@pytest.mark.parametrize("mend", ["restore", "remove"])
async def test_a_record_that_was_renamed_is_not_lost(make: Make, mend: str) -> None:
    world = make({"Customer": [customer("C1"), customer("C2")]}, version="2016")
    await world.run("CUSTOMER")
    world.edit_nav("Customer", "C1", No="Z9")
    before = len(world.audit())
    await ask(world, Mend("CUSTOMER", mend))
    assert world.audit(before) == []
    assert {one.nav_no for one in world.couplings("CUSTOMER")} == {"Z9", "C2"}


async def test_users_are_not_restored(make: Make) -> None:
    world = make({"Salesperson_Purchaser": [{"Code": "A", "E_Mail": "anna@x.example"}]}, {"systemuser": [user("Anna")]})
    await world.run("SALEPEOPLE")
    (pair,) = (one for one in world.couplings("SALEPEOPLE") if one.nav_no == "A")
    del world.sandbox.crm.tables["systemusers"].rows[pair.crm_id]
    run = await ask(world, Mend("SALEPEOPLE", "restore"))
    assert world.codes(run) == {"A": "not_restored"}


@pytest.mark.parametrize(("action", "left"), [("remove", {"C2", "C3", "C4"}), ("restore", {"C1", "C2", "C3", "C4"})])
async def test_only_those_of_the_named_records_are_mended(make: Make, action: str, left: set[str]) -> None:
    world = await lost(make)
    named = {one.nav_no: one.nav_id for one in world.couplings("CUSTOMER")}
    run = await ask(world, Mend("CUSTOMER", action, (named["C1"], named["C4"])))
    assert sums(run) == ({"uncoupled": 1} if action == "remove" else {"inserted": 1})
    assert {one.nav_no for one in world.couplings("CUSTOMER")} == left
    still = world.codes(await ask(world, Mend()))
    assert still == {"C2": "nav_gone", "C3": "both_gone"}
