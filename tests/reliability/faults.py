"""Runs of the real process while the servers, or what lies between, misbehave in one way or in all of them."""

import contextlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.faults.kinds import KINDS
from tests.reliability.line import Line, Measured, noting
from tests.runs.company import QUIETLY, Company, result
from tests.runs.whole import Whole

SIZE = ("--demo-size", "60")
_ENDS_A_RUN = frozenset({"next-foreign", "oversize", "bomb"})
"""What no repetition helps against: the run stops, and is resumed."""
_OF_FEW = frozenset({"twice", "late", "half-batch", "part-missing", "out-of-order"})
_LIVES = 30
_SAME = ("created", "coupled", "couplings", "accounts", "customers")


@dataclass
class Storms:
    """`survived` are kinds that happened, and left the same behind as none."""

    survived: int = 0
    happened: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def weather(kinds: Iterable[str], seed: int) -> Storms:
    """Have runs meet faults, those of one kind in each, and compare what they leave behind; `all` is every kind."""
    storms = Storms()
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.closing(Company(_made(Path(folder) / "calm"), *SIZE)) as company:
            company.coupler("run", *QUIETLY)
            calm = Calm(Whole(company), company.coupler("check").stdout)
        for kind in kinds:
            options = ("--faults", f"{kind}:{_chance(kind)}", "--fault-seed", str(seed))
            home = _made(Path(folder) / kind)
            with (
                noting(storms.faults, f"{kind}, seed {seed}"),
                contextlib.closing(Company(home, *SIZE, *options)) as company,
            ):
                storms.happened[kind] = ride_out(company, calm)
                storms.survived += 1
    return storms


@dataclass(frozen=True, slots=True)
class Calm:
    """What a run without faults leaves behind, and what `coupler check` says of it."""

    whole: Whole
    check: str

    @property
    def inserted(self) -> int:
        return sum(inserted for inserted, *_ in self.whole.counters.values())

    @property
    def failed(self) -> int:
        """A record that was made, and whose price line was not, is among those of a stormy run."""
        return sum(failed for _, failed, _ in self.whole.counters.values())


def ride_out(company: Company, calm: Calm) -> int:
    """How many faults a run met; raises AssertionError where it left anything else behind than a calm one."""
    lives = 0
    done = company.coupler("run", *QUIETLY, "--json")
    while result(done)["state"] != "finished":
        lives += 1
        assert "Traceback" not in done.stderr, done.stderr
        assert lives < _LIVES, f"not done after {lives} lives: {done.stderr[-400:]}"
        done = company.coupler("resume", *QUIETLY, "--json")
    happened = sum(company.calm().values())
    assert happened, "none happened"
    again = company.coupler("run", *QUIETLY, "--json")
    assert result(again)["state"] == "finished", again.stderr
    found = Whole(company)
    for name in _SAME:
        there, here = getattr(calm.whole, name), getattr(found, name)
        assert here == there, f"{name}: {here} and not {there}"[:600]
    runs = [one for run in (done, again) for one in result(run)["jobs"]]
    short = calm.inserted - sum(one["inserted"] for one in runs)
    failed = sum(one["failed"] for one in result(done)["jobs"]) - calm.failed
    assert 0 <= short <= failed, f"{short} of {calm.inserted} are not counted as inserted, {failed} more failed"
    check = company.coupler("check").stdout
    assert check == calm.check, check
    return happened


def _chance(kind: str) -> float:
    """How likely: what befalls few requests is likelier."""
    if kind in _OF_FEW:
        return 0.5
    if kind == "all":
        return 0.01
    return 0.02 if kind in _ENDS_A_RUN else 0.1


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _kinds() -> Measured:
    storms = weather((*KINDS, "all"), 1)
    number = len(KINDS) + 1
    return Measured(f"{storms.survived}/{number}", storms.survived == number, tuple(storms.faults))


LINES = (Line("kinds of faults of the network survived", f"{len(KINDS) + 1}/{len(KINDS) + 1}", _kinds),)
