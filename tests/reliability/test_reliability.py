"""The lines of the reliability table, small enough to be run with every change."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from tests.reliability.__main__ import main
from tests.reliability.bodies import KINDS, accidents, ask
from tests.reliability.kills import kill_at_random
from tests.reliability.line import noting
from tests.runs.company import signal_engine


@pytest.mark.parametrize("seed", range(4))
def test_no_damaged_answer_makes_a_side_fail_otherwise_than_it_says(seed: int) -> None:
    tally = asyncio.run(ask(accidents(1500, seed)))
    assert tally.faults == []
    assert min(tally.answered, tally.refused) > 150, "both kinds of answers are tried"


def test_answers_that_met_no_accident_are_accepted() -> None:
    tally = asyncio.run(ask((kind, kind.body, None) for kind in KINDS))
    assert tally.faults == []
    assert (tally.answered, tally.refused) == (len(KINDS) - 1, 1), "all but the one that is an error"


def test_engines_that_are_killed_at_random_come_to_the_same_end() -> None:
    kills = kill_at_random(6, 1)
    assert kills.faults == []
    assert (kills.done, kills.survived) == (6, 6)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--only", "nothing"], "no line has 'nothing' in its name"),
        (["--only", "kill", "--write"], "only the whole table is written"),
    ],
)
def test_a_table_that_would_be_empty_or_not_whole_is_refused(
    options: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["reliability", *options])
    with pytest.raises(SystemExit):
        main()
    assert told in capsys.readouterr().err


def test_no_signal_is_sent_where_there_is_no_engine(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no engine"):
        signal_engine(tmp_path / "sandbox.toml", signal.SIGCONT)


def test_whatever_a_case_raises_is_one_of_its_faults() -> None:
    faults: list[str] = []
    for error in (AssertionError("two"), IndexError("no line")):
        with noting(faults, "case"):
            raise error
    assert faults == ["case: two", "case: IndexError: no line"]
