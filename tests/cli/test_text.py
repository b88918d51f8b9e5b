"""Text from outside cannot do anything to a terminal, whatever it holds and wherever it is shown."""

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.text import cell, line, safe

PAYLOADS = [
    "Acme [/] \x1b]0;x\x07",
    "\x1b[2J\x1b[H",
    "\x9b2J",
    "\x90q\x9c",
    "a\r\nb\tc\x00\x7f",
    "[@click=app.quit]x[/]",
    "\u202eevil\u2066x\u2069\u200f\u061c",
    "\ud800\udfff lone",
    "zero\u200bwidth\u200d\u2060\ufeff\u00ad",
    "z" + "\u0301" * 50,
    "\u2028\u2029\u0085",
    "\U000e0041\U000e007f",
    "\x1b]52;c;aGk=\x07",
    "\u115f\u3164\uffa0",
]


def harmless(text: str) -> bool:
    kinds = {unicodedata.category(character) for character in text}
    return not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"} and "\x1b" not in text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_are_inert(payload: str) -> None:
    assert harmless(safe(payload))
    assert cell(payload).plain == safe(payload)
    assert cell(payload).spans == []
    assert line(payload).plain == safe(payload)
    assert line(payload).spans == []


@given(st.text(st.characters(), max_size=300), st.integers(-2, 250))
def test_any_text_is_harmless_and_no_longer_than_asked_for(text: str, limit: int) -> None:
    shown = safe(text, limit)
    assert harmless(shown)
    assert len(shown) <= max(limit, 0)
    assert safe(shown, max(limit, 0)) == shown


@given(
    st.text(
        st.characters(categories=["L", "N", "P", "S"], exclude_characters="\u115f\u1160\u3164\uffa0\u2800"),
        max_size=200,
    )
)
def test_names_as_people_write_them_are_not_changed(text: str) -> None:
    assert safe(text) == text


def test_ordinary_names_are_not_changed() -> None:
    for name in ("Møller & Søn A/S", "Łódź [PL]", "株式会社", "Zoë", "O'Brien", "e\u0301te\u0301", "😀 GmbH"):
        assert safe(name) == name


def test_control_characters_can_be_recognized() -> None:
    assert safe("Acme [/] \x1b]0;x\x07") == "Acme [/] ␛]0;x␇"
    assert safe("a\nb\x7f") == "a␊b␡"


def test_long_texts_are_cut_with_a_mark() -> None:
    assert safe("x" * 201) == "x" * 199 + "…"
    assert safe("x" * 200) == "x" * 200
    assert safe("abc", 2) == "a…"
    assert safe("abc", 0) == ""


def test_what_is_no_text_is_shown_as_text() -> None:
    assert safe(None) == "None"
    assert safe(12) == "12"


def test_a_pile_of_accents_stays_on_its_line() -> None:
    assert safe("z" + "\u0301" * 50) == "z" + "\u0301" * 3


def test_the_module_loads_no_screen_library() -> None:
    code = "import tui.text, tui.format, sys; sys.exit(bool({'rich', 'textual'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
