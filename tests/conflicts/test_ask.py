"""Conflicts that wait for an operator."""

import pytest

from engine.model.conflict import Choice, Conflict
from engine.model.errors import RunError
from engine.model.mapping import ConflictPolicy, Direction
from engine.model.snapshot import RunSnapshot
from engine.runs import queues
from tests.conflicts.tools import EARLY, LATE, account_of, both_change, coupled, customer_of, stamp, sync
from tests.sync.world import Make, World, counters

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


async def asking(make: Make) -> tuple[World, Conflict]:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.ASK)
    both_change(
        world, {"City": "Köln", "Phone_No": "2", "Fax_No": "9"}, {"address1_city": "Hamburg", "telephone1": "3"}
    )
    run = await sync(world, "CUSTOMER")
    assert counters(run, "CUSTOMER", TO)["modified"] == 1, "the fax number was written"
    assert counters(run, "CUSTOMER", FROM)["skipped"] == 1
    assert run.counters.skipped == run.counters.modified == run.counters.warnings == 1
    assert {one.code for one in world.outcomes(run)} == {"conflict_waits"}
    (found,) = queues.conflicts(world.store)
    return world, found


def cities(world: World) -> tuple[str, str]:
    return customer_of(world, "C1")["City"], account_of(world, "C1")["address1_city"]


def phones(world: World) -> tuple[str, str]:
    return customer_of(world, "C1")["Phone_No"], account_of(world, "C1")["telephone1"]


async def test_the_conflicting_fields_wait_and_the_others_are_synchronized(make: Make) -> None:
    world, found = await asking(make)
    assert (found.mapping, found.nav_no, found.name) == ("CUSTOMER", "C1", "Firm C1")
    assert [(one.nav, one.nav_value, one.crm_value, one.choice) for one in found.fields] == [
        ("City", "Köln", "Hamburg", None),
        ("Phone_No", "2", "3", None),
    ]
    assert cities(world) == ("Köln", "Hamburg")
    assert account_of(world, "C1")["fax"] == "9"
    before = len(world.audit())
    await world.run("CUSTOMER")
    assert world.audit(before) == []
    assert [one.fields for one in queues.conflicts(world.store)] == [found.fields]


async def test_a_choice_is_applied_by_the_next_pass_and_the_conflict_is_over(make: Make) -> None:
    world, found = await asking(make)
    queues.choose(world.store, found, {"City=address1_city": Choice.NAV, "Phone_No=telephone1": Choice.CRM})
    assert cities(world) == ("Köln", "Hamburg")
    run = await sync(world, "CUSTOMER")
    assert run.counters.failed == 0
    assert cities(world) == ("Köln", "Köln")
    assert phones(world) == ("3", "3")
    assert queues.conflicts(world.store) == []
    before = len(world.audit())
    await world.run("CUSTOMER")
    assert world.audit(before) == []


async def test_fields_without_a_choice_still_wait(make: Make) -> None:
    world, found = await asking(make)
    queues.choose(world.store, found, {"City=address1_city": Choice.CRM})
    await world.run("CUSTOMER")
    assert cities(world) == ("Hamburg", "Hamburg")
    assert phones(world) == ("2", "3")
    (left,) = queues.conflicts(world.store)
    assert [one.nav for one in left.fields] == ["Phone_No"]


async def test_a_choice_says_nothing_about_other_values(make: Make) -> None:
    world, found = await asking(make)
    queues.choose(world.store, found, {"City=address1_city": Choice.NAV, "Phone_No=telephone1": Choice.NAV})
    world.edit_crm("accounts", found.crm_id, address1_city="Bremen")
    await sync(world, "CUSTOMER")
    assert cities(world) == ("Köln", "Bremen")
    assert phones(world) == ("2", "2")
    (left,) = queues.conflicts(world.store)
    assert [(one.nav, one.crm_value, one.choice) for one in left.fields] == [("City", "Bremen", None)]
    with pytest.raises(RunError, match="changed meanwhile"):
        queues.choose(world.store, found, {"City=address1_city": Choice.NAV})


async def test_sides_that_people_made_equal_end_the_conflict(make: Make) -> None:
    world, found = await asking(make)
    world.edit_crm("accounts", found.crm_id, address1_city="Köln", telephone1="2")
    run = await sync(world, "CUSTOMER")
    assert run.counters.skipped == 0
    assert queues.conflicts(world.store) == []


MODIFIED = pytest.mark.parametrize("modified", [False, True])
"""In a full synchronization, and in one of modified records, which the record is not."""


async def next_run(world: World, *, modified: bool) -> RunSnapshot:
    return await (sync(world, "CUSTOMER") if modified else world.run("CUSTOMER"))


@MODIFIED
@pytest.mark.parametrize(
    ("policy", "both"),
    [(ConflictPolicy.GET_UPDATE, "Hamburg"), (ConflictPolicy.SEND_UPDATE, "Köln")],
)
async def test_another_policy_ends_the_waiting_and_says_so(
    make: Make, policy: ConflictPolicy, both: str, *, modified: bool
) -> None:
    world, _ = await asking(make)
    world.mapping("CUSTOMER", conflict=policy)
    run = await next_run(world, modified=modified)
    assert cities(world) == (both, both)
    assert queues.conflicts(world.store) == []
    (told,) = world.outcomes(run)
    assert (told.nav_no, told.kind, told.code) == ("C1", "warning", "conflict_closed")
    assert "City (NAV 'Köln', CRM 'Hamburg')" in told.message
    assert str(policy) in told.message
    before = len(world.audit())
    assert world.outcomes(await world.run("CUSTOMER")) == []
    assert world.audit(before) == []


@MODIFIED
@pytest.mark.parametrize(("nav_at", "crm_at", "both"), [(EARLY, LATE, "Hamburg"), (LATE, EARLY, "Köln")])
async def test_who_came_last_is_told_as_it_was_before_other_fields_were_written(
    make: Make, nav_at: str, crm_at: str, both: str, *, modified: bool
) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.ASK)
    both_change(world, {"City": "Köln", "Fax_No": "9"}, {"address1_city": "Hamburg", "telephone1": "3"})
    stamp(world, nav_at, crm_at)
    await world.run("CUSTOMER")
    nav, crm = customer_of(world, "C1"), account_of(world, "C1")
    assert (nav["Phone_No"], crm["fax"]) == ("3", "9"), "both records were written to, one after the other"
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    run = await next_run(world, modified=modified)
    assert run.counters.failed == 0
    assert cities(world) == (both, both)


@MODIFIED
async def test_without_a_policy_what_waited_fails_and_waits_no_more(make: Make, *, modified: bool) -> None:
    world, _ = await asking(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.NONE)
    run = await next_run(world, modified=modified)
    assert {(one.kind, one.code) for one in world.outcomes(run)} == {("failed", "conflict")}
    assert cities(world) == ("Köln", "Hamburg")
    assert queues.conflicts(world.store) == []


async def test_what_waited_outside_the_filter_waits_no_more_either(make: Make) -> None:
    world, found = await asking(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.GET_UPDATE)
    world.edit_nav("Customer", "C1", Blocked="All")
    world.edit_crm("accounts", found.crm_id, customertypecode=8)
    run = await world.run("CUSTOMER")
    assert queues.conflicts(world.store) == []
    (told,) = world.outcomes(run)
    assert (told.nav_no, told.kind, told.code) == ("C1", "warning", "conflict_closed")
    assert "no pass has seen the record" in told.message
    assert cities(world) == ("Köln", "Hamburg")


async def test_a_choice_that_was_made_gives_way_to_a_policy_that_does_not_ask(make: Make) -> None:
    world, found = await asking(make)
    queues.choose(world.store, found, {"City=address1_city": Choice.NAV, "Phone_No=telephone1": Choice.NAV})
    world.mapping("CUSTOMER", conflict=ConflictPolicy.GET_UPDATE)
    await world.run("CUSTOMER")
    assert (cities(world), phones(world)) == (("Hamburg", "Hamburg"), ("3", "3"))
    assert queues.conflicts(world.store) == []


async def test_a_plan_asks_nobody(make: Make) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.ASK)
    both_change(world, {"City": "Köln"}, {"address1_city": "Hamburg"})
    run = await world.plan("CUSTOMER")
    assert run.counters.skipped > 0
    assert queues.conflicts(world.store) == []
