"""A sandbox in a process of its own, with a config file that leads to it."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT

COUPLER = [sys.executable, "-P", "-m", "tui"]


@contextlib.contextmanager
def sandbox(config: Path, size: int) -> Iterator[tuple["subprocess.Popen[bytes]", dict[str, Any]]]:
    """The process, which ends with the block, and what it said when it was ready; `size` is that of the demo."""
    process = subprocess.Popen(
        [*COUPLER, "sandbox", "--write-config", str(config), "--demo-size", str(size)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said["config"] == str(config)
        yield process, said
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[Path]:
    """A config file for a small sandbox of its own."""
    config = tmp_path / "config.toml"
    with sandbox(config, 20):
        yield config
