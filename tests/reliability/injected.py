"""Whether each fault of docs/guarantees.md is injected by something that is there.

A line of the table that measures counts, and so does a test that pytest collects. That these tests pass is for
`make test` to say, and that the lines are met for themselves.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from tests.reliability.line import Line, Measured

_ROOT = Path(__file__).parents[2]
_DOCUMENT = "docs/guarantees.md"
_FAULTS = 32
_ROW = re.compile(r"^\| (F\d+) \|([^|]*)\|(.*)\|$", re.MULTILINE)
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def injectors(text: str) -> dict[str, list[tuple[str, str]]]:
    """Of each fault of a document, the files and the tests in them that inject it; a module that measures has no test."""
    return {fault: _NAMED.findall(how) for fault, _, how in _ROW.findall(text)}


def missing(named: dict[str, list[tuple[str, str]]]) -> list[str]:
    """What of it is not there, and faults that nothing injects."""
    files = sorted({file for found in named.values() for file, test in found if test})
    there = _collected(files)
    told = [f"{fault}: nothing injects it" for fault, found in named.items() if not found]
    for fault, found in named.items():
        told += [
            f"{fault}: pytest collects no {file}::{test}" for file, test in found if test and (file, test) not in there
        ]
        told += [f"{fault}: {file} measures nothing" for file, test in found if not test and not _measures(file)]
    return told


def _collected(files: Sequence[str]) -> set[tuple[str, str]]:
    """The tests in files, as pytest finds them."""
    if not files:
        return set()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    found = (line.partition("[")[0].split("::") for line in done.stdout.splitlines() if "::" in line)
    return {(one[0], one[-1]) for one in found}


def _measures(file: str) -> bool:
    return bool(getattr(import_module(file.removesuffix(".py").replace("/", ".")), "LINES", ()))


def _measure() -> Measured:
    named = injectors((_ROOT / _DOCUMENT).read_text(encoding="utf-8"))
    faults = missing(named)
    right = len(named) - len({one.partition(":")[0] for one in faults})
    return Measured(f"{right}/{_FAULTS}", right == len(named) == _FAULTS and not faults, tuple(faults))


LINES = (
    Line(
        "faults F1 to F32 that a line measures or a test injects that is collected",
        f"{_FAULTS}/{_FAULTS}",
        _measure,
        ("tests", _DOCUMENT),
    ),
)
