"""Real-looking data are clean before the first full synchronization, after it, and after its undo."""

from pathlib import Path

from tests.check.looking import faults, look, notes
from tests.runs.company import needs_adventureworks
from tests.undo.adventureworks import adventureworks
from tests.undo.taking_back import undo


@needs_adventureworks
async def test_it_is_clean_before_and_after_and_after_the_undo(tmp_path: Path) -> None:
    with adventureworks(tmp_path / "world") as one:
        before = await look(one)
        assert faults(before) == []
        run = await one.run()
        assert faults(await look(one)) == []
        await undo(one, run.id)
        after = await look(one)
        assert faults(after) == []
        assert notes(after) == notes(before)
