"""Clients that others wrote, and what each did against a sandbox of its own.

A driver is a file here with the pinned packages beside it: `x.py` with `x.txt`, requirements with hashes, or `x.mjs`
with `x.json`, a package-lock with hashes. Both name no address. A line `# sandbox: --option value` (`//` in JavaScript)
gives the sandbox of a driver more options; without one it serves https. `# python: before 3.12`: where the client
installs; `# package: name[extra]`: what is pinned, when it is not what the file is called.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".clients"
_SANDBOX = (sys.executable, "-c", "from sandbox.command import sandbox_command; sandbox_command()")
_OPTIONS = re.compile(r"^(?:#|//) sandbox: (.+)$", re.MULTILINE)
_TRUST = ("CA_FILE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_BEFORE = re.compile(r"^# python: before (\d+)\.(\d+)$", re.MULTILINE)
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Driver:
    """A script that has one client do what it can, and the file that pins the client."""

    script: Path
    pins: Path

    @property
    def name(self) -> str:
        """What the driver is called on the command line."""
        return self.script.stem


@dataclass(frozen=True, slots=True)
class Result:
    """What one client did: by feature, whether it went well, and what there is to say."""

    client: str
    version: str
    against: str
    features: Mapping[str, tuple[bool, str]]

    @property
    def failures(self) -> dict[str, str]:
        """What went wrong, by feature."""
        return {name: detail for name, (ok, detail) in self.features.items() if not ok}


class CannotRunError(Exception):
    """A driver did not come to its features; the message says why."""


def drivers() -> list[Driver]:
    """All of them, by name."""
    found = [Driver(pins.with_suffix(".py"), pins) for pins in HERE.glob("*.txt")]
    found += [Driver(pins.with_suffix(".mjs"), pins) for pins in HERE.glob("*.json")]
    return sorted(found, key=lambda one: one.name)


def missing_tool(driver: Driver) -> str | None:
    """What this machine lacks to run it."""
    if driver.script.suffix == ".mjs":
        return None if shutil.which("npm") is not None else "npm"
    before = _BEFORE.search(driver.script.read_text(encoding="utf-8"))
    if before is None or sys.version_info < (int(before[1]), int(before[2])):
        return None
    return f"Python before {before[1]}.{before[2]}"


def run(driver: Driver) -> Result:
    """Install the client where it is not yet, have it work against a new sandbox; raises CannotRunError."""
    folder = CACHE / driver.name
    command, environment = _node(driver, folder) if driver.script.suffix == ".mjs" else _python(driver, folder)
    with _sandbox(_options(driver)) as places:
        try:
            done = subprocess.run(
                command, cwd=folder, env={**os.environ, **environment, **places}, text=True, capture_output=True,
                stdin=subprocess.DEVNULL, timeout=_LONGEST, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise CannotRunError(f"it did not come to an end in {_LONGEST} seconds: {error.stdout!r}") from error
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(('{"client"', '{"feature"'))]
    if not lines or "client" not in lines[0]:
        raise CannotRunError(f"it ended with {done.returncode}:\n{done.stderr}")
    features = {line["feature"]: (bool(line["ok"]), str(line["detail"])) for line in lines[1:]}
    result = Result(lines[0]["client"], lines[0]["version"], lines[0]["against"], features)
    if done.returncode != 0 or result.failures:
        print(done.stderr, file=sys.stderr)
    if done.returncode != 0 or not features:
        raise CannotRunError(f"it ended with {done.returncode} after {len(features)} features")
    return result


def _options(driver: Driver) -> list[str]:
    found = _OPTIONS.search(driver.script.read_text(encoding="utf-8"))
    return found[1].split() if found is not None else []


@contextmanager
def _sandbox(options: list[str]) -> Iterator[dict[str, str]]:
    """A sandbox for one driver, and the variables that tell the driver of it."""
    process = subprocess.Popen(
        [*_SANDBOX, "--demo-size", "25", "--tls", *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise CannotRunError("the sandbox did not start")
        ready: dict[str, Any] = json.loads(line)
        trust = dict.fromkeys(_TRUST, ready["ca"]) if "ca" in ready else {}
        yield {"CRM_URL": ready["crm"], "NAV_URL": ready["nav"], "TOKEN": ready["token"], **trust}
    finally:
        process.terminate()
        process.communicate()


def _python(driver: Driver, folder: Path) -> tuple[list[str], dict[str, str]]:
    """A virtual environment for the driver. `-P` keeps a driver from being taken for the package that it drives."""
    python = folder / "bin" / "python"
    if _outdated(driver, folder):
        venv.create(folder, clear=True, symlinks=True, with_pip=True)
        _install([str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--require-hashes",
                  "-r", str(driver.pins)], ROOT)  # fmt: skip
        _mark(driver, folder)
    return [str(python), "-P", "-W", "ignore", str(driver.script)], {"PYTHONPATH": str(ROOT)}


def _node(driver: Driver, folder: Path) -> tuple[list[str], dict[str, str]]:
    """A folder with the packages of the driver and a copy of it: node looks for packages beside the script."""
    if _outdated(driver, folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        lock = json.loads(driver.pins.read_text(encoding="utf-8"))
        package = {"private": True, "dependencies": lock["packages"][""]["dependencies"]}
        (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
        shutil.copy(driver.pins, folder / "package-lock.json")
        _install(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], folder)
        _mark(driver, folder)
    for script in (driver.script, HERE / "report.mjs"):
        shutil.copy(script, folder)
    return ["node", driver.script.name], {}


def _install(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise CannotRunError(f"its packages cannot be installed:\n{done.stdout}{done.stderr}")


def _fingerprint(driver: Driver) -> str:
    return hashlib.sha256(driver.pins.read_bytes() + sys.version.encode()).hexdigest()


def _outdated(driver: Driver, folder: Path) -> bool:
    mark = folder / "installed"
    return not mark.exists() or mark.read_text(encoding="utf-8") != _fingerprint(driver)


def _mark(driver: Driver, folder: Path) -> None:
    (folder / "installed").write_text(_fingerprint(driver), encoding="utf-8")
