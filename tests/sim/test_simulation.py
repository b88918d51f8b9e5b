"""The real engine, for some seeds, under everything that can happen; `make sim SEEDS=20000` plays more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.kills import killing_steps, kills
from tests.sim.plot import Played, play

SEEDS = int(os.environ.get("COUPLER_SEEDS", "60"))
"""How many seeds are played here."""
_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def seeds() -> list[Played]:
    return [play(seed) for seed in range(SEEDS)]


def test_nothing_is_lost_and_nothing_is_made_twice(seeds: list[Played]) -> None:
    failed = [played for played in seeds if played.wrong]
    assert not failed, "\n".join(f"make sim SEED={one.seed}: {one.wrong[0]}" for one in failed)


def test_much_goes_wrong_in_them(seeds: list[Played]) -> None:
    seen = {kind for played in seeds for kind in played.faults}
    assert len(seen) >= 18, sorted(seen)
    assert sum(played.faults["killed"] for played in seeds) >= SEEDS // 3


@pytest.mark.parametrize(("seed", "every"), [(6, 4), (11, 4), (18, 4)])
def test_an_engine_may_be_killed_at_any_step(seed: int, every: int) -> None:
    for played in kills(seed, every=every):
        assert not played.wrong, f"make sim KILLS=1 START={seed}\n" + "\n".join(played.trace)


def test_there_is_a_kill_for_each_change_of_the_world() -> None:
    steps, points = killing_steps(6)
    assert points[0] == 1
    assert steps >= points[-1] - 1
    assert len(points) > 25


def test_the_same_seed_is_the_same_to_the_letter_whatever_python_hashes() -> None:
    traces = {
        subprocess.run(
            [sys.executable, "-m", "tests.sim", "--seed", "3"],
            cwd=_ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(_ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1", "4711")
    }
    assert len(traces) == 1
    assert len(traces.pop()) > 500
