"""Seeds that found a bug in the engine: with the mending taken back they find it again, with it they are clean."""

import pytest

from tests.sim.bugs import BUGS
from tests.sim.plot import play

SEEDS = [
    ("base forgotten", 288),
    ("edits forgotten", 984),
    ("no waiting", 1037),
    ("counted elsewhere", 264),
    ("broken off forgotten", 582),
    ("gone without a word", 1146),
    ("marks forgotten", 445),
]


MISJUDGED = {
    "a person is left behind when somebody deletes its customer": 1133,
    "after the store was lost, NAV's value stands before both sides are edited": 4458,
    "a flag that was set is as before where an older state store is put back": 4172,
    "somebody deletes what is in doubt": 2147,
    "in the state store that is put back another run is not finished": 1879,
    "a product that failed is a draft, and is not read": 196,
    "somebody edits what a killed engine has just written": 420,
    "the store is lost, and what was made for a record that is gone gets a new partner": 1957,
    "somebody edits in CRM what is about to be coupled, and NAV's value stands": 7965,
    "somebody edits what an engine has just written, before it hears of it": 4151,
    "an engine dies between the note of an update and sending it, and somebody writes to the row": 10361,
    "somebody writes to a row between the look of an engine and the note of an update that is never sent": 10782,
    "a person is left alone as the company is gone": 10075,
    "an update whose answer is lost counts as modified where somebody wrote to the row": 5080,
    "without a mark, what arrives late looks as if people had entered it": 13282,
    "values go back and forth while an answer is lost": 10418,
    "a person without mark is left behind, and the store is lost": 20752,
    "the store is lost, and the company of a person is deleted": 12002,
    "the store is lost, and a company is deleted with its persons": 18538,
    "the store is lost, and of two that were made the source of one is gone": 19589,
}


@pytest.mark.parametrize("seed", MISJUDGED.values(), ids=MISJUDGED)
def test_what_was_taken_for_a_fault_is_none(seed: int) -> None:
    played = play(seed)
    assert not played.wrong, "\n".join(played.trace)


@pytest.mark.parametrize(("bug", "seed"), SEEDS)
def test_what_a_seed_found_is_mended(bug: str, seed: int) -> None:
    with BUGS[bug]():
        assert play(seed).finding
    played = play(seed)
    assert not played.wrong, "\n".join(played.trace)
