"""Runs in lines and in JSON: exact, harmless, and by the same snapshots."""

import json
from dataclasses import replace

import pytest

from engine.model.snapshot import Counters, JobState, RunSnapshot, RunState
from tests.cli.pictures import HOSTILE, flag, home, job, run
from tui import plain
from tui.commands import ask, records
from tui.commands.follow import explain
from tui.exitcodes import ExitCode, of_run


def test_the_line_of_a_job_that_runs() -> None:
    picture = run()
    assert plain.job_line(picture, picture.jobs[1]) == (
        "12:04:31Z job=2/2 CUSTOMER state=RUN done=2210 total=4105 failed=3 eta=49s"
    )


def test_the_line_of_a_job_that_waits_with_an_estimate() -> None:
    waiting = job(state=JobState.WAIT, total=9800, total_exact=False, eta=None, counters=Counters())
    assert plain.job_line(run(jobs=(waiting,)), waiting).endswith("state=WAIT done=0 total=~9800 failed=0 eta=?")


def test_the_line_of_a_job_that_ended_has_all_counters() -> None:
    ended = job(state=JobState.PART, total=None, message=HOSTILE)
    assert plain.job_line(run(jobs=(ended,)), ended) == (
        "12:04:31Z job=1/1 CUSTOMER state=PART done=2210 total=? "
        "inserted=311 modified=1840 unchanged=56 skipped=0 failed=3 coupled=0 message=Acme [/] ␛]0;x␇"
    )


def test_the_line_of_a_run() -> None:
    assert plain.run_line(run(RunState.ASKING)) == (
        "12:04:31Z run=16 state=asking read=4420 inserted=622 modified=3680 unchanged=112 skipped=0 failed=6 coupled=0 "
        "answer=none took=00:06:41"
    )


def test_what_is_left_alone_is_told_at_the_end_and_in_the_status() -> None:
    ended = run(RunState.FINISHED, left_alone=2)
    assert " coupled=0 left_alone=2 answer=" in plain.run_line(ended)
    assert records.run(ended)["left_alone"] == 2
    (told,) = [line for line in plain.status_lines(ended) if "left alone" in line]
    assert told.startswith("2 records are left alone")
    assert "`coupler retry --all`" in told


HINT = "Was NAV restored from a backup? If the records were deleted on purpose, `coupler broken`, then go on."
BRAKED = run(RunState.STOPPED, code="brake", message="CUSTOMER: 60 couplings have lost a record.", hint=HINT)


@pytest.mark.parametrize(
    ("picture", "steps"),
    [
        (BRAKED, [f"{HINT} To go on: coupler resume 16"]),
        (run(RunState.STOPPED, hint="Go on with `coupler resume 16`."), ["Go on with `coupler resume 16`."]),
        (run(RunState.STOPPED), ["Run 16 is stopped at a checkpoint. To go on: coupler resume 16"]),
        (
            run(RunState.STOPPED, kind="undo", undoes=8, hint="Go on with `coupler undo 8`."),
            [
                "Go on with `coupler undo 8`.",
                "The undo of run 8 is not finished, and nothing else may write until it is.",
            ],
        ),
        (run(RunState.FINISHED), []),
    ],
)
def test_what_to_do_next_is_told_once_and_in_the_status(
    picture: RunSnapshot, steps: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    explain(picture)
    said = capsys.readouterr().err.splitlines()
    assert said == [*([f"coupler: {picture.message}"] if picture.message else []), *(f"  {one}" for one in steps)]
    status = plain.status_lines(picture)
    assert [line for line in status if line.startswith("next step: ")] == [f"next step: {one}" for one in steps]


def test_the_status_of_a_run_shows_what_is_cleared_and_nothing_hostile() -> None:
    lines = plain.status_lines(run(waiting=HOSTILE, message=HOSTILE))
    assert "\x1b" not in "".join(lines)
    assert lines[-1] == "Synch. Only Coupled Records: cleared by this run for CUSTOMER"
    assert any("2,210/4,105" in line and "38.1" in line and "00:49" in line for line in lines)
    assert plain.status_lines(run(paused=True))[0].startswith("run 16: paused")
    assert plain.status_lines(run(eta=399.0))[0].endswith(", ~06:39 left")


def test_the_closing_question_shows_both_answers() -> None:
    lines = plain.question_lines([flag(), flag("CONTACTS", edited=True)])
    assert lines[0].split() == ["Mapping", "before", "now", "if", "yes", "if", "no"]
    assert lines[1].split() == ["CUSTOMER", "on", "off", "off", "on"]
    assert lines[2].split() == ["CONTACTS", "on", "off", "off", "on", "edited"]


def test_json_is_exact_and_harmless() -> None:
    text = records.line(records.run(run(nav=f"{HOSTILE}\x7f\x9b\u202e\n")))
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text)["nav"] == f"{HOSTILE}\x7f\x9b\u202e\n"


def test_json_of_a_run_has_what_schedulers_need() -> None:
    found = json.loads(records.line(records.run(run(RunState.STOPPED, code="connection"))))
    assert found["state"] == "stopped"
    assert found["code"] == "connection"
    assert found["counters"]["inserted"] == 622
    assert [one["job"] for one in found["jobs"]] == ["CURRENCY", "CUSTOMER"]
    assert found["jobs"][1]["failed"] == 3
    assert found["started"] == "2026-11-25T11:57:50Z"


CLEAN = (job(state=JobState.OK, counters=Counters(read=5, inserted=5)),)


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (run(RunState.FINISHED, jobs=CLEAN), ExitCode.OK),
        (run(RunState.FINISHED), ExitCode.RECORDS_FAILED),
        (run(RunState.FINISHED, jobs=(job(state=JobState.FAIL),)), ExitCode.NOT_FINISHED),
        (run(RunState.FINISHED, jobs=CLEAN, answer="no"), ExitCode.OK),
        (run(RunState.STOPPED, code="config"), ExitCode.USAGE),
        (run(RunState.STOPPED, code="store"), ExitCode.CONNECTION),
        (run(RunState.ASKING), ExitCode.ASKING),
        (run(RunState.CANCELLED), ExitCode.NOT_FINISHED),
        (run(RunState.STOPPED), ExitCode.NOT_FINISHED),
        (run(RunState.STOPPED, code="brake"), ExitCode.BRAKE),
        (run(RunState.STOPPED, code="connection"), ExitCode.CONNECTION),
        (run(RunState.STOPPED, code="access"), ExitCode.CONNECTION),
        (run(RunState.INTERRUPTED), ExitCode.INTERNAL),
        (run(RunState.STOPPED, code="internal"), ExitCode.INTERNAL),
        (run(RunState.INTERRUPTED, code="connection"), ExitCode.CONNECTION),
        (run(RunState.STOPPED, code="locked"), ExitCode.BUSY),
    ],
)
def test_exit_codes_of_runs(picture: object, code: ExitCode) -> None:
    assert isinstance(picture, type(run()))
    assert of_run(picture) is code


def test_tables_are_as_wide_as_their_texts() -> None:
    lines = plain.columns(("Name", "Count"), [("x" * 10, "5"), (HOSTILE, "1,234")], right=frozenset({1}))
    assert [len(line) for line in lines] == [22, 22, 22]
    assert lines[1].endswith("    5")


def test_columns_that_can_be_spared_go_before_others_are_cut() -> None:
    header, row = ("Job", "Took", "Same", "Failed"), ("CUSTOMER", "00:12", "1,234", "3")
    spare = ("Took", "Same")
    assert plain.columns(header, [row], room=80, spare=spare)[0] == "Job       Took   Same   Failed"
    assert plain.columns(header, [row], room=24, spare=spare) == ["Job       Same   Failed", "CUSTOMER  1,234  3"]
    assert plain.columns(header, [row], room=18, spare=spare) == ["Job       Failed", "CUSTOMER  3"]


def test_the_status_of_a_run_fits_a_terminal_of_80_columns() -> None:
    made = run(RunState.RUNNING)
    big = Counters(read=98_765, inserted=98_765, modified=43_210, unchanged=12_345, failed=1_234)
    made = replace(made, jobs=tuple(replace(one, counters=big, rate=123.4) for one in made.jobs))
    table = [line for line in plain.status_lines(made, 80) if line.startswith("# ") or " CUSTOMER " in line]
    assert len(table) == 2
    assert max(map(len, table)) <= 80 < max(map(len, plain.status_lines(made)))
    assert [one for one in table[1].split() if one in ("98,765", "43,210", "1,234")] == ["98,765", "43,210", "1,234"]


def test_wide_letters_take_two_columns() -> None:
    lines = plain.columns(("Name", "State"), [("株式会社", "OK"), ("e\u0301te\u0301", "OK")])
    assert lines == ["Name      State", "株式会社  OK", "e\u0301te\u0301       OK"]


def test_a_counter_is_the_same_in_both() -> None:
    picture = run(RunState.FINISHED)
    picture = replace(picture, jobs=tuple(replace(one, counters=Counters(read=7, failed=2)) for one in picture.jobs))
    assert "failed=4" in plain.run_line(picture)
    assert records.run(picture)["counters"]["failed"] == 4


def test_questions_are_broken_at_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(ask, "yes_or_no", lambda *_, **__: False)
    assert not ask.may_start(home(), (), production=False)
    assert ask.keep_cleared(run(RunState.ASKING, nav="CRONUS")) is False
    lines = capsys.readouterr().err.splitlines()
    assert all(len(line) <= 40 for line in lines)
    assert "  yes   scheduled jobs may CREATE records" not in lines
    assert "  Every uncoupled record that matches no" in lines
    assert "    record of the other side gets a NEW" in lines
    assert "  yes   scheduled jobs may CREATE" in lines
    assert "        records for uncoupled records" in lines


def test_a_table_is_cut_to_the_terminal_and_says_so() -> None:
    row = ("CUSTOMER", "x" * 160, "株" * 80, "y" * 160)
    lines = plain.columns(("Mapping", "Name", "NAV", "CRM"), [row], room=80)
    assert all(plain._width(line) <= 80 for line in lines)
    assert lines[1].startswith("CUSTOMER  xxx")
    assert lines[1].count("…") == 3
    assert max(map(len, plain.columns(("Mapping", "Name", "NAV", "CRM"), [row]))) > 300
