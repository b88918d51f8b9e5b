"""Texts from outside do nothing to a terminal, a file or a spreadsheet, wherever they are shown or written."""

import asyncio
import gc
import re
from collections.abc import AsyncIterator
from typing import Protocol

import pytest
from textual.screen import Screen

from tests.reliability.hostile import HostileDoor, filled, reads
from tests.reliability.injection import left_out, on_screens, screens
from tests.reliability.outputs import in_outputs
from tests.reliability.payloads import PAYLOADS, SAMPLE, TARGET, Shown
from tests.reliability.sequences import on_a_terminal, raw_head, spoiled
from tui import text
from tui.dialogs.confirm import Confirm
from tui.dialogs.dialog import Dialog
from tui.reports import files
from tui.screens.page import Page
from tui.screens.schedule import Schedule


class _Further(Protocol):
    def words(self) -> str: ...


class _Leading(Protocol):
    further: _Further

    def lines(self) -> list[str]: ...

    def count(self) -> int: ...


def test_no_text_does_anything_on_a_screen() -> None:
    shown = on_screens(SAMPLE[:6], SAMPLE[:1])
    assert left_out(shown) == []
    assert shown.faults == []
    assert len(PAYLOADS) >= TARGET


def test_a_screen_or_a_read_of_the_door_that_no_text_goes_through_is_named() -> None:
    every = Shown(screens=set(screens()), reads=set(reads()))
    assert left_out(every) == []
    made = [type("Newest", (base,), {"__module__": "tui.screens.newest"}) for base in (Page, Dialog, Confirm, Screen)]
    told = left_out(every)
    assert [one.startswith("tui.screens.newest.Newest is not shown") for one in told] == [True] * len(made)
    made.clear()
    gc.collect()
    less = Shown(screens=screens() - {Schedule}, reads=every.reads - {"schedule"}, silent={"leave", "errors"})
    assert [one.partition(":")[0] for one in left_out(less)] == [
        "tui.screens.schedule.Schedule is not shown",
        "Door.schedule is not read",
        "errors",
    ]


def test_whatever_a_door_gives_has_the_text_in_it() -> None:
    door = HostileDoor()
    door.take("\x1b[2J")
    assert door.schedule().rows[1].mapping == "\x1b[2J1"
    assert door.home().mappings[0].nav_table == "\x1b[2J"
    assert door.called == {"schedule", "home", "going"}
    assert {"home", "run", "schedule", "conflicts", "outcomes"} <= set(reads())
    assert not {"hold", "start", "wish", "answer"} & set(reads()), "these give nothing that could be shown"
    assert reads(_Leading) == ["lines", "further.words"]
    assert filled({"a": ["x"], "b": 1}, "\x1b") == {"a": ["\x1b"], "b": 1}


def test_what_a_door_gives_piece_by_piece_has_the_text_in_it() -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "x"

    async def read() -> list[str]:
        return [one async for one in door._filling("pieces", pieces)()]

    door = HostileDoor()
    door.take("\x1b")
    assert asyncio.run(read()) == ["\x1b"]
    assert door.called == {"pieces"}


def test_what_a_screen_writes_as_it_is_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Page, "head", raw_head)
    shown = on_screens(("a\x1b[31mb", "a\u202eb"), ())
    assert {"home", "run", "schedule"} <= {one.partition(":")[0] for one in shown.foreign}


def test_no_text_does_anything_on_a_terminal() -> None:
    text = "\x1b]52;c;cHduZWQ=\x07\x9d0;t\x9c\x1b[6n\x1b[2J\x1b[31m\x1b]0;t\x1b\\\u202e[@click=app.pwned]x[/][/red]"
    assert on_a_terminal((text,)).faults == []


def test_what_a_screen_writes_as_it_is_to_a_terminal_is_found_with_all_that_it_is_given() -> None:
    """`0m`, `?25l` and moves are what Textual writes as well: they are found between the letters that they came with."""
    alien = ("\x1b[2J", "\x1b[31m", "\x1b[38;5;1m", "\x1b]0;title\x1b\\", "\x1bP1;1|17/ab\x1b\\", "\x9b", "\u202e")
    usual = ("\x1b[0m", "\x1b[?25l", "\x1b[3;4H")
    shown = spoiled(("".join(f"a{one}b" for one in (*usual, *alien)),))
    assert shown.crashes == []
    told = "\n".join(shown.foreign)
    assert [one for one in alien if f": {one.encode()!r}" not in told] == []
    assert [one for one in usual if f": {f'a{one}b'.encode()!r}" not in told] == []


def test_no_text_does_anything_in_lines_and_files() -> None:
    shown = in_outputs(SAMPLE)
    assert shown.faults == []
    assert len(shown.places) > 40


def test_what_is_written_as_it_is_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_PLAIN", re.compile("(?s).*"))
    monkeypatch.setattr(files, "_FORMULA", ("@",))
    shown = in_outputs(("\x1b[6n", "=1+1"))
    assert {"a csv file", "a txt file", "coupler status", "a crash file", "a cell of a csv file"} <= {
        one.partition(":")[0] for one in shown.foreign
    }
