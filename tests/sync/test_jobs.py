"""A job that cannot go on: the others do, but for those that need it."""

from dataclasses import replace

from engine.config import RunSettings
from engine.model.snapshot import JobState, RunState
from tests.sync.faults import always, answered, reading
from tests.sync.test_customers import customer
from tests.sync.world import Make

REFUSED = answered(404, b'{"error":{"code":"BadRequest_NotFound","message":"No HTTP resource was found"}}')
COMPANY = {"Customer": [customer("C1")], "Unit_of_Measure": [{"Code": "PCS", "Description": "Pieces"}]}
JOBS = ("UNITOFMEASURE", "CUSTOMER", "ITEM-PRODUCT")


async def test_a_page_that_is_not_published_fails_its_job_and_skips_those_that_need_it(make: Make) -> None:
    world = make(COMPANY)
    run = await world.run(*JOBS, keep=None, plan=always("nav", reading("Unit_of_Measure"), REFUSED))
    assert run.state is RunState.ASKING
    states = {job.mapping: job.state for job in run.jobs}
    assert states == {"UNITOFMEASURE": JobState.FAIL, "CUSTOMER": JobState.OK, "ITEM-PRODUCT": JobState.SKIP}
    messages = {job.mapping: job.message for job in run.jobs}
    assert "404" in messages["UNITOFMEASURE"]
    assert messages["ITEM-PRODUCT"] == "needs UNITOFMEASURE"


async def test_jobs_go_on_when_they_are_told_to(make: Make) -> None:
    world = make(COMPANY)
    world.settings = replace(world.settings, run=RunSettings(continue_after_failure=True))
    run = await world.run(*JOBS, plan=always("nav", reading("Unit_of_Measure"), REFUSED))
    assert {job.mapping: job.state for job in run.jobs}["ITEM-PRODUCT"] is JobState.OK
