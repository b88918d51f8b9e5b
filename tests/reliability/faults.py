"""Runs of the real process while the servers, or what lies between, misbehave in one way or in all of them."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.faults.kinds import KINDS
from tests.reliability.line import Line, Measured, noting
from tests.runs.company import QUIETLY, Company, result
from tests.runs.made import look, to_couple
from tests.runs.whole import Whole

SIZE = ("--demo-size", "60")
_ENDS_A_RUN = frozenset({"next-foreign", "oversize", "bomb"})
"""What no repetition helps against: the run stops, and is resumed."""
_OF_FEW = frozenset({"twice", "late", "half-batch", "part-missing", "out-of-order"})
_LIVES = 30
_SEVERAL = 5
"""So many kinds must happen where all may."""


@dataclass
class Storms:
    """`survived` are kinds that happened, and left the same behind as none; `happened` is how often each fault did."""

    survived: int = 0
    happened: dict[str, Mapping[str, int]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def weather(kinds: Iterable[str], seed: int) -> Storms:
    """Have runs meet faults, those of one kind in each, and compare what they leave behind; `all` is every kind."""
    storms = Storms()
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.closing(Company(Path(folder) / "calm", *SIZE)) as company:
            calm = calm_end(company)
        for kind in kinds:
            options = ("--faults", f"{kind}:{_chance(kind)}", "--fault-seed", str(seed))
            with (
                noting(storms.faults, f"{kind}, seed {seed}"),
                contextlib.closing(Company(Path(folder) / kind, *SIZE, *options)) as company,
            ):
                happened = storms.happened[kind] = ride_out(company, calm)
                assert kind != "all" or len(happened) >= _SEVERAL, f"only {', '.join(happened)} happened"
                storms.survived += 1
    return storms


@dataclass(frozen=True, slots=True)
class End:
    """What a run left behind, and what it told: `inserted` records; those that are `listed` as failed, by ids and numbers;
    how many of these were `made` and then failed, as where the answer about a price line was lost; and the names of those
    that are in doubt, as nobody knows their ids.
    """

    whole: Whole
    inserted: int
    listed: frozenset[str]
    made: int
    doubted: frozenset[str]
    check: str

    @property
    def told(self) -> int:
        """How many records were made, by what it told."""
        return self.inserted + self.made


def calm_end(company: Company) -> End:
    """How the first run of a company ends that no fault befalls."""
    return _end(company, company.coupler("run", *QUIETLY, "--json"))


def ride_out(company: Company, calm: End, *, nav_ids: bool = True) -> Mapping[str, int]:
    """How often each fault befell a run; raises AssertionError where it left anything else behind than a calm one.

    That is looked at before another run could mend it: nothing may be there twice, be coupled otherwise, or be missing
    without being listed; where nothing more is listed, all must be there. The next run does what was listed, and no more.
    Without `nav_ids`, which a NAV may not have, its records are looked at by name only.
    """
    done = _finished(company)
    happened = {kind: times for kind, times in company.calm().items() if times}
    assert happened, "none happened"
    stormy = _end(company, done)
    _compare(company, stormy, calm, nav_ids=nav_ids)
    before = len(company.audit())
    again = company.coupler("run", *QUIETLY, "--json")
    assert result(again)["state"] == "finished", again.stderr
    wrote = len(company.audit()) - before
    assert not wrote or not stormy.listed <= calm.listed, f"the next run wrote {wrote} times, and nothing was listed"
    end = _end(company, again)
    assert not (wrong := calm.whole.differences_left(end.whole)), wrong
    told = stormy.told + end.inserted
    least = calm.told - len(stormy.doubted)  # what was in doubt is coupled when it is found
    assert least <= told <= calm.told, f"{told} records are told to be made, not {calm.told}"
    assert end.check == calm.check, end.check
    return happened


def _finished(company: Company) -> "subprocess.CompletedProcess[str]":
    """The command with which a run came to its end, after as many as it takes."""
    lives = 0
    done = company.coupler("run", *QUIETLY, "--json")
    while result(done)["state"] != "finished":
        lives += 1
        assert "Traceback" not in done.stderr, done.stderr
        assert lives < _LIVES, f"not done after {lives} lives: {done.stderr[-400:]}"
        done = company.coupler("resume", *QUIETLY, "--json")
    return done


def _end(company: Company, done: "subprocess.CompletedProcess[str]") -> End:
    errors = company.lines("errors")
    listed = frozenset(one[name] for one in errors for name in ("nav_id", "crm_id", "nav_no") if one[name])
    made = sum(line["key"].lower() in listed for line in to_couple(company.audit()))
    doubted = frozenset(one["name"] for one in errors if one["code"] == "in_doubt")
    inserted = sum(one["inserted"] for one in result(done)["jobs"])
    return End(Whole(company), inserted, listed, made, doubted, company.coupler("check").stdout)


def _compare(company: Company, stormy: End, calm: End, *, nav_ids: bool) -> None:
    """Raises AssertionError where a stormy run left otherwise behind what it did not list."""
    if stormy.listed <= calm.listed:
        assert not (wrong := calm.whole.differences_left(stormy.whole)), f"nothing is listed, but {wrong}"
    ids = {one[side] for one in company.lines("couplings") for side in ("nav_id", "crm_id")}
    audit = [
        line
        for line in company.audit()
        if (nav_ids or line["side"] == "crm") and stormy.doubted.isdisjoint(map(str, line["values"].values()))
    ]
    assert not (uncoupled := look(audit, ids | stormy.listed).uncoupled), "; ".join(uncoupled)
    here, there = set(stormy.whole.coupled), set(calm.whole.coupled)
    assert here <= there, f"coupled otherwise: {sorted(here - there)}"
    missing = [one for one in there - here if stormy.listed.isdisjoint(one[1:])]
    assert not missing, f"neither coupled nor listed: {missing}"


def _chance(kind: str) -> float:
    """How likely: what befalls few requests is likelier."""
    if kind in _OF_FEW:
        return 0.5
    if kind == "all":
        return 0.01
    return 0.02 if kind in _ENDS_A_RUN else 0.1


def _kinds() -> Measured:
    storms = weather((*KINDS, "all"), 1)
    number = len(KINDS) + 1
    return Measured(f"{storms.survived}/{number}", storms.survived == number, tuple(storms.faults))


LINES = (Line("kinds of faults of the network survived", f"{len(KINDS) + 1}/{len(KINDS) + 1}", _kinds),)
