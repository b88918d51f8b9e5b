"""Processes that stand still for a while and go on, while their connections broke or others tried to take their place."""

import os
import signal
import time

from tests.reliability.line import Line, Measured
from tests.reliability.trial import Trial, slowed, try_all, until, written
from tests.runs.company import QUIETLY, Company

SIZE = ("--demo-size", "120")


def _engine(company: Company) -> None:
    """All connections break meanwhile, and nobody may take its place; then it goes on where it was."""
    with slowed(company) as between:
        process = company.start("run", *QUIETLY)
        until(lambda: written(company))
        engine = company.signal_engine(signal.SIGSTOP)
        time.sleep(1.5)
        between.cut()
        refused = company.coupler("resume", *QUIETLY)
        time.sleep(1.5)
        os.kill(engine, signal.SIGCONT)
        process.communicate(timeout=300)
        assert refused.returncode == 4, f"a second engine: {refused.returncode} {refused.stderr}"
        assert process.returncode == 1, f"as earned, not {process.returncode}"
        assert company.status()["state"] == "finished", "nobody has to resume it"


def _command(company: Company) -> None:
    """The engine does not wait for it."""
    with slowed(company):
        process = company.start("run", *QUIETLY)
        until(company.engine)
        process.send_signal(signal.SIGSTOP)
        until(lambda: not company.engine(), 300)
        assert company.status()["state"] == "finished"
        process.send_signal(signal.SIGCONT)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 1, f"as earned, not {process.returncode}"
        assert "state=finished" in out


TRIALS = (Trial("engine", _engine), Trial("command", _command))


def _measure() -> Measured:
    return try_all(TRIALS, SIZE)


LINES = (Line("frozen processes that go on", f"{len(TRIALS)}/{len(TRIALS)}", _measure),)
