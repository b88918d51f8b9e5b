"""Dynamics NAV 2016 and 2018: no ids but primary keys, and at most the day of a change."""

import pytest

from engine.model.mapping import ConflictPolicy, DeletionPolicy, Direction
from engine.model.records import record_id
from engine.model.snapshot import RunState
from engine.runs import snapshots
from engine.sync import renames
from sandbox.nav.state import NavState
from tests.conflicts.tools import sync
from tests.sync.company import CRM, NAV, made, passes, prepare, sums
from tests.sync.faults import Died, Life, Seen, at, died, lost_after, meanwhile
from tests.sync.test_broken_off import arrives_and_dies
from tests.sync.test_customers import account, customer
from tests.sync.test_lost_answers import once
from tests.sync.test_products import item
from tests.sync.test_salespeople import person, user
from tests.sync.world import Make, World, counters

STEPS = 17
"""Every how manieth step an engine dies at."""
TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
versions = pytest.mark.parametrize("version", ["2016", "2018"])


async def coupled(make: Make, *numbers: str) -> World:
    world = make({"Customer": [customer(number, City=f"City {number}") for number in numbers]}, version="2016")
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER")["inserted"] == len(numbers)
    return world


def rename(world: World, page: str, old: str, new: str, **more: str) -> None:
    key = world.sandbox.nav.tables[page].key
    world.edit_nav(page, old, **{key: new, **more})


@versions
async def test_everything_is_synchronized_and_a_second_run_and_a_sync_write_nothing(make: Make, version: str) -> None:
    world = make(NAV, CRM, version=version, page_size=2)
    prepare(world)
    run = await world.run()
    assert run.state is RunState.FINISHED, run.message
    assert sums(run, "inserted") == made(world)
    assert {job.mapping: job.counters.failed for job in run.jobs if job.counters.failed} == {
        "CURRENCY": 1, "CUSTOMER": 1, "ITEM-PRODUCT": 1,
    }  # fmt: skip
    pair = next(one for one in world.couplings("CUSTOMER") if one.nav_no == "C1")
    assert pair.nav_id == record_id("Customer", "C1")
    before = len(world.audit())
    again = await world.run()
    assert sums(again, "failed") == sums(run, "failed")
    await sync(world)
    assert world.audit(before) == []


@versions
async def test_a_sync_brings_over_what_changed_today(make: Make, version: str) -> None:
    world = make({"Customer": [customer("C1"), customer("C2")]}, version=version)
    await world.run("CUSTOMER")
    world.edit_nav("Customer", "C1", City="Bonn")
    world.edit_crm("accounts", world.crm("accounts", name="Firm C2")[0]["accountid"], address1_city="Ulm")
    await sync(world, "CUSTOMER")
    assert world.crm("accounts", name="Firm C1")[0]["address1_city"] == "Bonn"
    assert world.nav("Customer", No="C2")[0]["City"] == "Ulm"


async def test_an_engine_may_die_at_any_step_and_the_next_one_goes_on(make: Make) -> None:
    customers = {"Customer": [customer(f"C{number}") for number in range(1, 8)]}
    whole = make(customers, version="2016", page_size=2)
    life = Life()
    await whole.work(whole.start("CUSTOMER", keep=False), life=life)
    for step in range(5, len(life.steps), STEPS):
        world = make(customers, version="2016", page_size=2)
        number = world.start("CUSTOMER", keep=False)
        if not await died(world.work(number, life=Life(step)), step, len(life.steps)):
            break
        run = await world.gone_on(number)
        assert counters(run, "CUSTOMER", TO) == {"inserted": 7}, life.steps[step - 1]
        assert len(world.crm("accounts")) == 7
        once(world, "CUSTOMER", 7)


async def test_a_create_in_nav_whose_answer_is_lost_is_found_by_its_mark(make: Make) -> None:
    def posting(seen: Seen) -> bool:
        return seen.method == "POST" and seen.path.endswith("/Customer")

    world = make({}, {"account": [account("A1", "a1@x.example"), account("A2", "a2@x.example")]}, version="2018")
    run = await world.run("CUSTOMER", plan=at("nav", posting, lost_after))
    assert counters(run, "CUSTOMER", FROM)["inserted"] == 2
    assert len(world.nav("Customer")) == 2
    once(world, "CUSTOMER", 2)


# renames


async def test_the_coupling_of_a_renamed_record_goes_on_with_it(make: Make) -> None:
    world = await coupled(make, "C1", "C2")
    rename(world, "Customer", "C1", "Z9")
    before = len(world.audit())
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER") == {"unchanged": 4}
    assert world.audit(before) == []
    assert {one.nav_no for one in world.couplings("CUSTOMER")} == {"Z9", "C2"}
    assert "C1 is now Z9: it was renamed" in [event.text for event in snapshots.run(world.store, run.id).events]


async def test_what_a_dead_engine_sent_to_a_record_is_nobodys_edit_when_it_is_renamed_since(make: Make) -> None:
    world = make({"Customer": [customer("C1", City="Bonn")]}, version="2018")
    await world.run("CUSTOMER")
    world.mapping("CUSTOMER", conflict=ConflictPolicy.SEND_UPDATE)
    id = world.crm("accounts")[0]["accountid"]
    world.edit_crm("accounts", id, address1_city="Bremen")
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("nav", lambda seen: seen.method == "PATCH", arrives_and_dies))
    assert world.nav("Customer")[0]["City"] == "Bremen"
    rename(world, "Customer", "C1", "C9")
    world.edit_crm("accounts", id, address1_city="Ulm")
    await world.resume(number)
    await world.run("CUSTOMER")
    assert (world.nav("Customer")[0]["City"], world.crm("accounts")[0]["address1_city"]) == ("Ulm", "Ulm")


async def test_a_renamed_and_changed_record_is_known_by_what_matches(make: Make) -> None:
    world = await coupled(make, "C1", "C2")
    rename(world, "Customer", "C1", "Z9", City="Bonn")
    run = await sync(world, "CUSTOMER")
    assert counters(run, "CUSTOMER", TO)["modified"] == 1
    assert world.crm("accounts", name="Firm C1")[0]["address1_city"] == "Bonn"
    assert len(world.crm("accounts")) == 2


@pytest.mark.parametrize("changes", [{}, {"City": "Bonn"}])
async def test_a_plan_compares_a_renamed_record_with_what_both_sides_had(make: Make, changes: dict[str, str]) -> None:
    world = await coupled(make, "C1", "C2")
    rename(world, "Customer", "C1", "Z9", **changes)
    world.edit_crm("accounts", world.crm("accounts", name="Firm C1")[0]["accountid"], address1_city="Ulm")
    plan = await world.plan("CUSTOMER")
    run = await world.run("CUSTOMER")
    assert (passes(plan), world.codes(plan)) == (passes(run), world.codes(run))


@pytest.mark.parametrize("changes", [{"City": "Bonn"}, {"Name": "Another firm"}])
async def test_a_renamed_and_changed_record_that_matches_nothing_is_not_created(
    make: Make, changes: dict[str, str]
) -> None:
    firms = [customer(number, E_Mail="", City=f"City {number}", Address=number) for number in ("C1", "C2", "C3")]
    world = make({"Customer": firms}, version="2016")
    await world.run("CUSTOMER")
    rename(world, "Customer", "C1", "Z1", **changes)
    run = await world.run("CUSTOMER")
    codes = world.codes(run, "CUSTOMER")
    assert codes["Z1"] == "may_be_renamed"
    assert set(codes.values()) == {"may_be_renamed", "deleted"}
    assert len(world.crm("accounts")) == 3


async def test_a_renamed_item_changes_the_number_of_its_product(make: Make) -> None:
    world = make({"Unit_of_Measure": [{"Code": "PCS"}], "Item": [item("I1"), item("I2")]}, version="2018")
    await world.run("UNITOFMEASURE", "ITEM-PRODUCT")
    rename(world, "Item", "I1", "X1")
    await world.run("ITEM-PRODUCT")
    assert {row["productnumber"] for row in world.crm("products")} == {"X1", "I2"}


async def test_a_deleted_and_another_new_record_are_no_rename(make: Make) -> None:
    world = await coupled(make, "C1", "C2")
    world.delete_nav("Customer", "C1")
    world.add_nav("Customer", **customer("N1", City="Ulm"))
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO)["inserted"] == 1
    assert list(world.codes(run, "CUSTOMER").values()) == ["deleted"]
    assert len(world.crm("accounts")) == 3


async def test_what_cannot_be_told_apart_is_neither_created_nor_restored(make: Make) -> None:
    twins = {"Name": "Twin", "E_Mail": "", "City": "Ulm"}
    world = make({"Customer": [customer("C1", **twins), customer("C2", **twins)]}, version="2016")
    await world.run("CUSTOMER")
    world.mapping("CUSTOMER", deletion=DeletionPolicy.RESTORE_RECORDS)
    for number in ("C1", "C2"):
        rename(world, "Customer", number, f"Z{number}")
    before = len(world.audit())
    run = await world.run("CUSTOMER")
    codes = world.codes(run, "CUSTOMER")
    assert {codes["ZC1"], codes["ZC2"]} == {"may_be_renamed"}
    assert list(codes.values()).count("deleted") == 2
    assert world.audit(before) == []


async def test_what_is_renamed_while_a_pass_works_is_not_restored(make: Make) -> None:
    people = {"systemuser": [user("Anna")]}
    world = make({"Salesperson_Purchaser": [person("ANNA", "anna@x.example")]}, people, version="2018")
    await world.run("SALEPEOPLE")
    world.mapping("SALEPEOPLE", deletion=DeletionPolicy.RESTORE_RECORDS)

    def reading(seen: Seen) -> bool:
        return seen.path.endswith("/systemusers")

    now = meanwhile(lambda: rename(world, "Salesperson_Purchaser", "ANNA", "ANN"))
    run = await world.run("SALEPEOPLE", plan=at("crm", reading, None, None, None, now))
    assert list(world.codes(run, "SALEPEOPLE").values()) == ["deleted"]
    assert [row["Code"] for row in world.nav("Salesperson_Purchaser")] == ["ANN"]
    run = await world.run("SALEPEOPLE")
    assert counters(run, "SALEPEOPLE") == {"unchanged": 1}
    assert [row["Code"] for row in world.nav("Salesperson_Purchaser")] == ["ANN"]


def customers(seen: Seen) -> bool:
    return seen.method == "GET" and seen.path.endswith("/Customer")


@pytest.mark.parametrize("request_number", range(1, 6))
async def test_what_is_renamed_while_a_pass_works_gets_no_second_partner(make: Make, request_number: int) -> None:
    numbers = [f"C{number}" for number in range(1, 7)]
    world = make({"Customer": [customer(one) for one in numbers]}, version="2018", page_size=2)
    await world.run("CUSTOMER")
    now = meanwhile(lambda: rename(world, "Customer", "C6", "Z6"))
    run = await world.run("CUSTOMER", plan=at("nav", customers, *[None] * request_number, now))
    assert set(world.codes(run, "CUSTOMER").values()) <= {"appeared", "deleted"}
    assert len(world.crm("accounts")) == 6
    run = await sync(world, "CUSTOMER")
    assert world.codes(run, "CUSTOMER") == {}
    assert len(world.crm("accounts")) == 6
    assert sorted(one.nav_no for one in world.couplings("CUSTOMER")) == [*numbers[:5], "Z6"]


async def test_what_is_new_while_a_pass_works_waits_for_the_next_one(make: Make) -> None:
    world = make({"Customer": [customer("C1"), customer("C2")]}, version="2018", page_size=2)
    now = meanwhile(lambda: world.add_nav("Customer", **customer("C3")))
    run = await world.run("CUSTOMER", plan=at("nav", customers, None, None, None, now))
    assert world.codes(run, "CUSTOMER") == {"C3": "appeared"}
    assert len(world.crm("accounts")) == 2
    await world.run("CUSTOMER")
    assert len(world.crm("accounts")) == 3


@pytest.mark.parametrize("request_number", range(4, 7))
async def test_what_is_renamed_between_two_requests_for_keys_gets_no_second_partner(
    make: Make, monkeypatch: pytest.MonkeyPatch, request_number: int
) -> None:
    monkeypatch.setattr(renames, "_KEYS_AT_ONCE", 2)
    world = await coupled(make, "C1", "C2", "C3")
    now = meanwhile(lambda: rename(world, "Customer", "C1", "Z1"))
    await world.run("CUSTOMER", plan=at("nav", customers, *[None] * request_number, now))
    assert len(world.crm("accounts")) == 3
    await world.run("CUSTOMER")
    assert len(world.crm("accounts")) == 3
    assert sorted(one.nav_no for one in world.couplings("CUSTOMER")) == ["C2", "C3", "Z1"]


async def test_a_renamed_unit_cannot_be_told_from_a_new_one(make: Make) -> None:
    world = make({"Unit_of_Measure": [{"Code": "PCS"}, {"Code": "BOX"}]}, version="2016")
    await world.run("UNITOFMEASURE")
    rename(world, "Unit_of_Measure", "PCS", "PIECE")
    run = await world.run("UNITOFMEASURE")
    assert world.codes(run, "UNITOFMEASURE") == {"PIECE": "may_be_renamed"}
    assert len(world.crm("uomschedules")) == 2


async def test_a_plan_follows_a_rename_and_changes_nothing(make: Make) -> None:
    world = await coupled(make, "C1", "C2")
    rename(world, "Customer", "C1", "Z9")
    before = len(world.audit())
    plan = await world.plan("CUSTOMER")
    assert counters(plan, "CUSTOMER", TO).get("inserted") is None
    assert {one.nav_no for one in world.couplings("CUSTOMER")} == {"C1", "C2"}
    assert world.audit(before) == []


# upgrades


def upgrade(world: World) -> None:
    """NAV becomes Business Central: its pages publish the ids that records have."""
    state, new = world.sandbox.nav, NavState()
    state.version, state.pages, state.published = new.version, new.pages, new.published
    world.set(version="bc")


async def test_after_an_upgrade_couplings_lead_to_the_ids_that_nav_has_then(make: Make) -> None:
    world = make(NAV, CRM, version="2018")
    prepare(world)
    await world.run()
    upgrade(world)
    before = len(world.audit(op="create"))
    plan = await world.plan("CUSTOMER")
    assert counters(plan, "CUSTOMER").get("inserted") is None
    run = await world.run()
    assert sums(run, "inserted") == {}
    assert {line["set"] for line in world.audit(op="create")[before:]} <= {"pricelevels"}, "a price list has NAV's name"
    customers = {row["No"]: row["SystemId"] for row in world.nav("Customer")}
    assert all(pair.nav_id == customers[pair.nav_no] for pair in world.couplings("CUSTOMER"))
