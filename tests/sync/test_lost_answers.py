"""Answers that do not arrive: every record is made once and coupled once, whatever the engine is told, or not told."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from engine.model.errors import LockHeld
from engine.model.mapping import Direction
from engine.model.snapshot import RunSnapshot, RunState
from engine.runs import control, snapshots
from engine.store.work import Scope, take_slice
from engine.sync import brake
from tests.sync.company import CRM, NAV, picture, prepare, sums
from tests.sync.faults import (
    Died,
    Fault,
    Plan,
    Seen,
    Send,
    always,
    answered,
    at,
    batch,
    bulk,
    creating,
    cut,
    done_but,
    late,
    lost_after,
    lost_before,
    meanwhile,
    posting,
    reading,
    refused,
    shortened,
    through,
    twice,
    writing,
)
from tests.sync.test_broken_off import arrives_and_dies, dies
from tests.sync.test_contacts import company, contact
from tests.sync.test_customers import account, customer
from tests.sync.world import Make, World, counters, job

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
THREE = {"Customer": [customer("C1"), customer("C2"), customer("C3")]}
ACCOUNTS = {"account": [account("A1", "a1@x.example"), account("A2", "a2@x.example"), account("A3", "a3@x.example")]}
LOSSES: dict[str, Fault] = {
    "lost before": lost_before,
    "lost after": lost_after,
    "cut": cut,
    "shortened": shortened,
    "502 after": done_but(502),
    "500 after": done_but(500),
    "503 before": answered(503),
    "504 before": answered(504, b"<html>"),
    "refused": refused,
    "delivered twice": twice,
}
losses = pytest.mark.parametrize("fault", LOSSES.values(), ids=LOSSES.keys())
single = pytest.mark.parametrize("fault", list(LOSSES.values())[:-1], ids=list(LOSSES)[:-1])
"""All but a second delivery, from which nothing protects but an id that we choose."""


def once(world: World, mapping: str, number: int) -> None:
    """Each record is coupled once, and nobody has a second partner."""
    pairs = world.couplings(mapping)
    assert len(pairs) == len({one.nav_id for one in pairs}) == len({one.crm_id for one in pairs}) == number


def everything(_seen: Seen) -> bool:
    return True


def then(first: Plan, second: Plan) -> Plan:
    """The second plan once the first one has struck."""
    struck = False

    def plan(seen: Seen) -> Fault | None:
        nonlocal struck
        if struck:
            return second(seen)
        fault = first(seen)
        struck = fault is not None
        return fault

    return plan


# NAV to CRM: our own ids


@losses
async def test_accounts_made_by_one_message_are_made_once(make: Make, fault: Fault) -> None:
    world = make(THREE)
    run = await world.run("CUSTOMER", plan=at("crm", bulk, fault))
    assert counters(run, "CUSTOMER") == {"inserted": 3, "unchanged": 3}
    assert len(world.crm("accounts")) == len(world.audit(op="create")) == 3
    once(world, "CUSTOMER", 3)
    assert world.outcomes(run) == []


@losses
async def test_accounts_made_by_a_batch_are_made_once(make: Make, fault: Fault) -> None:
    bad = customer("C4", Credit_Limit_LCY=Decimal(900000000000000000))
    world = make({"Customer": [*THREE["Customer"], bad]})
    run = await world.run("CUSTOMER", plan=at("crm", batch, fault))
    assert counters(run, "CUSTOMER", TO) == {"inserted": 3, "failed": 1}
    assert len(world.crm("accounts")) == len(world.audit(op="create")) == 3
    once(world, "CUSTOMER", 3)


@pytest.mark.parametrize("way", [bulk, batch], ids=["one message", "a batch"])
async def test_what_somebody_edits_in_a_row_before_its_lost_answer_is_looked_for_stands(
    make: Make, way: Callable[[Seen], bool]
) -> None:
    bad = [customer("C4", Credit_Limit_LCY=Decimal(900000000000000000))] if way is batch else []
    world = make({"Customer": [*THREE["Customer"], *bad]})

    async def edited(send: Send) -> httpx.Response:
        await send()
        world.edit_crm("accounts", world.crm("accounts", name="Firm C2")[0]["accountid"], name="Firm C2 and Sons")
        raise httpx.ReadError("reset")

    run = await world.run("CUSTOMER", plan=at("crm", way, edited))
    assert counters(run, "CUSTOMER", TO)["inserted"] == 3
    assert len(world.crm("accounts", name="Firm C2 and Sons")) == 1
    assert world.nav("Customer", No="C2")[0]["Name"] == "Firm C2 and Sons"


@losses
async def test_an_update_whose_answer_is_lost_is_made_once_and_counted_once(make: Make, fault: Fault) -> None:
    world = make(THREE)
    await world.run("CUSTOMER")
    world.edit_nav("Customer", "C2", City="Bonn")
    before = len(world.audit())
    run = await world.run("CUSTOMER", plan=at("crm", writing, fault))
    assert counters(run, "CUSTOMER") == {"modified": 1, "unchanged": 5}
    assert [one["values"] for one in world.audit(before)] == [{"address1_city": "Bonn"}]


async def test_of_a_create_in_nav_that_was_sent_again_the_values_of_the_last_time_are_remembered(make: Make) -> None:
    """They tell that somebody put back in CRM what stood there when it was sent first."""
    world = make({}, {"account": [account("A1", "a1@x.example")]}, settle_wait=0)
    (row,) = world.crm("accounts")
    number = world.start("CUSTOMER", keep=False)

    async def edited(send: Send) -> httpx.Response:
        world.edit_crm("accounts", str(row["accountid"]), address1_city="Bonn")
        return await lost_before(send)

    with pytest.raises(Died):
        await world.work(number, plan=at("nav", creating, edited, arrives_and_dies))
    assert [one["City"] for one in world.nav("Customer")] == ["Bonn"], "it was sent again, with what stood there then"
    world.edit_crm("accounts", str(row["accountid"]), address1_city=None)
    await world.resume(number)
    await world.work(world.start("CUSTOMER", kind="sync"))
    assert [one["City"] for one in world.nav("Customer")] == [""]
    assert [one["address1_city"] for one in world.crm("accounts")] == [None]


@pytest.mark.parametrize("fault", [lost_before, lost_after])
async def test_a_network_that_breaks_for_good_ends_the_run_and_resuming_finishes_it(make: Make, fault: Fault) -> None:
    world = make(THREE)
    run = await world.run("CUSTOMER", plan=then(at("crm", creating, fault), always("crm", everything, refused)))
    assert (run.state, run.code) == (RunState.STOPPED, "connection")
    assert world.couplings("CUSTOMER") == []
    run = await world.resume(run.id)
    assert counters(run, "CUSTOMER") == {"inserted": 3, "unchanged": 3}
    assert len(world.crm("accounts")) == len(world.audit(op="create")) == 3
    once(world, "CUSTOMER", 3)


async def test_crm_that_never_makes_what_it_is_sent_ends_the_run(make: Make) -> None:
    world = make(THREE)
    run = await world.run("CUSTOMER", plan=always("crm", creating, lost_before))
    assert (run.state, run.code) == (RunState.STOPPED, "connection")
    run = await world.resume(run.id)
    assert counters(run, "CUSTOMER") == {"inserted": 3, "unchanged": 3}
    once(world, "CUSTOMER", 3)


async def test_crm_that_takes_its_time_gets_it(make: Make) -> None:
    world = make(THREE)
    waits = [answered(429, Retry_After="7"), answered(429, Retry_After="5")]
    run = await world.run("CUSTOMER", plan=at("crm", creating, *waits))
    assert counters(run, "CUSTOMER") == {"inserted": 3, "unchanged": 3}
    assert world.time.waited > 11.9
    assert len(world.audit(op="create")) == 3


async def test_reads_that_fail_are_repeated(make: Make) -> None:
    world = make(THREE, ACCOUNTS)
    faults = [lost_before, cut, shortened, answered(500), answered(429, Retry_After="1")]
    plans = [at("nav", lambda seen: not seen.write, *faults), at("crm", lambda seen: not seen.write, *faults)]
    run = await world.run("CUSTOMER", plan=lambda seen: plans[0](seen) or plans[1](seen))
    assert counters(run, "CUSTOMER") == {"inserted": 6, "unchanged": 3}


async def test_a_row_under_our_id_that_a_lost_store_made_is_coupled_with_a_warning(make: Make) -> None:
    world = make(THREE)
    run = await world.run("CUSTOMER")
    with world.store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM coupling")
    world.edit_nav("Customer", "C2", Name="Another name", E_Mail="")
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"modified": 1, "unchanged": 2, "coupled": 3, "warnings": 1}
    assert world.codes(run) == {"C2": "adopted"}
    assert len(world.crm("accounts")) == 3
    once(world, "CUSTOMER", 3)


async def test_a_source_that_is_deleted_before_its_lost_answer_is_settled_leaves_no_orphan(make: Make) -> None:
    world = make(THREE)
    run = await world.run("CUSTOMER", plan=then(at("crm", creating, lost_after), always("crm", everything, refused)))
    assert run.state is RunState.STOPPED
    world.delete_nav("Customer", "C2")
    run = await world.resume(run.id)
    once(world, "CUSTOMER", 3)
    assert counters(run, "CUSTOMER", TO) == {"inserted": 3}
    assert counters(run, "CUSTOMER", FROM) == {"unchanged": 2, "failed": 1}
    assert {one.code for one in world.outcomes(run)} == {"deleted"}, (
        "the account is known, and is not made a customer again"
    )
    assert [one["No"] for one in world.nav("Customer")] == ["C1", "C3"]


async def under_way(world: World, side: str = "crm") -> tuple[int, Send]:
    """A run whose engine died with a create, and that create, which has not arrived yet."""
    sent: list[Send] = []

    async def held_and_dies(send: Send) -> httpx.Response:
        sent.append(send)
        raise Died

    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at(side, creating, held_and_dies))
    return number, sent[0]


def arriving(
    send: Send, then: Callable[[], object] = lambda: None, side: str = "crm", entity: str = "accounts"
) -> Plan:
    """The create arrives right after the next engine has looked for it; then something happens."""

    async def fault(look: Send) -> httpx.Response:
        answer = await through(look)
        await send()
        await asyncio.to_thread(then)
        return answer

    return at(side, reading(entity), fault)


async def test_a_create_that_arrives_after_an_engine_looked_for_it_is_ours(make: Make) -> None:
    world = make(THREE)
    number, send = await under_way(world)

    def edited() -> None:
        world.edit_crm("accounts", world.crm("accounts", name="Firm C2")[0]["accountid"], telephone1="77")

    run = await world.resume(number, plan=arriving(send, edited))
    assert counters(run, "CUSTOMER", TO) == {"inserted": 3}
    once(world, "CUSTOMER", 3)
    assert world.crm("accounts", name="Firm C2")[0]["telephone1"] == "77", "what somebody edited in CRM stands"
    assert world.nav("Customer", No="C2")[0]["Phone_No"] == "77"
    assert (await world.store.read(_intents)) == 0


@pytest.mark.parametrize("another", [False, True], ids=["the same run", "another run"])
async def test_a_create_that_arrives_when_its_source_is_gone_leaves_no_orphan(make: Make, another: bool) -> None:
    world = make({"Customer": [customer("C2")]})
    number, send = await under_way(world)
    world.delete_nav("Customer", "C2")
    if another:
        control.cancel(world.store, number, "test")
        await world.run("CUSTOMER", plan=arriving(send))
    else:
        await world.resume(number, plan=arriving(send))
    once(world, "CUSTOMER", 1)
    assert world.nav("Customer") == [], "the account is not made a customer again"
    assert (await world.store.read(_intents)) == 0


@pytest.mark.parametrize("kind", ["odata", "api"])
async def test_a_source_that_is_entered_anew_does_not_take_what_was_made_for_the_old_one(make: Make, kind: str) -> None:
    world = make({"Customer": [customer("C1")]}, kind=kind)
    number, send = await under_way(world)
    world.delete_nav("Customer", "C1")
    world.add_nav("Customer", **{**customer("C1"), "No": "C2"})
    run = await world.resume(number, plan=arriving(send))
    assert run.state is RunState.FINISHED
    assert [one["No"] for one in world.nav("Customer")] == ["C2"]
    assert counters(run, "CUSTOMER", FROM) == {"unchanged": 1, "failed": 1}
    assert {one.code for one in world.outcomes(run)} == {"deleted"}, "the account of the old one is known"
    once(world, "CUSTOMER", 2)


async def test_what_was_made_is_the_partner_though_somebody_entered_the_same_firm_meanwhile(make: Make) -> None:
    world = make({"Customer": [customer("C1")]})
    number, send = await under_way(world)
    world.add_crm("accounts", **account())
    run = await world.resume(number, plan=arriving(send))
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1}
    made = {one["key"] for one in world.audit(op="create", set="accounts")} & {
        one.crm_id for one in world.couplings("CUSTOMER") if one.nav_no == "C1"
    }
    assert len(made) == 1


async def test_a_create_to_nav_under_an_id_of_ours_that_arrives_late_is_ours_too(make: Make) -> None:
    world = make({}, {"account": [account("A1", "a1@x.example")]}, kind="api")
    await world.run("CUSTOMER")
    world.add_crm("accounts", **account("A2", "a2@x.example", address1_city="Köln"))
    number, send = await under_way(world, "nav")

    def edited() -> None:
        world.edit_crm("accounts", world.crm("accounts", name="A2")[0]["accountid"], address1_city="Trier")

    run = await world.resume(number, plan=arriving(send, edited, "nav", "customers"))
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 1, "unchanged": 1}
    assert world.nav("Customer", Name="A2")[0]["City"] == "Trier"
    once(world, "CUSTOMER", 2)


async def test_what_never_arrived_is_waited_for_and_then_matched_or_made(make: Make) -> None:
    world = make(THREE, crm_settle_wait=60)
    number, _ = await under_way(world)
    world.delete_nav("Customer", "C1")
    world.add_crm("accounts", **account("Firm C2", "c2@x.example"))
    run = await world.resume(number)
    assert world.time.waited >= 60
    assert counters(run, "CUSTOMER", TO) == {"inserted": 1, "unchanged": 1, "coupled": 1}
    once(world, "CUSTOMER", 2)
    assert (await world.store.read(_intents)) == 0


async def test_nobody_waits_for_what_has_arrived(make: Make) -> None:
    world = make(THREE, crm_settle_wait=600)
    number, send = await under_way(world)
    await send()
    run = await world.resume(number)
    assert counters(run, "CUSTOMER", TO) == {"inserted": 3}
    assert world.time.waited < 60


# CRM to NAV: NAV's ids, and a marker


@single
async def test_customers_are_made_once_with_a_marker(make: Make, fault: Fault) -> None:
    world = make({}, ACCOUNTS)
    run = await world.run("CUSTOMER", plan=at("nav", creating, fault))
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    assert len(world.nav("Customer")) == len(world.audit(op="create")) == 3
    once(world, "CUSTOMER", 3)
    assert world.outcomes(run) == []
    assert (await world.store.read(_intents)) == 0


def _intents(connection: Any) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM intent").scalar())


@pytest.mark.parametrize("fault", [lost_before, lost_after])
async def test_nothing_is_looked_for_before_nav_must_have_ended_it(make: Make, fault: Fault) -> None:
    world = make({}, ACCOUNTS, settle_wait=60)
    run = await world.run("CUSTOMER", plan=at("nav", creating, fault))
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    assert world.time.waited >= 60


async def test_what_nav_does_late_but_in_time_is_not_made_again(make: Make) -> None:
    world = make({}, ACCOUNTS, settle_wait=0.5)
    world.time.real = True
    run = await world.run("CUSTOMER", plan=at("nav", creating, late(0.4)))
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    assert len(world.nav("Customer")) == 3
    once(world, "CUSTOMER", 3)


async def test_a_repeat_that_is_lost_too_is_found_out_as_well(make: Make) -> None:
    world = make({}, ACCOUNTS)
    run = await world.run("CUSTOMER", plan=at("nav", creating, lost_before, lost_before, lost_after))
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    assert len(world.nav("Customer")) == 3
    once(world, "CUSTOMER", 3)


async def test_what_is_deleted_before_nav_is_asked_again_to_make_it_counts_as_skipped(make: Make) -> None:
    world = make({}, ACCOUNTS)

    async def deleted(_send: Send) -> httpx.Response:
        world.delete_crm("accounts", world.crm("accounts", name="A2")[0]["accountid"])
        raise httpx.ReadError("reset")

    run = await world.run("CUSTOMER", plan=at("nav", creating, deleted))
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 2, "skipped": 1}
    assert [(one.code, one.name) for one in world.outcomes(run)] == [("gone", "A2")]
    assert (await world.store.read(_intents)) == 0


async def before_anything_left(world: World) -> int:
    """A run whose engine died when it had noted what it was going to make in NAV."""
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("nav", posting, dies))
    return number


async def test_what_a_dead_engine_noted_and_the_next_one_does_not_make_fails_once(make: Make) -> None:
    world = make({}, ACCOUNTS)
    number = await before_anything_left(world)
    for no in ("X1", "X2"):
        world.add_nav("Customer", No=no, Name="A2", E_Mail="a2@x.example")
    run = await world.resume(number)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 2, "failed": 1, "ambiguous": 1}
    assert job(run, "CUSTOMER").counters.read == 3
    assert (await world.store.read(_intents)) == 0


async def test_what_a_dead_engine_noted_and_nav_refuses_from_the_next_one_fails_once(make: Make) -> None:
    world = make({}, {"account": [account("A1", "a1@x.example")]}, batch=1)
    number = await before_anything_left(world)
    error = {"error": {"code": "Application_FieldValidationException", "message": "no"}}
    refusal = answered(400, json.dumps(error).encode(), Content_Type="application/json")
    run = await world.resume(number, plan=always("nav", posting, refusal))
    assert counters(run, "CUSTOMER", FROM) == {"failed": 1}
    assert job(run, "CUSTOMER").counters.read == 1


@pytest.mark.parametrize("marker", ["CRM_Id", None])
@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "no customer any more"])
async def test_what_is_gone_before_its_page_is_read_again_has_an_outcome_only_where_it_is_in_doubt(
    make: Make, deleted: bool, marker: str | None
) -> None:
    world = make({}, ACCOUNTS, marker_field=marker)
    number = await before_anything_left(world)
    id = world.crm("accounts", name="A2")[0]["accountid"]
    if deleted:
        world.delete_crm("accounts", id)
    else:
        world.edit_crm("accounts", id, customertypecode=1)
    run = await world.resume(number)
    assert counters(run, "CUSTOMER", FROM) == ({"inserted": 2} if marker else {"failed": 3})
    assert job(run, "CUSTOMER").counters.read == 2


async def test_what_a_committed_page_left_open_is_made_by_the_next_engine(make: Make) -> None:
    world = make({}, ACCOUNTS)
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("nav", creating, lost_before, dies))
    run = await world.resume(number)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    assert job(run, "CUSTOMER").counters.read == 3
    assert (await world.store.read(_intents)) == 0
    once(world, "CUSTOMER", 3)


async def test_what_was_made_before_an_end_and_is_hindered_since_fails_once(make: Make) -> None:
    nav = {"Customer": [customer("C1")], "Contact": [company("K1", "C1")]}
    world = make(nav, {"account": [account()], "contact": [contact("P1", "Firm C1")]})
    await world.run("CUSTOMER")
    number = world.start("CONTACTS", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("nav", creating, arrives_and_dies))
    assert len(world.nav("Contact", Type="Person")) == 1
    world.delete_nav("Contact", "K1")
    run = await world.resume(number)
    assert counters(run, "CONTACTS", FROM) == {"failed": 1}
    assert [one.code for one in world.outcomes(run)] == ["no_company"]
    once(world, "CONTACTS", 1)


async def test_records_that_nav_never_makes_fail_and_are_tried_again_by_the_next_run(make: Make) -> None:
    world = make({}, ACCOUNTS)
    run = await world.run("CUSTOMER", plan=always("nav", creating, lost_before))
    assert run.state is RunState.FINISHED
    assert counters(run, "CUSTOMER", FROM) == {"failed": 3}
    assert {one.code for one in world.outcomes(run)} == {"unanswered"}
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    once(world, "CUSTOMER", 3)


async def doubled(send: Send) -> httpx.Response:
    """NAV is asked twice, and the answers are lost."""
    await send()
    await send()
    raise httpx.ReadError("reset")


@pytest.mark.parametrize("waited", [False, True], ids=["at once", "when it has waited"])
@pytest.mark.parametrize("fault", [lost_before, lost_after])
async def test_what_is_in_doubt_when_a_run_ends_is_settled_when_it_goes_on(
    make: Make, fault: Fault, waited: bool
) -> None:
    world = make({}, ACCOUNTS, page_size=1)
    cut_off = always("nav", lambda _seen: world.time.waited > 0 or not waited, refused)
    run = await world.run("CUSTOMER", plan=then(at("nav", creating, fault), cut_off))
    assert run.state is RunState.STOPPED
    run = await world.resume(run.id)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    assert len(world.nav("Customer")) == 3
    once(world, "CUSTOMER", 3)


async def test_a_clock_that_was_set_back_since_makes_nobody_wait_longer(make: Make) -> None:
    world = make({}, ACCOUNTS, page_size=1, settle_wait=60)
    world.time.ahead = 3600
    cut_off = always("nav", lambda _seen: True, refused)
    run = await world.run("CUSTOMER", plan=then(at("nav", creating, lost_before), cut_off))
    assert run.state is RunState.STOPPED
    world.time.ahead = world.time.waited = 0.0
    run = await world.resume(run.id)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    assert 60 <= world.time.waited < 130, "not an hour; at the beginning, and at the end of the pass"
    once(world, "CUSTOMER", 3)


async def test_a_clock_that_was_set_ahead_since_makes_nobody_look_too_early(make: Make) -> None:
    world = make({}, ACCOUNTS, page_size=1, settle_wait=60)
    cut_off = always("nav", lambda _seen: True, refused)
    run = await world.run("CUSTOMER", plan=then(at("nav", creating, lost_before), cut_off))
    assert run.state is RunState.STOPPED
    world.time.ahead, world.time.waited = 3600, 0.0
    await world.resume(run.id)
    assert world.time.waited > 50, "NAV's clock says that it was a moment ago"
    once(world, "CUSTOMER", 3)


async def test_what_is_found_to_be_there_is_completed_like_what_was_answered(make: Make) -> None:
    """The primary contact of a customer, and the price line of a product, come after the records themselves."""
    world = make(NAV, CRM)
    prepare(world)
    expected = picture_of(await world.run(), world)
    for name in (b"/Customer", b"/Contact", b"/Item"):
        again = make(NAV, CRM)
        prepare(again)
        run = await again.run(plan=at("nav", making(name), lost_after))
        assert picture_of(run, again) == expected, name


def making(name: bytes) -> Callable[[Seen], bool]:
    return lambda seen: seen.creates and name + b'"' in seen.body


def picture_of(run: RunSnapshot, world: World) -> Any:
    assert run.state is RunState.FINISHED, run.message
    return sums(run, "inserted"), sums(run, "failed"), picture(world)


async def test_two_records_with_one_mark_stop_the_run_until_somebody_deletes_one(make: Make) -> None:
    world = make({}, {"account": ACCOUNTS["account"][:1]})
    run = await world.run("CUSTOMER", plan=at("nav", creating, doubled))
    assert (run.state, run.code) == (RunState.STOPPED, "brake")
    assert "2 Customer records" in run.message
    assert "C000001, C000002" in run.message
    before = len(world.audit())
    again = await world.resume(run.id)
    assert (again.state, again.code) == (RunState.STOPPED, "brake")
    assert world.audit(before) == []
    world.delete_nav("Customer", "C000002")
    run = await world.resume(run.id)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 1}
    assert [one.nav_no for one in world.couplings("CUSTOMER")] == ["C000001"]


@pytest.mark.parametrize("again", ["run", "sync"])
async def test_what_nav_was_delivered_twice_is_not_made_in_crm_and_both_numbers_are_told(
    make: Make, again: str
) -> None:
    world = make({}, {"account": ACCOUNTS["account"][:1]})
    run = await world.run("CUSTOMER", plan=at("nav", creating, twice))
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 1}, "the answer to the second delivery never came"
    assert [one["No"] for one in world.nav("Customer")] == ["C000001", "C000002"]
    (pair,) = world.couplings("CUSTOMER")
    other = next(one["No"] for one in world.nav("Customer") if one["No"] != pair.nav_no)
    control.set_only_coupled(world.store, world.settings, "CUSTOMER", value=False, by="test")
    number = world.start("CUSTOMER", kind=again, keep=False if again == "run" else None)
    run = await world.work(number)
    assert counters(run, "CUSTOMER", TO) == {"failed": 1, "unchanged": 1}
    (told,) = world.outcomes(run)
    assert (told.code, told.nav_no) == ("made_twice", other)
    assert pair.nav_no in told.message
    assert other in told.message
    assert len(world.crm("accounts")) == 1, "no second account comes of it"
    world.edit_nav("Customer", other, CRM_Id="")
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO)["inserted"] == 1, "it is a record of its own, if somebody says so"


@losses
async def test_a_nav_update_whose_answer_is_lost_is_made_once(make: Make, fault: Fault) -> None:
    world = make({}, ACCOUNTS)
    await world.run("CUSTOMER")
    world.edit_crm("accounts", world.crm("accounts", name="A2")[0]["accountid"], fax="9")
    before = len(world.audit())
    run = await world.run("CUSTOMER", plan=at("nav", writing, fault))
    assert counters(run, "CUSTOMER") == {"modified": 1, "unchanged": 5}
    assert [one["values"] for one in world.audit(before)] == [{"Fax_No": "9"}]


NEW_WITH_CONTACT = {"account": [account("Neu", "n@x.example", address1_primarycontactname="Anna")]}


def making_neu(seen: Seen) -> bool:
    return posting(seen) and b"Neu" in seen.body


def one_refused() -> Fault:
    """NAV refuses the one record of a batch, which is sent again without its contact."""
    problem = {"error": {"code": "BadRequest", "message": "no such contact"}}
    answer = {"responses": [{"id": "1", "status": 400, "headers": {}, "body": problem}]}
    return answered(200, json.dumps(answer).encode(), content_type="application/json")


async def test_what_nav_refused_of_a_create_is_not_taken_for_made_when_the_answer_to_the_rest_is_lost(
    make: Make,
) -> None:
    world = make({}, NEW_WITH_CONTACT)
    plan = at("nav", making_neu, one_refused(), lost_after)
    await world.run("CUSTOMER", plan=plan)
    once(world, "CUSTOMER", 1)
    await world.run("CUSTOMER")
    assert world.nav("Customer")[0]["Contact"] == "Anna"
    assert world.crm("accounts")[0]["address1_primarycontactname"] == "Anna"


# CRM to NAV without a marker


def sent(world: World, since: int) -> list[Seen]:
    return [seen for seen in world.log[since:] if seen.side == "nav" and seen.creates]


async def test_without_a_marker_what_got_no_answer_is_in_doubt_and_never_sent_again(make: Make) -> None:
    world = make({}, ACCOUNTS, marker_field=None)
    run = await world.run("CUSTOMER", plan=at("nav", creating, lost_before))
    assert counters(run, "CUSTOMER", FROM) == {"failed": 3}
    assert {one.code for one in world.outcomes(run)} == {"in_doubt"}
    for _ in range(2):
        before = len(world.log)
        run = await world.run("CUSTOMER")
        assert counters(run, "CUSTOMER", FROM) == {"failed": 3}
        assert {one.code for one in world.outcomes(run)} == {"in_doubt"}
        assert sent(world, before) == []
    assert world.nav("Customer") == []


async def test_without_a_marker_what_was_sent_twice_is_one_doubt_also_when_its_source_is_gone(make: Make) -> None:
    world = make({}, NEW_WITH_CONTACT, marker_field=None)
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, plan=at("nav", making_neu, one_refused(), dies))
    world.delete_crm("accounts", world.crm("accounts")[0]["accountid"])
    run = await world.resume(number)
    assert counters(run, "CUSTOMER", FROM) == {"failed": 1}


async def test_without_a_marker_what_was_made_after_all_is_coupled_by_match(make: Make) -> None:
    world = make({}, ACCOUNTS, marker_field=None)
    run = await world.run("CUSTOMER", plan=at("nav", creating, lost_after))
    assert counters(run, "CUSTOMER", FROM) == {"failed": 3}
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"unchanged": 3, "coupled": 3}
    assert counters(run, "CUSTOMER", FROM) == {"unchanged": 3}
    assert len(world.nav("Customer")) == len(world.crm("accounts")) == 3
    once(world, "CUSTOMER", 3)


async def test_without_a_marker_a_stopped_run_does_not_send_again_when_it_goes_on(make: Make) -> None:
    world = make({}, ACCOUNTS, marker_field=None)
    plan = then(at("nav", creating, lost_before), always("nav", everything, refused))
    run = await world.run("CUSTOMER", plan=plan)
    before = len(world.log)
    run = await world.resume(run.id) if run.state is RunState.STOPPED else run
    assert counters(run, "CUSTOMER", FROM) == {"failed": 3}
    assert sent(world, before) == []


@pytest.mark.parametrize("marker", ["CRM_Id", None])
@pytest.mark.parametrize("fault", [answered(401), refused], ids=["refused", "not there"])
async def test_what_was_made_before_nav_was_lost_is_coupled_and_the_rest_is_sent_later(
    make: Make, marker: str | None, fault: Fault
) -> None:
    world = make({}, ACCOUNTS)
    world.set(marker_field=marker, batch=1, settle_wait=600)
    run = await world.run("CUSTOMER", plan=then(at("nav", posting, through), always("nav", posting, fault)))
    assert run.state is RunState.STOPPED
    assert (len(world.nav("Customer")), len(world.couplings("CUSTOMER"))) == (1, 1)
    waited = world.time.waited
    run = await world.resume(run.id)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    assert world.time.waited - waited < 60, "there is nothing to wait for"
    assert world.outcomes(run) == [], "and nothing is in doubt"
    once(world, "CUSTOMER", 3)


@pytest.mark.parametrize("lost", ["we are refused", "too many are gone"])
async def test_what_a_page_made_in_nav_is_coupled_though_its_updates_end_the_run(
    make: Make, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    world = make({}, ACCOUNTS, marker_field=None, batch=1)
    accounts = world.sandbox.crm.tables["accounts"]
    later = accounts.delete(world.crm("accounts", name="A3")[0]["accountid"])
    await world.run("CUSTOMER")
    accounts.insert(later)
    (changed,) = world.crm("accounts", name="A1")
    world.edit_crm("accounts", changed["accountid"], telephone1="1")
    (partner,) = world.nav("Customer", Name="A1")
    monkeypatch.setattr(brake, "MOST", 0)
    gone = meanwhile(lambda: world.delete_nav("Customer", str(partner["No"])))
    fault = answered(401) if lost == "we are refused" else gone
    run = await world.run("CUSTOMER", plan=at("nav", lambda seen: seen.method == "PATCH", fault))
    assert (run.state, run.code) == (RunState.STOPPED, "access" if lost == "we are refused" else "brake")
    (made,) = world.nav("Customer", Name="A3")
    assert made["SystemId"] in {one.nav_id for one in world.couplings("CUSTOMER")}


@pytest.mark.parametrize("batch", [1, 100])
async def test_nothing_is_in_doubt_when_nav_never_took_it(make: Make, batch: int) -> None:
    world = make({}, ACCOUNTS)
    world.set(marker_field=None, batch=batch)
    run = await world.run("CUSTOMER", plan=always("nav", posting, answered(401)))
    assert run.state is RunState.STOPPED
    run = await world.resume(run.id)
    assert counters(run, "CUSTOMER", FROM) == {"inserted": 3}
    assert world.outcomes(run) == []


async def test_what_a_mixed_up_answer_leaves_open_stays_in_doubt(make: Make) -> None:
    world = make({}, ACCOUNTS, marker_field=None)
    foreign = answered(200, b'{"responses":[{"id":"9","status":201}]}', Content_Type="application/json")
    run = await world.run("CUSTOMER", plan=at("nav", posting, foreign))
    assert run.state is RunState.STOPPED
    run = await world.resume(run.id)
    assert counters(run, "CUSTOMER", FROM) == {"failed": 3}
    assert {one.code for one in world.outcomes(run)} == {"in_doubt"}


@pytest.mark.parametrize("fault", [lost_before, lost_after])
async def test_a_marker_that_is_set_up_later_says_nothing_of_creates_that_carried_none(
    make: Make, fault: Fault
) -> None:
    world = make({}, {"account": [account("A1", "")]}, marker_field=None)
    await world.run("CUSTOMER", plan=at("nav", creating, fault))
    there = len(world.nav("Customer"))
    world.set(marker_field="CRM_Id")
    before = len(world.log)
    run = await world.run("CUSTOMER")
    assert {one.code for one in world.outcomes(run)} == {"in_doubt"}
    assert sent(world, before) == []
    assert len(world.nav("Customer")) == there


async def test_without_a_marker_what_was_made_after_all_is_not_made_back_in_crm(make: Make) -> None:
    world = make({}, {"account": [account("A1", "")]}, marker_field=None)
    await world.run("CUSTOMER", plan=at("nav", creating, lost_after))
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER", TO) == {"failed": 1}
    assert {one.code for one in world.outcomes(run)} == {"in_doubt"}
    assert (len(world.nav("Customer")), len(world.crm("accounts"))) == (1, 1)


# two engines


async def test_an_engine_whose_slice_was_taken_commits_nothing_more_and_leaves_the_run_alone(make: Make) -> None:
    world = make(THREE)
    number = world.start("CUSTOMER")
    scope = Scope(number, 4, "CUSTOMER", TO, plan=False)

    def take() -> None:
        with world.store.writing() as connection:
            take_slice(connection, scope)

    with pytest.raises(LockHeld):
        await world.work(number, plan=at("crm", creating, meanwhile(take)))
    assert world.couplings("CUSTOMER") == []
    with world.store.reading() as connection:
        assert connection.exec_driver_sql("SELECT state FROM run").scalar() == "running", (
            "it is the other one's run now"
        )
    run = await world.resume(number)
    assert counters(run, "CUSTOMER") == {"inserted": 3, "unchanged": 3}
    assert len(world.crm("accounts")) == 3
    once(world, "CUSTOMER", 3)


async def test_two_engines_at_once_make_every_record_once(make: Make) -> None:
    """Which no lock should ever let happen."""
    rows = [customer(f"C{number:02}") for number in range(20)]
    world = make({"Customer": rows}, page_size=4)
    number = world.start("CUSTOMER")
    await asyncio.gather(world.work(number), world.work(number), return_exceptions=True)
    run = snapshots.run(world.store, number)
    if run.state is not RunState.ASKING:
        run = await world.resume(number)
    assert run.state is RunState.ASKING
    assert len(world.crm("accounts")) == len(world.audit(op="create")) == 20
    once(world, "CUSTOMER", 20)
