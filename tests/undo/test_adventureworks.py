"""The first full synchronization of real-looking data is taken back: CRM has what it had, seen in the audit log."""

from collections import Counter
from pathlib import Path

from tests.runs.company import needs_adventureworks
from tests.undo.adventureworks import adventureworks
from tests.undo.taking_back import contents, left, undo


@needs_adventureworks
async def test_crm_has_what_it_had_before_the_first_full_synchronization(tmp_path: Path) -> None:
    with adventureworks(tmp_path / "world") as one:
        before = contents(one)
        run = await one.run()
        assert run.counters.inserted > 2000
        done = await undo(one, run.id)
        assert left(one, done) == {}
        created = Counter((line["set"], line["key"]) for line in one.audit(side="crm", op="create"))
        deleted = Counter((line["set"], line["key"]) for line in one.audit(side="crm", op="delete"))
        assert created == deleted, "every create of the audit log has its delete"
        assert set(created.values()) == {1}
        assert contents(one) == before, "and every value is as before"
        assert not any(one.couplings(job.mapping) for job in run.jobs)
