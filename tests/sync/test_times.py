"""How long a run and its jobs took: what all engines worked on them, not the time in between."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.runs import snapshots
from engine.store import runs
from engine.store.schema import job, run
from tests.sync.company import CRM, NAV, prepare
from tests.sync.faults import Died, Life
from tests.sync.world import Make


async def test_a_job_that_is_taken_up_again_remembers_what_it_took_before(make: Make) -> None:
    world = make(NAV, CRM)
    prepare(world)
    number = world.start("CUSTOMER", keep=False)
    with pytest.raises(Died):
        await world.work(number, life=Life(40))
    with world.store.writing() as connection:
        begun = next(row.started_at for row in runs.job_rows(connection, number) if row.state == "RUN")
        long_ago = begun - timedelta(hours=2)
        connection.execute(sa.update(job).where(job.c.state == "RUN").values(started_at=long_ago))
        connection.execute(sa.update(run).values(beat_at=long_ago + timedelta(seconds=30), worked=40.0))
    found = await world.resume(number)
    (first, *_) = (one for one in snapshots.history(world.store, run=number) if one.spent)
    assert first.spent == 30
    assert first.took is not None
    assert 30 < first.took < 60, "two hours in which nobody worked do not count"
    assert 40 < found.worked < 70
