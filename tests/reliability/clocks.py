"""Clocks that are set while engines work, and between them: no effect on what happens, nor on how long it takes.

Nor have the hours that summer time leaves out or repeats, and the day that only some years have (reference/reliability.md
section 3.2, F24).

The wall clock of commands and engines is set by a small library that the C compiler of the machine makes.
"""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.reliability.line import Line, Measured
from tests.reliability.trial import Skipped, Trial, needed, slowed, try_all, until, written
from tests.runs.company import QUIETLY, Company

_BACK, _AHEAD = -2 * 3600, 5 * 365 * 24 * 3600
_NEAR = 60
_MIDDLE_EUROPE = "CET-1CEST,M3.5.0,M10.5.0/3"
_MOMENTS = {
    "summer time begins": datetime(2027, 3, 28, 1, tzinfo=UTC),
    "summer time ends": datetime(2027, 10, 31, 1, tzinfo=UTC),
    "leap day begins": datetime(2028, 2, 28, 23, tzinfo=UTC),
    "leap day ends": datetime(2028, 2, 29, 23, tzinfo=UTC),
}
"""What happens then in Middle Europe."""
_BEFORE = 10
"""Seconds before it at which a command is started."""
_SOURCE = Path(__file__).with_name("clock.c")


def _prepare(company: Company) -> Path:
    """Have all that is started from now on look at a clock that the file sets."""
    library, step = company.folder / "clock.so", company.folder / "step"
    made = subprocess.run(
        [needed("cc"), "-shared", "-fPIC", "-O1", "-o", library, _SOURCE], capture_output=True, check=False
    )
    if made.returncode:
        raise Skipped("no C compiler that works")
    company.environment |= {"LD_PRELOAD": str(library), "CLOCK_STEP": str(step)}
    _set(company, step, 0)
    return step


def _set(company: Company, step: Path, seconds: int) -> None:
    """From now on, processes of the company see a clock that is so far ahead; asserts that they do."""
    new = step.with_suffix(".new")
    new.write_text(str(seconds))
    new.replace(step)
    command = [sys.executable, "-c", "import time; print(time.time())"]
    told = subprocess.run(command, env=company.environment, capture_output=True, text=True, check=True)
    ahead = float(told.stdout) - time.time()
    assert abs(ahead - seconds) < _NEAR, f"the clock is {ahead:.0f} s ahead, not {seconds}"


def _while_it_works(company: Company, *, seconds: int) -> None:
    step = _prepare(company)
    with slowed(company):
        process = company.start("run", *QUIETLY)
        until(lambda: written(company))
        _set(company, step, seconds)
        process.communicate(timeout=300)
        assert process.returncode == 1, f"as earned, not {process.returncode}"
    worked = company.status()["worked"]
    assert 0 < worked < 300, f"it says that it worked for {worked} s"


def _between(company: Company, *, first: int, then: int) -> None:
    """Killed while a create in NAV waits for its answer, and resumed after the clock was set."""
    step = _prepare(company)
    _set(company, step, first)
    with slowed(company, "nav"):
        process = company.start("run", *QUIETLY)
        with closing(sqlite3.connect(company.config.with_suffix(".db"), timeout=20)) as store:
            until(lambda: _creates(store))
        company.signal_engine()
        process.communicate(timeout=60)
        _set(company, step, then)
        begun = time.monotonic()
        assert company.coupler("resume", *QUIETLY, timeout=300).returncode == 1
        took = time.monotonic() - begun
        assert took < 200, f"it took {took:.0f} s to resume"


def _through(company: Company, *, moment: datetime) -> None:
    """The moment comes while it works, on machines whose time is that of Middle Europe."""
    step = _prepare(company)
    company.environment["TZ"] = _MIDDLE_EUROPE
    begun = time.monotonic()
    _set(company, step, int((moment - datetime.now(UTC)).total_seconds()) - _BEFORE)
    with slowed(company):
        process = company.start("run", *QUIETLY)
        until(lambda: written(company))
        with company.hanging():
            time.sleep(max(0.0, begun + _BEFORE + 2 - time.monotonic()))
        process.communicate(timeout=300)
        assert process.returncode == 1, f"as earned, not {process.returncode}"
    found = company.status()
    first, last = (datetime.fromisoformat(found[one]) for one in ("started", "ended"))
    assert first < moment < last, f"it worked from {first} to {last}"
    assert 0 < found["worked"] < 300, f"it says that it worked for {found['worked']} s"


def _creates(store: sqlite3.Connection) -> bool:
    try:
        return bool(store.execute("SELECT count(*) FROM intent WHERE direction LIKE 'from%'").fetchone()[0])
    except sqlite3.OperationalError:
        return False  # the tables are not there yet


TRIALS = (
    Trial("two hours back while it works", partial(_while_it_works, seconds=_BACK)),
    Trial("five years ahead while it works", partial(_while_it_works, seconds=_AHEAD)),
    Trial("two hours back after a kill", partial(_between, first=0, then=_BACK)),
    Trial("five years back after a kill", partial(_between, first=_AHEAD, then=0)),
    *(Trial(f"{name} while it works", partial(_through, moment=one)) for name, one in _MOMENTS.items()),
)


def _measure() -> Measured:
    return try_all(TRIALS)


LINES = (Line("clocks that are set", f"{len(TRIALS)}/{len(TRIALS)}", _measure),)
