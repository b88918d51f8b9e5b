"""The man page and what shells complete say what the commands are, and docs/keys.md which keys there are."""

import json
import shutil
import subprocess

import click
import pytest

from tests.docs.manual import DIALOGS, KEYS, PAGE, WORDS, inner, keys, page, root, words
from tests.tui.test_dialog_keys import CASES
from tui.actions import ACTIONS
from tui.cli import _COMMANDS

NOT_THERE = "NOT TESTED: there is no {} on this machine"
AGAIN = "make it anew: make manual"


def test_the_man_page_is_that_of_the_commands() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), AGAIN


def test_what_shells_complete_is_what_the_commands_take() -> None:
    assert json.loads(WORDS.read_text(encoding="utf-8")) == words(root()), AGAIN


def test_the_list_of_keys_is_that_of_the_actions() -> None:
    assert KEYS.read_text(encoding="utf-8") == keys(), AGAIN


def test_every_action_that_can_have_another_key_is_in_the_list() -> None:
    text = KEYS.read_text(encoding="utf-8")
    assert not [one.id for one in ACTIONS if f"| `{one.id}` | `{one.key.partition(',')[0]}`" not in text]


def test_every_dialog_with_keys_of_its_own_is_in_the_list() -> None:
    assert {one.__name__ for one in DIALOGS} == {name for name, _ in CASES} - {"Table"}


def test_every_command_and_option_has_its_place_in_the_man_page() -> None:
    text = PAGE.read_text(encoding="utf-8").replace("\\-", "-")
    contexts = list(inner(root()))
    assert {one.info_name for one in contexts} == set(_COMMANDS)
    for one in contexts:
        section = text.partition(f'.SS "{one.command_path}"\n')[2].partition("\n.SS ")[0]
        assert section, one.command_path
        for option in one.command.params:
            if isinstance(option, click.Option) and not option.hidden and "--config" not in option.opts:
                assert option.opts[-1] in section


@pytest.mark.skipif(shutil.which("man") is None, reason=NOT_THERE.format("man"))
@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_man_shows_it_without_a_warning(columns: str) -> None:
    shown = subprocess.run(
        ["man", "--warnings", "-l", str(PAGE)],
        env={"MANWIDTH": columns, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == ""
    assert "COUPLER(1)" in shown.stdout
    assert "--keep-cleared [yes|no]" in shown.stdout, "an option can be copied as it is shown"


@pytest.mark.skipif(shutil.which("groff") is None, reason=NOT_THERE.format("groff"))
def test_groff_finds_nothing_to_warn_of() -> None:
    command = ["groff", "-man", "-ww", "-z", "-Tutf8", str(PAGE)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == ""
