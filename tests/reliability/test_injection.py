"""Texts from outside do nothing to a terminal, a file or a spreadsheet, wherever they are shown or written."""

import re

import pytest

from tests.reliability.injection import TARGET, on_a_terminal, on_screens
from tests.reliability.outputs import in_outputs
from tests.reliability.payloads import PAYLOADS, SAMPLE
from tui import text
from tui.reports import files


def test_no_text_does_anything_on_a_screen() -> None:
    shown = on_screens(SAMPLE[:6], SAMPLE[:1])
    assert shown.faults == []
    assert len(shown.places) > 25
    assert len(PAYLOADS) >= TARGET


def test_no_text_does_anything_on_a_terminal() -> None:
    assert on_a_terminal(("\x1b]52;c;cHduZWQ=\x07\x9d0;t\x9c\x1b[6n\u202e[@click=app.pwned]x[/][/red]",)).faults == []


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
