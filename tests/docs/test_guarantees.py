"""The table of faults in docs/guarantees.md is complete, and what it names is there."""

import re
from importlib import import_module

import pytest

from tests.docs.test_features import ROOT, functions

TEXT = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| F")]
FAULTS = [row for row in ROWS if re.fullmatch(r"F\d+", row[0])]
LEFT_OUT = "Not tested: "
REASON = 10
"""Fewer characters are no word about what is not tested."""


def test_every_fault_is_there_once_and_in_order() -> None:
    assert [row[0] for row in FAULTS] == [f"F{number}" for number in range(1, 33)]
    assert {len(row) for row in FAULTS} == {3}


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row[0])
def test_a_fault_is_injected_by_a_module_or_a_test_and_what_is_not_tested_is_said(row: list[str]) -> None:
    tested, mark, not_tested = row[2].partition(LEFT_OUT)
    assert re.search(r"`tests/\S+\.py(::test_\w+)?`", tested)
    assert "`tests/" not in not_tested
    assert not mark or len(not_tested) > REASON


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`tests/reliability/(\w+)\.py`", TEXT))))
def test_modules_that_are_named_are_measured(named: str) -> None:
    assert import_module(f"tests.reliability.{named}").LINES


@pytest.mark.parametrize("named", sorted(set(re.findall(r"tests/\S+?::\w+", TEXT))))
def test_tests_that_are_named_exist(named: str) -> None:
    path, _, name = named.partition("::")
    assert name in functions(path)


@pytest.mark.parametrize("named", sorted(set(re.findall(r"^\| ((?:`\w+\.py`(?:, )?)+) \|", TEXT, re.MULTILINE))))
def test_modules_of_the_other_table_are_measured(named: str) -> None:
    for one in re.findall(r"`(\w+)\.py`", named):
        assert import_module(f"tests.reliability.{one}").LINES
