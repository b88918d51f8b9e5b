"""What others bring: what bandit finds in the program, and dependencies that could become others than those that were tried.

bandit's findings are those of medium and high severity; what it was told to pass over has to say why.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.reliability.line import Line, Measured

_ROOT = Path(__file__).parents[2]
ROOMS = tuple(_ROOT / room for room in ("engine", "tui", "sandbox"))
_PASSED_OVER = re.compile(r"#\s*nosec\b(.*)")
_WITH_REASON = re.compile(r":?\s+B\d{3}(, ?B\d{3})* - \S.*")
_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==[^\s;*]+( ;[^\\]*?)?((?: --hash=sha256:[0-9a-f]{64})+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_INTEGRITY = re.compile(r"sha512-[A-Za-z0-9+/]{86}==")


def findings(rooms: Sequence[Path]) -> list[str]:
    """What bandit finds, files that it cannot read, and what it is told to pass over for no reason."""
    command = [sys.executable, "-m", "bandit", "--quiet", "--format", "json", "-ll", "--recursive", *map(str, rooms)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in (0, 1), done.stderr[-600:]
    told = json.loads(done.stdout)
    assert told["metrics"]["_totals"]["loc"] > 0, "nothing was read"
    found = [f"{one['filename']}:{one['line_number']}: {one['test_id']} {one['issue_text']}" for one in told["results"]]
    found += [f"{one['filename']}: {one['reason']}" for one in told["errors"]]
    for file in sorted(file for room in rooms for file in room.rglob("*.py")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            passed_over = _PASSED_OVER.search(line)
            if passed_over is not None and not _WITH_REASON.fullmatch(passed_over[1]):
                found.append(f"{file}:{number}: passed over without a reason")
    return found


def pinned(text: str) -> tuple[set[str], list[str]]:
    """The packages of a file of requirements that are pinned with hashes, and its other entries."""
    names, loose = set[str](), list[str]()
    for entry in _entries(text):
        pin = _PIN.fullmatch(entry)
        if pin is None:
            loose.append(entry[:80])
        else:
            names.add(_plain(pin[1]))
    return names, loose


def wanted(project: str) -> set[str]:
    """The packages that a pyproject.toml names: to run, in extras, to develop and to build."""
    content = tomllib.loads(project)
    lists = [
        content["project"]["dependencies"],
        *content["project"].get("optional-dependencies", {}).values(),
        *content.get("dependency-groups", {}).values(),
        content["build-system"]["requires"],
    ]
    return {_plain(found[0]) for group in lists for one in group if (found := _NAME.match(one)) is not None}


def unhashed(package_lock: str) -> tuple[int, list[str]]:
    """How many packages a lock file of npm has, and those without a hash."""
    packages = {name: one for name, one in json.loads(package_lock)["packages"].items() if name}
    return len(packages), [
        name for name, one in packages.items() if not _INTEGRITY.fullmatch(one.get("integrity", "")) or "link" in one
    ]


def dependencies() -> tuple[int, list[str]]:
    """How many packages are pinned with hashes, for the program and for the clients of others, and what is not."""
    names, found = pinned((_ROOT / "requirements.lock").read_text())
    found = [f"requirements.lock: {one}" for one in found]
    number = len(names)
    found += [f"pyproject.toml: {one} is not pinned" for one in wanted((_ROOT / "pyproject.toml").read_text()) - names]
    for file in sorted((_ROOT / "tests" / "clients").glob("*.txt")):
        names, loose = pinned(file.read_text())
        assert names or loose, f"{file.name} is empty"
        number += len(names)
        found += [f"{file.name}: {one}" for one in loose]
    for file in sorted((_ROOT / "tests" / "clients").glob("*.json")):
        packages, loose = unhashed(file.read_text())
        number += packages
        found += [f"{file.name}: {one}" for one in loose]
    return number, found


def _entries(text: str) -> Iterator[str]:
    """The lines of a file of requirements as pip reads them: joined, without comments."""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        entry = re.sub(r"(^|\s+)#.*", "", line).strip()
        if entry:
            yield entry


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _measure() -> Measured:
    found = findings(ROOMS)
    number, loose = dependencies()
    return Measured(f"{len(found)}; {len(loose)} of {number}", not found and not loose, (*found, *loose))


_FIGURE = "bandit's findings, medium and high; dependencies without pin or hash"
LINES = (Line(_FIGURE, "0; 0", _measure, ("pyproject.toml", "tests/clients")),)
