"""Blocked items and retired products go together (reference/domain.md section 1.6)."""

from typing import Any

import pytest

from engine.model.mapping import Direction
from engine.model.snapshot import RunState
from tests.handling.tools import unfiltered
from tests.sync.faults import Died, Seen, always, answered, at, batch, lost_after, meanwhile
from tests.sync.test_broken_off import arrives_and_dies, dies
from tests.sync.test_lost_answers import then
from tests.sync.test_products import JOBS, UNITS, item, product, resource
from tests.sync.world import Make, World, counters

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
ACTIVE, RETIRED, DRAFT = 0, 1, 2
ITEMS = {"Unit_of_Measure": UNITS, "Item": [item()]}


def open_filters(world: World, name: str = "ITEM-PRODUCT") -> World:
    unfiltered(world, name, "Blocked", "statecode")
    return world


def refused_row() -> Any:
    """CRM refuses the one row of a batch."""
    lines = (
        "--b", "Content-Type: application/http", "Content-Transfer-Encoding: binary", "Content-ID: 1", "", "HTTP/1.1 400 Bad Request",
        "Content-Type: application/json", "", '{"error": {"code": "0x80040237", "message": "no"}}', "--b--", "",
    )  # fmt: skip
    return answered(200, "\r\n".join(lines).encode(), content_type="multipart/mixed; boundary=b")


def state(world: World) -> int:
    (found,) = world.crm("products")
    return int(found["statecode"])


async def test_a_blocked_item_retires_its_product_and_an_unblocked_one_brings_it_back(make: Make) -> None:
    world = open_filters(make(ITEMS))
    await world.run(*JOBS)
    world.edit_nav("Item", "I1", Blocked=True)
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT", TO) == {"modified": 1}
    assert (state(world), world.nav("Item")[0]["Blocked"]) == (RETIRED, True)
    before = len(world.audit())
    assert counters(await world.run(*JOBS), "ITEM-PRODUCT") == {"unchanged": 2}
    assert world.audit(before) == []
    world.edit_nav("Item", "I1", Blocked=False)
    await world.run(*JOBS)
    assert (state(world), world.nav("Item")[0]["Blocked"]) == (ACTIVE, False)


async def test_a_blocked_resource_retires_its_product(make: Make) -> None:
    world = open_filters(make({"Unit_of_Measure": UNITS, "Resource": [resource()]}), "RESOURCE-PRODUCT")
    await world.run(*JOBS)
    world.edit_nav("Resource", "R1", Blocked=True)
    await world.run(*JOBS)
    assert state(world) == RETIRED


async def test_a_product_that_crm_retires_blocks_its_item_and_one_that_it_activates_frees_it(make: Make) -> None:
    world = open_filters(make(ITEMS))
    await world.run(*JOBS)
    id = world.crm("products")[0]["productid"]
    world.edit_crm("products", id, statecode=RETIRED, statuscode=2)
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT", FROM) == {"modified": 1}
    assert (state(world), world.nav("Item")[0]["Blocked"]) == (RETIRED, True)
    world.edit_crm("products", id, statecode=ACTIVE, statuscode=1)
    await world.run(*JOBS)
    assert (state(world), world.nav("Item")[0]["Blocked"]) == (ACTIVE, False)


async def test_the_filters_of_business_central_hide_what_is_blocked_and_retired(make: Make) -> None:
    world = make(ITEMS)
    await world.run(*JOBS)
    world.edit_nav("Item", "I1", Blocked=True)
    await world.run(*JOBS)
    assert (state(world), world.nav("Item")[0]["Blocked"]) == (ACTIVE, True), "neither side is taken back"


async def test_a_new_item_that_is_blocked_is_published_and_then_retired(make: Make) -> None:
    world = open_filters(make({"Unit_of_Measure": UNITS, "Item": [item(Blocked=True)]}))
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT") == {"inserted": 1, "unchanged": 1}
    id = world.crm("products")[0]["productid"]
    states = [one["values"]["statecode"] for one in world.audit(key=id, op="update")]
    assert states == [ACTIVE, RETIRED]


def retiring(seen: Seen) -> bool:
    return batch(seen) and b'"statecode":1' in seen.body.replace(b" ", b"")


def creating(seen: Seen) -> bool:
    return seen.creates and b"productnumber" in seen.body


BLOCKED = {"Unit_of_Measure": UNITS, "Item": [item(Blocked=True)]}


@pytest.mark.parametrize("version", ["14", "2018"])
async def test_a_new_item_that_is_blocked_stays_so_when_an_engine_dies_before_its_product_is_retired(
    make: Make, version: str
) -> None:
    world = make(BLOCKED, version=version)
    if version == "14":
        open_filters(world)
    number = world.start(*JOBS, keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("crm", retiring, dies))
    assert state(world) == ACTIVE
    assert world.codes(await world.resume(number)) == {}
    assert (state(world), world.nav("Item")[0]["Blocked"]) == (RETIRED, True)


@pytest.mark.parametrize("dead", [False, True], ids=["an answer is lost", "an engine died"])
async def test_a_new_item_that_is_blocked_stays_so_when_crm_does_not_retire_its_product(make: Make, dead: bool) -> None:
    world = open_filters(make(BLOCKED))
    number = world.start(*JOBS, keep=False)
    refused = at("crm", retiring, refused_row())
    if dead:
        with pytest.raises(Died):
            await world.work(number, plan=at("crm", creating, arrives_and_dies))
        run = await world.resume(number, plan=refused)
    else:
        run = await world.work(number, plan=then(at("crm", creating, lost_after), refused))
    assert world.codes(run, "ITEM-PRODUCT") == {"I1": "product_state"}
    await world.run(*JOBS)
    assert (state(world), world.nav("Item")[0]["Blocked"]) == (RETIRED, True)


async def test_a_draft_makes_a_blocked_item_and_is_not_published_by_that(make: Make) -> None:
    group = {"name": "NAV PCS", "baseuomname": "PCS"}
    world = open_filters(
        make({"Unit_of_Measure": UNITS}, {"uomschedule": [group], "product": [product(statecode=DRAFT)]})
    )
    run = await world.run(*JOBS)
    assert counters(run, "ITEM-PRODUCT") == {"inserted": 1}
    assert (state(world), world.nav("Item")[0]["Blocked"]) == (DRAFT, True)


async def test_a_draft_that_cannot_be_published_blocks_nothing(make: Make) -> None:
    world = open_filters(make(ITEMS))
    plan = at("crm", lambda seen: batch(seen) and b'"statecode"' in seen.body, refused_row())
    run = await world.run(*JOBS, plan=plan)
    assert world.codes(run) == {"I1": "product_publish"}
    assert (state(world), world.nav("Item")[0]["Blocked"]) == (DRAFT, False)
    await world.run(*JOBS)
    assert (state(world), world.nav("Item")[0]["Blocked"]) == (ACTIVE, False)


async def test_of_a_product_that_matched_and_cannot_be_published_the_other_values_are_remembered(make: Make) -> None:
    group = {"name": "NAV PCS", "baseuomname": "PCS"}
    world = make(
        {"Unit_of_Measure": UNITS, "Item": [item()]}, {"uomschedule": [group], "product": [product(statecode=DRAFT)]}
    )
    plan = at("crm", lambda seen: batch(seen) and b'"statecode"' in seen.body, refused_row())
    assert "product_publish" in world.codes(await world.run(*JOBS, plan=plan)).values()
    world.edit_crm("products", world.crm("products")[0]["productid"], name="by CRM")
    await world.run(*JOBS)
    assert (world.nav("Item")[0]["Description"], world.crm("products")[0]["name"]) == ("by CRM", "by CRM")


async def test_a_state_that_crm_refuses_is_said_and_tried_again(make: Make) -> None:
    world = open_filters(make(ITEMS))
    await world.run(*JOBS)
    world.edit_nav("Item", "I1", Blocked=True)
    plan = at("crm", lambda seen: batch(seen) and b'"statecode"' in seen.body, refused_row())
    run = await world.run(*JOBS, plan=plan)
    assert world.codes(run) == {"I1": "product_state"}
    assert "the state of the product cannot be changed: no" in world.outcomes(run)[0].message
    assert (state(world), world.nav("Item")[0]["Blocked"]) == (ACTIVE, True), "CRM's state does not free the item"
    await world.run(*JOBS)
    assert (state(world), world.nav("Item")[0]["Blocked"]) == (RETIRED, True)


@pytest.mark.parametrize(
    ("values", "becomes", "code"),
    [({"statecode": 3, "statuscode": 3}, 3, {"I1": "product_state"}), ({"description": "New"}, RETIRED, {})],
    ids=["its state", "something else"],
)
async def test_what_somebody_changes_in_a_product_just_before_its_state_is_set_stays(
    make: Make, values: dict[str, Any], becomes: int, code: dict[str, str]
) -> None:
    world = open_filters(make(ITEMS))
    await world.run(*JOBS)
    world.edit_nav("Item", "I1", Blocked=True)
    id = world.crm("products")[0]["productid"]

    def change() -> None:
        world.edit_crm("products", id, **values)

    plan = at("crm", lambda seen: batch(seen) and b'"statecode"' in seen.body, meanwhile(change))
    number = world.start(*JOBS)
    run = await world.work(number, plan=plan)
    (found,) = world.crm("products")
    assert {name: found[name] for name in values} == values
    assert state(world) == becomes
    assert world.codes(run) == code


@pytest.mark.parametrize(("vendors", "name"), [([{"No": "V1", "Name": "Acme"}], "Acme"), ([], None)])
async def test_the_vendor_of_an_item_is_named(make: Make, vendors: list[dict[str, Any]], name: str | None) -> None:
    world = make({"Unit_of_Measure": UNITS, "Vendor": vendors, "Item": [item(Vendor_No="V1")]})
    run = await world.run(*JOBS)
    assert world.outcomes(run) == []
    (found,) = world.crm("products")
    assert (found["vendorid"], found.get("vendorname")) == ("V1", name)


async def test_without_a_page_of_vendors_products_go_on_without_their_names(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item(Vendor_No="V1")]})
    missing = answered(
        404,
        b'{"error": {"code": "BadRequest_ResourceNotFound", "message": "no Vendor"}}',
        content_type="application/json",
    )
    run = await world.run(*JOBS, plan=at("nav", lambda seen: "/Vendor" in seen.path, missing))
    assert counters(run, "ITEM-PRODUCT") == {"inserted": 1, "unchanged": 1}
    assert world.crm("products")[0].get("vendorname") is None


async def test_a_nav_that_fails_when_asked_for_vendors_stops_the_run_and_no_name_is_lost(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Vendor": [{"No": "V1", "Name": "Acme"}], "Item": [item(Vendor_No="V1")]})
    run = await world.run(*JOBS, plan=always("nav", lambda seen: "/Vendor" in seen.path, answered(503)))
    assert (run.state, run.code) == (RunState.STOPPED, "connection")
    assert world.crm("products") == []
    await world.resume(run.id)
    assert world.crm("products")[0]["vendorname"] == "Acme"


async def test_a_product_is_not_put_under_a_unit_of_another_name(make: Make) -> None:
    world = make(ITEMS, {"uomschedule": [{"name": "NAV PCS", "baseuomname": "PCS"}]})
    await world.run("UNITOFMEASURE")
    unit = world.crm("uoms", name="PCS")[0]["uomid"]
    world.edit_crm("uoms", unit, name="Piece")
    run = await world.run("ITEM-PRODUCT")
    assert world.codes(run) == {"I1": "unit_name"}
    await world.run(*JOBS)
    assert state(world) == ACTIVE, "UNITOFMEASURE names it, and the product follows"
