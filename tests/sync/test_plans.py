"""A plan: the counts of what a run would do, and not one write."""

from engine.model.snapshot import RunState
from tests.sync.company import CRM, NAV, passes, picture, prepare
from tests.sync.world import Make, Row


def counts(of: Row) -> Row:
    """What a plan promises. A record that the plan makes in one pass and reads back in the next is read all the same."""
    return {name: value for name, value in of.items() if name in ("inserted", "failed", "coupled", "ambiguous")}


async def test_a_plan_writes_nothing_and_couples_nothing(make: Make) -> None:
    world = make(NAV, CRM)
    prepare(world)
    before = picture(world)
    plan = await world.plan()
    assert (plan.kind, plan.state) == ("plan", RunState.FINISHED)
    assert plan.counters.inserted > 0
    assert world.audit() == []
    assert picture(world) == before
    assert [one for one in plan.jobs if world.couplings(one.mapping)] == []
    assert [seen for seen in world.log if seen.write] == []
    with world.store.reading() as connection:
        for table in ("intent", "link", "coupling", "overwritten"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0, table


async def test_a_run_does_what_its_plan_said(make: Make) -> None:
    world = make(NAV, CRM)
    prepare(world)
    plan = passes(await world.plan())
    run = passes(await world.run())
    assert {key: counts(found) for key, found in plan.items()} == {key: counts(found) for key, found in run.items()}
    modified = {key: found.get("modified", 0) for key, found in run.items()}
    assert {key: found.get("modified", 0) for key, found in plan.items()} == modified


async def test_a_plan_after_a_run_says_that_nothing_is_left_to_do(make: Make) -> None:
    world = make(NAV, CRM)
    prepare(world)
    run = await world.run()
    before = len(world.audit())
    plan = await world.plan()
    assert (plan.counters.inserted, plan.counters.modified, plan.counters.coupled) == (0, 0, 0)
    assert plan.counters.failed == run.counters.failed
    assert world.audit(before) == []
    assert len(world.couplings("CUSTOMER")) == 3


async def test_a_plan_counts_what_people_changed(make: Make) -> None:
    world = make(NAV, CRM)
    prepare(world)
    await world.run()
    world.edit_nav("Customer", "C1", City="Bonn")
    world.edit_nav("Item", "I1", Unit_Price=99)
    world.edit_crm("accounts", world.crm("accounts", name="Firm C2")[0]["accountid"], telephone1="7")
    plan = passes(await world.plan())
    run = passes(await world.run())
    assert sum(found.get("modified", 0) for found in plan.values()) == 3
    assert plan == run


async def test_a_plan_and_a_run_agree_on_a_company_that_is_ambiguous(make: Make) -> None:
    seeds = {**NAV, "Customer": [*NAV["Customer"], {**NAV["Customer"][0], "No": "C9", "Primary_Contact_No": ""}]}
    world = make(seeds, {**CRM, "account": [*CRM["account"], CRM["account"][0]]})
    prepare(world)
    plan = passes(await world.plan())
    run = passes(await world.run())
    assert {key: counts(found) for key, found in plan.items()} == {key: counts(found) for key, found in run.items()}


async def test_a_plan_may_be_made_of_one_job_and_leaves_runs_alone(make: Make) -> None:
    world = make(NAV, CRM)
    plan = await world.plan("UNITOFMEASURE")
    assert [one.mapping for one in plan.jobs] == ["UNITOFMEASURE"]
    run = await world.run("UNITOFMEASURE")
    assert (run.id, run.state) == (2, RunState.FINISHED)
