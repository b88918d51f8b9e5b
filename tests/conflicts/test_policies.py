"""Update conflicts, policy by policy (reference/domain.md section 3.4)."""

import pytest

from engine.model.mapping import ConflictPolicy, Direction
from tests.conflicts.tools import EARLY, LATE, account_of, both_change, coupled, customer_of, stamp
from tests.sync.world import Make, counters

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


async def test_without_a_policy_nothing_of_the_record_is_overwritten(make: Make) -> None:
    world = await coupled(make)
    both_change(world, {"City": "Köln", "Phone_No": "2"}, {"address1_city": "Hamburg"})
    before = len(world.audit())
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"failed": 1, "unchanged": 1}
    assert world.codes(run) == {"C1": "conflict"}
    assert world.audit(before) == []


@pytest.mark.parametrize(
    ("policy", "city"), [(ConflictPolicy.SEND_UPDATE, "Köln"), (ConflictPolicy.GET_UPDATE, "Hamburg")]
)
async def test_a_policy_names_the_side_that_wins_and_other_fields_go_their_way(
    make: Make, policy: ConflictPolicy, city: str
) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=policy)
    both_change(world, {"City": "Köln", "Phone_No": "2"}, {"address1_city": "Hamburg", "fax": "3"})
    run = await world.run("CUSTOMER")
    assert run.counters.failed == 0
    nav, crm = customer_of(world, "C1"), account_of(world, "C1")
    assert (nav["City"], nav["Phone_No"], nav["Fax_No"]) == (city, "2", "3")
    assert (crm["address1_city"], crm["telephone1"], crm["fax"]) == (city, "2", "3")
    before = len(world.audit())
    await world.run("CUSTOMER")
    assert world.audit(before) == []


@pytest.mark.parametrize(
    ("nav_at", "crm_at", "city"), [(LATE, EARLY, "Köln"), (EARLY, LATE, "Hamburg"), (EARLY, EARLY, None)]
)
async def test_the_side_that_was_modified_last_wins_and_a_tie_is_nobodys(
    make: Make, nav_at: str, crm_at: str, city: str | None
) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    both_change(world, {"City": "Köln"}, {"address1_city": "Hamburg"})
    stamp(world, nav_at, crm_at)
    run = await world.run("CUSTOMER")
    nav, crm = customer_of(world, "C1"), account_of(world, "C1")
    if city is None:
        assert world.codes(run) == {"C1": "conflict"}
        assert (nav["City"], crm["address1_city"]) == ("Köln", "Hamburg")
    else:
        assert run.counters.failed == 0
        assert (nav["City"], crm["address1_city"]) == (city, city)


async def test_milliseconds_of_nav_do_not_win_over_the_whole_seconds_of_crm(make: Make) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    both_change(world, {"City": "Köln"}, {"address1_city": "Hamburg"})
    stamp(world, "2026-01-01T10:00:00.987Z", EARLY)
    assert world.codes(await world.run("CUSTOMER")) == {"C1": "conflict"}


async def test_the_same_change_on_both_sides_is_no_conflict(make: Make) -> None:
    world = await coupled(make)
    both_change(world, {"City": "Köln"}, {"address1_city": "Köln"})
    before = len(world.audit())
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER") == {"unchanged": 4}
    assert world.audit(before) == []
