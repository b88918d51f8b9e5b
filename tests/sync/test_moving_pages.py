"""Records that come, go and leave the filter while a pass reads its pages (reference/reliability.md, F21 and F23)."""

from collections import Counter

import pytest

from engine.model.snapshot import RunState
from tests.sync.faults import Seen, at, meanwhile
from tests.sync.test_customers import customer
from tests.sync.world import Make, World

NUMBERS = [f"C{number}" for number in range(1, 8)]
whichever_page = pytest.mark.parametrize("before", range(6))


def page(seen: Seen) -> bool:
    return seen.method == "GET" and seen.path.endswith("/Customer")


def partners(world: World) -> Counter[str]:
    """How many accounts each customer is coupled to; asserts that every account is coupled, and to a customer of its name."""
    names = {row["accountid"]: row["name"] for row in world.crm("accounts")}
    pairs = world.couplings("CUSTOMER")
    assert {pair.crm_id: f"Firm {pair.nav_no}" for pair in pairs} == names
    return Counter(pair.nav_no for pair in pairs)


@whichever_page
async def test_records_that_come_and_go_while_pages_are_read_hide_none_of_the_others(make: Make, before: int) -> None:
    world = make({"Customer": [customer(one) for one in NUMBERS]}, page_size=2)
    acted = []

    def act() -> None:
        world.delete_nav("Customer", "C4")
        acted.append(world.add_nav("Customer", **customer("C9")))

    run = await world.run("CUSTOMER", plan=at("nav", page, *[None] * before, meanwhile(act)))
    assert run.state is RunState.FINISHED
    stayed = Counter(one for one in NUMBERS if one != "C4")
    found = partners(world)
    assert acted
    assert found - Counter(["C4", "C9"]) == stayed
    assert max(found.values()) == 1
    await world.run("CUSTOMER")
    assert partners(world) - Counter(["C4"]) == stayed + Counter(["C9"])


@whichever_page
async def test_a_record_that_leaves_the_filter_while_pages_are_read_is_taken_as_it_was_read(
    make: Make, before: int
) -> None:
    world = make({"Customer": [customer(one) for one in NUMBERS]}, page_size=2)
    leave = meanwhile(lambda: world.edit_nav("Customer", "C4", Blocked="All"))
    run = await world.run("CUSTOMER", plan=at("nav", page, *[None] * before, leave))
    assert run.state is RunState.FINISHED
    found = partners(world)
    assert found - Counter(["C4"]) == Counter(one for one in NUMBERS if one != "C4")
    assert found["C4"] in ((0, 1) if before else (0,))
    assert world.nav("Customer", No="C4")[0]["Blocked"] == "All"
    wrote = len(world.audit())
    await world.run("CUSTOMER")
    assert world.audit(wrote) == [], "what has left the filter is not written, nor made"
    assert partners(world) == found
