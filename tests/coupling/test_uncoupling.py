"""Removing couplings (reference/domain.md section 5.4)."""

from engine.model.snapshot import JobType, RunState
from engine.runs import snapshots
from engine.runs.requests import Mend, Uncouple
from tests.coupling.tools import ask, nav_id, sums
from tests.sync.test_contacts import JOBS, company, person
from tests.sync.test_currencies import currency
from tests.sync.test_customers import customer
from tests.sync.test_products import JOBS as PRODUCTS
from tests.sync.test_products import UNITS, item
from tests.sync.test_salespeople import person as salesperson
from tests.sync.test_salespeople import user
from tests.sync.world import Make, World, counters


def firms(make: Make) -> World:
    return make(
        {
            "Customer": [customer("C1"), customer("C2")],
            "Contact": [company("K1", "C1"), company("K2", "C2"), person("P1", "K1", "C1"), person("P2", "K2", "C2")],
        }
    )


def coupled(world: World, mapping: str) -> list[str]:
    return sorted(one.nav_no for one in world.couplings(mapping))


async def test_one_is_uncoupled_with_its_contacts_and_nothing_is_written(make: Make) -> None:
    world = firms(make)
    await world.run(*JOBS)
    before = len(world.audit())
    run = await ask(world, Uncouple("CUSTOMER", ("c1",)))
    assert (run.kind, run.state, sums(run)) == ("uncouple", RunState.FINISHED, {"uncoupled": 2})
    assert (coupled(world, "CUSTOMER"), coupled(world, "CONTACTS")) == (["C2"], ["P2"])
    assert world.audit(before) == []
    jobs = {one.mapping: one for one in snapshots.history(world.store, run=run.id)}
    assert {name: (one.type, one.counters.uncoupled) for name, one in jobs.items()} == {
        "CUSTOMER": (JobType.UNCOUPLING, 1),
        "CONTACTS": (JobType.UNCOUPLING, 1),
    }


async def test_a_contact_alone_leaves_its_customer_coupled(make: Make) -> None:
    world = firms(make)
    await world.run(*JOBS)
    run = await ask(world, Uncouple("CONTACTS", (nav_id(world, "Contact", "P1"),)))
    assert sums(run) == {"uncoupled": 1}
    assert (coupled(world, "CUSTOMER"), coupled(world, "CONTACTS")) == (["C1", "C2"], ["P2"])


async def test_contacts_stay_coupled_when_their_currency_or_salesperson_is_uncoupled(make: Make) -> None:
    world = make(
        {
            "Currency": [currency("USD")],
            "Salesperson_Purchaser": [salesperson("ANNA", "anna@x.example")],
            "Customer": [customer("C1", Currency_Code="USD", Salesperson_Code="ANNA")],
            "Contact": [
                company("K1", "C1"),
                person("P1", "K1", "C1", Currency_Code="USD", Salesperson_Code="ANNA"),
            ],
        },
        {"systemuser": [user("Anna")]},
    )
    await world.run("CURRENCY", "SALEPEOPLE", *JOBS)
    for name, no in (("CURRENCY", "USD"), ("SALEPEOPLE", "ANNA")):
        run = await ask(world, Uncouple(name, (no,)))
        assert ([job.mapping for job in run.jobs], sums(run)) == ([name], {"uncoupled": 1})
    assert (coupled(world, "CUSTOMER"), coupled(world, "CONTACTS")) == (["C1"], ["P1"])


async def test_all_are_uncoupled_and_the_next_run_finds_the_same_pairs_again(make: Make) -> None:
    world = firms(make)
    await world.run(*JOBS)
    pairs = {(one.nav_id, one.crm_id) for name in JOBS for one in world.couplings(name)}
    run = await ask(world, Uncouple("CUSTOMER"))
    assert sums(run) == {"uncoupled": 4}
    assert world.couplings("CUSTOMER") == world.couplings("CONTACTS") == []
    again = await world.run(*JOBS)
    assert {(one.nav_id, one.crm_id) for name in JOBS for one in world.couplings(name)} == pairs
    assert (again.counters.inserted, again.counters.failed) == (0, 0)
    assert (len(world.crm("accounts")), len(world.crm("contacts"))) == (2, 2)
    assert len(world.nav("Customer")) == 2


async def test_what_no_rule_matches_is_adopted_under_its_own_id(make: Make) -> None:
    world = make({"Customer": [customer(E_Mail="")]})
    await world.run("CUSTOMER")
    (pair,) = world.couplings("CUSTOMER")
    await ask(world, Uncouple("CUSTOMER", ("C1",)))
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER")["warnings"] == 1
    assert list(world.codes(run).values()) == ["adopted"]
    assert world.couplings("CUSTOMER") == [pair]
    assert len(world.crm("accounts")) == 1


async def test_a_restored_partner_is_adopted_too(make: Make) -> None:
    world = make({"Customer": [customer(E_Mail="")]})
    await world.run("CUSTOMER")
    (first,) = world.couplings("CUSTOMER")
    world.delete_crm("accounts", first.crm_id)
    await ask(world, Mend("CUSTOMER", "restore"))
    (second,) = world.couplings("CUSTOMER")
    assert second.crm_id != first.crm_id
    await ask(world, Uncouple("CUSTOMER"))
    await world.run("CUSTOMER")
    assert world.couplings("CUSTOMER") == [second]
    assert len(world.crm("accounts")) == 1


async def test_a_record_that_is_not_coupled_is_told_and_the_others_are_uncoupled(make: Make) -> None:
    world = firms(make)
    await world.run("CUSTOMER")
    run = await ask(world, Uncouple("CUSTOMER", ("C9", "C2")))
    assert sums(run) == {"uncoupled": 1, "failed": 1}
    assert world.codes(run) == {"C9": "not_coupled"}
    assert coupled(world, "CUSTOMER") == ["C1"]


async def test_products_are_found_again(make: Make) -> None:
    world = make({"Unit_of_Measure": UNITS, "Item": [item("I1"), item("I2")]})
    await world.run(*PRODUCTS)
    pairs = world.couplings("ITEM-PRODUCT")
    assert sums(await ask(world, Uncouple("ITEM-PRODUCT"))) == {"uncoupled": 2}
    await world.run(*PRODUCTS)
    assert world.couplings("ITEM-PRODUCT") == pairs
    assert len(world.crm("products")) == 2
