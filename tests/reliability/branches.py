"""How much of the protocol is ever reached: the branches of the modules on which it rests that no record is lost or made twice.

They are those that decide, send and settle (`sync`), that speak HTTP, and that keep the state: all modules of these three
folders but those that `BESIDE` names, so that a new one there is one of them. Of other folders, there are those that
`_FURTHER` names, and no new one comes to them by itself: what values and decisions come from, and what starts, answers
and ends runs. The simulation reaches them, and the tests of their rooms.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.line import Line, Measured

_ROOT = Path(__file__).parents[2]
_SEEDS = 200
_LEAST = 0.95
_FLOOR = 0.85
"""Of each module, so that no well-tested one makes up for another."""
_ROOMS = (
    *("tests/connectors", "tests/store", "tests/runs_store", "tests/sync", "tests/conflicts", "tests/handling"),
    *("tests/mapping", "tests/modified", "tests/coupling", "tests/undo"),
)
_PATIENCE = 7200
_SOME_FAILED = 1
_FOLDERS = ("engine/sync", "engine/connectors", "engine/store")
_FURTHER = (
    "engine/mapping/base.py",
    "engine/mapping/decide.py",
    "engine/mapping/identity.py",
    "engine/mapping/transfer.py",
    "engine/runs/control.py",
    "engine/runs/full.py",
    "engine/runs/process.py",
    "engine/runs/pulse.py",
)
_READS = (
    *("check/duplicates", "check/pairs", "check/recorded", "check/side_by_side"),
    *("columns", "difference", "dry"),
)
_REACHES = ("labels", "metadata", "ntlm", "protocol", "reach", "rights", "tls", "urls")
_TELLS = (
    *("decisions", "glance", "naming", "notices", "partnerless", "schedule", "schema", "types"),
    "migrations/env",
)
BESIDE = frozenset(
    f"{folder}/{name}.py" for folder, names in zip(_FOLDERS, (_READS, _REACHES, _TELLS), strict=True) for name in names
)
"""What only reads, tells or finds the way; whether a record is lost or made twice does not rest on it."""


def _modules() -> tuple[str, ...]:
    """Those of the protocol, by their places."""
    there = (
        file.relative_to(_ROOT).as_posix()
        for folder in _FOLDERS
        for file in (_ROOT / folder).rglob("*.py")
        if file.name != "__init__.py" and file.parent.name != "versions"
    )
    return (*sorted(set(there) - BESIDE), *_FURTHER)


PROTOCOL = _modules()


@dataclass(frozen=True)
class Reached:
    """Of one module: how many branches there are, and those that are never taken, by the lines that they lead between."""

    module: str
    branches: int
    missed: tuple[tuple[int, int], ...]

    @property
    def share(self) -> float:
        """How much of it is reached."""
        return 1.0 if self.branches == 0 else 1 - len(self.missed) / self.branches

    def __str__(self) -> str:
        ways = ", ".join(f"{a}->{b if b > 0 else 'end'}" for a, b in self.missed)
        return f"{self.module} {self.share:.1%} of {self.branches}: not {ways}"


def reach(modules: Sequence[str], seeds: int, tests: Sequence[str]) -> tuple[list[Reached], list[str]]:
    """What so many seeds and some tests reach, and what of them failed; raises AssertionError where nothing was played."""
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings"
        lines = "\n    ".join(modules)
        settings.write_text(
            f"[run]\nbranch = True\nparallel = True\nconcurrency = multiprocessing, thread\ndata_file = {folder}/data\n"
            f"relative_files = True\ninclude =\n    {lines}\n"
        )
        plays = [("pytest", "-q", "-p", "no:cacheprovider", one) for one in tests]
        for play in (*plays, ("tests.sim", "--seeds", str(seeds))):
            done = _python("coverage", "run", f"--rcfile={settings}", "-m", *play)
            assert done.returncode in (0, _SOME_FAILED), f"{play[-1]}: {(done.stdout + done.stderr)[-800:]}"
            if done.returncode == _SOME_FAILED:
                failed.append(f"{play[0]} {play[-1]}: {done.stdout[-800:]}")
        for step in ("combine", "--quiet"), ("json", "--quiet", "-o", f"{folder}/found"):
            done = _python("coverage", *step, f"--rcfile={settings}")
            assert done.returncode == 0, done.stdout + done.stderr
        found = json.loads((Path(folder) / "found").read_text())["files"]
    assert set(found) == set(modules), f"not loaded, or not there: {set(modules) ^ set(found)}"
    return [
        Reached(name, found[name]["summary"]["num_branches"], tuple((a, b) for a, b in found[name]["missing_branches"]))
        for name in modules
    ], failed


def _python(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )


def judged(found: Sequence[Reached], failed: Sequence[str]) -> Measured:
    """What is reached of all modules, and of the one of which least is."""
    branches = sum(one.branches for one in found)
    share = 1 - sum(len(one.missed) for one in found) / branches
    least = min(found, key=lambda one: one.share)
    lowest = sorted((one for one in found if one.missed), key=lambda one: one.share)
    met = share >= _LEAST and least.share >= _FLOOR and not failed
    text = f"{share:.1%} of {branches:,} in {len(found)} / {least.share:.0%}, {least.module.removeprefix('engine/')}"
    return Measured(text, met, (*failed, *map(str, lowest)))


def _measure() -> Measured:
    return judged(*reach(PROTOCOL, _SEEDS, _ROOMS))


LINES = (
    Line(
        "branches of the protocol that are reached, of all modules / of the lowest",
        f">= {_LEAST:.0%} / {_FLOOR:.0%}",
        _measure,
        _ROOMS,
    ),
)
