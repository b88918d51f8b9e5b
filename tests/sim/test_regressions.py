"""Seeds that found a bug in the engine: with the mending taken back they find it again, with it they are clean."""

import pytest

from tests.sim.bugs import BUGS
from tests.sim.plot import play

SEEDS = [
    ("base forgotten", 246),
    ("edits forgotten", 984),
    ("counted elsewhere", 164),
    ("late creates forgotten", 5),
]


@pytest.mark.parametrize(("bug", "seed"), SEEDS)
def test_what_a_seed_found_is_mended(bug: str, seed: int) -> None:
    with BUGS[bug]():
        assert play(seed).finding
    played = play(seed)
    assert not played.wrong, "\n".join(played.trace)
