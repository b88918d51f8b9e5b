"""The harness checks itself: every bug that is planted into the engine must be found.

Each is looked for from a seed shortly before the one that finds it, so that it takes seconds; `make sim BUGS=300` looks for
each from the first seed on and prints the table.
"""

import os
from collections.abc import Iterator
from typing import cast
from unittest.mock import patch

import pytest

from engine.sync import passes
from tests.sim.bugs import BUGS, START, Bug
from tests.sim.plot import play
from tests.sim.pool import hunt

BUDGET = int(os.environ.get("COUPLER_BUG_SEEDS", "40"))
"""Within how many seeds each must be found."""
FOUND: dict[str, tuple[int, str]] = {}


def found(bug: str) -> tuple[int, str]:
    """In which seed, and what; blank when nothing was."""
    if bug not in FOUND:
        start = START.get(bug, 0)
        seeds, finding = hunt(bug, start, BUDGET)
        FOUND[bug] = start + seeds - 1, finding
    return FOUND[bug]


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    yield
    lines = [f"{bug:<24} {seed:>4}  {finding}" for bug, (seed, finding) in FOUND.items()]
    print("\n".join(["", f"{'planted bug':<24} seed  finding", *lines]))  # noqa: T201


def test_there_are_enough_of_them() -> None:
    assert len(BUGS) >= 12


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str) -> None:
    _, finding = found(bug)
    assert finding, f"{bug} was not found in {BUDGET} seeds"


def test_a_bug_that_only_breaks_the_engine_is_not_taken_for_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        cast("dict[str, Bug]", BUGS), "of another signature", lambda: patch.object(passes, "commit_page", lambda: None)
    )
    with BUGS["of another signature"]():
        assert "TypeError" in play(0).wrong[0]
    assert hunt("of another signature", 0, 3) == (3, "")


def test_a_run_that_never_ends_is_found_with_what_stopped_it() -> None:
    with BUGS["creates repeated"]():
        wrong = play(63).wrong
    assert wrong[0].startswith("the run never ends: stopped brake 2 Customer records carry the mark of CRM record")


def test_a_bug_is_gone_when_it_is_not_planted_any_more() -> None:
    seed, _ = found(next(iter(BUGS)))
    assert not play(seed).wrong
