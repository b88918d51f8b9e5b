"""An engine that dies at any step while it undoes a run, and another one that goes on: as if nothing had happened."""

import os
from pathlib import Path

from tests.sync.company import CRM, NAV, prepare
from tests.sync.faults import Life, died
from tests.sync.world import Row, World, world
from tests.undo.taking_back import assert_as_before, contents, lines, undo

STRIDE = int(os.environ.get("COUPLER_DEATHS", "25"))
"""Every how manieth step an engine dies at; 1 tries all of them."""


async def after_a_run(one: World) -> tuple[int, dict[str, dict[str, Row]]]:
    prepare(one)
    before = contents(one)
    run = await one.run()
    return run.id, before


async def test_an_engine_may_die_at_any_step(tmp_path: Path) -> None:
    with world(tmp_path / "whole", NAV, CRM) as one:
        run, _ = await after_a_run(one)
        life = Life()
        expected = lines(one, await undo(one, run, life=life))
        steps = len(life.steps)
    assert steps > 50
    for step in range(1, steps + 1, STRIDE):
        with world(tmp_path / "killed", NAV, CRM) as one:
            run, before = await after_a_run(one)
            if not await died(undo(one, run, life=Life(step)), step, steps):
                break
            done = await undo(one, run)
            where = f"died at step {step} of {steps}"
            assert lines(one, done) == expected, where
            assert_as_before(one, before)
