"""Rules, conversions and lengths end to end (reference/domain.md section 3.7)."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.mapping.defaults import default_mappings
from engine.model.mapping import Direction, FieldKind, FieldMapping, Transformation
from tests.handling.tools import changed, mapping_of, quiet, with_fields
from tests.sync.test_customers import account, customer
from tests.sync.test_salespeople import person, user
from tests.sync.world import Make, World, counters

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
LONG = "The Long Street of the Many Houses " * 4  # 140 characters; NAV's address has 100


def same(field: FieldMapping) -> FieldMapping:
    return field


def sides(world: World, nav: str = "Address", crm: str = "address1_line1") -> tuple[Any, Any]:
    return world.nav("Customer")[0][nav], world.crm("accounts")[0].get(crm)


def edit_account(world: World, **values: Any) -> None:
    world.edit_crm("accounts", world.crm("accounts")[0]["accountid"], **values)


async def cut_world(make: Make) -> World:
    world = make({}, {"account": [account(address1_line1=LONG.strip())]})
    run = await world.run("CUSTOMER")
    (warning,) = world.outcomes(run)
    assert (warning.kind, warning.code) == ("warning", "cut")
    assert f"{len(LONG.strip())} characters" in warning.message
    assert "cut to 100" in warning.message
    assert sides(world) == (LONG[:100].strip(), LONG.strip())
    return world


async def test_a_text_that_was_cut_never_bounces_back(make: Make) -> None:
    world = await cut_world(make)
    await quiet(world, "CUSTOMER")
    await quiet(world, "CUSTOMER")
    assert sides(world) == (LONG[:100].strip(), LONG.strip())


async def test_what_crm_changes_behind_the_cut_changes_nothing_in_nav(make: Make) -> None:
    world = await cut_world(make)
    longer = f"{LONG.strip()} and more"
    edit_account(world, address1_line1=longer)
    await quiet(world, "CUSTOMER")
    assert sides(world) == (LONG[:100].strip(), longer)


async def test_what_crm_changes_before_the_cut_comes_to_nav(make: Make) -> None:
    world = await cut_world(make)
    edit_account(world, address1_line1=f"Behind {LONG.strip()}")
    await world.run("CUSTOMER")
    assert sides(world) == (f"Behind {LONG}"[:100].strip(), f"Behind {LONG.strip()}")
    await quiet(world, "CUSTOMER")


@pytest.mark.parametrize("text", ["Short Street", LONG[:50].strip(), ""])
async def test_what_nav_changes_in_a_text_that_was_cut_goes_to_crm(make: Make, text: str) -> None:
    world = await cut_world(make)
    world.edit_nav("Customer", world.nav("Customer")[0]["No"], Address=text)
    await world.run("CUSTOMER")
    assert sides(world) == (text, text or None)
    await quiet(world, "CUSTOMER")


async def test_a_text_that_crm_cannot_hold_is_cut_there_and_stays_whole_in_nav(make: Make) -> None:
    world = make({"Customer": [customer(Address=LONG[:90].strip())]})
    with_fields(world, "CUSTOMER", changed("address1_line1", crm_length=40))
    run = await world.run("CUSTOMER")
    assert [one.code for one in world.outcomes(run)] == ["cut"]
    assert sides(world) == (LONG[:90].strip(), LONG[:40].strip())
    await quiet(world, "CUSTOMER")
    edit_account(world, address1_line1="New")
    await world.run("CUSTOMER")
    assert sides(world) == ("New", "New")


async def test_a_rule_for_one_way_changes_only_what_goes_that_way(make: Make) -> None:
    world = make(
        {"Customer": [customer("C1", City="köln")]}, {"account": [account("Neu", "n@x.example", address1_city="bonn")]}
    )
    with_fields(world, "CUSTOMER", changed("address1_city", transforms=(Transformation("upper", direction=TO),)))
    await world.run("CUSTOMER")
    assert {one["name"]: one["address1_city"] for one in world.crm("accounts")} == {"Firm C1": "KÖLN", "Neu": "bonn"}
    assert {one["Name"]: one["City"] for one in world.nav("Customer")} == {"Firm C1": "köln", "Neu": "bonn"}
    await quiet(world, "CUSTOMER")
    assert {one["Name"]: one["City"] for one in world.nav("Customer")} == {"Firm C1": "köln", "Neu": "bonn"}


async def test_a_cut_text_with_a_rule_does_not_bounce_back_either(make: Make) -> None:
    world = make({}, {"account": [account(address1_line1=LONG.strip().upper())]})
    rules = (Transformation("upper", direction=TO), Transformation("title", direction=FROM))
    with_fields(world, "CUSTOMER", changed("address1_line1", transforms=rules))
    await world.run("CUSTOMER")
    assert sides(world)[0].startswith("The Long Street Of The Many")
    await quiet(world, "CUSTOMER")
    assert sides(world)[1] == LONG.strip().upper()


async def test_rules_that_undo_each_other_keep_both_sides_right(make: Make) -> None:
    world = make({"Customer": [customer(Phone_No="+49 30 1")]})
    rules = (Transformation("replace", ("+49", "0049"), TO), Transformation("regex", (r"^00(\d)", r"+\1"), FROM))
    with_fields(world, "CUSTOMER", changed("telephone1", transforms=rules))
    await world.run("CUSTOMER")
    assert sides(world, "Phone_No", "telephone1") == ("+49 30 1", "0049 30 1")
    edit_account(world, telephone1="0044 20 2")
    await world.run("CUSTOMER")
    assert sides(world, "Phone_No", "telephone1") == ("+44 20 2", "0044 20 2")
    await quiet(world, "CUSTOMER")


async def test_a_value_that_cannot_be_converted_fails_its_record_alone(make: Make) -> None:
    world = make({"Customer": [customer("C1", Fax_No="12"), customer("C2", Fax_No="twelve")]})
    with_fields(world, "CUSTOMER", same, FieldMapping("Fax_No", "revenue", TO, FieldKind.DECIMAL))
    run = await world.run("CUSTOMER")
    assert world.codes(run) == {"C2": "value"}
    assert "Fax_No in NAV cannot be converted: 'twelve' is not a number" in world.outcomes(run)[0].message
    assert {one["name"]: one["revenue"] for one in world.crm("accounts")} == {"Firm C1": Decimal(12)}


async def test_clear_value_on_failed_sync_clears_the_field_and_writes_the_rest(make: Make) -> None:
    world = make({"Customer": [customer("C2", Fax_No="twelve")]})
    field = FieldMapping("Fax_No", "revenue", TO, FieldKind.DECIMAL, clear_on_fail=True)
    with_fields(world, "CUSTOMER", same, field)
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1, "warnings": 1}
    assert not world.crm("accounts")[0].get("revenue")
    world.edit_nav("Customer", "C2", Fax_No="12")
    await world.run("CUSTOMER")
    assert world.crm("accounts")[0]["revenue"] == 12
    world.edit_nav("Customer", "C2", Fax_No="twelve", Address="Elsewhere")
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"modified": 1, "warnings": 1}
    assert sides(world) == ("Elsewhere", "Elsewhere")
    assert not world.crm("accounts")[0]["revenue"]
    await quiet(world, "CUSTOMER")


@pytest.mark.parametrize("one_way", [TO, FROM])
async def test_lengths_are_those_that_the_products_count(make: Make, one_way: Direction) -> None:
    smiles = "😀" * 40 + "x" + "😀" * 40  # 81 characters, 161 UTF-16 code units; NAV's name has 100, CRM's 160
    if one_way is TO:
        world = make({"Customer": [customer("C1", Name="😀" * 50)]})
        with_fields(world, "CUSTOMER", changed("name", crm_length=99))
    else:
        world = make({}, {"account": [account(smiles[:80])]})
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", one_way) == {"inserted": 1, "warnings": 1}
    nav, crm = world.nav("Customer")[0]["Name"], world.crm("accounts")[0]["name"]
    assert (nav, crm) == (("😀" * 50, "😀" * 49) if one_way is TO else (smiles[:41] + "😀" * 9, smiles[:80]))
    await quiet(world, "CUSTOMER")


async def test_a_lookup_that_may_stay_blank_and_comes_too_late_is_said(make: Make) -> None:
    world = make(
        {"Salesperson_Purchaser": [person("ANNA", "a@x.example")], "Customer": [customer(Salesperson_Code="ANNA")]}
    )
    with_fields(world, "CUSTOMER", changed("ownerid", clear_on_fail=True))
    run = await world.run("SALEPEOPLE", "CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1, "warnings": 1}
    assert world.codes(run) == {"C1": "not_coupled"}


async def test_constants_are_read_as_what_the_column_holds(make: Make) -> None:
    world = make({"Customer": [customer()]})
    with_fields(
        world,
        "CUSTOMER",
        same,
        FieldMapping(crm="accountcategorycode", direction=TO, kind=FieldKind.OPTION, constant="Standard"),
        FieldMapping(crm="numberofemployees", direction=TO, kind=FieldKind.OPTION, constant="7"),
        FieldMapping(crm="creditonhold", direction=TO, kind=FieldKind.BOOLEAN, constant="yes"),
    )
    await world.run("CUSTOMER")
    (found,) = world.crm("accounts")
    assert [found[name] for name in ("accountcategorycode", "numberofemployees", "creditonhold")] == [2, 7, True]
    await quiet(world, "CUSTOMER")


async def test_fields_that_nav_is_not_to_validate_are_sent_last(make: Make) -> None:
    world = make(
        {}, {"account": [account(address1_primarycontactname="Kis", address1_city="Bonn", address1_postalcode="5")]}
    )
    await world.run("CUSTOMER")
    (sent,) = (seen for seen in world.log if seen.side == "nav" and seen.creates)
    values = json.loads(sent.body)["requests"][0]["body"]
    names = [name for name in values if name in ("Post_Code", "City", "Contact", "Name")]
    assert names == ["Name", "Post_Code", "City", "Contact"], "in the order of the mapping, but Contact last"
    assert not next(one for one in mapping_of("CUSTOMER").fields if one.nav == "Contact").validate


async def test_a_user_is_never_created_whatever_the_mapping_says(make: Make) -> None:
    people = [person("ANNA", "anna@x.example"), person("BELA", "bela@x.example")]
    world = make({"Salesperson_Purchaser": people}, {"systemuser": [user("Anna")]})
    both = replace(mapping_of("SALEPEOPLE"), direction=Direction.BIDIRECTIONAL)
    others = tuple(one for one in default_mappings() if one.name != both.name)
    world.settings = replace(world.settings, mappings=(both, *others))
    users = len(world.crm("systemusers"))
    run = await world.run("SALEPEOPLE")
    assert world.codes(run) == {"BELA": "user_not_created"}
    assert "never created" in world.outcomes(run)[0].message
    assert len(world.crm("systemusers")) == users


async def test_only_an_owner_who_is_a_user_can_be_a_salesperson(make: Make) -> None:
    world = make({}, {"account": [account()]})
    with_fields(world, "CUSTOMER", changed("ownerid", direction=FROM))
    run = await world.run("CUSTOMER")
    (found,) = world.outcomes(run)
    assert found.code == "owner_not_coupled"
    assert "only an owner of type systemuser can be mapped" in found.message


async def test_an_inactive_unit_group_is_said_and_its_products_fail(make: Make) -> None:
    item = {"No": "I1", "Description": "Desk", "Base_Unit_of_Measure": "PCS"}
    world = make(
        {"Unit_of_Measure": [{"Code": "PCS"}], "Item": [item]},
        {"uomschedule": [{"name": "NAV PCS", "baseuomname": "PCS"}]},
    )
    world.edit_crm("uomschedules", world.crm("uomschedules")[0]["uomscheduleid"], statecode=1, statuscode=2)
    run = await world.run("UNITOFMEASURE", "ITEM-PRODUCT")
    assert world.codes(run, "UNITOFMEASURE") == {"PCS": "unit_group_inactive"}
    assert world.codes(run, "ITEM-PRODUCT") == {"I1": "unit_group_inactive"}
    assert "Activate the unit group" in world.outcomes(run)[0].hint
