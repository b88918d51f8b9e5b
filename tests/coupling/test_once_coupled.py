"""Records that were coupled once: uncoupling deletes nothing, so what was made of them is still there under its id."""

import pytest

from engine.model.mapping import Direction
from engine.model.snapshot import RunState
from engine.runs.requests import Couple, Uncouple
from tests.coupling.tools import ask
from tests.sync.faults import Died, Fault, Life, at, creating, lost_after, lost_before, no_faults
from tests.sync.test_customers import customer
from tests.sync.world import Make, World, counters

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


async def uncoupled(make: Make) -> tuple[World, str]:
    """A customer that was coupled with an account which looks otherwise by now."""
    world = make({"Customer": [customer("C1", City="Ulm")]})
    await world.run("CUSTOMER")
    (pair,) = world.couplings("CUSTOMER")
    await ask(world, Uncouple("CUSTOMER", ("C1",)))
    world.edit_crm("accounts", pair.crm_id, name="Another name", address1_city="Trier")
    world.edit_nav("Customer", "C1", City="Bonn")
    return world, pair.crm_id


@pytest.mark.parametrize("fault", [None, lost_before, lost_after])
async def test_what_is_still_there_is_not_taken_for_just_made_whatever_answer_is_lost(
    make: Make, fault: Fault | None
) -> None:
    world, account = await uncoupled(make)
    run = await world.run("CUSTOMER", plan=no_faults if fault is None else at("crm", creating, fault))
    assert counters(run, "CUSTOMER", TO) == {"modified": 1, "coupled": 1, "warnings": 1}
    assert world.codes(run) == {"C1": "adopted"}
    assert [one["address1_city"] for one in world.crm("accounts")] == ["Bonn"], "NAV has the first word, as ever"
    assert [one.crm_id for one in world.couplings("CUSTOMER")] == [account]


async def test_nor_where_the_engine_dies_before_it_sends(make: Make) -> None:
    world, account = await uncoupled(make)
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, life=_dying_before("crm POST"))
    run = await world.resume(number)
    assert counters(run, "CUSTOMER", TO) == {"modified": 1, "coupled": 1, "warnings": 1}
    assert [one.crm_id for one in world.couplings("CUSTOMER")] == [account]


async def test_where_it_belongs_to_another_one_now_a_new_one_is_made(make: Make) -> None:
    world = make({"Customer": [customer("C1", City="Ulm"), customer("C2", City="Bonn")]})
    await world.run("CUSTOMER")
    pairs = {one.nav_no: one.crm_id for one in world.couplings("CUSTOMER")}
    await ask(world, Uncouple("CUSTOMER", ("C1", "C2")))
    world.delete_crm("accounts", pairs["C2"])
    world.edit_crm("accounts", pairs["C1"], name="Firm C2", emailaddress1="c2@x.example", address1_city="Bonn")
    await ask(world, Couple("CUSTOMER", "C2", pairs["C1"]))
    run = await world.run("CUSTOMER")
    assert (run.state, counters(run, "CUSTOMER", TO)) == (RunState.FINISHED, {"inserted": 1, "unchanged": 1})
    now = {one.nav_no: one.crm_id for one in world.couplings("CUSTOMER")}
    assert now["C2"] == pairs["C1"] != now["C1"]
    assert {one["name"]: one["address1_city"] for one in world.crm("accounts")} == {"Firm C1": "Ulm", "Firm C2": "Bonn"}


def _dying_before(what: str) -> Life:
    class Short(Life):
        def step(self, name: str) -> None:
            if name.startswith(f"before {what}") and not self.dead:
                self._die_at = len(self.steps) + 1
            super().step(name)

    return Short()
