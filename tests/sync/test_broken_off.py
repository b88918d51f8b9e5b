"""An update arrived, and its engine died before it could commit that: what stands there is ours, and nobody's edit."""

import asyncio

import httpx
import pytest

from engine.model.mapping import ConflictPolicy, Direction
from engine.model.plan import Effect
from engine.model.snapshot import RunState
from engine.runs import control, plans
from engine.store.traces import any_unsettled
from tests.check.looking import look
from tests.sync.faults import Died, Send, at, through, writing
from tests.sync.test_contacts import firm, primary
from tests.sync.test_customers import customer
from tests.sync.test_products import UNITS, item, lines
from tests.sync.world import Make, World

BOTH = pytest.mark.parametrize("side", ["nav", "crm"])
KINDS = pytest.mark.parametrize("kind", ["run", "sync"])


async def arrives_and_dies(send: Send) -> httpx.Response:
    """The server does what was asked, and the engine dies before it hears of it."""
    await through(send)
    raise Died


async def dies(_send: Send) -> httpx.Response:
    """The engine dies before anything leaves."""
    raise Died


def edit(world: World, side: str, city: str) -> None:
    if side == "nav":
        world.edit_nav("Customer", "C1", City=city)
    else:
        world.edit_crm("accounts", world.crm("accounts")[0]["accountid"], address1_city=city)


def cities(world: World) -> tuple[str, str]:
    return world.nav("Customer")[0]["City"], world.crm("accounts")[0]["address1_city"]


async def broken_off(world: World, side: str, kind: str) -> int:
    """A run that carries an edit of the city to the other side, and whose engine dies with that."""
    await world.run("CUSTOMER")
    edit(world, side, "Bonn")
    number = world.start("CUSTOMER", kind=kind, keep=False if kind == "run" else None)
    with pytest.raises(Died):
        await world.work(number, plan=at("crm" if side == "nav" else "nav", writing, arrives_and_dies))
    return number


def unsettled_there(world: World) -> bool:
    """Whether an engine that starts now finds updates of which nobody knows what came of them."""
    with world.store.reading() as connection:
        return any_unsettled(connection)


async def go_on(world: World, number: int, kind: str) -> dict[str, str]:
    """Another engine goes on, with what is known of records in the end."""
    if kind == "run":
        run = await world.resume(number)
    else:
        run = await world.work(world.start("CUSTOMER", kind=kind))
    assert run.state is RunState.FINISHED
    return world.codes(run)


@BOTH
@KINDS
async def test_who_edits_a_field_again_is_no_conflict_with_what_we_made_of_the_first_edit(
    make: Make, side: str, kind: str
) -> None:
    world = make({"Customer": [customer(City="Köln")]})
    number = await broken_off(world, side, kind)
    assert cities(world) == ("Bonn", "Bonn")
    edit(world, side, "Jena")
    assert await go_on(world, number, kind) == {}
    assert cities(world) == ("Jena", "Jena")


@pytest.mark.parametrize(("side", "policy"), [("nav", "get_update"), ("crm", "send_update")])
async def test_a_conflict_policy_does_not_set_back_who_edits_a_field_again(make: Make, side: str, policy: str) -> None:
    world = make({"Customer": [customer(City="Köln")]})
    world.mapping("CUSTOMER", conflict=ConflictPolicy(policy))
    number = await broken_off(world, side, "run")
    edit(world, side, "Jena")
    assert await go_on(world, number, "run") == {}
    assert cities(world) == ("Jena", "Jena")


@BOTH
@KINDS
async def test_who_puts_a_field_back_does_not_get_what_we_made_of_the_first_edit(
    make: Make, side: str, kind: str
) -> None:
    world = make({"Customer": [customer(City="Köln")]})
    number = await broken_off(world, side, kind)
    edit(world, side, "Köln")
    assert await go_on(world, number, kind) == {}
    assert cities(world) == ("Köln", "Köln")


@BOTH
@KINDS
async def test_an_engine_that_died_twice_knows_what_both_sent(make: Make, side: str, kind: str) -> None:
    world = make({"Customer": [customer(City="Köln")]})
    number = await broken_off(world, side, kind)
    edit(world, side, "Jena")
    if kind == "sync":
        number = world.start("CUSTOMER", kind=kind)
    with pytest.raises(Died):
        await world.work(number, plan=at("crm" if side == "nav" else "nav", writing, dies))
    edit(world, side, "Ulm")
    assert await go_on(world, number, kind) == {}
    assert cities(world) == ("Ulm", "Ulm")


@BOTH
@KINDS
async def test_what_others_made_of_it_since_is_a_conflict(make: Make, side: str, kind: str) -> None:
    world = make({"Customer": [customer(City="Köln")]})
    number = await broken_off(world, side, kind)
    edit(world, "crm" if side == "nav" else "nav", "Trier")
    assert await go_on(world, number, kind) == {"C1": "conflict"}, "nobody can tell whether our update ever arrived"
    assert set(cities(world)) == {"Bonn", "Trier"}


@BOTH
async def test_what_was_sent_long_ago_is_an_edit_when_somebody_writes_it(make: Make, side: str) -> None:
    other = "crm" if side == "nav" else "nav"
    world = make({"Customer": [customer(City="Köln")]})
    number = await broken_off(world, side, "sync")
    assert await go_on(world, number, "sync") == {}, "now it is known that it arrived"
    edit(world, side, "Ulm")
    assert await go_on(world, number, "sync") == {}
    edit(world, side, "Jena")
    edit(world, other, "Bonn")
    assert await go_on(world, number, "sync") == {"C1": "conflict"}
    assert set(cities(world)) == {"Jena", "Bonn"}


@BOTH
@pytest.mark.parametrize("by_whom", ["us", "both"])
async def test_what_was_sent_long_ago_is_an_edit_also_where_values_went_back(
    make: Make, side: str, by_whom: str
) -> None:
    other = "crm" if side == "nav" else "nav"
    world = make({"Customer": [customer(City="Köln")]})
    number = await broken_off(world, side, "sync")
    assert await go_on(world, number, "sync") == {}, "now it is known that it arrived"
    edit(world, side, "Köln")
    if by_whom == "both":
        edit(world, other, "Köln")
    assert await go_on(world, number, "sync") == {}
    edit(world, side, "Jena")
    edit(world, other, "Bonn")
    assert await go_on(world, number, "sync") == {"C1": "conflict"}
    assert set(cities(world)) == {"Jena", "Bonn"}


@BOTH
@KINDS
async def test_what_arrives_after_the_next_engine_has_looked_is_ours_too(make: Make, side: str, kind: str) -> None:
    under_way: list[Send] = []

    async def held_and_dies(send: Send) -> httpx.Response:
        under_way.append(send)
        raise Died

    other = "crm" if side == "nav" else "nav"
    world = make({"Customer": [customer(City="Köln")]})
    await world.run("CUSTOMER")
    edit(world, side, "Bonn")
    number = world.start("CUSTOMER", kind=kind, keep=False if kind == "run" else None)
    with pytest.raises(Died):
        await world.work(number, plan=at(other, writing, held_and_dies))
    edit(world, side, "Köln")
    assert await go_on(world, number, kind) == {}
    await under_way[0]()
    assert set(cities(world)) == {"Köln", "Bonn"}
    assert world.codes(await world.work(world.start("CUSTOMER", kind=kind, keep=False))) == {}
    assert cities(world) == ("Köln", "Köln")
    assert not unsettled_there(world), "what others write from now on is theirs"


async def test_an_update_that_was_answered_leaves_nothing_to_settle(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item()], **firm(Primary_Contact_No="P1")})
    await world.run("CUSTOMER", "CONTACTS", "UNITOFMEASURE", "ITEM-PRODUCT")
    assert primary(world) == world.crm("contacts")[0]["contactid"]
    assert not unsettled_there(world), "a link was an update of the account"
    world.edit_nav("Item", "I1", Unit_Price=12)
    await world.run("ITEM-PRODUCT")
    assert lines(world) == {"I1": 12}
    assert not unsettled_there(world), "a price line is updated too"


@BOTH
@KINDS
async def test_who_puts_back_what_we_wrote_is_shown_as_a_conflict(make: Make, side: str, kind: str) -> None:
    other = "crm" if side == "nav" else "nav"
    world = make({"Customer": [customer(City="Köln")]})
    number = await broken_off(world, side, kind)
    assert cities(world) == ("Bonn", "Bonn")
    edit(world, other, "Köln")
    assert await go_on(world, number, kind) == {"C1": "conflict"}, (
        "nobody can tell whether ours arrived and was put back"
    )
    assert cities(world) == (("Bonn", "Köln") if side == "nav" else ("Köln", "Bonn"))


@BOTH
@KINDS
async def test_who_puts_back_what_we_carried_over_while_the_other_side_is_edited_is_shown_as_a_conflict(
    make: Make, side: str, kind: str
) -> None:
    """What both sides last had was what we carried over; that the store remembers something older does not matter."""
    other = "crm" if side == "nav" else "nav"
    world = make({"Customer": [customer(City="Köln")]})
    number = await broken_off(world, side, kind)
    edit(world, other, "Ulm")
    edit(world, side, "Köln")
    assert set((await go_on(world, number, kind)).values()) == {"conflict"}
    assert cities(world) == (("Köln", "Ulm") if side == "nav" else ("Ulm", "Köln"))


@BOTH
@KINDS
async def test_what_never_arrived_is_sent_again_where_nobody_touched_the_row(make: Make, side: str, kind: str) -> None:
    other = "crm" if side == "nav" else "nav"
    world = make({"Customer": [customer(City="Köln")]})
    await world.run("CUSTOMER")
    edit(world, side, "Bonn")
    number = world.start("CUSTOMER", kind=kind, keep=False if kind == "run" else None)
    with pytest.raises(Died):
        await world.work(number, plan=at(other, writing, dies))
    assert await go_on(world, number, kind) == {}
    assert cities(world) == ("Bonn", "Bonn")


@BOTH
async def test_an_update_that_never_arrived_is_not_held_against_anybody(make: Make, side: str) -> None:
    other = "crm" if side == "nav" else "nav"
    world = make({"Customer": [customer(City="Köln")]}, crm_settle_wait=0)
    await world.run("CUSTOMER")
    edit(world, side, "Bonn")
    number = world.start("CUSTOMER", kind="sync")
    with pytest.raises(Died):
        await world.work(number, plan=at(other, writing, dies))
    edit(world, side, "Köln")
    world.set(settle_wait=0)
    await asyncio.sleep(1.1)
    assert await go_on(world, number, "sync") == {}, (
        "both sides are seen as they were before, and nothing may come any more"
    )
    edit(world, side, "Jena")
    edit(world, other, "Bonn")
    assert await go_on(world, number, "sync") == {"C1": "conflict"}


@BOTH
async def test_a_run_that_was_cancelled_after_its_pages_holds_nothing_against_anybody(make: Make, side: str) -> None:
    other = "crm" if side == "nav" else "nav"
    world = make({"Customer": [customer(City="Köln")]})
    await world.run("CUSTOMER")
    edit(world, side, "Bonn")
    number = world.start("CUSTOMER", keep=None)
    assert (await world.work(number)).state is RunState.ASKING
    control.cancel(world.store, number, "test")
    edit(world, side, "Köln")
    assert await go_on(world, number, "sync") == {}
    edit(world, side, "Jena")
    edit(world, other, "Bonn")
    assert await go_on(world, number, "sync") == {"C1": "conflict"}


@BOTH
async def test_who_looks_takes_what_arrived_for_no_edit_either(make: Make, side: str) -> None:
    world = make({"Customer": [customer(City="Köln")]})
    await broken_off(world, side, "sync")
    edit(world, side, "Jena")
    assert [one.message for one in await look(world, "CUSTOMER") if one.fault and one.nav_no == "C1"] == [
        "A synchronization would write " + ("address1_city to CRM." if side == "nav" else "City to NAV.")
    ]
    plan = await world.plan("CUSTOMER")
    one_way = Direction.TO_INTEGRATION_TABLE if side == "nav" else Direction.FROM_INTEGRATION_TABLE
    (record,) = plans.records(world.store, plan.id, plan.jobs[0].seq, one_way, Effect.MODIFIED)
    found = await asyncio.to_thread(plans.difference, world.store, world.settings, record)
    assert [(one.now, one.then) for one in found.changes] == [("Bonn", "Jena")], found.message
