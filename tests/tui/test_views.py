from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from engine.model.snapshot import Counters, RunState
from engine.model.undo import UndoLine
from tests.reliability.disks import files_of_at_most
from tests.tui.made.runs import made_home, made_run, made_undo
from tests.tui.made.troubles import made_causes
from tui import plain
from tui.look import Look
from tui.reports.files import quoted, write_csv, write_text
from tui.widgets import jobs, mappings, names, problems
from tui.widgets.line import hanging, spread


def test_sums_use_short_words_when_long_ones_do_not_fit() -> None:
    big = Counters(inserted=19_185, modified=19_185, unchanged=19_185, skipped=100, failed=7)
    line = jobs.counters("RESOURCE-PRODUCT <>", big, 78)
    assert line == "RESOURCE-PRODUCT <>  ins 19,185  mod 19,185  same 19,185  skip 100  fail 7"
    assert len(line) <= 78
    assert jobs.counters("CUSTOMER", Counters(failed=1), 78).endswith("skipped 0  failed 1")


def test_sums_of_an_undo_say_what_it_takes_back() -> None:
    sums = Counters(read=40, modified=12, skipped=5)
    assert jobs.counters("all", sums, kind="undo") == "all  written back 12  left 5"
    assert jobs.undone(UndoLine("", 1_200, 12, 3, 5)) == "all  removed 1,200  written back 12  uncoupled 3  left 5"
    undo = made_undo()
    assert [one.label for one in jobs.columns(undo, 120)[-2:]] == ["Back", "Left"]
    assert len(jobs.rows(undo, Look(), 120)[0].cells) == len(jobs.columns(undo, 120))
    assert [one.label for one in jobs.columns(made_run(), 120)[-4:]] == ["Ins", "Mod", "Same", "Fail"]
    job = undo.jobs[3]
    took_back = replace(job.passes[0], kind="undo", counters=sums)
    assert "    written back 12  left 5" in jobs.detail(replace(job, passes=(took_back,)), Look())


def test_of_errors_of_all_runs_each_cause_says_of_which_it_is() -> None:
    (one, _) = made_causes()
    row = problems.cause_row(replace(one, run=12_345), None, Look())
    columns, of_run = problems.cause_columns(None), problems.cause_columns(16)
    assert row.cells[:2] == ("12345", "CUSTOMER")
    assert len(row.cells) == len(columns) == len(of_run) + 1
    assert columns[0].width > len(row.cells[0])
    assert sum(column.width for column in columns) <= sum(column.width for column in of_run)


def test_only_an_engine_that_gave_no_sign_of_life_since_it_was_started_is_waited_for() -> None:
    lost = made_run(RunState.INTERRUPTED)
    before = replace(lost, beat=lost.now - timedelta(seconds=9))
    assert jobs.starting(before, 8).state is RunState.RUNNING, "the sign is of the engine before"
    assert jobs.starting(before, 10).state is RunState.INTERRUPTED
    never = replace(lost, beat=None)
    assert jobs.starting(never, 29).state is RunState.RUNNING
    assert jobs.starting(never, 30).state is RunState.INTERRUPTED


def test_names_of_systems() -> None:
    assert names.nav("CRONUS Int. https://nav.example/ODataV4") == "CRONUS Int."
    assert names.nav("CRONUS") == "CRONUS"
    assert names.crm("https://contoso.crm4.dynamics.com/") == "contoso.crm4"
    assert names.crm("http://127.0.0.1:8080/api") == "127.0.0.1:8080"
    assert names.crm("contoso") == "contoso"
    assert names.crm("http://[bad") == "http://[bad"


def test_columns_fit_80_characters() -> None:
    assert 2 + sum(column.width for column in jobs.COLUMNS) <= 80


@pytest.mark.parametrize("cleared", [False, True])
@pytest.mark.parametrize("width", [80, 99, 100, 119, 120])
def test_columns_of_mappings_fit(width: int, cleared: bool) -> None:
    columns = mappings.columns(width, cleared=cleared)
    assert 2 + sum(column.width for column in columns) <= width
    labels = [one.label for one in columns]
    assert ("Failed" in labels) is (width >= 100 or not cleared)
    assert ("Not coupled" in labels) is (width >= 120)
    made = made_home(made_run() if cleared else None)
    assert all(len(row.cells) == len(columns) for row in mappings.rows(made, width))


def test_a_flag_that_is_off_is_not_cleared_by_anything() -> None:
    shown = [plain.flag(one) for one in made_home(made_run()).mappings]
    assert shown.count("on (cleared by run 16)") == 6
    assert shown[5] == "off"


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.FINISHED])
def test_only_a_full_synchronization_clears(state: RunState) -> None:
    assert jobs.cleared(made_run(state, kind="sync"), 78) == ["Synch. Only Coupled Records counts as it is stored"]
    for kind in ("couple", "match", "uncouple", "mend", "import", "look"):
        assert jobs.cleared(made_run(state, kind=kind), 78) == [""]


def test_a_title_keeps_the_end_that_matters() -> None:
    assert spread("abcdef", "xyz", 8) == "ab…  xyz"
    assert spread("abcdef", "xyz", 10, keep_left=True) == "abcdef  x…"


def test_long_texts_hang() -> None:
    assert hanging("one two three four five six", 20) == ["one two three four", "  five six"]
    assert hanging("", 20) == [""]


def test_cells_are_no_formulas() -> None:
    for start in "=+-@":
        assert quoted(f"{start}1") == f"'{start}1"
        assert quoted(f"Firm;;{start}1;x") == f"Firm;;'{start}1;x", "for those whose cells end at a semicolon"
    assert quoted("\ufe0f=1") == "'=1", "what is not shown does not hide it"
    assert quoted(None) == ""
    assert quoted("a\tb\x1b") == "a␉b␛"


def test_the_row_of_all_adds_up() -> None:
    last = jobs.rows(made_run(), Look(), 80)[-1]
    assert last.cells[1] == "all"
    assert last.cells[4] == "2,407/~17,622"


def test_long_texts_hang_behind_their_label() -> None:
    assert hanging("  Yes  one two three four", 20) == ["  Yes  one two three", "       four"]
    assert hanging("- ! one two three four five", 20) == ["- ! one two three", "    four five"]
    assert hanging("    one two three four five", 20) == ["    one two three", "      four five"]


def test_cut_texts_say_so() -> None:
    assert hanging("one two three four five six seven eight", 20, 1) == ["one two three four …"]


def test_where_a_message_has_no_room_its_address_goes_before_its_reason() -> None:
    said = "CRM: GET https://contoso.crm4.dynamics.com/api/data/v9.2/accounts was answered with 412 duplicate"
    assert hanging(said, 120, 1) == [said]
    assert hanging(said, 78, 1) == ["CRM: GET …/accounts was answered with 412 duplicate"]
    assert hanging(said, 30, 1) == ["CRM: GET …/accounts was …"]
    assert hanging("one two three four five six seven eight nine", 20, 2) == [
        "one two three four",
        "  five six seven …",
    ]
    assert hanging("one two", 20, 1) == ["one two"]


def test_the_environment_is_the_last_thing_to_go() -> None:
    company, organization = "CRONUS International", "https://contoso.crm4.dynamics.com"
    assert names.systems(company, organization, "uat", 80) == "CRONUS International / contoso.crm4 (uat)"
    for room in range(24, 80):
        shown = names.systems(company, organization, "production", room)
        assert shown.endswith("(production)")
        assert len(shown) <= room
    assert names.systems(company, organization, "production", 5) == "(production)"
    assert names.systems(company, organization, "uat", 35) == "CRONUS Intern… / contoso.crm4 (uat)"


@pytest.mark.parametrize("suffix", [".csv", ".txt"])
def test_a_file_for_which_there_is_no_room_is_not_there(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"row {number}" for number in range(500)]
    monkeypatch.chdir(tmp_path)
    with files_of_at_most(1_000), pytest.raises(OSError, match="too large"):
        if suffix == ".csv":
            write_csv("jobs", ("what",), ([row] for row in rows))
        else:
            write_text("jobs", rows)
    assert list(tmp_path.iterdir()) == []
    assert write_text("jobs", rows).read_text().split("\n")[:500] == rows
