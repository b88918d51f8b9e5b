"""Records that were made twice, or made and not coupled, whatever is done after an engine was killed.

What was made is what the servers' audit log says; what is coupled is what the state store says.
"""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.alike import find as firms_alike
from tests.reliability.alike import keys
from tests.reliability.alike import left as left_to_people
from tests.reliability.line import Line, Measured, noting
from tests.runs.company import QUIETLY, Company, Row
from tests.runs.made import Made, look
from tests.runs.whole import Whole

SIZE = ("--demo-size", "300")
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""How much of what an undisturbed run writes is there when the engine is killed."""


def _found(company: Company, left: Sequence[Row] = ()) -> Made:
    """What was made; what is `left` to people counts as coupled."""
    pairs = (*company.lines("couplings"), *left)
    return look(company.audit(), {one[side] for one in pairs for side in ("nav_id", "crm_id") if one[side]})


def _resume(company: Company) -> None:
    company.coupler("resume", *QUIETLY)


def _cancel(company: Company) -> None:
    company.coupler("cancel")
    company.coupler("run", *QUIETLY)


def _lose(company: Company) -> None:
    """The state store is lost, and the next run begins without it."""
    for path in company.folder.glob("sandbox.db*"):
        path.unlink()
    company.coupler("run", *QUIETLY)


def _set_back(company: Company) -> None:
    """After the run, the state store is set back to what it was at the kill."""
    kept = company.folder / "kept"
    kept.mkdir()
    for path in company.folder.glob("sandbox.db*"):
        shutil.copy2(path, kept)
    company.coupler("resume", *QUIETLY)
    for path in company.folder.glob("sandbox.db*"):
        path.unlink()
    for path in kept.iterdir():
        shutil.copy2(path, company.folder)
    company.coupler("resume", *QUIETLY)


def _synchronize(company: Company) -> None:
    """The run is resumed and a synchronization of modified records follows, and another run."""
    for command in (("resume", *QUIETLY), ("sync",), ("run", *QUIETLY)):
        company.coupler(*command)


WAYS: tuple[Callable[[Company], None], ...] = (_resume, _cancel, _lose, _set_back, _synchronize)
"""What operators may do when an engine was killed."""


@dataclass
class Kills:
    """What an undisturbed run made, how it ended, and what was made in the end where an engine was killed."""

    undisturbed: Made
    end: Whole
    found: list[tuple[str, Made]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def kill_and(ways: Sequence[Callable[[Company], None]], shares: Sequence[float], *size: str) -> Kills:
    """Kill an engine at each share, and go on in each way; no fault where all is made once, coupled, and there."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Company(Path(folder), *size)) as company:
        company.coupler("run", *QUIETLY)
        kills = Kills(_found(company), Whole(company))
        bytes = company.audit_file.stat().st_size
    kills.faults += _wrong("undisturbed", kills.undisturbed, kills.undisturbed)
    for way in ways:
        for share in shares:
            name = f"{way.__name__.strip('_')} at {share:.0%}"
            with (
                noting(kills.faults, name),
                tempfile.TemporaryDirectory() as folder,
                contextlib.closing(Company(Path(folder), *size)) as company,
            ):
                _kill(company, int(share * bytes))
                way(company)
                if way is _lose:
                    kills.faults += _lost(name, company, kills)
                    continue
                kills.found.append((name, made := _found(company)))
                kills.faults += _wrong(name, made, kills.undisturbed)
                assert not (wrong := kills.end.differences_left(Whole(company))), wrong
    return kills


def _kill(company: Company, bytes: int) -> None:
    """Kill an engine as soon as the audit log is that long."""
    process = company.start("run", *QUIETLY)
    while company.audit_file.stat().st_size < bytes:
        assert process.poll() is None, "it ended before that"
        time.sleep(0.002)
    company.signal_engine()
    _, told = process.communicate(timeout=600)
    assert process.returncode == 70, f"not killed, it ended with {process.returncode}: {told[-400:]}"


def _lost(name: str, company: Company, kills: Kills) -> list[str]:
    """What is wrong where the state store was lost. Firms that look the same by the rows of the servers may be left to
    people, and what these firms and their people have may be missing; all else must be there, as it should be.
    """
    left = left_to_people(company)
    firms = firms_alike(company, keys(left))
    kills.found.append((name, made := _found(company, left)))
    wrong = firms.objections(left)
    if differs := firms.beside(kills.end).differences_left(firms.beside(Whole(company))):
        wrong.append(differs)
    fewer = firms.number(kills.end)
    return [*(f"{name}: {one}" for one in wrong), *_wrong(name, made, kills.undisturbed, fewer=fewer)]


def _wrong(name: str, made: Made, undisturbed: Made, *, fewer: int = 0) -> list[str]:
    """What is wrong with it. There may be so many `fewer` where the state store was lost and records look the same."""
    wrong = [*made.twice, *made.uncoupled]
    if not undisturbed.number - fewer <= made.number <= undisturbed.number:
        wrong.append(f"{made.number} were made, not {undisturbed.number}")
    return [f"{name}: {one}" for one in wrong]


def _measure() -> Measured:
    kills = kill_and(WAYS, SHARES, *SIZE)
    twice = sum(len(one.twice) for _, one in kills.found)
    uncoupled = sum(len(one.uncoupled) for _, one in kills.found)
    met = len(kills.found) == len(WAYS) * len(SHARES) and not kills.faults
    return Measured(f"{twice} / {uncoupled} after {len(kills.found)} kills", met, tuple(kills.faults))


LINES = (Line("records made twice / made and not coupled", "0 / 0", _measure),)
