"""Engines that are killed while they work over real sockets and on a real SQLite file, and resumed until they are done;
people edit records on both sides meanwhile.
"""

import contextlib
import itertools
import random
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.line import Line, Measured, noting
from tests.reliability.moments import Moments, left_open
from tests.reliability.trial import undisturbed
from tests.runs.company import QUIETLY, Company
from tests.runs.people import EXPECTED, People, codes, lost
from tests.runs.whole import Whole

SIZE = ("--demo-size", "300")
_LATEST = 1.0
"""Seconds after an engine's first request; an undisturbed run takes about twice as long."""
_MOST_WRITES = 8
_FEW_WRITES = 2
"""A second run writes only what people edited."""
_MOST_LIVES = 60
_MOST_FAULTS = 10
"""After so many, no further run is begun."""
_NUMBER = 200
_OPEN = 30
"""So many kills are to leave something open."""
_EDITS = 200
_CONTACT = 6
"""Where an account has its primary contact (`Whole.values`), behind its name and address."""


@dataclass
class Kills:
    """`survived` are those `done` after which the run came to the same end as an undisturbed one; `faults` are the others,
    and what else went wrong. `creates` and `updates` are those that left such ones open, `open` those that left either;
    `edits` of people were made meanwhile.
    """

    done: int = 0
    survived: int = 0
    faults: list[str] = field(default_factory=list)
    creates: int = 0
    updates: int = 0
    open: int = 0
    edits: int = 0

    def measured(self, number: int) -> Measured:
        """The figure: at least so many were to be survived."""
        met = self.survived == self.done >= number and not self.faults
        return Measured(f"{self.survived}/{self.done}", met, tuple(self.faults))


def kill_at_random(number: int, seed: int) -> Kills:
    """Kill working engines `number` times, in as many runs as that takes; the first must end like one that nothing
    happened to, and in no run an edit may be lost.
    """
    chance = random.Random(seed)
    kills = Kills()
    with tempfile.TemporaryDirectory() as folder:
        whole = undisturbed(Path(folder), SIZE)
        for home in itertools.count():
            if kills.done >= number or len(kills.faults) >= _MOST_FAULTS:
                break
            before = kills.done
            with (
                noting(kills.faults, f"seed {seed}, run {home} from kill {before + 1} on"),
                contextlib.closing(Company(Path(folder) / f"{home}", *SIZE)) as company,
                contextlib.closing(Moments(company)) as moments,
            ):
                people = People(company, random.Random(f"{seed} {home}"))
                killing = _Killing(company, moments, people, chance, kills, number)
                killing.to_the_end(_MOST_WRITES)
                alone = _left_alone(company)
                if wrong := whole.differences(_end(company, whole, alone), but=_uncertain(company, alone)):
                    raise AssertionError(wrong)
                killing.to_the_end(_FEW_WRITES)
                kills.edits += len(people.edits)
                _judge(company, people, whole, killing.calm)
                kills.survived += kills.done - before
    return kills


@dataclass
class _Killing:
    """Kills the engines of a company, until there were `number` kills; `calm` is the line of the audit log behind the last."""

    company: Company
    moments: Moments
    people: People
    chance: random.Random
    kills: Kills
    number: int
    calm: int = 0

    def to_the_end(self, most_writes: int) -> None:
        """Begin a run, and kill its engines until one comes to the end, at the latest with so many writes."""
        for life in range(_MOST_LIVES):
            process = self.company.start("resume" if life else "run", *QUIETLY)
            with self.people:
                wanted = self.kills.done < self.number
                killed = wanted and self.moments.kill(process, *self._moment(most_writes))
                process.communicate(timeout=600)
            if killed:
                left = left_open(self.company)
                self.kills.done += 1
                self.kills.creates += bool(left.creates)
                self.kills.updates += bool(left.updates)
                self.kills.open += bool(left.ways)
                self.calm = len(self.company.audit()) + 1
            if self.company.state() == "finished":
                return
        raise AssertionError(f"not done after {_MOST_LIVES} lives")

    def _moment(self, most_writes: int) -> tuple[Callable[[], bool], float | None]:
        """When to kill: some time after the first request was answered; or when a server has done what it was asked to
        write, before the engine hears of it, or a moment after.
        """
        kind = self.chance.choice(("any time", "unheard", "just heard"))
        if kind == "any time":
            return lambda: self.moments.requests >= 1, self.chance.uniform(0.0, _LATEST)
        writes = self.chance.randint(1, most_writes)
        return lambda: self.moments.writes >= writes, None if kind == "unheard" else self.chance.uniform(0.0, 0.03)


def _judge(company: Company, people: People, whole: Whole, calm: int) -> None:
    """Raise AssertionError where an edit is lost after one more run, as some were made when the record had had its turn."""
    company.coupler("run", *QUIETLY)
    if wrong := whole.differences_left(_end(company, whole, _left_alone(company))):
        raise AssertionError(f"after one more run: {wrong}")
    if found := lost(company.audit(), people.edits, company.lines("couplings"), codes(company), calm):
        raise AssertionError("; ".join(found))


def _uncertain(company: Company, alone: Collection[tuple[str, ...]]) -> set[str]:
    """What cannot be told of counters where people edit: how much was modified, and of records that are left as they are,
    to what they count.
    """
    left = any(EXPECTED & said for said in codes(company).values())
    return {"modified"} | ({"settled"} if left else set()) | ({"counters"} if alone else set())


def _left_alone(company: Company) -> set[tuple[str, ...]]:
    """The names and addresses of accounts that are left as they are, as people edited them on both sides, or too often."""
    ids = {id for id, said in codes(company).items() if EXPECTED & said}
    return {
        (one["name"] or "", one["emailaddress1"] or "")
        for one in company.crm("accounts", "accountid", "name", "emailaddress1")
        if one["accountid"] in ids
    }


def _end(company: Company, whole: Whole, alone: Collection[tuple[str, ...]]) -> Whole:
    """How a run ended, but that accounts which are left alone have the contact that they wait for."""
    end = Whole(company)
    contacts = {row[:2]: row[_CONTACT] for row in whole.values["accounts"]}
    end.values["accounts"] = sorted(
        (*row[:_CONTACT], contacts[row[:2]], *row[_CONTACT + 1 :])
        if row[:2] in alone and row[:2] in contacts and not row[_CONTACT]
        else row
        for row in end.values["accounts"]
    )
    return end


def _measure() -> Measured:
    kills = kill_at_random(_NUMBER, 1)
    found = kills.measured(_NUMBER)
    text = (
        f"{found.text}, {kills.open} left something open (creates {kills.creates}, updates {kills.updates}), "
        f"{kills.edits} edits"
    )
    few = [f"only {kills.open} kills left something open"] if kills.open < _OPEN else []
    few += [f"only {kills.edits} edits"] if kills.edits < _EDITS else []
    return Measured(text, found.met and not few, (*found.details, *few))


LINES = (
    Line(
        "kill -9 of the real process survived, people edit meanwhile",
        f"{_NUMBER}/{_NUMBER}, {_OPEN} with something open, {_EDITS} edits, none lost",
        _measure,
    ),
)
