"""The real engine, for some seeds, under everything that can happen; `make sim SEEDS=20000` plays more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.kills import killing_steps, kills
from tests.sim.plot import play

SEEDS = int(os.environ.get("COUPLER_SEEDS", "60"))
"""How many seeds are played here."""
_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("start", range(0, SEEDS, 10))
def test_nothing_is_lost_and_nothing_is_made_twice(start: int) -> None:
    for seed in range(start, start + 10):
        played = play(seed)
        assert not played.wrong, f"make sim SEED={seed}\n" + "\n".join(played.trace)


def test_each_kind_of_trouble_happens() -> None:
    seen = set[str]()
    for seed in range(7000, 7400):
        seen |= play(seed).faults.keys()
        if len(seen) >= 25:
            return
    pytest.fail(f"only these happened: {sorted(seen)}")


@pytest.mark.parametrize(("seed", "every"), [(6, 4), (11, 4), (18, 4)])
def test_an_engine_may_be_killed_at_any_step(seed: int, every: int) -> None:
    for played in kills(seed, every=every):
        assert not played.wrong, f"make sim SEED={seed} KILL=...\n" + "\n".join(played.trace)


def test_there_is_a_kill_for_each_change_of_the_world() -> None:
    steps, points = killing_steps(6)
    assert points[0] == 1
    assert steps >= points[-1] - 1
    assert len(points) > 40


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
