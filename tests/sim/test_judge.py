"""The judge sees what is wrong: each invariant, broken by hand in a world in which all was right."""

from collections.abc import Callable, Iterator
from random import Random

import pytest

from engine.runs import control
from sandbox.crm import writes as crm_writes
from sandbox.crm.schema import ENTITIES
from sandbox.load import Seeds
from sandbox.nav import writes as nav_writes
from sandbox.nav.schema import PAGES
from tests.sim.company import Company, crm_row, nav_record, some_company
from tests.sim.life import Doom
from tests.sim.oracle import judge
from tests.sim.seen import Facts, Work
from tests.sim.world import Setup, World

JOBS = ("CURRENCY", "CUSTOMER")


@pytest.fixture
def world() -> Iterator[World]:
    """A company after a run in which nothing happened."""
    nav = {
        "General_Ledger_Setup": [{"LCY_Code": "EUR"}],
        "Currency": [nav_record("CURRENCY", "T01")],
        "Customer": [nav_record("CUSTOMER", "T02"), nav_record("CUSTOMER", "T03", out=True)],
    }
    crm = {"organization": [{"name": "Org", "basecurrencycode": "EUR"}], "account": [crm_row("CUSTOMER", "T04")]}
    made = World("judge", Company(Seeds(nav, crm), JOBS, frozenset({"T03"})), Setup())
    run = made.desk(lambda store: control.start(store, made.settings, only=JOBS, keep_cleared=False, by="test"))
    made.live(run, Doom())
    yield made
    made.close()


def work(world: World) -> Work:
    """The run of the fixture, with whatever was written since."""
    made = {line.key for line in world.log.lines if line.op == "create"}
    there = {place: ids - made for place, ids in world.there().items()}
    return Work((1,), 0, len(world.log.lines), "run", there, 1, 1)


def verdict(world: World) -> list[str]:
    return judge(world, Facts(JOBS, [work(world)], last=1))


def kinds(world: World) -> set[str]:
    return {text.partition(" ")[0] for text in verdict(world)}


def account(world: World, sign: str) -> str:
    return next(id for id, row in world.records("crm", "accounts").items() if sign in row["name"])


def store(world: World, statement: str) -> None:
    world.rows(statement)


def make_account(world: World) -> None:
    crm_writes.create(world.crm, ENTITIES["accounts"], {"name": "Firm T02", "customertypecode": 3}, None)


def make_out(world: World) -> None:
    world.log.by = "person"
    crm_writes.create(world.crm, ENTITIES["accounts"], {"name": "Firm T03", "customertypecode": 3}, None)


def overwrite(world: World) -> None:
    world.edit("crm", "accounts", account(world, "T02"))
    empty = {"telephone1": None, "address1_city": None}
    crm_writes.update(world.crm, ENTITIES["accounts"], account(world, "T02"), empty)


def write_back(world: World) -> None:
    nav_writes.update(world.nav, PAGES["Currency"], "T01", "*", {"Description": "the T01"})


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (make_account, {"I1", "I2", "I5"}),
        (lambda world: store(world, "DELETE FROM coupling WHERE mapping = 'CUSTOMER'"), {"I2"}),
        (overwrite, {"I3"}),
        (
            lambda world: store(
                world,
                "INSERT INTO trouble SELECT mapping, 'To', nav_id, 'conflict', '', '', '', 1, 0, 1, 0 FROM coupling",
            ),
            {"I3"},
        ),
        (lambda world: store(world, "INSERT INTO flag VALUES ('CUSTOMER', 0, 1, 0, 'x')"), {"I4"}),
        (lambda world: store(world, "UPDATE page SET inserted = inserted + 1, read = read + 1"), {"I5"}),
        (lambda world: store(world, "UPDATE page SET inserted = 0, unchanged = unchanged + inserted"), {"I5"}),
        (lambda world: store(world, "UPDATE page SET modified = unchanged, unchanged = 0"), {"I5"}),
        (lambda world: store(world, "UPDATE page SET unchanged = 0"), {"I5"}),
        (lambda world: store(world, "UPDATE page SET read = read - unchanged, unchanged = 0"), {"I5"}),
        (lambda world: store(world, "UPDATE page SET failed = unchanged, unchanged = 0"), {"I5"}),
        (lambda world: store(world, "UPDATE page SET coupled = coupled + 1"), {"I5"}),
        (lambda world: store(world, "DELETE FROM page"), {"I5"}),
        (make_out, {"I6"}),
        (write_back, {"I8"}),
    ],
)
def test_each_invariant_is_judged(world: World, harm: Callable[[World], None], expected: set[str]) -> None:
    assert verdict(world) == []
    harm(world)
    assert kinds(world) == expected


def edit(world: World, side: str, set: str, id: str, **values: str) -> None:
    world.person(side, "edits", lambda: world._change(side, set, id, values))


def test_a_value_that_was_put_back_is_an_edit_once_both_sides_held_another_one(world: World) -> None:
    nav = next(id for id, row in world.records("nav", "Customer").items() if row["No"] == "T02")
    crm = account(world, "T02")
    edit(world, "nav", "Customer", nav, City="Bonn")
    crm_writes.update(world.crm, ENTITIES["accounts"], crm, {"address1_city": "Bonn"})
    edit(world, "crm", "accounts", crm, address1_city="")
    crm_writes.update(world.crm, ENTITIES["accounts"], crm, {"address1_city": "Bonn"})
    assert "I3 CUSTOMER T02 City: both have 'Bonn', but '' was written last" in verdict(world)


def test_a_value_that_was_put_back_before_anything_saw_another_one_is_no_edit(world: World) -> None:
    nav = next(id for id, row in world.records("nav", "Customer").items() if row["No"] == "T02")
    edit(world, "crm", "accounts", account(world, "T02"), address1_city="Trier")
    edit(world, "nav", "Customer", nav, City="Bonn")
    edit(world, "nav", "Customer", nav, City="")
    nav_writes.update(world.nav, PAGES["Customer"], "T02", "*", {"City": "Trier"})
    assert not [text for text in verdict(world) if text.startswith("I3")]


def test_what_people_entered_twice_is_theirs_and_what_was_made_for_what_was_made_is_not(world: World) -> None:
    facts = Facts(JOBS, [work(world)], last=1, several=frozenset({"T02"}))
    assert judge(world, facts) == []
    make_account(world)
    assert any(text.startswith("I1 CUSTOMER T02 was made 2 times in CRM for 1 records") for text in judge(world, facts))


def test_what_was_made_of_a_deleted_record_needs_no_coupling_once_the_state_store_is_lost(world: World) -> None:
    works = [work(world)]
    world.log.by = "person"
    nav_writes.delete(world.nav, PAGES["Currency"], "T01", "*")
    store(world, "DELETE FROM coupling WHERE mapping = 'CURRENCY'")
    assert {text[:2] for text in judge(world, Facts(JOBS, works, last=1, removed=frozenset({"T01"})))} == {"I2"}
    assert judge(world, Facts(JOBS, works, last=1, forgotten=True, removed=frozenset({"T01"}))) == []
    assert {text[:2] for text in judge(world, Facts(JOBS, works, last=1, forgotten=True))} == {"I2"}


def test_a_company_is_the_same_for_the_same_chance() -> None:
    assert some_company(Random("1"), Random("2")) == some_company(Random("1"), Random("2"))


@pytest.mark.parametrize("gone", [False, True])
def test_a_person_without_a_partner_is_excused_only_where_its_firm_is_gone(*, gone: bool) -> None:
    """The state store was lost, and somebody has deleted records."""
    jobs = ("CUSTOMER", "CONTACTS")
    nav = {"General_Ledger_Setup": [{"LCY_Code": "EUR"}]}
    crm = {
        "organization": [{"name": "Org", "basecurrencycode": "EUR"}],
        "account": [crm_row("CUSTOMER", "T04")],
        "contact": [crm_row("CONTACTS", "T05", "T04")],
    }
    world = World("judge", Company(Seeds(nav, crm), jobs, frozenset()), Setup())
    try:
        run = world.desk(lambda store: control.start(store, world.settings, only=jobs, keep_cleared=False, by="test"))
        world.live(run, Doom())
        store(world, "DELETE FROM coupling WHERE mapping = 'CONTACTS'")
        (person,) = (row for row in world.nav.tables["Contact"].rows.values() if row["Type"] == "Person")
        (source,) = world.records("crm", "contacts")
        world.crm.tables["contacts"].rows.pop(source)
        if gone:
            person["Customer_No"] = ""
        facts = Facts(jobs, [work(world)], last=run, forgotten=True, removed=frozenset({"T04"}))
        found = [one for one in judge(world, facts) if one.startswith("I2 CONTACTS T05 was made in NAV")]
        assert bool(found) is not gone
    finally:
        world.close()
