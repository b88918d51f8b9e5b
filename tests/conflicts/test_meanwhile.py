"""Edits that come while a record is under way: who came last is told without our own update in between."""

from collections.abc import Callable

import pytest

from engine.model.conflict import Choice
from engine.model.mapping import ConflictPolicy, Direction
from engine.runs import queues
from tests.conflicts.tools import account_of, both_change, coupled, customer_of, stamp
from tests.sync.faults import Fault, Plan, Seen
from tests.sync.world import Make, World

BEFORE, FIRST, LAST = "2026-01-01T10:00:00Z", "2026-01-01T10:00:05Z", "2026-01-01T10:00:10Z"


def just_before_an_update_of(side: str, edit: Callable[[], None]) -> Plan:
    """Somebody edits once, after the engine has read and before its first update arrives at a side."""
    left = [edit]

    def plan(seen: Seen) -> Fault | None:
        if seen.side == side and b"PATCH" in seen.body and left:
            left.pop()()
        return None

    return plan


def cities(world: World) -> tuple[str, str]:
    return customer_of(world, "C1")["City"], account_of(world, "C1")["address1_city"]


async def half_edited(make: Make, policy: ConflictPolicy) -> World:
    """Each side has been edited: the fax number of NAV, the city of CRM."""
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=policy)
    both_change(world, {"Fax_No": "9"}, {"address1_city": "Hamburg"})
    stamp(world, BEFORE, FIRST)
    return world


def city_in_nav(world: World, at: str, **others: str) -> Callable[[], None]:
    def edit() -> None:
        world.edit_nav("Customer", "C1", City="Köln", **others)
        world.sandbox.nav.tables["Customer"].update("C1", {"SystemModifiedAt": at})

    return edit


@pytest.mark.parametrize(("at", "both"), [(LAST, "Köln"), (BEFORE, "Hamburg")])
async def test_the_later_one_wins_although_crm_was_written_to_later_still(make: Make, at: str, both: str) -> None:
    world = await half_edited(make, ConflictPolicy.LATEST)
    run = await world.run("CUSTOMER", plan=just_before_an_update_of("crm", city_in_nav(world, at)))
    assert cities(world) == (both, both)
    assert account_of(world, "C1")["fax"] == "9"
    assert (run.counters.failed, world.outcomes(run), queues.conflicts(world.store)) == (0, [], [])
    before = len(world.audit())
    await world.run("CUSTOMER")
    assert world.audit(before) == []


async def test_two_that_came_within_one_second_are_left_as_they_are(make: Make) -> None:
    world = await half_edited(make, ConflictPolicy.LATEST)
    run = await world.run("CUSTOMER", plan=just_before_an_update_of("crm", city_in_nav(world, FIRST)))
    assert world.outcomes(run)[0].code == "conflict"
    assert account_of(world, "C1")["address1_city"] == "Hamburg"


async def test_the_later_one_wins_although_nav_was_written_to_later_still(make: Make) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    both_change(world, {"City": "Köln"}, {"fax": "9"})
    stamp(world, FIRST, BEFORE)

    def edit() -> None:
        world.edit_crm("accounts", account_of(world, "C1")["accountid"], address1_city="Hamburg")
        stamp(world, FIRST, LAST)

    plan = just_before_an_update_of("nav", edit)
    await world.one_pass("CUSTOMER", Direction.FROM_INTEGRATION_TABLE, only_coupled=True, plan=plan)
    assert customer_of(world, "C1")["Fax_No"] == "9"
    await world.run("CUSTOMER")
    assert cities(world) == ("Hamburg", "Hamburg")


async def test_what_is_asked_about_remembers_who_came_last(make: Make) -> None:
    world = await half_edited(make, ConflictPolicy.ASK)
    await world.run("CUSTOMER", plan=just_before_an_update_of("crm", city_in_nav(world, LAST)))
    (found,) = queues.conflicts(world.store)
    assert [(one.nav, one.newer) for one in found.fields] == [("City", Choice.NAV)]
    assert cities(world) == ("Köln", "Hamburg")
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    await world.run("CUSTOMER")
    assert cities(world) == ("Köln", "Köln")


async def test_other_fields_that_are_edited_meanwhile_change_nothing_of_who_came_last(make: Make) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    both_change(world, {"City": "Bremen", "Fax_No": "9"}, {"address1_city": "Hamburg"})
    stamp(world, BEFORE, FIRST)

    def edit() -> None:
        world.edit_nav("Customer", "C1", Address="Ring 1")
        world.sandbox.nav.tables["Customer"].update("C1", {"SystemModifiedAt": LAST})

    run = await world.run("CUSTOMER", plan=just_before_an_update_of("crm", edit))
    assert cities(world) == ("Hamburg", "Hamburg")
    assert run.counters.failed == 0
