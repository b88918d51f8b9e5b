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


def test_a_link_stays_and_what_it_leads_to_is_replaced(here: Path) -> None:
    target = here / "target"
    target.write_text("old")
    (here / "folder").mkdir()
    (here / "between").symlink_to(target)
    link = here / "folder" / "link"
    link.symlink_to("../between")
    with pytest.raises(FileExistsError):
        files.write(link, ["new"], replace=False)
    assert target.read_text() == "old"
    files.write(link, ["new"], replace=True)
    assert (target.read_text(), link.read_text()) == ("new", "new")
    assert link.is_symlink()
    assert names(here / "folder") == ["link"]
    assert names(here) == ["between", "folder", "target"]
    target.unlink()
    files.write(link, ["again"], replace=True)
    assert (target.read_text(), link.is_symlink()) == ("again", True)


def test_a_link_to_what_is_no_file_is_left_alone(here: Path) -> None:
    os.mkfifo(here / "pipe")
    (here / "folder").mkdir()
    (here / "plain").write_text("old")
    with (here / "plain").open() as opened:
        for number, target in enumerate(("pipe", "/dev/null", "folder", "/sys", "5")):
            (here / str(number + 1)).symlink_to(target)
        for link in "12345":
            with pytest.raises(FileExistsError):
                files.write(here / link, ["new"], replace=True)
            assert (here / link).is_symlink()
        with pytest.raises(FileExistsError):
            files.write(Path(f"/proc/self/fd/{opened.fileno()}"), ["new"], replace=True)
    assert (here / "plain").read_text() == "old"
    assert names(here) == ["1", "2", "3", "4", "5", "folder", "pipe", "plain"]


def test_what_is_no_file_is_never_replaced(here: Path) -> None:
    os.mkfifo(here / "pipe")
    (here / "folder").mkdir()
    for name in ("pipe", "folder"):
        for replace in (False, True):
            with pytest.raises(FileExistsError):
                files.write(here / name, ["x"], replace=replace)
    assert names(here) == ["folder", "pipe"]
