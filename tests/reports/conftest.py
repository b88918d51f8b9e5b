"""Commands in processes of their own, and headless Chromium where there is one."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import config, coupler, environment, settings, store

__all__ = ["config", "coupler", "environment", "settings", "store"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
Chromium = Callable[..., str]


@pytest.fixture
def chromium(tmp_path: Path) -> Chromium:
    """Opens an address and gives back what Chromium wrote to standard output."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"NOT TESTED: none of {', '.join(NAMES)} is here: on Debian, apt-get install chromium")

    def call(address: str, *options: str) -> str:
        quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage")
        alone = (
            "--disable-background-networking",
            "--disable-component-update",
            f"--user-data-dir={tmp_path / 'chromium'}",
        )
        done = subprocess.run(
            [found, *quiet, *alone, *options, address], capture_output=True, text=True, timeout=120, check=True
        )
        return done.stdout

    return call
