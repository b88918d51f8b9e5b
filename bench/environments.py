"""The peers: a script each, in an environment of its own with the packages that the file beside it pins."""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent / "peers"
_CACHE = Path(__file__).parents[1] / "build" / "peers"


def names() -> list[str]:
    """All of them."""
    return sorted(one.stem for one in HERE.glob("*.txt"))


def python(name: str) -> Path:
    """The interpreter of a peer."""
    return _CACHE / name / "bin" / "python"


def install(name: str) -> None:
    """Make the environment of a peer where it is missing or outdated; raises CalledProcessError."""
    pins = HERE / f"{name}.txt"
    mark = _CACHE / name / "installed"
    fingerprint = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()
    if mark.exists() and mark.read_text(encoding="utf-8") == fingerprint:
        return
    venv.create(_CACHE / name, clear=True, symlinks=True, with_pip=True)
    pip = [str(python(name)), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--require-hashes"]
    subprocess.run([*pip, "-r", str(pins)], check=True, stdin=subprocess.DEVNULL)
    mark.write_text(fingerprint, encoding="utf-8")
