"""The lines of the reliability table, small enough to be run with every change."""

import asyncio
import signal
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from tests.reliability import __main__, kept
from tests.reliability.__main__ import main
from tests.reliability.bodies import KINDS, accidents, ask
from tests.reliability.kills import Kills, kill_at_random
from tests.reliability.line import Line, Measured, noting
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
    ("kills", "met"),
    [
        (Kills(6, 6), True),
        (Kills(7, 7), True),
        (Kills(5, 5), False),
        (Kills(6, 5), False),
        (Kills(6, 6, ["the engine that resumes ended with 70"]), False),
    ],
)
def test_kills_are_survived_when_there_are_enough_and_nothing_went_wrong(kills: Kills, met: bool) -> None:
    assert kills.measured(6).met is met


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--only", "no such line"], "no line has 'no such line' in its name"),
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


def test_a_command_that_exits_is_no_end_of_the_table_but_sigterm_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def exit() -> Measured:
        sys.exit(3)

    def terminated() -> Measured:
        signal.raise_signal(signal.SIGTERM)
        return Measured("nothing happened", met=True)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(
        __main__, "LINES", (Line("one", "1", exit), Line("two", "1", terminated), Line("three", "1", exit))
    )
    monkeypatch.setattr(sys, "argv", ["reliability", "--folder", str(tmp_path)])
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 143
    told = capsys.readouterr().err
    assert "not measured: SystemExit" in told
    assert "three" not in told


def test_what_has_been_measured_of_this_program_is_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = count(1)
    line = Line("times", "any", lambda: Measured(f"{next(times)} times", met=True))

    def measure(*options: str) -> str:
        monkeypatch.setattr(sys, "argv", ["reliability", "--folder", str(tmp_path), *options])
        assert main() == 0
        return capsys.readouterr().out.splitlines()[-1]

    before = signal.getsignal(signal.SIGTERM)
    try:
        monkeypatch.setattr(__main__, "LINES", (line,))
        assert "| 1 times |" in measure()
        assert "| 1 times |" in measure()
        assert "| 2 times |" in measure("--anew")
        monkeypatch.setattr(__main__, "LINES", (replace(line, target="another"),))
        assert "| 3 times |" in measure()
        monkeypatch.setattr(kept, "basis", lambda *_: "another basis")
        assert "| 4 times |" in measure()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_is_short_is_measured_again_also_where_it_was_met_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = iter([Measured("good", met=True), Measured("skipped", met=False), Measured("there now", met=True)])
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(__main__, "LINES", (Line("tool", "any", lambda: next(found)),))
    try:
        for options, text in (
            ([], "good"),
            ([], "good"),
            (["--anew"], "skipped"),
            ([], "there now"),
            ([], "there now"),
        ):
            monkeypatch.setattr(sys, "argv", ["reliability", "--folder", str(tmp_path), *options])
            assert main() == int(text == "skipped")
            assert f"| {text} |" in capsys.readouterr().out
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_line_of_seeds_goes_on_where_it_was_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept.noted(tmp_path) == kept.Progress()
    kept.note(kept.Progress(500, ("seed 7",)), tmp_path)
    assert kept.noted(tmp_path) == kept.Progress(500, ("seed 7",))
    monkeypatch.setattr(kept, "basis", lambda *_: "another basis")
    assert kept.noted(tmp_path) == kept.Progress()
    monkeypatch.undo()
    kept.note(None, tmp_path)
    assert kept.noted(tmp_path) == kept.Progress()
