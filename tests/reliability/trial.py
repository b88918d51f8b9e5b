"""Runs that something happens to, and that must end like one that nothing happens to."""

import contextlib
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.line import Measured
from tests.runs.between import Between, slowly
from tests.runs.company import QUIETLY, Company
from tests.runs.whole import Whole

SIZE = ("--demo-size", "60")


class Skipped(Exception):
    """It cannot be tried here, and why."""


@dataclass(frozen=True)
class Trial:
    """What happens to a company from the first run on; raises AssertionError and Skipped.

    A run that is not finished then is resumed.
    """

    name: str
    happen: Callable[[Company], None]


def try_all(trials: Sequence[Trial], size: Sequence[str] = SIZE) -> Measured:
    """Each with servers of its own. What is skipped is not met, and said."""
    right, skipped, faults = 0, list[str](), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        whole = undisturbed(Path(folder), size)
        for number, trial in enumerate(trials):
            with contextlib.closing(Company(Path(folder) / f"{number}", *size)) as company:
                try:
                    trial.happen(company)
                    finish(company)
                    assert not (wrong := whole.differences(Whole(company))), wrong
                    right += 1
                except Skipped as reason:
                    skipped.append(f"{trial.name} skipped: {reason}")
                except Exception as error:  # noqa: BLE001 - whatever it is, the others are tried
                    place = traceback.extract_tb(error.__traceback__)[-1]
                    faults.append(f"{trial.name}: {type(error).__name__}: {error} ({place.name}, line {place.lineno})")
    told = "".join(f", {one}" for one in skipped)
    return Measured(f"{right}/{len(trials)}{told}", right == len(trials), tuple(faults))


def undisturbed(folder: Path, size: Sequence[str]) -> Whole:
    """How a run of that size ends that nothing happens to."""
    with contextlib.closing(Company(folder / "whole", *size)) as company:
        company.coupler("run", *QUIETLY)
        return Whole(company)


def finish(company: Company) -> None:
    """Resume a run until it is finished."""
    for _ in range(3):
        state = company.status().get("state")
        if state == "finished":
            return
        company.coupler("resume" if state else "run", *QUIETLY, timeout=300)
    state = company.status()["state"]
    assert state == "finished", f"the run is {state} and does not end"


@contextlib.contextmanager
def slowed(company: Company, side: str = "crm") -> Iterator[Between]:
    """Until the end of the block, a side takes its time, so that a run lasts; what stands between it and the engine."""
    with contextlib.closing(Between(company.port(side), slowly)) as between:
        company.lead(side, between.port, "page_size = 50")
        yield between


def needed(tool: str) -> str:
    """Where a program is; raises Skipped."""
    if (found := shutil.which(tool)) is None:
        raise Skipped(f"no {tool}")
    return found


def until(check: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def written(company: Company, least: int = 5_000) -> bool:
    """Whether the engine has written something."""
    return company.audit_file.exists() and company.audit_file.stat().st_size > least
