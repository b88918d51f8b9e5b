"""Reading the engine's log from its end."""

import os
import resource
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.errors import StoreError
from engine.model.masking import conceal
from engine.runs import logs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "engine-uat.log"


def _texts(page: logs.LogPage) -> list[str]:
    return [one.text for one in page.lines]


def test_the_end_comes_first_and_the_way_back_has_every_line_once(path: Path) -> None:
    lines = [f"line {number} {'x' * (number % 7_000)}" for number in range(1_000)]
    path.write_text("".join(f"{one}\n" for one in lines))
    page = logs.before(path, None, 100)
    assert (_texts(page), page.ends, page.begins) == (lines[-100:], True, False)
    found = _texts(page)
    while not page.begins:
        page = logs.before(path, page.start, 100)
        found = [*_texts(page), *found]
    assert found == lines
    page = logs.after(path, 0, 100)
    found = _texts(page)
    while not page.ends:
        page = logs.after(path, page.end, 100)
        found += _texts(page)
    assert found == lines


_TEXT = st.text(st.sampled_from("ab\n\n\r\x00\x1bé"), max_size=60)


@given(text=_TEXT, count=st.integers(1, 5), chunk=st.integers(1, 9))
@settings(deadline=None)
def test_whatever_is_in_it_both_ways_see_the_same_lines(
    tmp_path_factory: pytest.TempPathFactory, text: str, count: int, chunk: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "log"
    path.write_bytes(text.encode())
    lines = [one for one in text.split("\n") if one.strip()]
    kept, logs._CHUNK = logs._CHUNK, chunk
    try:
        back: list[str] = []
        end: int | None = None
        while end != 0:
            page = logs.before(path, end, count)
            assert page.start < page.end or not page.size
            end, back = page.start, [*_texts(page), *back]
        forth: list[str] = []
        start = 0
        while start < len(text.encode()):
            page = logs.after(path, start, count)
            assert page.end > start
            start, forth = page.end, [*forth, *_texts(page)]
    finally:
        logs._CHUNK = kept
    assert back == forth == [one.encode().decode("utf-8", "replace") for one in lines]


def test_one_read_of_a_huge_log_looks_at_little_of_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with path.open("wb") as file:
        file.truncate(1_000_000_000)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + b"a line of the log\n" * 200)
    read = 0
    real = os.pread

    def counted(handle: int, size: int, at: int) -> bytes:
        nonlocal read
        read += size
        return real(handle, size, at)

    monkeypatch.setattr(os, "pread", counted)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert _texts(logs.before(path, None, 100)) == ["a line of the log"] * 100
    assert read <= 2 * 65_536
    for words in ((), ("nowhere",)):
        read = 0
        page = logs.before(path, 900_000_000, 100, words)
        assert page.end - page.start <= logs.REACH + 65_536
        assert not page.begins
        assert read <= logs.REACH + 65_536
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_a_long_line_is_cut_and_says_how_long_it_is(path: Path) -> None:
    path.write_bytes(b"first\n" + b"x" * 100_000 + b"\nlast\n")
    _, long, last = logs.before(path, None, 10).lines
    assert (len(long.text), long.left, last.left) == (logs.LONGEST, 100_000 - logs.LONGEST, 0)


def test_a_filter_wants_all_words_whatever_their_case(path: Path) -> None:
    path.write_text('{"run": 1, "event": "Engine failed"}\n{"run": 2, "event": "engine failed"}\nother\n')
    assert len(logs.before(path, None, 10, ("FAILED", "run")).lines) == 2
    assert len(logs.after(path, 0, 10, ("failed", '"run": 2')).lines) == 1


def test_a_line_that_is_being_written_is_shown_as_far_as_it_is(path: Path) -> None:
    path.write_text("one\ntw")
    assert _texts(logs.before(path, None, 10)) == ["one", "tw"]


def test_a_log_that_is_not_there_is_no_error(path: Path) -> None:
    page = logs.before(path, None, 10)
    assert (page.size, page.lines) == (None, ())


def test_a_log_that_began_anew_is_noticed(path: Path) -> None:
    path.write_text("one\ntwo\n")
    page = logs.before(path, None, 10)
    with path.open("a") as file:
        file.write("three\n")
    grown = logs.before(path, None, 10)
    assert not grown.anew(page)
    path.write_text("a\n")
    assert logs.before(path, None, 10).anew(grown)
    path.rename(path.with_suffix(".log.1"))
    assert logs.before(path, None, 10).anew(grown)
    path.write_text("another file, which is longer than the one before it\n")
    assert logs.before(path, None, 10).anew(grown)


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_what_is_no_log_is_told(path: Path, kind: str) -> None:
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/etc/passwd")
    with pytest.raises(StoreError, match="engine's log"):
        logs.before(path, None, 10)


def test_a_secret_is_not_shown(path: Path) -> None:
    conceal("hunter2-of-the-log")
    path.write_text("the server said hunter2-of-the-log\n")
    assert _texts(logs.before(path, None, 10)) == ["the server said ***"]


@pytest.mark.parametrize("begin", [-18, -9, -1, 0])
def test_a_secret_that_a_long_line_is_cut_in_is_not_shown_in_part(path: Path, begin: int) -> None:
    conceal("hunter2-of-the-log")
    path.write_bytes(b"x" * (logs.LONGEST + begin) + b"hunter2-of-the-log" + b"\xff" * 10 + b"\n")
    (line,) = logs.before(path, None, 10).lines
    assert line.text.rstrip("*\ufffd").strip("x") == ""
    shown = logs.LONGEST + begin + len("***") + 10
    assert line.left == max(0, shown - logs.LONGEST)
