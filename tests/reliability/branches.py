"""How much of the protocol is ever reached: the branches of the modules on which it rests that no record is lost or made twice.

They are those that decide, send and settle (`sync`), that speak HTTP, and that keep the state. The simulation reaches them,
and the tests of their rooms.
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
_ROOMS = ("tests/connectors", "tests/store", "tests/conflicts", "tests/sync")
_PATIENCE = 7200
_SOME_FAILED = 1
_SYNC = ("brake", "lost", "page", "passes", "settling", "waiting", "writing")
_CONNECTORS = (
    *("answers", "auth", "batches", "body", "budget", "businesscentral", "client", "dataverse", "dataverse_writes"),
    *("entra", "gate", "jsonbatch", "multipart", "nav", "nav_without_ids", "nav_writes", "paging", "verdicts"),
)
_STORE = ("couplings", "database", "lock", "pages", "runs", "work")
PROTOCOL = tuple(
    f"engine/{room}/{name}.py"
    for room, names in (("sync", _SYNC), ("connectors", _CONNECTORS), ("store", _STORE))
    for name in names
)


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
            f"[run]\nbranch = True\nparallel = True\nconcurrency = multiprocessing\ndata_file = {folder}/data\n"
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


def _measure() -> Measured:
    found, failed = reach(PROTOCOL, _SEEDS, _ROOMS)
    branches = sum(one.branches for one in found)
    share = 1 - sum(len(one.missed) for one in found) / branches
    lowest = sorted((one for one in found if one.missed), key=lambda one: one.share)
    met = share >= _LEAST and not failed
    return Measured(f"{share:.1%} of {branches:,}", met, (*failed, *map(str, lowest)))


LINES = (Line(f"branches of {len(PROTOCOL)} modules of the protocol that are reached", ">= 95 %", _measure),)
