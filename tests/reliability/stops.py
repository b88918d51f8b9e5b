"""How long a stop takes while servers do not answer, and that nothing is lost by not waiting for them."""

import contextlib
import math
import random
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.line import Line, Measured, noting
from tests.reliability.trial import finish, slowed, undisturbed
from tests.runs.company import QUIETLY, Company, eventually
from tests.runs.whole import Whole

SIZE = ("--demo-size", "150")
_STOPS = 40
_LATEST = 3.0
"""Seconds into the life of an engine at which it is stopped at the latest."""
_BOUND = 5.0


@dataclass
class Stops:
    """Seconds from the signal until the command and its engine were gone."""

    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def stop_at_random(number: int, seed: int, size: Sequence[str] = SIZE) -> Stops:
    """Stop commands with SIGTERM while servers hang, in as many runs as that takes; requests arrive late, after the
    engine has gone. Every run must end like an undisturbed one.
    """
    chance = random.Random(seed)
    stops = Stops()
    with tempfile.TemporaryDirectory() as folder:
        whole = undisturbed(Path(folder), size)
        while len(stops.seconds) < number and not stops.faults:
            home = Path(tempfile.mkdtemp(dir=folder))
            with (
                noting(stops.faults, f"seed {seed}, from stop {len(stops.seconds) + 1} on"),
                contextlib.closing(Company(home, *size)) as company,
                slowed(company),
            ):
                while len(stops.seconds) < number and company.status().get("state") != "finished":
                    _stop(company, chance, stops)
                finish(company)
                assert not (wrong := whole.differences(Whole(company))), wrong
    return stops


def _stop(company: Company, chance: random.Random, stops: Stops) -> None:
    process = company.start("resume" if company.status() else "run", *QUIETLY)
    eventually(lambda: company.engine() or process.poll() is not None)
    time.sleep(chance.uniform(0.0, _LATEST))
    with company.hanging():
        time.sleep(1)  # by now a request is under way that nobody answers
        if not company.engine():
            process.communicate(timeout=60)
            return
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
        eventually(lambda: not company.engine())
        stops.seconds.append(time.monotonic() - begun)
    assert process.returncode == 143, f"ended with {process.returncode}: {told[-600:]}"
    assert company.status()["state"] == "stopped"


def _measure() -> Measured:
    stops = stop_at_random(_STOPS, 1)
    ordered = sorted(stops.seconds)
    worst = ordered[math.ceil(0.99 * len(ordered)) - 1] if ordered else math.inf
    met = len(ordered) == _STOPS and worst <= _BOUND and not stops.faults
    return Measured(f"p99 {worst:.1f} s of {len(ordered)}", met, tuple(stops.faults))


LINES = (Line("stop latency on SIGTERM, servers hang", f"p99 5 s of {_STOPS}", _measure),)
