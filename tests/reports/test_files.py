"""The files that operators ask for."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.reports import files


def broken() -> Iterator[str]:
    yield "half"
    raise OSError(28, "No space left on device")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    before = os.umask(0)
    yield tmp_path
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_a_new_file_is_its_owners_and_the_next_one_gets_a_number(here: Path) -> None:
    paths = [files.write_new("r", ".html", ["a", "b"]) for _ in range(3)]
    assert [path.name for path in paths] == ["r.html", "r-2.html", "r-3.html"]
    assert [path.read_text() for path in paths] == ["ab"] * 3
    assert {mode(path) for path in paths} == {0o600}
    assert paths[0].parent == here


def test_what_is_there_is_replaced_only_when_that_is_said(here: Path) -> None:
    path = here / "r.html"
    files.write(path, ["one"], replace=False)
    with pytest.raises(FileExistsError):
        files.write(path, ["two"], replace=False)
    assert path.read_text() == "one"
    path.chmod(0o644)
    files.write(path, ["two"], replace=True)
    assert (path.read_text(), mode(path), names(here)) == ("two", 0o600, ["r.html"])


def test_half_a_file_is_none(here: Path) -> None:
    path = here / "r.html"
    with pytest.raises(OSError, match="No space"):
        files.write(path, broken(), replace=False)
    with pytest.raises(OSError, match="No space"):
        files.write_new("s", ".html", broken())
    assert names(here) == []
    path.write_text("old")
    with pytest.raises(OSError, match="No space"):
        files.write(path, broken(), replace=True)
    assert (path.read_text(), names(here)) == ("old", ["r.html"])


def test_a_link_is_neither_replaced_nor_followed(here: Path) -> None:
    os.mkfifo(here / "pipe")
    (here / "plain").write_text("old")
    for number, target in enumerate(("plain", "pipe", "nowhere", "/dev/null", "5")):
        (here / str(number + 1)).symlink_to(target)
    for link in "12345":
        for replace in (False, True):
            with pytest.raises(FileExistsError):
                files.write(here / link, ["new"], replace=replace)
        assert (here / link).is_symlink()
    assert (here / "plain").read_text() == "old"
    assert names(here) == ["1", "2", "3", "4", "5", "pipe", "plain"]


def test_a_file_of_the_system_is_not_replaced(here: Path) -> None:
    (here / "plain").write_text("old")
    with (here / "plain").open() as opened, pytest.raises(FileExistsError):
        files.write(Path(f"/proc/self/fd/{opened.fileno()}"), ["new"], replace=True)
    assert (here / "plain").read_text() == "old"


def test_what_is_no_file_is_never_replaced(here: Path) -> None:
    os.mkfifo(here / "pipe")
    (here / "folder").mkdir()
    for name in ("pipe", "folder"):
        for replace in (False, True):
            with pytest.raises(FileExistsError):
                files.write(here / name, ["x"], replace=replace)
    assert names(here) == ["folder", "pipe"]
