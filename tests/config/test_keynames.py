"""The names of keys are those by which the screens hear of them."""

import string
from pathlib import Path

import pytest
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.keys import _character_to_key

from engine.config import load
from engine.config.keynames import SIGNS, key_name, nearest_key
from tests.config.test_bad_configs import GOOD
from tui.actions import ACTIONS


@pytest.mark.parametrize("one", [*string.punctuation, "§", "°", "€"])
def test_a_sign_and_its_name_are_one_key(one: str) -> None:
    assert key_name(one) == key_name(SIGNS[one]) == _character_to_key(one)


@pytest.mark.parametrize("one", [*string.ascii_letters, *string.digits, "ö", "É", "ß"])
def test_letters_and_digits_stand_for_themselves(one: str) -> None:
    assert key_name(one) == one == _character_to_key(one)


def test_every_key_that_a_terminal_sends_has_a_name_or_comes_as_another() -> None:
    sent = {str(keys[0].value) for keys in ANSI_SEQUENCES_KEYS.values() if isinstance(keys, tuple) and len(keys) == 1}
    unnamed = {one for one in sent if key_name(one) != one}
    assert unnamed == {"<scroll-up>", "<scroll-down>", "ctrl+@"}


def test_the_keys_of_all_actions_are_such_names() -> None:
    assert not [one.id for one in ACTIONS for key in one.key.split(",") if key_name(key) != key]


@pytest.mark.parametrize(
    ("text", "name"),
    [("+", "plus"), ("ctrl++", "ctrl+plus"), ("shift+ctrl+left", "ctrl+shift+left"), ("alt+x", "alt+x")],
)
def test_several_ways_to_write_a_key_mean_one(text: str, name: str) -> None:
    assert key_name(text) == name


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("F2", "f2"),
        ("Escape", "escape"),
        ("ctrl+pgdn", "ctrl+pagedown"),
        ("control+x", "ctrl+x"),
        ("bksp", "backspace"),
        ("shift+?", "question_mark"),
        ("shift+-", "minus"),
        ("ctrl+m", "enter"),
        ("f25", "f5"),
        ("ins", "insert"),
        ("shift+shift+up", None),
        ("cmd+x", None),
        ("ctrl+", None),
        ("", None),
        ("++", None),
        ("\U0001f600", None),
    ],
)
def test_what_is_no_key_has_none_or_one_that_is_near(text: str, near: str | None) -> None:
    assert key_name(text) is None
    assert nearest_key(text) == near


def test_settings_have_the_one_name_of_each_key(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"{GOOD}[keys]\nhome.history = '!,shift+ctrl+left'\nrun.pause = 'ö'\n")
    assert load(path).ui.keys == {"home.history": "exclamation_mark,ctrl+shift+left", "run.pause": "ö"}
