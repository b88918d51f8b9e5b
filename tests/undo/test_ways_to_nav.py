"""Undoing runs over the other ways to NAV: older versions, whose records have no id and no time of change, and API v2.0."""

import pytest

from engine.model.mapping import Direction
from tests.sync.test_customers import account, customer
from tests.sync.test_products import UNITS, item
from tests.sync.world import Make, World
from tests.undo.taking_back import left, undo

TO = Direction.TO_INTEGRATION_TABLE
NAV = {"Customer": [customer("C1"), customer("C2")], "Item": [item("I1")], "Unit_of_Measure": UNITS}
CRM = {"account": [account("A1", "a1@x.example")]}


def made_by_us(world: World) -> set[str]:
    return {row["name"] for row in world.crm("accounts")} - {"A1"}


@pytest.mark.parametrize("version", ["2018", "2016"])
async def test_what_a_run_made_in_crm_is_removed_and_in_nav_stays(make: Make, version: str) -> None:
    world = make(NAV, CRM, version=version)
    run = await world.run("UNITOFMEASURE", "CUSTOMER", "ITEM-PRODUCT")
    assert made_by_us(world) == {"Firm C1", "Firm C2"}
    assert len(world.nav("Customer")) == 3
    done = await undo(world, run.id)
    assert made_by_us(world) == set()
    assert world.crm("products") == []
    assert list(left(world, done).values()) == ["NAV keeps only the day of its last change"]
    assert len(world.nav("Customer")) == 3


async def test_over_api_v2_both_sides_have_what_they_had(make: Make) -> None:
    world = make(NAV, CRM, kind="api")
    run = await world.run("UNITOFMEASURE", "CUSTOMER", "ITEM-PRODUCT")
    assert len(world.nav("Customer")) == 3
    done = await undo(world, run.id)
    assert left(world, done) == {}
    assert made_by_us(world) == set()
    assert {row["No"] for row in world.nav("Customer")} == {"C1", "C2"}
    assert world.couplings("CUSTOMER") == []
