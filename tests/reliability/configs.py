"""Config files that are wrong, through the command line: one screen that says what is wrong, and exit code 2."""

import contextlib
import io
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.config.test_bad_configs import CASES, GOOD
from tests.mapping_config.files import HEAD
from tests.mapping_config.test_reading import MISTAKES
from tests.reliability.line import Line, Measured
from tests.reliability.payloads import SAMPLE, foreign
from tests.reliability.surroundings import surrounded
from tui import cli

TARGET = 80
_SECRET = "hunter2"
_VALUES = {"NAV_SECRET": "x", "CRM_SECRET": "x", "TOKEN": "x"}
_LINES, _COLUMNS = 24, 80


@dataclass
class Told:
    """`right` of `tried` files were told on one screen."""

    tried: int = 0
    right: int = 0
    faults: list[str] = field(default_factory=list)


def bad() -> Iterator[tuple[str, str | bytes]]:
    """Every mistake that has a test of its own, floods of them, and hostile texts."""
    yield from ((name, text) for name, (text, _) in CASES.items())
    yield from ((f"mapping: {name}", HEAD + text) for name, (text, _) in MISTAKES.items())
    yield "a hundred mistakes", GOOD + "".join(f"key{number} = {number}\n" for number in range(100))
    yield "a hundred long mistakes", GOOD + "".join(f"{'k' * 200}{number} = {number}\n" for number in range(100))
    yield "mistakes in every value", GOOD.replace('"', '"\\u001b')
    for text in SAMPLE:
        if text.isprintable() and '"' not in text:
            yield f"unknown key {text!r}", f'"{text}" = 1\n{GOOD}'


def tell(files: Iterable[tuple[str, str | bytes]]) -> Told:
    """Check each of the files."""
    told = Told()
    with tempfile.TemporaryDirectory() as name, surrounded({**_VALUES, "XDG_STATE_HOME": name}):
        for what, text in files:
            told.tried += 1
            if wrong := _wrong(Path(name) / "config.toml", text):
                told.faults.append(f"{what}: {wrong}")
            else:
                told.right += 1
    return told


def _wrong(path: Path, text: str | bytes) -> str | None:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(["config", "check", "--offline", "--config", str(path)])
    said = out.getvalue() + err.getvalue()
    height = sum(max(1, -(-len(line) // _COLUMNS)) for line in said.splitlines())
    if code != 2:
        return f"exit code {code}: {said[:300]}"
    if not 1 <= height <= _LINES:
        return f"{height} lines"
    if "Traceback" in said or _SECRET in said or foreign(said):
        return f"it says {said[:300]!r}"
    return None


def _measure() -> Measured:
    told = tell(bad())
    return Measured(f"{told.right}/{told.tried}", told.right == told.tried >= TARGET, tuple(told.faults))


LINES: tuple[Line, ...] = (Line("bad config files told on one screen, exit code 2", f"{TARGET}/{TARGET}", _measure),)
