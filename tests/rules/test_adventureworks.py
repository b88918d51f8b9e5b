"""Conflicts, deletions and blocked items on real-looking data, after their first full synchronization.

Elsewhere on the same data: the undo of that run (tests/undo/test_adventureworks.py), and that `check` is clean before it,
after it and after its undo (tests/check/test_adventureworks.py).
"""

import asyncio
from collections.abc import Iterator

import pytest

from engine.model.conflict import Choice
from engine.model.mapping import ConflictPolicy, DeletionPolicy
from engine.model.snapshot import RecordOutcome, RunSnapshot
from engine.runs import queues
from tests.conflicts.tools import EARLY, LATE, account_of, both_change, customer_of, stamp
from tests.handling.tools import unfiltered
from tests.runs.company import needs_adventureworks
from tests.sync.world import World
from tests.undo.adventureworks import adventureworks

pytestmark = needs_adventureworks


class Data:
    """The data after their first full synchronization. Each test takes records that no other test has touched."""

    def __init__(self, world: World) -> None:
        self.world = world
        companies = {row["Customer_No"] for row in world.nav("Contact")}
        self.customers = (row["No"] for row in world.nav("Customer") if row["No"] not in companies)
        self.items = (row["No"] for row in world.nav("Item") if not row["Blocked"])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Data]:
    with adventureworks(tmp_path_factory.mktemp("rules") / "world") as world:
        run = asyncio.run(world.run())
        assert run.counters.inserted > 2000
        yield Data(world)


def said(world: World, run: RunSnapshot, no: str) -> list[RecordOutcome]:
    """What a run said of a record."""
    return [one for one in world.outcomes(run) if one.nav_no == no]


def cities(world: World, no: str) -> tuple[str, str]:
    return customer_of(world, no)["City"], account_of(world, no)["address1_city"]


def changed_on_both_sides(data: Data, policy: ConflictPolicy) -> str:
    """A customer whose city is another one on each side, and whose fax number is new in CRM."""
    no: str = next(data.customers)
    data.world.mapping("CUSTOMER", conflict=policy)
    both_change(data.world, {"City": "Ulm"}, {"address1_city": "Graz", "fax": "0043 1"}, no)
    return no


async def test_without_a_policy_a_customer_changed_on_both_sides_fails_and_is_left(data: Data) -> None:
    no = changed_on_both_sides(data, ConflictPolicy.NONE)
    run = await data.world.run("CUSTOMER")
    assert {one.code for one in said(data.world, run, no)} == {"conflict"}
    assert cities(data.world, no) == ("Ulm", "Graz")
    assert customer_of(data.world, no)["Fax_No"] != "0043 1"


@pytest.mark.parametrize(
    ("policy", "newer", "city"),
    [
        (ConflictPolicy.SEND_UPDATE, None, "Ulm"),
        (ConflictPolicy.GET_UPDATE, None, "Graz"),
        (ConflictPolicy.LATEST, "nav", "Ulm"),
        (ConflictPolicy.LATEST, "crm", "Graz"),
    ],
)
async def test_a_policy_settles_what_both_sides_changed(
    data: Data, policy: ConflictPolicy, newer: str | None, city: str
) -> None:
    no = changed_on_both_sides(data, policy)
    if newer is not None:
        stamp(data.world, *((LATE, EARLY) if newer == "nav" else (EARLY, LATE)), no)
    run = await data.world.run("CUSTOMER")
    assert said(data.world, run, no) == []
    assert cities(data.world, no) == (city, city)
    assert customer_of(data.world, no)["Fax_No"] == "0043 1"


async def test_what_is_to_be_asked_waits_until_it_is_chosen(data: Data) -> None:
    world = data.world
    no = changed_on_both_sides(data, ConflictPolicy.ASK)
    await world.run("CUSTOMER")
    assert cities(world, no) == ("Ulm", "Graz")
    assert customer_of(world, no)["Fax_No"] == "0043 1", "all else is synchronized meanwhile"
    (found,) = [one for one in queues.conflicts(world.store) if one.nav_no == no]
    queues.choose(world.store, found, {"City=address1_city": Choice.CRM})
    await world.run("CUSTOMER")
    assert cities(world, no) == ("Graz", "Graz")
    assert no not in {one.nav_no for one in queues.conflicts(world.store)}


def account_deleted(data: Data, policy: DeletionPolicy) -> tuple[str, str, str]:
    """A customer whose account somebody deleted: its number, its name and the id of the account."""
    no = next(data.customers)
    data.world.mapping("CUSTOMER", deletion=policy)
    account = account_of(data.world, no)
    data.world.delete_crm("accounts", account["accountid"])
    return no, account["name"], account["accountid"]


async def test_without_a_policy_a_customer_without_its_account_fails(data: Data) -> None:
    no, name, lost = account_deleted(data, DeletionPolicy.NONE)
    before = len(data.world.crm("accounts", name=name))
    run = await data.world.run("CUSTOMER")
    assert {one.code for one in said(data.world, run, no)} == {"deleted"}
    assert [one.crm_id for one in data.world.couplings("CUSTOMER") if one.nav_no == no] == [lost]
    assert len(data.world.crm("accounts", name=name)) == before
    assert customer_of(data.world, no)["Name"].strip() == name


async def test_an_account_is_made_again_when_it_is_to_be_restored(data: Data) -> None:
    no, name, lost = account_deleted(data, DeletionPolicy.RESTORE_RECORDS)
    await data.world.run("CUSTOMER")
    again = account_of(data.world, no)
    assert again["name"] == name
    assert again["accountid"] != lost


async def test_a_coupling_is_removed_when_that_is_the_policy(data: Data) -> None:
    no, name, _ = account_deleted(data, DeletionPolicy.REMOVE_COUPLING)
    before = len(data.world.crm("accounts", name=name))
    run = await data.world.run("CUSTOMER")
    assert {one.code for one in said(data.world, run, no)} == {"coupling_removed"}
    assert [one for one in data.world.couplings("CUSTOMER") if one.nav_no == no] == []
    assert len(data.world.crm("accounts", name=name)) == before
    assert customer_of(data.world, no)["Name"].strip() == name


async def test_a_blocked_item_retires_its_product_when_the_filter_lets_it_through(data: Data) -> None:
    world, no = data.world, next(data.items)
    world.mapping("ITEM-PRODUCT")
    world.edit_nav("Item", no, Blocked=True)
    await world.run("ITEM-PRODUCT")
    assert [row["statecode"] for row in world.crm("products", productnumber=no)] == [0], "its default filter"
    unfiltered(world, "ITEM-PRODUCT", "Blocked")
    await world.run("ITEM-PRODUCT")
    assert [row["statecode"] for row in world.crm("products", productnumber=no)] == [1]
