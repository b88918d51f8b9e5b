"""Synchronization through Business Central API v2.0, where a new record has the id that it is given."""

from pathlib import Path

import pytest

from engine.mapping.identity import created_id
from engine.model.mapping import Direction
from engine.model.snapshot import RunState
from engine.runs import control
from sandbox.nav import api_rows
from tests.conflicts.tools import sync
from tests.sync.company import CRM, NAV, made, passes, prepare, sums
from tests.sync.faults import Fault, Life, Plan, Seen, always, at, died, lost_after, lost_before, refused
from tests.sync.test_customers import account, customer
from tests.sync.test_lost_answers import LOSSES, once, then
from tests.sync.world import COMPANY, MARKER, Make, World, counters, world

FROM = Direction.FROM_INTEGRATION_TABLE
ACCOUNTS = {"account": [account("A1", "a1@x.example"), account("A2", "a2@x.example"), account("A3", "a3@x.example")]}
SERVED = {"CURRENCY", "SALEPEOPLE", "UNITOFMEASURE", "CUSTOMER", "ITEM-PRODUCT"}
STEPS = 9
"""Every how manieth step an engine dies at."""


def posting(seen: Seen) -> bool:
    return seen.path.endswith("$batch") and seen.creates


def new_id(world: World, name: str) -> str:
    """The id that we give the customer of an account."""
    (row,) = world.crm("accounts", name=name)
    return created_id("test", COMPANY, "CUSTOMER", row["accountid"])


async def test_what_the_api_has_is_synchronized_both_ways_and_a_second_run_writes_nothing(make: Make) -> None:
    world = make(NAV, CRM, kind="api")
    prepare(world)
    run = await world.run()
    assert run.state is RunState.FINISHED, run.message
    assert {job.mapping for job in run.jobs} == SERVED
    said = {event.mapping for event in run.events if event.text.startswith("left out: ")}
    assert said == {"CONTACTS", "RESOURCE-PRODUCT"}
    assert passes(run)["CUSTOMER", "FromIntegrationTable"] == {"read": 3, "inserted": 1, "unchanged": 2}
    assert sums(run, "inserted") == made(world)
    gbp = world.crm("transactioncurrencies", isocurrencycode="GBP")[0]
    assert world.crm("accounts", name="Firm C1")[0]["_transactioncurrencyid_value"] == gbp["transactioncurrencyid"]
    neu = world.nav("Customer", Name="Neu")[0]
    assert (neu["SystemId"], neu["Currency_Code"]) == (new_id(world, "Neu"), "")
    before = len(world.audit())
    again = await world.run()
    assert world.audit(before) == []
    assert sums(again, "failed") == sums(run, "failed")


async def test_a_change_on_either_side_is_found_and_brought_over(make: Make) -> None:
    world = make({"Customer": [customer("C1"), customer("C2")]}, kind="api")
    await world.run("CUSTOMER")
    world.edit_nav("Customer", "C1", City="Bonn")
    world.edit_crm("accounts", world.crm("accounts", name="Firm C2")[0]["accountid"], address1_city="Ulm")
    run = await sync(world, "CUSTOMER")
    assert counters(run, "CUSTOMER")["modified"] == 2
    assert world.crm("accounts", name="Firm C1")[0]["address1_city"] == "Bonn"
    assert world.nav("Customer", No="C2")[0]["City"] == "Ulm"


@pytest.mark.parametrize("fault", LOSSES.values(), ids=LOSSES.keys())
async def test_a_customer_whose_answer_is_lost_is_made_once(make: Make, fault: Fault) -> None:
    world = make({}, ACCOUNTS, kind="api")
    await world.run("CUSTOMER")
    for number in (4, 5):
        world.sandbox.crm.seed("account", account(f"A{number}", f"a{number}@x.example"))
    # that the service keeps ids is known from what it made before
    run = await world.run("CUSTOMER", plan=at("nav", posting, fault))
    assert counters(run, "CUSTOMER")["inserted"] == 2
    assert {row["SystemId"] for row in world.nav("Customer")} == {new_id(world, f"A{n}") for n in range(1, 6)}
    once(world, "CUSTOMER", 5)


async def test_the_first_customer_ever_is_not_sent_again_unless_it_is_seen_under_its_id(make: Make) -> None:
    world = make({}, ACCOUNTS, kind="api")
    run = await world.run("CUSTOMER", plan=at("nav", posting, lost_after))
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    once(world, "CUSTOMER", 3)
    other = make({}, {"account": ACCOUNTS["account"][:1]}, kind="api")
    run = await other.run("CUSTOMER", plan=at("nav", posting, lost_before))
    assert list(other.codes(run, "CUSTOMER").values()) == ["in_doubt"]
    again = await other.run("CUSTOMER")
    assert other.nav("Customer") == []
    assert list(other.codes(again, "CUSTOMER").values()) == ["in_doubt"]


async def test_a_customer_that_is_seen_under_its_id_tells_that_others_may_be_sent_again(make: Make) -> None:
    world = make({}, ACCOUNTS, kind="api")
    run = await world.run("CUSTOMER", plan=at("nav", posting, lost_before, lost_after, lost_before))
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    once(world, "CUSTOMER", 3)
    stopped = make({}, ACCOUNTS, kind="api")
    strikes = then(at("nav", posting, lost_before), then(at("nav", posting, lost_after), nobody_listens))
    run = await stopped.run("CUSTOMER", plan=strikes)
    assert run.state is RunState.STOPPED
    run = await stopped.resume(run.id)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    once(stopped, "CUSTOMER", 3)


def other_kind(world: World) -> None:
    """From now on, NAV is reached the other way."""
    own = world.settings.nav
    if own.kind == "api":
        world.set(kind="odata", url=own.url.replace("api/v2.0", "ODataV4"), marker_field=MARKER)
    else:
        world.set(kind="api", url=own.url.replace("ODataV4", "api/v2.0"), marker_field=None)


nobody_listens = always("nav", lambda seen: True, refused)


def broken_behind(strikes: Plan) -> Plan:
    return then(strikes, nobody_listens)


@pytest.mark.parametrize("kind", ["api", "odata"])
@pytest.mark.parametrize("fault", [lost_before, lost_after])
async def test_what_was_sent_one_way_is_settled_or_in_doubt_the_other_way(make: Make, kind: str, fault: Fault) -> None:
    world = make({}, {"account": ACCOUNTS["account"][:1]}, kind=kind)
    run = await world.run("CUSTOMER", plan=broken_behind(at("nav", posting, fault)))
    assert run.state is RunState.STOPPED
    control.cancel(world.store, run.id, "test")
    other_kind(world)
    run = await world.run("CUSTOMER")
    made = 0 if fault is lost_before else 1
    assert len(world.nav("Customer")) == made
    if fault is lost_after:
        once(world, "CUSTOMER", 1)  # found by its id or, as the API cannot look for a mark, by its name and e-mail
    else:
        # nothing tells whether it is still under way
        assert "in_doubt" in world.codes(run, "CUSTOMER").values()


async def test_a_service_that_gives_ids_of_its_own_gets_one_record_a_run(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make({}, ACCOUNTS, kind="api")
    take = api_rows.values_of

    def without_id(*arguments: object, **options: object) -> dict[str, object]:
        values = take(*arguments, **options)  # type: ignore[arg-type]  # as they come
        values.pop("SystemId", None)
        return values

    monkeypatch.setattr("sandbox.nav.api_service.values_of", without_id)
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 1, "failed": 2}
    assert set(world.codes(run, "CUSTOMER").values()) == {"id_not_kept"}
    once(world, "CUSTOMER", 1)
    await world.run("CUSTOMER")
    once(world, "CUSTOMER", len(world.nav("Customer")))


async def test_an_engine_may_die_at_any_step_of_making_customers(tmp_path: Path) -> None:
    with world(tmp_path / "whole", {}, ACCOUNTS, kind="api", page_size=2) as one:
        await one.run("CUSTOMER")
        one.sandbox.crm.seed("account", account("A4", "a4@x.example"))
        life = Life()
        await one.work(one.start("CUSTOMER", keep=False), life=life)
    for step in range(1, len(life.steps) + 1, STEPS):
        with world(tmp_path / "killed", {}, ACCOUNTS, kind="api", page_size=2) as one:
            await one.run("CUSTOMER")
            one.sandbox.crm.seed("account", account("A4", "a4@x.example"))
            number = one.start("CUSTOMER", keep=False)
            if not await died(one.work(number, life=Life(step)), step, len(life.steps)):
                break
            run = await one.gone_on(number)
            where = f"died at step {step} of {len(life.steps)}: {life.steps[step - 1]}"
            assert run.state is RunState.FINISHED, where
            assert {row["Name"] for row in one.nav("Customer")} == {"A1", "A2", "A3", "A4"}, where
            assert len(one.nav("Customer")) == 4, where
            assert counters(run, "CUSTOMER")["inserted"] == 1, where
            once(one, "CUSTOMER", 4)


async def test_a_lost_store_makes_no_second_customers(make: Make) -> None:
    world = make({}, {"account": [{**one, "emailaddress1": None} for one in ACCOUNTS["account"]]}, kind="api")
    await world.run("CUSTOMER")
    world.store.close()
    (Path(str(world.settings.path)).parent / "store.db").unlink()
    world.store = type(world.store).open(world.settings.store.url)
    await world.one_pass("CUSTOMER", FROM, only_coupled=False)
    assert len(world.nav("Customer")) == 3
    once(world, "CUSTOMER", 3)
