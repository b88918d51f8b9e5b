"""Pasted text never acts as keys, whatever is in it and however it comes in."""

from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st
from textual.drivers import linux_driver
from textual.events import Key, Paste
from textual.message import Message

from tests.tui.script import ScriptedDoor
from tui.app import CouplerApp
from tui.look import Look
from tui.pasted import Parser

BEGIN, END = "\x1b[200~", "\x1b[201~"
texts = st.text(st.one_of(st.sampled_from("\x1b[201~OAyY\n\r "), st.characters(codec="utf-8")), max_size=60)


def tokens(*chunks: str) -> list[Message]:
    parser = Parser()
    return [token for chunk in chunks if chunk for token in parser.feed(chunk)]


def keys(found: Sequence[Message]) -> list[str]:
    return [one.key for one in found if isinstance(one, Key)]


@given(texts, st.lists(st.integers(0, 80), max_size=4))
@example("yes\ny\nYY garbage \x1b[A\n", [])
@example("\x1b[31mred\x1b[0m eye", [])
@example("a" * 40 + "\x1b" + "b" * 40, [])
def test_what_is_pasted_is_no_key(text: str, cuts: list[int]) -> None:
    text = text.replace(END, "")
    whole = f"{BEGIN}{text}{END}"
    ends = sorted({min(one, len(whole)) for one in cuts} | {len(whole)})
    found = tokens(*(whole[begin:end] for begin, end in zip([0, *ends], ends, strict=False)), "x")
    assert keys(found) == ["x"], "only what is typed behind it"
    pasted = "".join(one.text for one in found if isinstance(one, Paste))
    assert pasted.replace("\x1b", "") == text.replace("\x1b", "").replace("\x00", "")


def test_the_mark_of_an_end_in_a_paste_does_not_end_it() -> None:
    assert keys(tokens(f"{BEGIN}harmless{END}y\n{END}")) == []


def test_keys_are_keys() -> None:
    assert keys(tokens("y", "\x1b[A", "\x1b[B", "\r")) == ["y", "up", "down", "enter"]


def test_the_terminal_is_read_so() -> None:
    CouplerApp(ScriptedDoor(), Look())
    assert vars(linux_driver)["XTermParser"] is Parser
