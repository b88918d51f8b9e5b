"""Edits that come while a record is under way: who came last is told without our own update in between."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from engine.model.conflict import Choice
from engine.model.mapping import ConflictPolicy, Direction, Table
from engine.model.snapshot import RunSnapshot
from engine.runs import queues
from engine.sync.context import Context
from tests.conflicts.tools import account_of, both_change, coupled, customer_of, stamp
from tests.sync.faults import Died, Plan, Seen, Send, at, lost_after, lost_before, meanwhile, through, writing
from tests.sync.test_broken_off import arrives_and_dies, dies
from tests.sync.test_products import JOBS, UNITS, item
from tests.sync.world import Make, World

BEFORE, FIRST, LAST = "2026-01-01T10:00:00Z", "2026-01-01T10:00:05Z", "2026-01-01T10:00:10Z"
AGAIN = "2026-01-01T10:00:30Z"


def just_before_an_update_of(side: str, edit: Callable[[], None]) -> Plan:
    """Somebody edits once, after the engine has read and before its first update arrives at a side."""
    return at(side, updating, meanwhile(edit))


def updating(seen: Seen) -> bool:
    return b"PATCH" in seen.body


def blocked_too(world: World, policy: ConflictPolicy = ConflictPolicy.LATEST) -> None:
    """From now on blocked items are synchronized too, with a policy for conflicts."""

    def open_up(table: Table) -> Table:
        return replace(table, filter=tuple(one for one in table.filter if one.field not in ("Blocked", "statecode")))

    def adjust(context: Context) -> Context:
        mapping = context.mappings["ITEM-PRODUCT"]
        nav, crm = open_up(mapping.nav), open_up(mapping.crm)
        opened = replace(mapping, conflict=policy, nav=nav, crm=crm)
        return replace(context, mappings={**context.mappings, "ITEM-PRODUCT": opened})

    world.adjust = adjust


def cities(world: World) -> tuple[str, str]:
    return customer_of(world, "C1")["City"], account_of(world, "C1")["address1_city"]


async def half_edited(make: Make, policy: ConflictPolicy) -> World:
    """Each side has been edited: the fax number of NAV, the city of CRM."""
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=policy)
    both_change(world, {"Fax_No": "9"}, {"address1_city": "Hamburg"})
    stamp(world, BEFORE, FIRST)
    return world


def city_in_nav(world: World, stamped: str, **others: str) -> Callable[[], None]:
    def edit() -> None:
        world.edit_nav("Customer", "C1", City="Köln", **others)
        world.sandbox.nav.tables["Customer"].update("C1", {"SystemModifiedAt": stamped})

    return edit


@pytest.mark.parametrize(("stamped", "both"), [(LAST, "Köln"), (BEFORE, "Hamburg")])
async def test_the_later_one_wins_although_crm_was_written_to_later_still(make: Make, stamped: str, both: str) -> None:
    world = await half_edited(make, ConflictPolicy.LATEST)
    first = await world.run("CUSTOMER", plan=just_before_an_update_of("crm", city_in_nav(world, stamped, Fax_No="10")))
    second = await world.run("CUSTOMER")
    assert cities(world) == (both, both)
    assert (customer_of(world, "C1")["Fax_No"], account_of(world, "C1")["fax"]) == ("10", "10")
    assert (world.outcomes(first), world.outcomes(second), queues.conflicts(world.store)) == ([], [], [])
    before = len(world.audit())
    await world.run("CUSTOMER")
    assert world.audit(before) == []


async def test_two_that_came_within_one_second_are_left_as_they_are(make: Make) -> None:
    world = await half_edited(make, ConflictPolicy.LATEST)
    run = await world.run("CUSTOMER", plan=just_before_an_update_of("crm", city_in_nav(world, FIRST)))
    assert world.codes(run) == {"C1": "conflict"}
    assert cities(world) == ("Köln", "Hamburg")
    world.edit_nav("Customer", "C1", Fax_No="10")
    world.edit_crm("accounts", account_of(world, "C1")["accountid"], address1_city="Köln")
    assert (await world.run("CUSTOMER")).counters.failed == 0
    assert (customer_of(world, "C1")["Fax_No"], account_of(world, "C1")["fax"]) == ("10", "10")


async def test_the_later_one_wins_although_nav_was_written_to_later_still(make: Make) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    both_change(world, {"City": "Köln"}, {"fax": "9"})
    stamp(world, FIRST, BEFORE)

    def edit() -> None:
        world.edit_crm("accounts", account_of(world, "C1")["accountid"], address1_city="Hamburg")
        stamp(world, FIRST, LAST)

    plan = just_before_an_update_of("nav", edit)
    await world.one_pass("CUSTOMER", Direction.FROM_INTEGRATION_TABLE, only_coupled=True, plan=plan)
    assert customer_of(world, "C1")["Fax_No"] == "9"
    await world.run("CUSTOMER")
    assert cities(world) == ("Hamburg", "Hamburg")


async def test_an_update_without_an_answer_makes_nothing_newer_either(make: Make) -> None:
    world = await half_edited(make, ConflictPolicy.LATEST)

    async def edited_and_lost(send: Send) -> httpx.Response:
        await asyncio.to_thread(city_in_nav(world, LAST))
        return await lost_after(send)

    plan = at("crm", updating, edited_and_lost)
    await world.run("CUSTOMER", plan=plan)
    await world.run("CUSTOMER")
    assert (cities(world), account_of(world, "C1")["fax"]) == (("Köln", "Köln"), "9")


async def test_an_update_that_arrives_while_it_is_sent_again_makes_nothing_newer_either(make: Make) -> None:
    world = await half_edited(make, ConflictPolicy.LATEST)
    sent: list[Send] = []

    async def put_off(send: Send) -> httpx.Response:
        sent.append(send)
        return await lost_before(send)

    async def after_the_first(send: Send) -> httpx.Response:
        await asyncio.to_thread(city_in_nav(world, LAST))
        await sent.pop()()
        return await through(send)

    plan = at("crm", updating, put_off, after_the_first)
    await world.run("CUSTOMER", plan=plan)
    await world.run("CUSTOMER")
    assert (cities(world), account_of(world, "C1")["fax"]) == (("Köln", "Köln"), "9")


async def test_a_value_that_is_set_once_more_is_as_old_as_it_was_set_last(make: Make) -> None:
    world = await half_edited(make, ConflictPolicy.ASK)
    await world.run("CUSTOMER", plan=just_before_an_update_of("crm", city_in_nav(world, LAST)))
    account = account_of(world, "C1")["accountid"]
    for city in ("Bremen", "Hamburg"):
        world.edit_crm("accounts", account, address1_city=city)
        world.sandbox.crm.tables["accounts"].update(account, {"modifiedon": AGAIN})
        await world.run("CUSTOMER")
    (found,) = queues.conflicts(world.store)
    assert [(one.nav, one.newer) for one in found.fields] == [("City", Choice.CRM)]


async def test_what_is_written_late_makes_nothing_newer_either(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item(Unit_Cost=1)]})
    await world.run(*JOBS)
    blocked_too(world)
    (product,) = world.crm("products")
    world.edit_crm("products", product["productid"], name="of CRM")
    world.edit_nav("Item", "I1", Blocked=True)
    world.sandbox.nav.tables["Item"].update("I1", {"SystemModifiedAt": BEFORE})
    world.sandbox.crm.tables["products"].update(product["productid"], {"modifiedon": FIRST})

    def edit() -> None:
        world.edit_nav("Item", "I1", Description="of NAV")
        world.sandbox.nav.tables["Item"].update("I1", {"SystemModifiedAt": LAST})

    await world.run(*JOBS, plan=just_before_an_update_of("crm", edit))
    await world.run(*JOBS)
    (product,), (one,) = world.crm("products"), world.nav("Item")
    assert (product["statecode"], product["name"], one["Description"]) == (1, "of NAV", "of NAV")


async def test_what_is_asked_about_remembers_who_came_last(make: Make) -> None:
    world = await half_edited(make, ConflictPolicy.ASK)
    await world.run("CUSTOMER", plan=just_before_an_update_of("crm", city_in_nav(world, LAST, Fax_No="10")))
    (found,) = queues.conflicts(world.store)
    assert [(one.nav, one.newer) for one in found.fields] == [("City", Choice.NAV)]
    assert cities(world) == ("Köln", "Hamburg")
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    await world.run("CUSTOMER")
    assert cities(world) == ("Köln", "Köln")


async def test_other_fields_that_are_edited_meanwhile_change_nothing_of_who_came_last(make: Make) -> None:
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    both_change(world, {"City": "Bremen", "Fax_No": "9"}, {"address1_city": "Hamburg"})
    stamp(world, BEFORE, FIRST)

    def edit() -> None:
        world.edit_nav("Customer", "C1", Address="Ring 1")
        world.sandbox.nav.tables["Customer"].update("C1", {"SystemModifiedAt": LAST})

    run = await world.run("CUSTOMER", plan=just_before_an_update_of("crm", edit))
    assert cities(world) == ("Hamburg", "Hamburg")
    assert (world.outcomes(run), queues.conflicts(world.store)) == ([], [])


async def bremen_in_nav_hamburg_in_crm(make: Make) -> World:
    """Both cities have been edited, and the fax number of NAV: what is written to CRM leaves its city where it is."""
    world = await coupled(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    both_change(world, {"Fax_No": "9", "City": "Bremen"}, {"address1_city": "Hamburg"})
    stamp(world, BEFORE, FIRST)
    return world


def bremen_again(world: World) -> None:
    assert cities(world) == ("Hamburg", "Hamburg")
    world.edit_nav("Customer", "C1", City="Bremen")
    world.sandbox.nav.tables["Customer"].update("C1", {"SystemModifiedAt": AGAIN})


def written_by_us(world: World) -> None:
    """CRM stamped our update of the fax number before somebody edited NAV again."""
    world.sandbox.crm.tables["accounts"].update(account_of(world, "C1")["accountid"], {"modifiedon": LAST})


def is_shown(world: World, run: RunSnapshot, nav: str, crm: str) -> bool:
    """Whether a conflict of the cities is shown, which stay what they are."""
    return world.codes(run) == {"C1": "conflict"} and cities(world) == (nav, crm)


async def test_nobody_can_tell_who_came_last_where_an_engine_died_and_a_value_was_put_back(make: Make) -> None:
    world = await bremen_in_nav_hamburg_in_crm(make)
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("nav", writing, arrives_and_dies))
    written_by_us(world)
    bremen_again(world)
    assert is_shown(world, await world.resume(number), "Bremen", "Hamburg")
    world.edit_nav("Customer", "C1", City="Ulm")
    await world.run("CUSTOMER")
    assert (cities(world), account_of(world, "C1")["fax"]) == (("Ulm", "Ulm"), "9")


async def test_nobody_can_tell_who_came_last_where_an_answer_was_lost_and_a_value_was_put_back(make: Make) -> None:
    world = await bremen_in_nav_hamburg_in_crm(make)

    async def put_back(send: Send) -> httpx.Response:
        try:
            return await lost_after(send)
        finally:
            await asyncio.to_thread(bremen_again, world)

    async def stamped(send: Send) -> httpx.Response:
        try:
            return await through(send)
        finally:
            await asyncio.to_thread(written_by_us, world)

    to_crm, to_nav = at("crm", writing, stamped), at("nav", writing, put_back)
    run = await world.run("CUSTOMER", plan=lambda seen: to_crm(seen) or to_nav(seen))
    assert is_shown(world, run, "Bremen", "Hamburg")
    assert is_shown(world, await world.run("CUSTOMER"), "Bremen", "Hamburg")


async def test_what_was_known_of_who_came_last_is_in_doubt_too_once_a_value_was_put_back(make: Make) -> None:
    world = await bremen_in_nav_hamburg_in_crm(make)
    world.mapping("CUSTOMER", conflict=ConflictPolicy.ASK)
    await world.run("CUSTOMER")
    (found,) = queues.conflicts(world.store)
    assert [(one.nav, one.newer) for one in found.fields] == [("City", Choice.CRM)]
    world.mapping("CUSTOMER", conflict=ConflictPolicy.LATEST)
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("nav", writing, arrives_and_dies))
    bremen_again(world)
    assert is_shown(world, await world.resume(number), "Bremen", "Hamburg")


async def later_in_nav(make: Make) -> World:
    """The city is newer in NAV, although CRM was written to later; the next run carries it over."""
    world = await half_edited(make, ConflictPolicy.LATEST)
    await world.run("CUSTOMER", plan=just_before_an_update_of("crm", city_in_nav(world, LAST)))
    assert cities(world) == ("Köln", "Hamburg")
    return world


async def test_an_update_that_did_not_arrive_makes_nothing_newer_when_it_is_sent_again(make: Make) -> None:
    world = await later_in_nav(make)
    await world.run("CUSTOMER", plan=at("crm", updating, lost_before))
    await world.run("CUSTOMER")
    assert cities(world) == ("Köln", "Köln")


async def test_an_update_with_which_an_engine_died_makes_nothing_newer_where_it_did_not_arrive(make: Make) -> None:
    world = await later_in_nav(make)
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("crm", updating, dies))
    await world.resume(number)
    await world.run("CUSTOMER")
    assert cities(world) == ("Köln", "Köln")


def another_number(world: World) -> Callable[[], None]:
    """Somebody edits the telephone number of CRM."""
    account = account_of(world, "C1")["accountid"]

    def edit() -> None:
        world.edit_crm("accounts", account, telephone1="77")
        world.sandbox.crm.tables["accounts"].update(account, {"modifiedon": AGAIN})

    return edit


async def test_another_field_that_is_edited_after_an_answer_was_lost_makes_nothing_newer(make: Make) -> None:
    world = await later_in_nav(make)

    async def lost_and_edited(send: Send) -> httpx.Response:
        await asyncio.to_thread(another_number(world))
        return await lost_before(send)

    run = await world.run("CUSTOMER", plan=at("crm", updating, lost_and_edited))
    assert is_shown(world, run, "Köln", "Hamburg")
    assert is_shown(world, await world.run("CUSTOMER"), "Köln", "Hamburg")


async def test_another_field_that_is_edited_after_an_engine_died_makes_nothing_newer(make: Make) -> None:
    world = await later_in_nav(make)
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("crm", updating, dies))
    another_number(world)()
    assert is_shown(world, await world.resume(number), "Köln", "Hamburg")
