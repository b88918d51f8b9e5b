"""A figure that was kept is of the files that are there now, whatever kind of file it is."""

import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.reliability import __main__, kept, simulation
from tests.reliability.line import Line, Measured

PLACES = (
    "requirements.lock",
    "engine/page.py",
    "engine/mapping/defaults.toml",
    "sandbox/rows.sql",
    "tui/tui.tcss",
    "tests/sim/oracle.py",
    "tests/reliability/clock.c",
    "tests/reliability/kept.py",
    "tests/runs/company.py",
    "tests/cli/conftest.py",
    "tests/store/tools.py",
)
IMPORTS = {
    "tests/runs/company.py": "def late():\n    from tests.cli import conftest\n",
    "tests/cli/conftest.py": "import tests.store.tools\n",
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for place in (*PLACES, "tests/docs/manual.py"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(IMPORTS.get(place, ""))
    monkeypatch.setattr(kept, "_ROOT", tmp_path)
    kept.program.cache_clear()
    yield tmp_path
    kept.program.cache_clear()


def _program(*rests_on: str) -> str:
    kept.program.cache_clear()
    return kept.program(rests_on)


@pytest.mark.parametrize("place", PLACES)
def test_a_file_of_the_program_or_of_what_measures_makes_it_another_program(tree: Path, place: str) -> None:
    before = _program()
    with (tree / place).open("a") as file:
        file.write("# changed\n")
    assert _program() != before


def test_a_file_that_is_new_renamed_or_gone_makes_it_another_program(tree: Path) -> None:
    seen = [_program()]
    (tree / "engine/mapping/businesscentral.toml").touch()
    seen.append(_program())
    (tree / "engine/mapping/businesscentral.toml").rename(tree / "engine/mapping/more.toml")
    seen.append(_program())
    assert len(set(seen)) == len(seen)
    (tree / "engine/mapping/more.toml").unlink()
    assert _program() == seen[0]


def test_what_is_compiled_and_tests_of_other_things_leave_the_program_as_it_is(tree: Path) -> None:
    before = _program()
    (tree / "engine/__pycache__").mkdir()
    (tree / "engine/__pycache__/page.pyc").write_bytes(b"\0")
    (tree / "tests/docs/manual.py").write_text("MORE = 1\n")
    assert _program() == before
    assert _program("tests/docs") != before, "but a line may rest on more"


def test_a_line_is_measured_again_when_what_it_rests_on_changes(tree: Path) -> None:
    def measure() -> Measured:
        return Measured("1", met=True)

    plain, more = Line("plain", "1", measure), Line("more", "1", measure, ("tests/docs",))
    row = kept.Kept(measure(), datetime.now(UTC), 1)
    for line in (plain, more):
        kept.keep(line, row, tree / "build")
        assert kept.kept(line, tree / "build") == row
    (tree / "tests/docs/manual.py").write_text("MORE = 1\n")
    kept.program.cache_clear()
    assert kept.kept(plain, tree / "build") == row
    assert kept.kept(more, tree / "build") is None


def test_all_of_this_program_is_among_its_files() -> None:
    found = {file.relative_to(kept._ROOT).as_posix() for file in kept.files(kept._ROOT)}
    assert {
        "engine/mapping/defaults.toml",
        "engine/mapping/businesscentral.toml",
        "engine/store/migrations/versions/0001_first.py",
        "tui/tui.tcss",
        "tui/screens/run.tcss",
        "tests/reliability/clock.c",
        "tests/sim/oracle.py",
        "tests/runs/whole.py",
        "tests/tui/script.py",
    } <= found


def test_the_seeds_go_on_in_the_folder_that_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def play(seeds: range) -> tuple[str, ...]:
        played.append(seeds)
        return ()

    played: list[range] = []
    monkeypatch.setattr(simulation, "_play", play)
    monkeypatch.setattr(simulation, "_SEEDS", 1_000)
    monkeypatch.setattr(simulation, "folder", kept.FOLDER)
    monkeypatch.setattr(__main__, "LINES", (Line("seeds", "1,000 / 0", simulation._seeds),))
    before = signal.getsignal(signal.SIGTERM)
    try:
        kept.note(kept.Progress(500), tmp_path)
        monkeypatch.setattr(sys, "argv", ["reliability", "--folder", str(tmp_path)])
        assert __main__.main() == 0
        assert played == [range(500, 1_000)], "half of them were there"
        played.clear()
        monkeypatch.setattr(sys, "argv", ["reliability", "--anew", "--folder", str(tmp_path)])
        __main__.main()
        assert played == [range(500), range(500, 1_000)]
    finally:
        signal.signal(signal.SIGTERM, before)
        monkeypatch.undo()
    assert kept.noted(tmp_path) == kept.Progress(1_000)
    assert "1,000 / 0" in capsys.readouterr().out
