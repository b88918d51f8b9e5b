"""Commands in processes of their own: what they write, and how they end."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.config import Settings, load
from engine.store.database import Store

ROOT = Path(__file__).parents[2]
CONFIG = """\
environment = "uat"

[nav]
url = "http://127.0.0.1:1/NAV/ODataV4"
company = "CRONUS"
secret = "env:COUPLER_TEST_SECRET"

[crm]
url = "http://127.0.0.1:1"
secret = "env:COUPLER_TEST_SECRET"

[store]
url = "sqlite:///store.db"
"""

Done = subprocess.CompletedProcess[str]
Coupler = Callable[..., Done]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {
        **kept,
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PYTHONPATH": str(ROOT),
        "COUPLER_TEST_SECRET": "hunter2-secret",
        "TERM": "xterm",
    }


@pytest.fixture
def coupler(tmp_path: Path, environment: dict[str, str]) -> Coupler:
    """Runs `coupler` in an empty folder, without a terminal."""

    def call(*arguments: str, timeout: float = 60, **more: str) -> Done:
        return subprocess.run(
            [sys.executable, "-P", "-m", "tui", *arguments],
            cwd=tmp_path,
            env={**environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return call


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def settings(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return load(config)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    made = Store.open(settings.store.url)
    yield made
    made.close()
