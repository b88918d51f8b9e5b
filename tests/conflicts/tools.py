"""A customer that is coupled, and people who change it on both sides."""

from typing import Any

from engine.model.snapshot import RunSnapshot
from tests.sync.test_customers import customer
from tests.sync.world import Make, World

EARLY, LATE = "2026-01-01T10:00:00Z", "2026-01-01T10:00:05Z"


async def coupled(make: Make, **options: Any) -> World:
    """A world in which C1 and C2 are coupled and the same on both sides."""
    world = make({"Customer": [customer("C1", City="Bonn", Phone_No="1"), customer("C2")]}, **options)
    await world.run("CUSTOMER")
    return world


async def sync(world: World, *jobs: str) -> RunSnapshot:
    """A synchronization of modified records."""
    return await world.work(world.start(*jobs, kind="sync"))


def account_of(world: World, no: str) -> dict[str, Any]:
    """The CRM row that a customer is coupled to."""
    (pair,) = [one for one in world.couplings("CUSTOMER") if one.nav_no == no]
    (row,) = world.crm("accounts", accountid=pair.crm_id)
    return row


def customer_of(world: World, no: str) -> dict[str, Any]:
    (row,) = world.nav("Customer", No=no)
    return row


def both_change(world: World, nav: dict[str, Any], crm: dict[str, Any], no: str = "C1") -> None:
    """Somebody changes the customer in NAV, somebody else in CRM."""
    world.edit_nav("Customer", no, **nav)
    world.edit_crm("accounts", account_of(world, no)["accountid"], **crm)


def stamp(world: World, nav: str, crm: str, no: str = "C1") -> None:
    """When both say that they were modified."""
    world.sandbox.nav.tables["Customer"].update(no, {"SystemModifiedAt": nav})
    world.sandbox.crm.tables["accounts"].update(account_of(world, no)["accountid"], {"modifiedon": crm})
