"""docs/features.md is complete, and what it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import click
import pytest

from tui.cli import cli

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| F")]
WHOLE = [row for row in ROWS if len(row) == 4]
WANTED = (7, *range(11, 28), *range(31, 36), *range(37, 51), *range(53, 65), 66, 67)
REASON = 20
"""Fewer characters are no reason."""


def test_every_row_is_there_once_and_in_order_of_its_part() -> None:
    assert [row[0] for row in WHOLE] == [f"F{number:02}" for number in WANTED]
    assert sorted(row[0] for row in ROWS) == [f"F{number:02}" for number in range(1, 68)]
    assert {len(row) for row in ROWS} == {2, 4}


@pytest.mark.parametrize("row", WHOLE, ids=lambda row: row[0])
def test_a_row_names_tests_or_a_reason(row: list[str]) -> None:
    _, what, where, last = row
    if where == "left out":
        assert "::" not in last
        assert len(last) > REASON
    else:
        assert re.search(r"`tests/\S+::test_\w+`", last)
        for left_out in re.findall(r"Left out:([^.]*)\.", what):
            assert len(left_out.partition("because")[2]) > REASON, "a reason for what is left out"


@pytest.mark.parametrize("named", sorted(set(re.findall(r"tests/\S+?::\w+", TEXT))))
def test_tests_that_are_named_exist(named: str) -> None:
    path, _, name = named.partition("::")
    assert name in functions(path)


@pytest.mark.parametrize(
    "named", sorted(set(re.findall(r"`((?:engine|tui|sandbox|docs)/\S+)`", TEXT)) - {"tui/screens/..."})
)
def test_modules_that_are_named_exist(named: str) -> None:
    assert (ROOT / named).is_file()


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`coupler ([a-z][^`]*)`", TEXT))))
def test_commands_that_are_named_exist(named: str) -> None:
    context, command = click.Context(cli), cli.get_command(click.Context(cli), named.split(maxsplit=1)[0])
    for word in named.split()[1:]:
        assert command is not None
        if word.startswith("--"):
            assert word in {name for one in command.get_params(context) for name in one.opts}
        else:
            assert isinstance(command, click.Group)
            command = command.get_command(context, word)
    assert command is not None


@cache
def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
