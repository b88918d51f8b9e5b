"""Ctrl+C while a command looks for a secret."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import CONFIG

SCRIPT = """\
echo $$ >> started
[ $(wc -l < started) -le {quick} ] && echo a-token-of-mine && exit
sleep 25
"""


def ended(number: str) -> bool:
    """Whether a process is gone; a zombie, which nobody has collected yet, is."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize(
    ("command", "quick"),
    [(("config", "check"), 0), (("config", "check"), 2), (("connection", "test"), 0), (("plan",), 0)],
)
def test_the_first_interrupt_ends_it_and_the_command_for_the_secret(
    tmp_path: Path, environment: dict[str, str], command: tuple[str, ...], quick: int
) -> None:
    (tmp_path / "slow").write_text(SCRIPT.format(quick=quick))
    (tmp_path / "config.toml").write_text(CONFIG.replace("env:COUPLER_TEST_SECRET", "command:sh slow"))
    started = tmp_path / "started"
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tui", *command],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        deadline = time.monotonic() + 20
        while not started.exists() or len(started.read_text().splitlines()) <= quick:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.2)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=40)
    assert time.monotonic() - began < 5
    assert process.returncode == 130, told
    assert "Traceback" not in told
    deadline = time.monotonic() + 5
    for number in started.read_text().split():
        while not ended(number):
            assert time.monotonic() < deadline, f"process {number} goes on"
            time.sleep(0.02)
