"""Both records of a coupling beside each other."""

import asyncio
from dataclasses import replace

import pytest

from engine.model.coupled import Alike, BothRecords, CoupledRow, FieldPair
from engine.model.errors import ConfigError
from engine.runs import browsing
from tests.check.looking import _stored
from tests.sync.company import CRM, NAV, prepare
from tests.sync.test_currencies import currency
from tests.sync.test_customers import customer
from tests.sync.test_salespeople import person, user
from tests.sync.world import Make, World


def rows(world: World, mapping: str | None = None) -> dict[str, CoupledRow]:
    page = browsing.couplings(world.store, world.settings, mapping, "", None, 500)
    return {one.nav_no: one for one in page.rows}


async def look(world: World, one: CoupledRow) -> BothRecords:
    """Both records; nothing may be written on either side, nor in the store."""
    written, stored = len(world.audit()), _stored(world)
    found = await asyncio.to_thread(browsing.both_records, world.store, world.settings, one)
    assert (len(world.audit()), _stored(world)) == (written, stored)
    return found


def by_name(found: BothRecords) -> dict[str, FieldPair]:
    return {one.nav or one.crm: one for one in found.fields}


def differing(found: BothRecords) -> list[str]:
    return [one.nav or one.crm for one in found.fields if one.alike is Alike.DIFFERS]


async def test_after_a_run_no_field_differs_that_is_kept_the_same(make: Make) -> None:
    world = make(NAV, CRM)
    prepare(world)
    await world.run()
    seen = 0
    for mapping in world.settings.mappings:
        for one in rows(world, mapping.name).values():
            found = await look(world, one)
            assert (found.nav.found, found.crm.found) == (True, True)
            starts = [field.nav or field.crm for field in mapping.fields if field.create_only or field.initial]
            wrong = [
                field
                for field in found.fields
                if field.alike is Alike.DIFFERS and (field.nav or field.crm) not in starts
            ]
            assert wrong == [], (mapping.name, one.nav_no, wrong)
            seen += 1
    assert seen > 10


async def test_what_either_side_changed_differs_and_all_else_does_not(make: Make) -> None:
    world = make({"Customer": [customer(City="Graz"), customer("C2")]})
    await world.run("CUSTOMER")
    one = rows(world)["C1"]
    world.edit_nav("Customer", "C1", City="Wien")
    world.edit_crm("accounts", one.crm_id, telephone1="77")
    found = await look(world, one)
    assert differing(found) == ["City", "Phone_No"]
    fields = by_name(found)
    assert (fields["City"].nav_value, fields["City"].crm_value) == ("Wien", "Graz")
    assert (fields["Phone_No"].nav_value, fields["Phone_No"].crm_value) == ("", "77")
    assert (fields["Name"].nav_value, fields["Name"].crm_value, fields["Name"].alike) == (
        "Firm C1",
        "Firm C1",
        Alike.SAME,
    )
    assert (found.nav.table, found.nav.name, found.crm.name) == ("Customer", "Firm C1", "Firm C1")
    assert found.nav.modified and found.crm.modified
    assert differing(await look(world, rows(world)["C2"])) == []


async def test_lookups_and_options_are_shown_as_nav_has_them(make: Make) -> None:
    world = make(
        {
            "Salesperson_Purchaser": [person("ANNA", "anna@x.example"), person("OTTO", "otto@x.example")],
            "Customer": [customer(Salesperson_Code="ANNA", Payment_Terms_Code="NET 30")],
        },
        {"systemuser": [user("Anna"), user("Otto")]},
    )
    await world.run("SALEPEOPLE", "CUSTOMER")
    one = rows(world, "CUSTOMER")["C1"]
    fields = by_name(await look(world, one))
    assert (fields["Salesperson_Code"].nav_value, fields["Salesperson_Code"].crm_value) == ("ANNA", "ANNA")
    assert (fields["Payment_Terms_Code"].nav_value, fields["Payment_Terms_Code"].crm_value) == ("NET 30", "NET 30")
    assert fields["Payment_Terms_Code"].alike is fields["Salesperson_Code"].alike is Alike.SAME
    world.edit_nav("Customer", "C1", Salesperson_Code="OTTO", Payment_Terms_Code="NET 45")
    fields = by_name(await look(world, one))
    assert (fields["Salesperson_Code"].nav_value, fields["Salesperson_Code"].crm_value) == ("OTTO", "ANNA")
    assert fields["Payment_Terms_Code"].alike is fields["Salesperson_Code"].alike is Alike.DIFFERS


async def test_what_only_one_side_has_stands_beside_what_it_is_made_of(make: Make) -> None:
    world = make({"Currency": [currency("USD")]})
    await world.run("CURRENCY")
    one = next(row for row in rows(world, "CURRENCY").values() if row.nav_no == "USD")
    rate = next(field for field in (await look(world, one)).fields if field.crm == "exchangerate")
    assert rate.nav == ""
    assert (rate.nav_value, rate.alike) == (rate.crm_value, Alike.SAME)
    world.edit_crm("transactioncurrencies", one.crm_id, exchangerate=7)
    changed = next(field for field in (await look(world, one)).fields if field.crm == "exchangerate")
    assert (changed.nav_value, changed.alike) == (rate.nav_value, Alike.DIFFERS)


async def test_a_text_that_was_cut_does_not_differ(make: Make) -> None:
    long = "x" * 200
    world = make({}, {"account": [{"name": long[:150], "emailaddress1": "c@x.example", "customertypecode": 3}]})
    await world.run("CUSTOMER")
    (one,) = rows(world).values()
    fields = by_name(await look(world, one))
    assert fields["Name"].alike is Alike.SAME
    assert len(str(fields["Name"].crm_value)) == 150 > len(str(fields["Name"].nav_value))


@pytest.mark.parametrize("side", ["nav", "crm"])
async def test_a_record_that_is_gone_is_said_to_be(make: Make, side: str) -> None:
    world = make({"Customer": [customer()]})
    await world.run("CUSTOMER")
    one = rows(world)["C1"]
    if side == "nav":
        world.delete_nav("Customer", "C1")
    else:
        world.delete_crm("accounts", one.crm_id)
    found = await look(world, one)
    assert (found.nav.found, found.crm.found) == (side != "nav", side != "crm")
    assert {field.alike for field in found.fields} == {Alike.UNKNOWN}
    fields = by_name(found)
    assert (fields["Name"].nav_value, fields["Name"].crm_value) == (
        (None, "Firm C1") if side == "nav" else ("Firm C1", None)
    )


async def test_a_lookup_that_is_not_coupled_is_told(make: Make) -> None:
    world = make({"Salesperson_Purchaser": [person("ANNA", "anna@x.example")], "Customer": [customer()]})
    await world.run("CUSTOMER")
    one = rows(world)["C1"]
    world.edit_nav("Customer", "C1", Salesperson_Code="ANNA")
    field = by_name(await look(world, one))["Salesperson_Code"]
    assert field.alike is Alike.UNKNOWN
    assert "'ANNA' must be coupled through SALEPEOPLE" in field.note


async def test_a_mapping_that_is_configured_no_more_has_no_fields_to_compare(make: Make) -> None:
    world = make({"Customer": [customer()]})
    await world.run("CUSTOMER")
    one = rows(world)["C1"]
    others = tuple(mapping for mapping in world.settings.mappings if mapping.name != "CUSTOMER")
    world.settings = replace(world.settings, mappings=others)
    with pytest.raises(ConfigError, match="CUSTOMER is not configured"):
        await look(world, one)
    assert rows(world) == {"C1": one}, "its couplings are listed all the same"
