"""Values that are written back: each for itself, with what both sides remember of it, and nothing of others."""

import pytest
import sqlalchemy as sa

from engine.model.mapping import ConflictPolicy, DeletionPolicy
from engine.store.schema import coupling
from tests.coupling.tools import change
from tests.handling.test_states import open_filters, refused_row
from tests.sync import test_contacts as contacts
from tests.sync.faults import Seen, at, batch, meanwhile
from tests.sync.test_customers import account, customer
from tests.sync.test_products import JOBS, UNITS, item, product
from tests.sync.world import Make, World
from tests.undo.taking_back import company, left, lines, undo


async def partly_overtaken(make: Make, policy: ConflictPolicy) -> tuple[World, int, str]:
    """A run carried two values to CRM, and somebody changed one of them there since; the run and the account."""
    world = company(make)
    await world.run()
    change(world, "CUSTOMER", conflict=policy)
    account = next(pair.crm_id for pair in world.couplings("CUSTOMER") if pair.nav_no == "C1")
    world.edit_nav("Customer", "C1", Phone_No="99", City="Ulm")
    run = await world.run()
    assert world.crm("accounts", accountid=account)[0]["address1_city"] == "Ulm"
    world.edit_crm("accounts", account, address1_city="Graz")
    return world, run.id, account


@pytest.mark.parametrize("policy", [ConflictPolicy.NONE, ConflictPolicy.SEND_UPDATE])
async def test_only_fields_that_are_back_are_remembered_as_before(make: Make, policy: ConflictPolicy) -> None:
    world, run, account = await partly_overtaken(make, policy)
    await undo(world, run)
    assert not world.crm("accounts", accountid=account)[0].get("telephone1")
    last = await world.run("CUSTOMER")
    nav, crm = world.nav("Customer", No="C1")[0], world.crm("accounts", accountid=account)[0]
    assert (nav["City"], crm["address1_city"]) == ("Graz", "Graz"), "only CRM has changed the city"
    assert (nav["Phone_No"], crm["telephone1"]) == ("99", "99"), "only NAV has changed the phone number"
    assert "C1" not in world.codes(last)


async def test_values_that_are_left_count_in_a_dry_run_too(make: Make) -> None:
    world, run, _ = await partly_overtaken(make, ConflictPolicy.NONE)
    for dry in (True, False):
        done = await undo(world, run, dry=dry)
        told = lines(world, done)["CUSTOMER"]
        assert (told.restored, told.left) == (1, 1)
        assert left(world, done)["C1"] == "values were changed after the run"
        assert {job.mapping: job.state.value for job in done.jobs}["CUSTOMER"] == "PART"


async def test_what_the_service_refuses_leaves_what_is_remembered(make: Make) -> None:
    world = open_filters(make({"Unit_of_Measure": UNITS, "Item": [item()]}))
    await world.run(*JOBS)
    world.edit_nav("Item", "I1", Blocked=True)
    run = await world.run(*JOBS)
    assert world.crm("products")[0]["statecode"] == 1
    before = remembered(world)
    done = await undo(world, run.id, plan=at("crm", batch, refused_row()))
    assert list(left(world, done)) == ["I1"]
    assert (lines(world, done)["ITEM-PRODUCT"].restored, lines(world, done)["ITEM-PRODUCT"].left) == (0, 1)
    assert remembered(world) == before
    await undo(world, run.id)
    assert world.crm("products")[0]["statecode"] == 0
    assert remembered(world) != before


def sent(world: World, since: int) -> list[set[str]]:
    """The columns of updates of the product, in order."""
    return [set(line["values"]) for line in world.audit(since, set="products", op="update")]


def remembered(world: World) -> bytes | None:
    """What the coupling of the item remembers."""
    with world.store.reading() as connection:
        found: bytes | None = connection.scalar(sa.select(coupling.c.base).where(coupling.c.mapping == "ITEM-PRODUCT"))
    return found


async def test_a_draft_that_was_published_gets_its_values_back(make: Make) -> None:
    draft = {**product("I1", statecode=2, statuscode=0), "name": "Old", "price": 1}
    group = {"name": "NAV PCS", "baseuomname": "PCS"}
    world = make({"Unit_of_Measure": UNITS, "Item": [item()]}, {"uomschedule": [group], "product": [draft]})
    run = await world.run(*JOBS)
    assert world.crm("products")[0]["statecode"] == 0
    assert world.crm("products")[0]["price"] != 1
    for dry in (True, False):
        done = await undo(world, run.id, dry=dry)
        assert left(world, done) == {"I1": "a published product cannot be a draft again"}
        assert lines(world, done)["ITEM-PRODUCT"].restored == 1
    after = world.crm("products")[0]
    assert (after["price"], after["name"], after["statecode"]) == (1, "Old", 0)


async def test_a_product_that_was_retired_is_active_again_with_its_values(make: Make) -> None:
    world = open_filters(make({"Unit_of_Measure": UNITS, "Item": [item(Unit_Price=5)]}))
    await world.run(*JOBS)
    world.edit_nav("Item", "I1", Blocked=True, Unit_Price=7)
    run = await world.run(*JOBS)
    assert (world.crm("products")[0]["statecode"], world.crm("products")[0]["price"]) == (1, 7)
    since = len(world.audit())
    done = await undo(world, run.id)
    assert left(world, done) == {}
    assert sent(world, since) == [{"statecode", "statuscode"}, {"price"}], "a retired product takes no values"
    assert (world.crm("products")[0]["statecode"], world.crm("products")[0]["price"]) == (0, 5)


async def test_a_product_that_was_activated_is_retired_again(make: Make) -> None:
    world = open_filters(make({"Unit_of_Measure": UNITS, "Item": [item(Unit_Price=5)]}))
    await world.run(*JOBS)
    world.edit_nav("Item", "I1", Blocked=True)
    await world.run(*JOBS)
    world.edit_nav("Item", "I1", Blocked=False, Unit_Price=7)
    run = await world.run(*JOBS)
    assert (world.crm("products")[0]["statecode"], world.crm("products")[0]["price"]) == (0, 7)
    since = len(world.audit())
    done = await undo(world, run.id)
    assert left(world, done) == {}
    assert sent(world, since) == [{"price"}, {"statecode", "statuscode"}]
    assert (world.crm("products")[0]["statecode"], world.crm("products")[0]["price"]) == (1, 5)


async def test_a_record_that_is_gone_is_named(make: Make) -> None:
    world = company(make)
    await world.run()
    account = next(pair.crm_id for pair in world.couplings("CUSTOMER") if pair.nav_no == "C2")
    world.edit_nav("Customer", "C2", Phone_No="99")
    run = await world.run("CUSTOMER")
    world.delete_crm("accounts", account)
    done = await undo(world, run.id, dry=True)
    assert left(world, done) == {"C2": "the record is gone"}


async def test_what_a_run_linked_in_another_mapping_goes_back(make: Make) -> None:
    """CUSTOMER has no job in the run that makes the primary contact, and its lookup waited for that."""
    one = make(
        {
            "Customer": [customer("C1", Primary_Contact_No="P1")],
            "Contact": [contacts.company("K1", "C1"), contacts.person("P1", "K1", "C1")],
        }
    )
    await one.run("CUSTOMER")
    run = await one.run("CONTACTS")
    assert one.crm("accounts")[0]["_primarycontactid_value"]
    await undo(one, run.id)
    assert one.crm("accounts")[0].get("_primarycontactid_value") is None
    assert one.crm("contacts") == []


@pytest.mark.parametrize("dry", [True, False])
async def test_a_coupling_that_the_run_removed_is_told_and_stays_removed(make: Make, dry: bool) -> None:
    world = make(
        {"Customer": [customer("C1"), customer("C2"), customer("C3")]}, {"account": [account("New", "n@x.example")]}
    )
    await world.run("CUSTOMER")
    pairs = {pair.nav_no: pair for pair in world.couplings("CUSTOMER")}
    world.delete_crm("accounts", pairs["C1"].crm_id)
    world.delete_nav("Customer", "C000001")
    world.mapping("CUSTOMER", deletion=DeletionPolicy.REMOVE_COUPLING)
    run = await world.run("CUSTOMER")
    done = await undo(world, run.id, dry=dry)
    told = "the run removed its coupling"
    assert left(world, done) == {"C1": told, "C000001": told}
    assert lines(world, done)["CUSTOMER"].left == 2
    assert {pair.nav_no for pair in world.couplings("CUSTOMER")} == {"C2", "C3"}


@pytest.mark.parametrize("synchronized", [False, True])
async def test_a_customer_that_somebody_changed_while_the_run_went_on_stays(make: Make, synchronized: bool) -> None:
    world = make({}, {"account": [account("Neu", "n@x.example", address1_city="Bonn")]})

    def edit() -> None:
        world.edit_nav("Customer", world.nav("Customer")[0]["No"], City="Bremen")

    def later(seen: Seen) -> bool:
        return not seen.write and seen.path.endswith("/contacts") and bool(world.nav("Customer"))

    run = await world.run("CUSTOMER", "CONTACTS", plan=at("crm", later, meanwhile(edit)))
    if synchronized:
        await world.work(world.start("CUSTOMER", kind="sync"))
        assert world.crm("accounts")[0]["address1_city"] == "Bremen"
    taken = await undo(world, run.id)
    assert list(left(world, taken).values()) == [
        "a later run changed its partner" if synchronized else "values in it were changed"
    ]
    assert [row["City"] for row in world.nav("Customer")] == ["Bremen"]
