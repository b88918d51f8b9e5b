"""docs/scale.md has what the model says, and says what is not built."""

from pathlib import Path

import pytest

from bench.report import BEGIN, END
from bench.scale.__main__ import PAGE, main
from bench.scale.assumptions import Assumptions
from bench.scale.crew import LIMITS, TODAY, Crew
from bench.scale.table import CHANGES, duration, lines, times
from bench.scale.work import Case


def test_the_page_has_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """`make scale ARGS=--write` puts it there."""
    assert main([]) == 0
    printed = capsys.readouterr().out
    page = PAGE.read_bytes()
    assert page[page.index(BEGIN.encode()) : page.index(END.encode())] == f"{BEGIN}\n\n{printed}\n".encode()


def test_only_one_worker_with_one_user_a_side_is_what_there_is_today() -> None:
    head = next(times(Assumptions(), (), (TODAY, Crew(1, 2), Crew(2, 1))))
    assert head == (
        "| Records | Run | 1 user, 1 worker: today | 1 user, 2 workers: *not built* | 2 users, 1 worker: *not built* |"
    )


def test_every_cell_names_limits_that_are_explained() -> None:
    _, _, *rows = times(Assumptions(), (20_000,), (TODAY, Crew(4, 4)))
    assert len(rows) == len(Case)
    for row in rows:
        for cell in row.strip("|").split("|")[2:]:
            _, _, names = cell.strip().partition(": ")
            assert set(names.split(", ")) <= LIMITS.keys()


def test_every_figure_that_goes_in_is_told_with_its_source_and_can_be_changed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "\n".join(lines(Assumptions(), (20_000,), (TODAY,)))
    for one in Assumptions().told():
        assert one.source
        assert f"| `--{one.name.replace('_', '-')}` | {one.value:g} |" in text
    assert main(["--records", "20000", "--cpu", "150", "--crm-create", "5.5"]) == 0
    changed = capsys.readouterr().out
    assert "| `--cpu` | 150 |" in changed
    assert "| `--crm-create` | 5.5 |" in changed


def test_each_change_is_one_of_figures_that_are_there() -> None:
    known = {one.name for one in Assumptions().told()}
    assert all(one.figures.keys() <= known for one in CHANGES)


def test_figures_that_make_no_sense_are_said_to_be_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--batch", "0"])
    assert end.value.code == 2
    assert "batch must be more than 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (1_500_000, "1.5 s"),
        (89_000_000, "89 s"),
        (90_000_000, "1.5 min"),
        (5_400_000_000, "1.5 h"),
        (200_000_000_000, "2.3 days"),
    ],
)
def test_a_time_has_two_digits_that_count(micros: int, text: str) -> None:
    assert duration(micros) == text


def test_the_page_says_where_its_tables_belong(tmp_path: Path) -> None:
    assert PAGE.read_text(encoding="utf-8").count(BEGIN) == PAGE.read_text(encoding="utf-8").count(END) == 1
