"""Records that several others match: which there are, each beside its candidates, and the one that was chosen coupled."""

import asyncio
from typing import Any

from engine.mapping.transfer import FROM
from engine.model.matches import Ambiguous, Review
from engine.model.outcome import Action
from engine.model.snapshot import RunState
from engine.runs import reviews, snapshots
from engine.runs.coupling import CouplingRun
from engine.runs.sides import connected
from tests.sync.test_customers import account, customer
from tests.sync.test_salespeople import user
from tests.sync.world import Make, World

ACCOUNTS = [
    account(address1_city="Köln", telephone1="1"),
    account(address1_city="Bonn", telephone1="2"),
]
ANNA = {"Code": "ANNA", "Name": "Anna", "E_Mail": "anna@x.example"}
CUSTOMER = {**customer("C1"), "City": "Bonn", "Phone_No": "2"}


def listed(world: World) -> list[Ambiguous]:
    return list(reviews.page(world.store).records)


async def compared(world: World, record: Ambiguous) -> Review:
    return await asyncio.to_thread(reviews.candidates, world.store, world.settings, record)


def double(make: Make, **more: Any) -> World:
    return make({"Customer": [{**CUSTOMER, **more}]}, {"account": ACCOUNTS})


async def test_a_run_and_a_plan_both_tell_of_them_once(make: Make) -> None:
    world = double(make)
    plan = await world.plan("CUSTOMER")
    record, *theirs = listed(world)
    assert [(one.direction, one.nav_no) for one in theirs] == [(FROM, ""), (FROM, "")], "two accounts, one customer"
    assert (record.mapping, record.nav_no, record.name, record.run) == ("CUSTOMER", "C1", "Firm C1", plan.id)
    run = await world.run("CUSTOMER")
    everyone = reviews.page(world.store)
    ours = [one for one in everyone.records if one.nav_no == "C1"]
    assert [one.run for one in ours] == [run.id], "the ledger is newer than the plan"
    assert everyone.total == len(everyone.records)
    assert reviews.page(world.store, limit=1, offset=1).records == everyone.records[1:2]


async def test_a_record_is_shown_beside_its_candidates_the_most_alike_first(make: Make) -> None:
    world = double(make)
    await world.plan("CUSTOMER")
    record = listed(world)[0]
    before = len(world.audit())
    found = await compared(world, record)
    assert (found.rivals, found.more, found.message) == (1, 0, "")
    assert found.fields[0].rule
    cities = [one.values[_at(found, "City")] for one in found.candidates]
    assert cities == ["Bonn", "Köln"]
    best, other = found.candidates
    assert best.same > other.same
    assert (best.agrees[_at(found, "City")], other.agrees[_at(found, "City")]) == (True, False)
    assert found.fields[_at(found, "City")].value == "Bonn"
    assert [each.nav for each in found.fields if each.nav == "Fax_No"] == [], "nobody has a value there"
    assert world.audit(before) == []


def _at(found: Review, nav: str) -> int:
    return next(index for index, one in enumerate(found.fields) if one.nav == nav)


async def test_lookups_are_compared_by_what_the_plan_would_couple(make: Make) -> None:
    world = make(
        {"Customer": [{**CUSTOMER, "Salesperson_Code": "ANNA"}], "Salesperson_Purchaser": [ANNA]},
        {"account": ACCOUNTS, "systemuser": [user("Anna")]},
    )
    anna, account = world.crm("systemusers", fullname="Anna")[0], world.crm("accounts", address1_city="Köln")[0]
    world.sandbox.crm.tables["accounts"].update(account["accountid"], {"_ownerid_value": anna["systemuserid"]})
    await world.plan()
    found = await compared(world, next(one for one in listed(world) if one.direction is not FROM))
    at = _at(found, "Salesperson_Code")
    assert found.fields[at].value == "ANNA"
    owners = {one.id: (one.values[at], one.agrees[at]) for one in found.candidates}
    assert owners.pop(account["accountid"]) == ("ANNA", True), "the plan would couple her first"
    ours = world.crm("systemusers", systemuserid=world.sandbox.crm.user_id)[0]["fullname"]
    assert list(owners.values()) == [(ours, False)], "who is coupled with nobody is called as CRM calls them"
    assert world.couplings("SALEPEOPLE") == []


async def test_several_records_of_the_own_side_with_one_key_are_told(make: Make) -> None:
    world = make({"Customer": [CUSTOMER, {**CUSTOMER, "No": "C2"}]}, {"account": ACCOUNTS[:1]})
    await world.plan("CUSTOMER")
    found = await compared(world, listed(world)[0])
    assert (found.rivals, len(found.candidates)) == (2, 1)


async def test_the_one_that_was_chosen_is_coupled_and_nothing_else_is_written(make: Make) -> None:
    world = double(make)
    await world.plan("CUSTOMER")
    record = listed(world)[0]
    best = (await compared(world, record)).candidates[0]
    before = len(world.audit())
    number = reviews.begin(world.store, world.settings, record, best.id)
    async with connected(world.settings) as (nav, crm):
        await CouplingRun(world.store, world.settings, number, nav, crm).work()
    run = snapshots.run(world.store, number)
    assert (run.kind, run.state, run.counters.coupled, run.counters.failed) == ("couple", RunState.FINISHED, 1, 0)
    (pair,) = world.couplings("CUSTOMER")
    assert (pair.nav_no, pair.crm_id) == ("C1", best.id)
    assert world.audit(before) == []
    assert [one for one in listed(world) if one.nav_no == "C1"] == [], "it is coupled"
    assert (await compared(world, record)).message == "The record is coupled by now."
    number = reviews.begin(world.store, world.settings, record, best.id)
    async with connected(world.settings) as (nav, crm):
        await CouplingRun(world.store, world.settings, number, nav, crm).work()
    (outcome,) = snapshots.outcomes(world.store, number)
    assert (outcome.kind, outcome.code) == (Action.FAILED.value, "already_coupled")


async def test_what_changed_meanwhile_is_told(make: Make) -> None:
    world = double(make)
    await world.plan("CUSTOMER")
    record = listed(world)[0]
    for one in world.crm("accounts"):
        world.edit_crm("accounts", one["accountid"], name="Another")
    found = await compared(world, record)
    assert (found.candidates, found.message) == ((), "No uncoupled account record matches it any more.")
    world.delete_nav("Customer", "C1")
    assert "not there any more" in (await compared(world, record)).message


async def test_a_crm_record_is_shown_beside_nav_records(make: Make) -> None:
    world = make({"Customer": [CUSTOMER, {**CUSTOMER, "No": "C2", "City": "Köln"}]}, {"account": ACCOUNTS[:1]})
    await world.plan("CUSTOMER")
    (theirs,) = [one for one in listed(world) if one.direction is FROM]
    found = await compared(world, theirs)
    assert [one.number for one in found.candidates] == ["C2", "C1"]
