"""What a command costs: all that it starts counts, also what outlives it."""

import sys

import pytest

from bench.measure import FailedError, measured

BUSY = "import time; end = time.process_time() + {seconds}\nwhile time.process_time() < end: pass"


def test_cpu_and_memory_of_a_command_are_measured() -> None:
    cost = measured([sys.executable, "-c", f"held = b'x' * 60_000_000; {BUSY.format(seconds=0.3)}"])
    assert 0.3 <= cost.cpu < 1.5
    assert cost.wall >= 0.3
    assert 60e6 < cost.memory < 200e6


def test_a_process_that_outlives_its_starter_counts_to_its_end() -> None:
    orphan = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BUSY.format(seconds=0.4)!r}], start_new_session=True)"
    cost = measured([sys.executable, "-c", orphan])
    assert cost.cpu >= 0.4


def test_a_command_that_fails_has_no_cost() -> None:
    with pytest.raises(FailedError, match="ended with 3:\nwhy"):
        measured([sys.executable, "-c", "import sys; print('why', file=sys.stderr); sys.exit(3)"])
