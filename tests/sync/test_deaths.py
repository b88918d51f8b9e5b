"""An engine that dies at any step, and another one that goes on: as if nothing had happened."""

import os
from pathlib import Path
from typing import Any

import pytest

from engine.model.snapshot import RunState
from tests.sync.company import CRM, NAV, made, picture, prepare, sums
from tests.sync.faults import Died, Life, died
from tests.sync.world import world

STRIDE = int(os.environ.get("COUPLER_DEATHS", "23"))
"""Every how manieth step an engine dies at; 1 tries all of them, which takes some minutes."""


class Undisturbed:
    """What a run does when nothing happens."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.picture: dict[str, Any] = {}
        self.inserted: dict[str, int] = {}
        self.failed: dict[str, int] = {}


async def undisturbed(folder: Path) -> Undisturbed:
    found = Undisturbed()
    with world(folder, NAV, CRM, page_size=2) as one:
        prepare(one)
        life = Life()
        run = await one.work(one.start(), life=life)
        assert run.state is RunState.ASKING, run.message
        found.steps, found.picture = life.steps, picture(one)
        found.inserted, found.failed = sums(run, "inserted"), sums(run, "failed")
        assert found.inserted == made(one)
        before = len(one.audit())
        again = await one.work_again(run)
        assert one.audit(before) == [], "a second run finds nothing to do"
        assert sums(again, "failed") == found.failed
    return found


async def test_an_engine_may_die_at_any_step(tmp_path: Path) -> None:
    expected = await undisturbed(tmp_path / "whole")
    assert len(expected.steps) > 150
    print(len(expected.steps), "steps")  # noqa: T201 - a figure
    for step in range(1, len(expected.steps) + 1, STRIDE):
        with world(tmp_path / "killed", NAV, CRM, page_size=2) as one:
            prepare(one)
            number = one.start()
            if not await died(one.work(number, life=Life(step)), step, len(expected.steps)):
                break
            where = f"died at step {step} of {len(expected.steps)}"
            run = await one.gone_on(number)
            assert run.state is RunState.ASKING, f"{where}: {run.message}"
            assert picture(one) == expected.picture, where
            assert sums(run, "inserted") == expected.inserted == made(one), where
            assert sums(run, "failed") == expected.failed, where


@pytest.mark.parametrize("seed", range(3))
async def test_engines_may_die_one_after_the_other(tmp_path: Path, seed: int) -> None:
    expected = await undisturbed(tmp_path / "whole")
    with world(tmp_path / "killed", NAV, CRM, page_size=2) as one:
        prepare(one)
        number = one.start()
        lives = 0
        while True:
            lives += 1
            try:
                run = await one.resume_with(number, Life(11 + 7 * seed + 13 * lives))
            except Died:
                continue
            break
        assert lives > 3
        assert run.state is RunState.ASKING, run.message
        assert picture(one) == expected.picture
        assert sums(run, "inserted") == expected.inserted == made(one)
        assert sums(run, "failed") == expected.failed
