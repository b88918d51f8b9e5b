"""Keeping the schedule, against both servers over HTTP (reference/domain.md section 5.1)."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.connectors.client import Limits
from engine.model.errors import RunError
from engine.model.schedule import EntryState
from engine.model.snapshot import RunState
from engine.runs import control, snapshots, undoing
from engine.runs.schedule import wishes
from engine.runs.sides import nav_side
from engine.store import runs, troubles
from engine.store.lock import engine_lock
from tests.conflicts.tools import account_of, coupled, sync
from tests.schedule.keeping import Kept, kept, schedule
from tests.sync.conftest import on_both
from tests.sync.faults import always, reading
from tests.sync.test_customers import customer
from tests.sync.test_jobs import REFUSED
from tests.sync.world import Make, World

pytestmark = on_both
READY, INACTIVE, ON_HOLD, ERROR = EntryState
BRIEF = Limits(connect=1, read=1, total=2, patience=1, throttle_patience=1)
MINUTE, TURN, HOUR = timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=1)


async def quiet(world: World) -> None:
    """Nothing is left to do, and nothing was modified in the last moments."""
    for _ in range(2):
        await sync(world, "CUSTOMER")


async def asleep(one: Kept) -> None:
    """The customers are on hold with inactivity timeout, and it is known what was seen."""
    run = await one.turn()
    assert run.counters.modified == run.counters.failed == 0
    assert one.entry().state is INACTIVE
    await one.step(MINUTE)
    assert one.entry().state is INACTIVE, "what the synchronization itself looked at does not wake it"
    assert one.entry().seen is not None


async def test_what_is_due_together_runs_as_one_synchronization_in_the_order_of_mappings(make: Make) -> None:
    world = await coupled(make)
    async with kept(world, "CONTACTS", "CURRENCY", "CUSTOMER") as one:
        run = await one.turn()
        assert (run.kind, run.state) == ("sync", RunState.FINISHED)
        assert [job.mapping for job in run.jobs] == ["CURRENCY", "CUSTOMER", "CONTACTS"]
        assert one.spawned == [run.id]
        assert {one.entry(name).last_run for name in ("CURRENCY", "CUSTOMER", "CONTACTS")} == {run.id}
        with world.store.reading() as connection:
            row = runs.get(connection, run.id)
        assert row is not None
        assert row.created_by == "schedule, keeper@test"
        (began,) = [told for told in one.told if told.event == "began"]
        assert began.mappings == ("CURRENCY", "CUSTOMER", "CONTACTS")


async def test_entries_wait_for_one_another(make: Make) -> None:
    world = await coupled(make)
    async with kept(world, "CUSTOMER", "CONTACTS") as one:
        wishes.hold(world.store, world.settings, ["CONTACTS"], by="ops")
        await one.step()
        wishes.resume(world.store, world.settings, ["CONTACTS"], by="ops")
        wishes.now(world.store, world.settings, ["CONTACTS"], by="ops")
        await one.step(MINUTE)
        assert one.spawned == [2], "the customers are not done yet"
        await world.work(2)
        await one.step()
        await one.turn()
        assert [job.mapping for job in snapshots.run(world.store, 3).jobs] == ["CONTACTS"]


async def test_a_run_that_changed_nothing_is_followed_by_none_until_the_timeout_ends(make: Make) -> None:
    world = await coupled(make)
    await quiet(world)
    async with kept(world, "CUSTOMER") as one:
        await asleep(one)
        for _ in range(4):
            await one.step(TURN)
        assert len(one.spawned) == 1
        entry = one.entry()
        assert entry.next_at is not None
        assert HOUR * 9 < entry.next_at - one.now() < HOUR * 12
        await one.turn(HOUR * 10)
        assert len(one.spawned) == 2


@pytest.mark.parametrize("version", ["bc", "2018"])
@pytest.mark.parametrize("side", ["nav", "crm"])
async def test_a_change_on_either_side_wakes_it(make: Make, side: str, version: str) -> None:
    world = await coupled(make, version=version)
    await quiet(world)
    async with kept(world, "CUSTOMER") as one:
        await asleep(one)
        if side == "nav":
            world.edit_nav("Customer", "C1", City="Köln")
        else:
            world.edit_crm("accounts", account_of(world, "C1")["accountid"], address1_city="Köln")
        await one.step()
        assert one.entry().state is INACTIVE, "it is not looked all the time"
        await one.step(MINUTE)
        assert one.entry().state is READY
        assert "woken" in one.events()
        run = await one.turn()
        assert run.counters.modified == 1
        assert one.entry().state is READY
        assert one.entry().result.startswith("1 modified")
        await one.turn(TURN)
        assert one.entry().state is INACTIVE, "our own change, that comes back, is none"


async def test_a_change_within_the_second_of_the_last_one_wakes_it_too(make: Make) -> None:
    """CRM keeps whole seconds, so that the stamp and the number of the records stay as they are."""
    world = await coupled(make)
    await quiet(world)
    async with kept(world, "CUSTOMER") as one:
        await asleep(one)
        row = max(world.crm("accounts"), key=lambda row: row["modifiedon"])
        world.edit_crm("accounts", row["accountid"], address1_city="Köln")
        world.sandbox.crm.tables["accounts"].update(row["accountid"], {"modifiedon": row["modifiedon"]})
        await one.step(MINUTE)
        assert one.entry().state is READY


@pytest.mark.parametrize("side", ["nav", "crm"])
async def test_a_change_just_after_the_synchronization_has_looked_is_not_taken_for_seen(make: Make, side: str) -> None:
    world = await coupled(make)
    await quiet(world)
    async with kept(world, "CUSTOMER") as one:
        await one.turn()
        assert one.entry().state is INACTIVE
        if side == "nav":
            world.edit_nav("Customer", "C2", City="Köln")
        else:
            world.edit_crm("accounts", account_of(world, "C2")["accountid"], address1_city="Köln")
        await one.step(MINUTE)
        assert one.entry().state is READY
        assert (await one.turn()).counters.modified == 1


async def test_what_an_operator_lets_be_tried_again_wakes_it(make: Make) -> None:
    world = await coupled(make)
    await quiet(world)
    world.delete_crm("accounts", account_of(world, "C2")["accountid"])
    for city in ("Ulm", "Bonn"):
        world.edit_nav("Customer", "C2", City=city)
        await sync(world, "CUSTOMER")
    await quiet(world)
    async with kept(world, "CUSTOMER") as one:
        await asleep(one)
        with world.store.writing() as connection:
            assert len(troubles.retry(connection)) == 1
        await one.step(MINUTE)
        assert one.entry().state is READY


async def test_changes_wake_nothing_where_that_is_off(make: Make) -> None:
    world = await coupled(make)
    await quiet(world)
    async with kept(world, "CUSTOMER", wake_on_change=False) as one:
        await one.turn()
        world.edit_nav("Customer", "C1", City="Köln")
        for _ in range(3):
            await one.step(MINUTE)
        assert one.entry().state is INACTIVE


async def test_a_look_is_far_cheaper_than_a_synchronization_and_writes_nothing(make: Make) -> None:
    many = [customer(f"C{number}") for number in range(1, 40)]
    world = make({"Customer": many})
    await world.run("CUSTOMER")
    await quiet(world)
    world.log.clear()
    async with kept(world, "CUSTOMER") as one:
        await asleep(one)
        synchronization = len(world.log)
        seen = count_requests(one)
        before = len(world.audit())
        await one.step(MINUTE)
        assert one.entry().state is INACTIVE
        assert len(seen) == 2, "one for each side"
        assert synchronization > 5 * len(seen)
        assert len(world.audit()) == before


def count_requests(one: Kept) -> list[str]:
    seen: list[str] = []
    for side in one.scheduler._sides:
        client = side._client  # type: ignore[attr-defined]
        sent = client.read

        async def read(address: object, *rest: object, sent: object = sent) -> object:
            seen.append(str(address))
            return await sent(address, *rest)  # type: ignore[operator]

        client.read = read
    return seen


async def test_after_a_restart_it_sleeps_on_and_changes_meanwhile_wake_it(make: Make) -> None:
    world = await coupled(make)
    await quiet(world)
    async with kept(world, "CUSTOMER") as one:
        await asleep(one)
        before = one.entry()
    async with kept(world, "CUSTOMER") as one:
        assert one.entry() == before
        await one.step(MINUTE)
        assert one.entry() == before
    world.edit_nav("Customer", "C1", City="Köln")
    async with kept(world, "CUSTOMER") as one:
        await one.step(MINUTE)
        assert one.entry().state is READY


async def test_a_synchronization_that_outlives_its_keeper_is_not_started_twice(make: Make) -> None:
    world = await coupled(make)
    async with kept(world, "CUSTOMER") as one:
        await one.step()
        assert one.entry().word == "in process"
    with engine_lock(world.store):
        async with kept(world, "CUSTOMER") as one:
            await one.step(HOUR)
            assert (one.entry().word, one.spawned) == ("in process", [])
            await world.work(2)
            await one.step()
            assert (one.entry().run, one.entry().last_run, one.spawned) == (None, 2, [])


async def test_an_engine_that_is_lost_with_its_keeper_is_a_failed_attempt(make: Make) -> None:
    world = await coupled(make)
    async with kept(world, "CUSTOMER") as one:
        await one.step()
    async with kept(world, "CUSTOMER") as one:
        await one.step(timedelta(seconds=20))
        assert one.entry().word == "in process", "it may be just beginning"
        await one.step(timedelta(seconds=20))
        assert (one.entry().code, one.entry().attempts) == ("interrupted", 1)


async def test_nothing_starts_while_a_full_synchronization_is_not_finished_and_answered(make: Make) -> None:
    world = await coupled(make)
    number = world.start("CUSTOMER")
    async with kept(world, "CUSTOMER") as one:
        await one.step()
        assert f"Run {number} is not finished" in one.waiting()
        run = await world.work(number)
        assert run.state is RunState.ASKING
        await one.step(TURN)
        assert "again" not in one.waiting(), "nobody has to do anything for the schedule"
        assert one.spawned == []
        assert one.entry().state is READY
        control.answer(world.store, number, yes=False, by="test")
        await one.turn()
        assert one.waiting() == ""
        assert one.events() == ["started", "waits", "began", "goes on", "ended"]
        assert one.entry().attempts == 0


async def test_why_it_waits_is_said_before_anything_is_due(make: Make) -> None:
    world = await coupled(make)
    async with kept(world, "CUSTOMER") as one:
        await one.turn()
        number = world.start("CUSTOMER")
        await one.step()
        assert f"Run {number} is not finished" in one.waiting()
        control.cancel(world.store, number, "test")
        await one.step()
        assert one.waiting() == ""


async def test_nothing_starts_while_an_undo_is_not_finished(make: Make) -> None:
    world = await coupled(make)
    number = undoing.start(world.store, world.settings, 1, dry=False, by="test")
    async with kept(world, "CUSTOMER") as one:
        await one.step()
        assert f"Run {number}, which undoes run 1, is not finished" in one.waiting()
        assert one.spawned == []
        control.cancel(world.store, number, "test")
        await one.turn()


async def test_a_full_synchronization_that_begins_first_is_no_failed_attempt(make: Make) -> None:
    world = await coupled(make)
    async with kept(world, "CUSTOMER") as one:
        await one.step()
        number = world.start("CUSTOMER")
        run = await world.work(2)
        assert (run.state, run.code) == (RunState.STOPPED, "on_hold")
        await one.step()
        assert (one.entry().attempts, one.entry().state) == (0, READY)
        await one.step()
        assert f"Run {number}" in one.waiting()
        control.cancel(world.store, number, "test")
        await one.turn()


async def test_while_another_engine_works_it_waits(make: Make) -> None:
    world = await coupled(make)
    async with kept(world, "CUSTOMER") as one:
        with engine_lock(world.store):
            await one.step()
            assert "An engine works on this state store" in one.waiting()
        await one.turn()


async def test_what_fails_is_tried_again_and_then_in_error_until_it_is_resumed(make: Make) -> None:
    world = await coupled(make)
    plan = always("nav", reading("Customer"), REFUSED)
    async with kept(world, "CUSTOMER") as one:
        for attempt in (1, 2):
            await one.turn(MINUTE, plan)
            assert (one.entry().state, one.entry().attempts) == (READY, attempt)
            before = len(one.spawned)
            await one.step()
            assert len(one.spawned) == before, "not before the delay is over"
        await one.turn(MINUTE, plan)
        entry = one.entry()
        assert (entry.state, entry.attempts, entry.next_at) == (ERROR, 3, None)
        assert "404" in entry.message
        assert "resume" not in entry.message, "it goes on by itself"
        assert one.told[-1].event == "error"
        await one.step(HOUR * 24)
        assert len(one.spawned) == 3
        wishes.resume(world.store, world.settings, ["CUSTOMER"], by="anna@pc")
        entry = one.entry()
        assert (entry.state, entry.attempts, entry.message, entry.changed_by) == (READY, 0, "", "anna@pc")
        run = await one.turn(TURN)
        assert run.state is RunState.FINISHED


async def test_one_failure_of_several_mappings_is_told_once(make: Make) -> None:
    world = await coupled(make)
    world.settings = replace(world.settings, nav=replace(world.settings.nav, url="http://127.0.0.1:9/BC/ODataV4"))
    async with kept(world, "CURRENCY", "CUSTOMER", wake_on_change=False) as one:
        await one.turn()
        (ended,) = [told for told in one.told if told.event == "ended"]
        assert ended.mappings == ("CURRENCY", "CUSTOMER")
        assert ended.entry is not None
        assert "127.0.0.1:9" in ended.entry.message
        assert "resume" not in ended.entry.message
        assert {one.entry(name).attempts for name in ended.mappings} == {1}


async def test_a_server_that_is_away_is_waited_for_however_long_that_takes(make: Make) -> None:
    world = await coupled(make)
    world.settings = replace(world.settings, nav=replace(world.settings.nav, url="http://127.0.0.1:9/BC/ODataV4"))
    async with kept(world, "CUSTOMER", wake_on_change=False) as one:
        for attempt in range(1, 6):
            await one.turn(timedelta(minutes=11))
            assert (one.entry().state, one.entry().attempts) == (READY, attempt)
        assert one.entry().code == "connection"
        assert "127.0.0.1:9" in one.entry().message


async def test_a_look_that_cannot_see_says_so_once_and_goes_on(make: Make) -> None:
    world = await coupled(make)
    await quiet(world)
    async with kept(world, "CUSTOMER") as one:
        await asleep(one)
        nav, crm = one.scheduler._sides
        one.scheduler.use(
            world.settings, nav_side(replace(world.settings.nav, url="http://127.0.0.1:9"), limits=BRIEF), crm
        )
        for _ in range(3):
            await one.step(timedelta(minutes=20))
        assert one.events().count("blind") == 1
        assert one.entry().state is INACTIVE
        one.scheduler.use(world.settings, nav, crm)
        world.edit_nav("Customer", "C1", City="Köln")
        await one.step(timedelta(minutes=20))
        assert one.events()[-2:] == ["sees", "woken"]


async def test_operators_act_through_the_store(make: Make) -> None:
    world = await coupled(make)
    schedule(world, "CUSTOMER", "CONTACTS")
    wishes.hold(world.store, world.settings, [], by="anna@pc")
    with pytest.raises(RunError, match="on hold since .*, by anna@pc"):
        wishes.now(world.store, world.settings, ["CUSTOMER"], by="x")
    with pytest.raises(RunError, match="not scheduled"):
        wishes.hold(world.store, world.settings, ["CURRENCY"], by="x")
    async with kept(world, "CUSTOMER", "CONTACTS") as one:
        await one.step(HOUR)
        assert one.spawned == []
        assert one.entry().changed_by == "anna@pc"
        assert wishes.now(world.store, world.settings, [], by="x") == []
        wishes.resume(world.store, world.settings, ["CUSTOMER"], by="otto@pc")
        wishes.now(world.store, world.settings, ["CUSTOMER"], by="otto@pc")
        await one.step()
        assert one.entry().word == "in process"
        wishes.hold(world.store, world.settings, ["CUSTOMER"], by="otto@pc")
        await world.work(one.spawned[-1])
        await one.step()
        entry = one.entry()
        assert (entry.state, entry.run, entry.last_run) == (ON_HOLD, None, one.spawned[-1])
        assert datetime.now(UTC) - entry.changed_at < MINUTE


async def test_it_ends_when_an_operator_says_so_and_is_told_to_nobody_else(make: Make) -> None:
    world = await coupled(make)
    with pytest.raises(RunError, match="Nobody keeps the schedule"):
        wishes.stop(world.store, by="ops")
    async with kept(world, "CUSTOMER") as one:
        assert await one.step() is None
        assert wishes.stop(world.store, by="anna@pc").owner == "keeper@test"
        assert await one.step() == "anna@pc"
    async with kept(world, "CUSTOMER") as one:
        assert await one.step() is None, "the next one is not told"


async def test_what_is_under_way_when_it_ends_is_stopped_and_has_its_turn_again(make: Make) -> None:
    world = await coupled(make)
    async with kept(world, "CUSTOMER") as one:
        await one.step()

        ending = asyncio.create_task(one.scheduler.end())
        while snapshots.run(world.store, 2).wish.value != "stop":  # noqa: ASYNC110 - the store has no events
            await asyncio.sleep(0.01)
        await world.work(2)
        await ending
        entry = one.entry()
        assert (entry.run, entry.attempts, entry.state) == (None, 0, READY)
    async with kept(world, "CUSTOMER") as one:
        run = await one.turn()
        assert run.state is RunState.FINISHED
