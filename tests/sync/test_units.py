"""UNITOFMEASURE (reference/domain.md section 1.3)."""

from typing import Any

import pytest

from tests.handling.test_states import refused_row
from tests.sync.faults import Fault, Seen, always, at, lost_after, lost_before, meanwhile
from tests.sync.world import Make, World, counters

UNITS = {"Unit_of_Measure": [{"Code": "PCS", "Description": "Piece"}, {"Code": "BOX", "Description": "Box"}]}


def group(name: str = "NAV PCS", unit: str = "PCS") -> dict[str, Any]:
    return {"name": name, "baseuomname": unit}


async def test_each_unit_gets_a_group_with_one_base_unit(make: Make) -> None:
    world = make(UNITS)
    run = await world.run("UNITOFMEASURE")
    assert counters(run, "UNITOFMEASURE") == {"inserted": 2}
    groups = {one["uomscheduleid"]: one["name"] for one in world.crm("uomschedules")}
    assert sorted(groups.values()) == ["NAV BOX", "NAV PCS"]
    units = {(groups[one["_uomscheduleid_value"]], one["name"], one["isschedulebaseuom"]) for one in world.crm("uoms")}
    assert units == {("NAV BOX", "BOX", True), ("NAV PCS", "PCS", True)}


async def test_a_group_of_that_name_is_coupled_and_its_unit_renamed(make: Make) -> None:
    world = make(UNITS, {"uomschedule": [group(unit="Piece"), group("Default Unit", "Primary Unit")]})
    run = await world.run("UNITOFMEASURE")
    assert counters(run, "UNITOFMEASURE") == {"inserted": 1, "modified": 1, "coupled": 1}
    assert sorted(one["name"] for one in world.crm("uoms")) == ["BOX", "PCS", "Primary Unit"]
    assert len(world.crm("uomschedules")) == 3


def renaming(seen: Seen) -> bool:
    """Requests that write a unit that is there."""
    return seen.write and b"uoms(" in seen.body


def second_unit(world: World, row: dict[str, Any]) -> None:
    world.sandbox.crm.seed("uom", {"name": "DOZEN", "quantity": 12, "uomscheduleid": row["uomscheduleid"]})


def no_unit(world: World, row: dict[str, Any]) -> None:
    world.sandbox.crm.tables["uoms"].delete(world.crm("uoms")[0]["uomid"])


def other_quantity(world: World, row: dict[str, Any]) -> None:
    world.sandbox.crm.tables["uoms"].update(world.crm("uoms")[0]["uomid"], {"quantity": 10})


def not_base(world: World, row: dict[str, Any]) -> None:
    world.sandbox.crm.tables["uoms"].update(world.crm("uoms")[0]["uomid"], {"isschedulebaseuom": False})


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (second_unit, "unit_several"),
        (no_unit, "unit_missing"),
        (other_quantity, "unit_quantity"),
        (not_base, "unit_base"),
    ],
)
async def test_what_is_wrong_with_a_group_is_said_and_products_of_it_fail(make: Make, spoil: Any, code: str) -> None:
    item = {"No": "I1", "Description": "Desk", "Base_Unit_of_Measure": "PCS"}
    world = make({**UNITS, "Item": [item]}, {"uomschedule": [group()]})
    spoil(world, world.crm("uomschedules")[0])
    run = await world.run("UNITOFMEASURE", "ITEM-PRODUCT")
    assert counters(run, "UNITOFMEASURE")["failed"] == 1
    assert world.codes(run, "UNITOFMEASURE") == {"PCS": code}
    assert world.codes(run, "ITEM-PRODUCT") == {"I1": code}, "the group is coupled, but a product cannot use it"
    assert world.crm("products") == []


async def test_two_groups_of_one_name_are_ambiguous(make: Make) -> None:
    world = make(UNITS, {"uomschedule": [group(), group("nav pcs")]})
    run = await world.run("UNITOFMEASURE")
    assert counters(run, "UNITOFMEASURE") == {"inserted": 1, "failed": 1, "ambiguous": 1}
    assert world.codes(run) == {"PCS": "ambiguous"}


@pytest.mark.parametrize("fault", [lost_before, lost_after])
async def test_a_lost_answer_to_a_new_name_of_a_unit_is_looked_up(make: Make, fault: Fault) -> None:
    world = make(UNITS, {"uomschedule": [group(unit="Piece")]})
    plan = at("crm", renaming, fault)
    run = await world.run("UNITOFMEASURE", plan=plan)
    assert counters(run, "UNITOFMEASURE") == {"inserted": 1, "modified": 1, "coupled": 1}
    assert sorted(one["name"] for one in world.crm("uoms")) == ["BOX", "PCS"]


def called_otherwise(world: World) -> Fault:
    """Somebody calls the only unit of CRM by another name just before ours arrives, each time by a new one."""

    def rename() -> None:
        (unit,) = [one for one in world.crm("uoms") if one["name"] != "BOX"]
        world.edit_crm("uoms", str(unit["uomid"]), name=f"{unit['name']}!")

    return meanwhile(rename)


async def test_a_unit_that_somebody_renames_meanwhile_is_looked_at_again_and_renamed(make: Make) -> None:
    world = make(UNITS, {"uomschedule": [group(unit="Piece")]})
    run = await world.run("UNITOFMEASURE", plan=at("crm", renaming, called_otherwise(world)))
    assert counters(run, "UNITOFMEASURE") == {"inserted": 1, "modified": 1, "coupled": 1}
    assert sorted(one["name"] for one in world.crm("uoms")) == ["BOX", "PCS"]


async def test_a_unit_that_is_renamed_each_time_is_left_to_people_after_some_rounds(make: Make) -> None:
    world = make(UNITS, {"uomschedule": [group(unit="Piece")]})
    run = await world.run("UNITOFMEASURE", plan=always("crm", renaming, called_otherwise(world)))
    assert world.codes(run) == {"PCS": "unit_name"}
    assert counters(run, "UNITOFMEASURE")["failed"] == 1
    assert sorted(one["name"] for one in world.crm("uoms")) == ["BOX", "Piece!!!!"], "theirs stands, and ours ends"


async def test_a_new_name_of_a_unit_that_crm_refuses_is_told_once_and_not_sent_again(make: Make) -> None:
    world = make(UNITS, {"uomschedule": [group(unit="Piece")]})
    run = await world.run("UNITOFMEASURE", plan=always("crm", renaming, refused_row()))
    assert world.codes(run) == {"PCS": "unit_name"}
    assert [one.message for one in world.outcomes(run)] == ["no"], "what CRM says"
    assert len([seen for seen in world.log if renaming(seen)]) == 1
    assert sorted(one["name"] for one in world.crm("uoms")) == ["BOX", "Piece"]


async def test_products_of_a_group_that_is_gone_from_crm_fail_and_none_is_made(make: Make) -> None:
    item = {"No": "I1", "Description": "Desk", "Base_Unit_of_Measure": "PCS"}
    world = make({**UNITS, "Item": [item]})
    await world.run("UNITOFMEASURE")
    (gone,) = [one for one in world.crm("uomschedules") if one["name"] == "NAV PCS"]
    world.sandbox.crm.tables["uomschedules"].delete(gone["uomscheduleid"])
    run = await world.run("ITEM-PRODUCT")
    assert world.codes(run) == {"I1": "unit_group_missing"}
    assert world.crm("products") == []
