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
    "tests/reliability/clock.c",
    "tests/reliability/frozen.py",
    "tests/runs/company.py",
    "tests/cli/conftest.py",
    "tests/store/tools.py",
    "tests/sim/__main__.py",
)
MODULE = "tests.reliability.frozen"
IMPORTS = {
    "tests/reliability/frozen.py": "from tests.runs.company import late\n\nSOURCE = 'clock.c'\n",
    "tests/runs/company.py": "def late():\n    from tests.cli import conftest\n",
    "tests/cli/conftest.py": "import tests.store.tools\n\nSTART = ('-m', 'tests.sim')\n",
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for place in (*PLACES, "tests/docs/manual.py"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(IMPORTS.get(place, ""))
    monkeypatch.setattr(kept, "_ROOT", tmp_path)
    kept.basis.cache_clear()
    yield tmp_path
    kept.basis.cache_clear()


def _basis(*rests_on: str) -> str:
    kept.basis.cache_clear()
    return kept.basis(MODULE, rests_on)


@pytest.mark.parametrize("place", PLACES)
def test_a_file_of_the_program_or_of_what_measures_makes_it_another_basis(tree: Path, place: str) -> None:
    before = _basis()
    with (tree / place).open("a") as file:
        file.write("# changed\n")
    assert _basis() != before


def test_a_file_that_is_new_renamed_or_gone_makes_it_another_basis(tree: Path) -> None:
    seen = [_basis()]
    (tree / "engine/mapping/businesscentral.toml").touch()
    seen.append(_basis())
    (tree / "engine/mapping/businesscentral.toml").rename(tree / "engine/mapping/more.toml")
    seen.append(_basis())
    assert len(set(seen)) == len(seen)
    (tree / "engine/mapping/more.toml").unlink()
    assert _basis() == seen[0]


def test_what_is_compiled_and_what_measures_or_tests_other_things_leave_the_basis_as_it_is(tree: Path) -> None:
    before = _basis()
    (tree / "engine/__pycache__").mkdir()
    (tree / "engine/__pycache__/page.pyc").write_bytes(b"\0")
    (tree / "tests/docs/manual.py").write_text("MORE = 1\n")
    (tree / "tests/reliability/links.py").write_text("MORE = 1\n")
    (tree / "tests/reliability/journals").mkdir()
    (tree / "tests/reliability/journals/0001.sql").write_text("SELECT 1")
    assert _basis() == before
    assert _basis("tests/docs") != before, "but a line may rest on more"


def test_a_line_is_measured_again_when_what_it_rests_on_changes(tree: Path) -> None:
    def measure() -> Measured:
        return Measured("1", met=True)

    plain, more = Line("plain", "1", measure), Line("more", "1", measure, ("tests/docs",))
    row = kept.Kept(measure(), datetime.now(UTC), 1)
    for line in (plain, more):
        kept.keep(line, row, tree / "build")
        assert kept.kept(line, tree / "build") == row
    (tree / "tests/docs/manual.py").write_text("MORE = 1\n")
    kept.basis.cache_clear()
    assert kept.kept(plain, tree / "build") == row
    assert kept.kept(more, tree / "build") is None


def test_a_line_is_measured_again_when_its_module_changes(tree: Path) -> None:
    def measure() -> Measured:
        return Measured("1", met=True)

    measure.__module__ = MODULE
    line, row = Line("frozen", "1", measure), kept.Kept(measure(), datetime.now(UTC), 1)
    kept.keep(line, row, tree / "build")
    (tree / "tests/reliability/frozen.py").write_text("MORE = 1\n")
    kept.basis.cache_clear()
    assert kept.kept(line, tree / "build") is None


@pytest.mark.parametrize("line", __main__.LINES, ids=lambda line: str(line.name))
def test_each_line_rests_on_the_module_that_measures_it(line: Line) -> None:
    found = {file.relative_to(kept._ROOT).as_posix() for file in kept.files(kept._ROOT, line.measure.__module__)}
    assert f"{line.measure.__module__.replace('.', '/')}.py" in found


def test_all_of_this_program_and_of_what_measures_is_among_the_files() -> None:
    modules = {line.measure.__module__ for line in __main__.LINES}
    found = {file.relative_to(kept._ROOT).as_posix() for module in modules for file in kept.files(kept._ROOT, module)}
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
        other = Line("other", "1", lambda: Measured("1", met=True))
        monkeypatch.setattr(__main__, "LINES", (*__main__.LINES, other))
        monkeypatch.setattr(sys, "argv", ["reliability", "--only", "other", "--anew", "--folder", str(tmp_path)])
        assert __main__.main() == 0
        assert kept.noted(tmp_path) == kept.Progress(1_000), "the seeds were not asked for"
    finally:
        signal.signal(signal.SIGTERM, before)
        monkeypatch.undo()
    assert kept.noted(tmp_path) == kept.Progress(1_000)
    assert "1,000 / 0" in capsys.readouterr().out
