"""How much of the protocol is ever reached: the branches of the modules on which it rests that no record is lost or made twice.

They are those that work (`sync`), that speak HTTP, and that keep the state. The simulation reaches them, and the tests of
these three rooms.
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
_ROOMS = ("tests/sync", "tests/connectors", "tests/store")
_PATIENCE = 7200
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


def reach(modules: Sequence[str], seeds: int, tests: Sequence[str]) -> list[Reached]:
    """What so many seeds and some tests reach; raises AssertionError where one of them fails, or a module is not loaded."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings"
        lines = "\n    ".join(modules)
        settings.write_text(
            f"[run]\nbranch = True\nparallel = True\nconcurrency = multiprocessing\ndata_file = {folder}/data\n"
            f"relative_files = True\ninclude =\n    {lines}\n"
        )
        for one in tests:
            _python("coverage", "run", f"--rcfile={settings}", "-m", "pytest", "-q", "-p", "no:cacheprovider", one)
        _python("coverage", "run", f"--rcfile={settings}", "-m", "tests.sim", "--seeds", str(seeds))
        _python("coverage", "combine", "--quiet", f"--rcfile={settings}")
        _python("coverage", "json", "--quiet", f"--rcfile={settings}", "-o", f"{folder}/found")
        found = json.loads((Path(folder) / "found").read_text())["files"]
    assert set(found) == set(modules), set(modules) ^ set(found)
    return [
        Reached(name, found[name]["summary"]["num_branches"], tuple((a, b) for a, b in found[name]["missing_branches"]))
        for name in modules
    ]


def _python(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(arguments[-2:])}: {(done.stdout + done.stderr)[-800:]}"


def _measure() -> Measured:
    found = reach(PROTOCOL, _SEEDS, _ROOMS)
    branches = sum(one.branches for one in found)
    share = 1 - sum(len(one.missed) for one in found) / branches
    lowest = sorted((one for one in found if one.missed), key=lambda one: one.share)
    return Measured(f"{share:.1%} of {branches:,}", share >= _LEAST, tuple(map(str, lowest)))


LINES = (Line(f"branches of {len(PROTOCOL)} modules of the protocol that are reached", ">= 95 %", _measure),)
