"""ITEM-PRODUCT and RESOURCE-PRODUCT (reference/domain.md sections 1.6 and 1.7)."""

from decimal import Decimal
from typing import Any

import pytest

from engine.model.mapping import Direction
from engine.model.snapshot import RunState
from tests.sync.faults import always, answered, at, batch, bulk, lost_after, lost_before
from tests.sync.world import Make, World, counters

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
JOBS = ("UNITOFMEASURE", "RESOURCE-PRODUCT", "ITEM-PRODUCT")
UNITS = [{"Code": "PCS"}, {"Code": "HOUR"}]
PLACE = {"defaultuomscheduleid": "NAV PCS", "defaultuomid": "PCS", "quantitydecimal": 2}


def item(no: str = "I1", **more: Any) -> dict[str, Any]:
    prices = {"Unit_Price": Decimal("12.50"), "Unit_Cost": Decimal("7.25")}
    return {"No": no, "Description": f"Desk {no}", "Base_Unit_of_Measure": "PCS", **prices, **more}


def resource(no: str = "R1", **more: Any) -> dict[str, Any]:
    return {"No": no, "Name": f"Help {no}", "Base_Unit_of_Measure": "HOUR", "Unit_Price": Decimal(90), **more}


def product(number: str = "I1", **more: Any) -> dict[str, Any]:
    return {**PLACE, "productnumber": number, "name": f"Desk {number}", "producttypecode": 1, "statecode": 0, **more}


def lines(world: World) -> dict[str, Decimal]:
    """The prices in the default list, by product number."""
    return {one["productnumber"]: one["amount"] for one in world.crm("productpricelevels")}


async def test_a_product_is_a_draft_then_has_a_price_and_then_is_published(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item()], "Resource": [resource()]})
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT") == {"inserted": 1, "unchanged": 1}
    assert counters(run, "RESOURCE-PRODUCT") == {"inserted": 1, "unchanged": 1}
    found = {one["productnumber"]: one for one in world.crm("products")}
    assert {no: (one["producttypecode"], one["statecode"], one["quantitydecimal"]) for no, one in found.items()} == {
        "I1": (1, 0, 2),
        "R1": (3, 0, 2),
    }
    assert [(found["I1"][name]) for name in ("price", "standardcost", "currentcost")] == [
        Decimal("12.50"), Decimal("7.25"), Decimal("7.25"),
    ]  # fmt: skip
    groups = {one["uomscheduleid"]: one["name"] for one in world.crm("uomschedules")}
    assert {no: groups[one["_defaultuomscheduleid_value"]] for no, one in found.items()} == {
        "I1": "NAV PCS",
        "R1": "NAV HOUR",
    }
    assert lines(world) == {"I1": Decimal("12.50"), "R1": Decimal(90)}
    (price_list,) = world.crm("pricelevels")
    assert price_list["name"] == "Business Central Default Price List"
    id = found["I1"]["productid"]
    steps = [(one["op"], one["set"]) for one in world.audit() if one["key"] == id or one["set"] == "productpricelevels"]
    assert steps[-3:] == [("create", "products"), ("create", "productpricelevels"), ("update", "products")]
    before = len(world.audit())
    assert counters(await world.run(*JOBS), "ITEM-PRODUCT") == {"unchanged": 2}
    assert world.audit(before) == []


async def test_older_versions_of_nav_have_their_name_on_the_price_list(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item()]}, version="2018")
    await world.run(*JOBS)
    assert [one["name"] for one in world.crm("pricelevels")] == ["Dynamics NAV Default Price List"]


async def test_a_price_list_of_that_name_in_another_currency_is_left_alone(make: Make) -> None:
    taken = {"name": "Business Central Default Price List", "transactioncurrencyid": "USD"}
    dollar = {
        "isocurrencycode": "USD", "currencyname": "USD", "currencysymbol": "$", "currencyprecision": 2, "exchangerate": "1.1",
    }  # fmt: skip
    world = make({"Unit_of_Measure": UNITS, "Item": [item()]}, {"transactioncurrency": [dollar], "pricelevel": [taken]})
    await world.run(*JOBS)
    names = sorted(one["name"] for one in world.crm("pricelevels"))
    assert names == ["Business Central Default Price List", "Business Central Default Price List (EUR)"]
    (line,) = world.crm("productpricelevels")
    assert (
        line["_transactioncurrencyid_value"]
        == world.crm("transactioncurrencies", isocurrencycode="EUR")[0]["transactioncurrencyid"]
    )


async def test_what_crm_does_not_take_below_zero_is_zero(make: Make) -> None:
    odd = item(Unit_Price=Decimal("-12.50"), Unit_Cost=Decimal(-1), Inventory=Decimal(-4))
    world = make({"Unit_of_Measure": UNITS, "Item": [odd]})
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT", TO) == {"inserted": 1}
    (found,) = world.crm("products")
    assert [found[name] for name in ("price", "standardcost", "currentcost", "quantityonhand")] == [0, 0, 0, 0]
    assert lines(world) == {"I1": 0}
    before = len(world.audit())
    await world.run(*JOBS)
    assert world.audit(before) == []
    assert world.nav("Item")[0]["Unit_Price"] == Decimal("-12.50")


async def test_an_item_without_base_unit_fails_and_one_whose_unit_is_not_coupled(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item(Base_Unit_of_Measure=""), item("I2"), item("I3")]})
    run = await world.run("ITEM-PRODUCT")
    assert world.codes(run) == {"I1": "no_base_unit", "I2": "not_coupled", "I3": "not_coupled"}
    run = await world.run(*JOBS)
    assert world.codes(run) == {"I1": "no_base_unit"}
    assert counters(run, "ITEM-PRODUCT", TO) == {"inserted": 2, "failed": 1}


async def test_blocked_items_do_not_take_part(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item(Blocked=True)], "Resource": [resource(Blocked=True)]})
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT") == counters(run, "RESOURCE-PRODUCT") == {}


async def test_a_price_that_changes_changes_the_line(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item(), item("I2")]})
    await world.run(*JOBS)
    world.edit_nav("Item", "I1", Unit_Price=15)
    before = len(world.audit())
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT", TO) == {"modified": 1, "unchanged": 1}
    assert lines(world) == {"I1": Decimal(15), "I2": Decimal("12.50")}
    assert [one["set"] for one in world.audit(before)] == ["products", "productpricelevels"]


async def test_a_price_line_without_an_amount_gets_the_price(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item(), item("I2")]})
    await world.run(*JOBS)
    (line,) = world.crm("productpricelevels", productnumber="I1")
    percentage = {"amount": None, "percentage": Decimal(90), "pricingmethodcode": 2}
    world.sandbox.crm.tables["productpricelevels"].update(line["productpricelevelid"], percentage)
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT", TO) == {"modified": 1, "unchanged": 1}
    (line,) = world.crm("productpricelevels", productnumber="I1")
    assert (line["amount"], line["pricingmethodcode"]) == (Decimal("12.50"), 1)
    before = len(world.audit())
    await world.run(*JOBS)
    assert world.audit(before) == []


@pytest.mark.parametrize("bad", ["a lot", "NaN", "1e40"])
async def test_a_value_that_is_no_number_fails_its_record_and_the_others_go_on(make: Make, bad: str) -> None:
    world = make(
        {"Unit_of_Measure": UNITS, "Item": [item(), item("I2")], "Resource": [resource()]},
        {
            "uomschedule": [{"name": "NAV PCS", "baseuomname": "PCS"}],
            "product": [product("CRM-1", price=50), product("CRM-2", price=60)],
        },
    )
    await world.run("UNITOFMEASURE")
    crm = world.sandbox.crm
    crm.tables["products"].update(world.crm("products", productnumber="CRM-1")[0]["productid"], {"price": bad})
    unit = world.crm("uoms", name="HOUR")[0]["uomid"]
    crm.tables["uoms"].update(unit, {"quantity": bad})
    run = await world.run("ITEM-PRODUCT", "RESOURCE-PRODUCT")
    assert run.state is RunState.FINISHED
    assert world.codes(run, "RESOURCE-PRODUCT") == {"R1": "unit_quantity"}
    assert counters(run, "ITEM-PRODUCT", TO) == {"inserted": 2}
    assert counters(run, "ITEM-PRODUCT", FROM) == {"inserted": 1, "unchanged": 2, "failed": 1}


async def test_a_line_of_ours_that_holds_no_number_is_written_anew(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item()]})
    await world.run(*JOBS)
    (line,) = world.crm("productpricelevels")
    world.sandbox.crm.tables["productpricelevels"].update(line["productpricelevelid"], {"amount": "NaN"})
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT", TO) == {"modified": 1}
    assert lines(world) == {"I1": Decimal("12.50")}


async def test_a_product_that_is_there_is_coupled_by_number_within_its_type(make: Make) -> None:
    world = make(
        {
            "Unit_of_Measure": UNITS,
            "Item": [item(), item("I2")],
            "Resource": [resource("R1", Base_Unit_of_Measure="PCS")],
        },
        {
            "uomschedule": [{"name": "NAV PCS", "baseuomname": "PCS"}],
            "product": [product(name="old", price=1), product("R1", producttypecode=3, statecode=2)],
        },
    )
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT", TO) == {"inserted": 1, "modified": 1, "coupled": 1}
    assert counters(run, "RESOURCE-PRODUCT", TO) == {"modified": 1, "coupled": 1}
    found = {one["productnumber"]: one for one in world.crm("products")}
    assert (found["I1"]["name"], found["I1"]["price"], found["R1"]["statecode"]) == ("Desk I1", Decimal("12.50"), 0)
    assert lines(world) == {"I1": Decimal("12.50"), "I2": Decimal("12.50"), "R1": Decimal(90)}


async def test_a_number_that_the_other_type_has_is_refused_for_that_record_alone(make: Make) -> None:
    world = make(
        {"Unit_of_Measure": UNITS, "Item": [item("X1"), item("I2")], "Resource": [resource("X1")]},
    )
    run = await world.run(*JOBS)
    assert counters(run, "RESOURCE-PRODUCT", TO) == {"inserted": 1}
    assert counters(run, "ITEM-PRODUCT", TO) == {"inserted": 1, "failed": 1}
    assert world.codes(run) == {"X1": "duplicate"}


async def test_a_product_that_only_crm_has_becomes_an_item_with_its_values_and_a_price_line(make: Make) -> None:
    world = make(
        {"Unit_of_Measure": UNITS},
        {
            "uomschedule": [{"name": "NAV PCS", "baseuomname": "PCS"}],
            "product": [product("CRM-1", price=50, standardcost=20, stockweight=Decimal("1.5"), vendorpartnumber="V")],
        },
    )
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT", FROM) == {"inserted": 1}
    (made,) = world.nav("Item")
    assert (made["No"], made["Description"], made["Base_Unit_of_Measure"]) == ("CRM-1", "Desk CRM-1", "PCS")
    assert [made[name] for name in ("Unit_Price", "Unit_Cost", "Gross_Weight", "Vendor_Item_No")] == [
        50,
        20,
        Decimal("1.5"),
        "V",
    ]
    before = len(world.audit())
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT")["unchanged"] >= 1
    (found,) = world.crm("products")
    assert (found["price"], found["standardcost"], found["productnumber"]) == (50, 20, "CRM-1"), (
        "NAV brings nothing worse back"
    )
    assert lines(world) == {"CRM-1": Decimal(50)}
    writes = [one for one in world.audit(before) if one["side"] == "nav"]
    assert writes == []
    before = len(world.audit())
    await world.run(*JOBS)
    assert world.audit(before) == []


async def test_seeds_that_nav_refuses_are_left_out_with_a_warning(make: Make) -> None:
    world = make(
        {"Unit_of_Measure": UNITS},
        {
            "uomschedule": [{"name": "NAV PCS", "baseuomname": "PCS"}, {"name": "Own", "baseuomname": "PCS"}],
            "product": [product("Ü" * 30, price=50)],
        },
    )
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT", FROM)["inserted"] == 1
    (made,) = world.nav("Item")
    assert made["No"].startswith("I0"), "a number that NAV cannot hold is not cut: the series gives one"


async def test_a_unit_group_that_nav_does_not_know_fails_an_item_and_is_left_out_of_a_resource(make: Make) -> None:
    own = {"defaultuomscheduleid": "Own", "defaultuomid": "EACH"}
    world = make(
        {"Unit_of_Measure": UNITS},
        {
            "uomschedule": [{"name": "Own", "baseuomname": "EACH"}],
            "product": [product("CRM-1", **own), product("CRM-2", **own, producttypecode=3)],
        },
    )
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT", FROM) == {"failed": 1}
    assert world.codes(run) == {"Desk CRM-1": "not_coupled"}
    assert counters(run, "RESOURCE-PRODUCT", FROM) == {"inserted": 1}
    assert [one["Base_Unit_of_Measure"] for one in world.nav("Resource")] == [""]


async def test_names_go_both_ways(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item()], "Resource": [resource()]})
    await world.run(*JOBS)
    world.edit_crm("products", world.crm("products", productnumber="I1")[0]["productid"], name="Table")
    world.edit_nav("Resource", "R1", Name="Advice")
    await world.run(*JOBS)
    assert world.nav("Item")[0]["Description"] == "Table"
    assert world.crm("products", productnumber="R1")[0]["name"] == "Advice"


async def test_a_price_line_that_crm_refuses_is_said_and_the_product_is_not_repeated(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item(), item("I2")]})
    await world.run("UNITOFMEASURE")
    refuse = answered(
        400, b'{"error":{"code":"0x80040203","message":"no line today"}}', Content_Type="application/json"
    )
    plan = at("crm", lambda seen: seen.write and b"amount" in seen.body, refuse, refusing("no line today"))
    run = await world.run(*JOBS, plan=plan)
    assert counters(run, "ITEM-PRODUCT", TO) == {"failed": 2}
    assert {one.code for one in world.outcomes(run)} == {"product_price"}
    assert "no line today" in world.outcomes(run)[0].message
    assert [one["statecode"] for one in world.crm("products")] == [2, 2]
    assert len(world.couplings("ITEM-PRODUCT")) == 2
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT", TO) == {"modified": 2}
    assert [one["statecode"] for one in world.crm("products")] == [0, 0]
    assert len(world.crm("products")) == 2


def refusing(message: str) -> Any:
    """A batch in which every row is refused."""

    async def fault(send: Any) -> Any:
        part = f'{{"error":{{"code":"0x80040203","message":"{message}"}}}}'
        parts = [
            f"--b\r\nContent-Type: application/http\r\nContent-ID: {n}\r\n\r\nHTTP/1.1 400 Bad Request\r\n"
            f"Content-Type: application/json\r\n\r\n{part}\r\n"
            for n in (1, 2)
        ]
        text = "".join(parts) + "--b--\r\n"
        return await answered(200, text.encode(), Content_Type="multipart/mixed; boundary=b")(send)

    return fault


async def test_lost_answers_to_price_lines_and_publishing_are_looked_up(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item(), item("I2")]})
    await world.run("UNITOFMEASURE")
    plan = at("crm", lambda seen: bulk(seen) or batch(seen), lost_after, lost_after, lost_after, lost_after)
    run = await world.run(*JOBS, plan=plan)
    assert counters(run, "ITEM-PRODUCT", TO) == {"inserted": 2}
    assert [one["statecode"] for one in world.crm("products")] == [0, 0]
    assert len(world.crm("productpricelevels")) == 2
    assert len(world.crm("pricelevels")) == 1


async def test_an_edit_of_a_product_that_could_not_be_published_is_not_lost(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item()]})
    publishing = always("crm", lambda seen: batch(seen) and b"statecode" in seen.body, lost_before)
    run = await world.run(*JOBS, plan=publishing)
    assert world.codes(run, "ITEM-PRODUCT") == {"I1": "product_publish"}
    (found,) = world.crm("products")
    world.edit_crm("products", found["productid"], name="Desk as CRM says")
    await world.run(*JOBS)
    assert world.crm("products")[0]["name"] == "Desk as CRM says"
    assert world.nav("Item", No="I1")[0]["Description"] == "Desk as CRM says"
