"""Coupled records whose partner was deleted (reference/domain.md section 3.5)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.model.mapping import DeletionPolicy, Direction
from engine.model.snapshot import RunState
from engine.runs import snapshots
from engine.store import watermarks
from engine.store.schema import coupling
from tests.conflicts.tools import account_of, coupled, customer_of, sync
from tests.sync.faults import Died, Life
from tests.sync.test_customers import customer
from tests.sync.world import Make, World, counters, world

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


async def deleted_in_crm(make: Make, policy: DeletionPolicy) -> tuple[World, str]:
    one = await coupled(make)
    one.mapping("CUSTOMER", deletion=policy)
    lost = account_of(one, "C1")["accountid"]
    one.delete_crm("accounts", lost)
    return one, lost


async def test_without_a_policy_the_survivor_fails_and_nothing_is_deleted(make: Make) -> None:
    one, lost = await deleted_in_crm(make, DeletionPolicy.NONE)
    run = await one.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"failed": 1, "unchanged": 1}
    assert one.codes(run) == {"C1": "deleted"}
    assert lost in {one.crm_id for one in one.couplings("CUSTOMER")}
    assert len(one.nav("Customer")) == 2


async def test_a_deleted_account_is_made_again_once_under_the_next_id(make: Make) -> None:
    one, lost = await deleted_in_crm(make, DeletionPolicy.RESTORE_RECORDS)
    run = await one.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1, "unchanged": 1}
    again = account_of(one, "C1")
    assert again["accountid"] != lost
    assert (again["name"], again["address1_city"]) == ("Firm C1", "Bonn")
    before = len(one.audit())
    await one.run("CUSTOMER")
    assert one.audit(before) == []
    one.delete_crm("accounts", again["accountid"])
    await one.run("CUSTOMER")
    assert len({lost, again["accountid"], account_of(one, "C1")["accountid"]}) == 3, "each time a new id"


async def test_a_deleted_customer_is_made_again_from_its_account(make: Make) -> None:
    one = await coupled(make)
    one.mapping("CUSTOMER", deletion=DeletionPolicy.RESTORE_RECORDS)
    survivor = account_of(one, "C1")
    one.delete_nav("Customer", "C1")
    run = await one.run("CUSTOMER")
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 1, "unchanged": 1}
    (pair,) = [one for one in one.couplings("CUSTOMER") if one.crm_id == survivor["accountid"]]
    assert customer_of(one, pair.nav_no)["Name"] == "Firm C1"
    before = len(one.audit())
    await one.run("CUSTOMER")
    assert one.audit(before) == []


async def test_a_partner_that_people_made_again_is_coupled_instead(make: Make) -> None:
    one, _ = await deleted_in_crm(make, DeletionPolicy.RESTORE_RECORDS)
    one.sandbox.crm.seed("account", {"name": "Firm C1", "emailaddress1": "c1@x.example", "customertypecode": 3})
    run = await one.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO)["coupled"] == 1
    assert len(one.crm("accounts")) == 2


@pytest.mark.parametrize("side", ["nav", "crm"])
async def test_an_engine_that_dies_while_it_restores_makes_one_record(tmp_path: Path, side: str) -> None:
    step = 0
    while True:
        step += 4
        with world(tmp_path / "world", {"Customer": [customer("C1"), customer("C2")]}, {}) as one:
            await one.run("CUSTOMER")
            one.mapping("CUSTOMER", deletion=DeletionPolicy.RESTORE_RECORDS)
            if side == "crm":
                one.delete_crm("accounts", account_of(one, "C1")["accountid"])
            else:
                one.delete_nav("Customer", "C1")
            number = one.start("CUSTOMER")
            try:
                await one.work(number, life=Life(step))
            except Died:
                run = snapshots.run(one.store, number)
                run = run if run.state is RunState.ASKING else await one.resume(number)
            else:
                break
            assert len(one.crm("accounts")) == len(one.nav("Customer")) == len(one.couplings("CUSTOMER")) == 2, step
            assert run.counters.inserted == 1, step
    assert step > 15


async def test_a_coupling_is_removed_and_the_survivor_left_as_it_is(make: Make) -> None:
    one, lost = await deleted_in_crm(make, DeletionPolicy.REMOVE_COUPLING)
    before = len(one.audit())
    run = await one.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"skipped": 1, "unchanged": 1}
    assert one.codes(run) == {"C1": "coupling_removed"}
    assert [one.nav_no for one in one.couplings("CUSTOMER")] == ["C2"]
    assert one.audit(before) == [], "nothing is made again in the same run"
    run = await one.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1, "unchanged": 1}
    assert lost


@pytest.mark.parametrize("modified", [False, True])
@pytest.mark.parametrize("policy", [DeletionPolicy.REMOVE_COUPLING, DeletionPolicy.RESTORE_RECORDS])
async def test_what_was_found_to_have_been_made_and_is_deleted_at_once_follows_the_policy(
    make: Make, policy: DeletionPolicy, *, modified: bool
) -> None:
    one = await coupled(make)
    one.mapping("CUSTOMER", deletion=policy)
    lost = account_of(one, "C1")["accountid"]
    with one.store.writing() as connection:
        found = sa.update(coupling).where(coupling.c.crm_id == lost).values(uncounted=True)
        assert connection.execute(found).rowcount == 1
        for one_way in (TO, FROM):
            watermarks.advance(connection, "CUSTOMER", one_way, datetime.now(UTC) + timedelta(hours=1))
    one.delete_crm("accounts", lost)
    run = await (sync(one, "CUSTOMER") if modified else one.run("CUSTOMER"))
    assert run.state is RunState.FINISHED
    kept = {one.nav_no: one.crm_id for one in one.couplings("CUSTOMER")}
    if policy is DeletionPolicy.REMOVE_COUPLING:
        assert kept.keys() == {"C2"}
        assert one.codes(run) == {"C1": "coupling_removed"}
    else:
        assert kept["C1"] == account_of(one, "C1")["accountid"] != lost
        assert run.counters.inserted == 1


async def test_modified_survivors_are_restored_too(make: Make) -> None:
    one, lost = await deleted_in_crm(make, DeletionPolicy.RESTORE_RECORDS)
    one.edit_nav("Customer", "C1", City="Köln")
    await sync(one, "CUSTOMER")
    assert account_of(one, "C1")["address1_city"] == "Köln"
    assert account_of(one, "C1")["accountid"] != lost


async def test_a_plan_counts_what_would_be_restored_and_changes_nothing(make: Make) -> None:
    one, lost = await deleted_in_crm(make, DeletionPolicy.RESTORE_RECORDS)
    run = await one.plan("CUSTOMER")
    assert counters(run, "CUSTOMER", TO)["inserted"] == 1
    assert lost in {one.crm_id for one in one.couplings("CUSTOMER")}
