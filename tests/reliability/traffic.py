"""What is asked of the servers: how many requests more when an engine is killed on the way, and that a second run compares
all and writes nothing.

All requests are counted on their way into the servers, whatever the engine says of them.
"""

import contextlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.line import Line, Measured
from tests.reliability.wire import Request, Sent, take
from tests.runs.between import Between
from tests.runs.company import QUIETLY, Company, Row
from tests.runs.whole import Whole

SIZE = 5000
"""Customers of a demo that has more than 10,000 records."""
_SHARES = (0.25, 0.5, 0.75)
_SMALL = 600
_MOST = 0.05
"""So much of an undisturbed run's requests may come on top when an engine is killed."""
_PATIENCE = 1800


@dataclass
class Door:
    """What came to both servers, in its order."""

    requests: list[Request] = field(default_factory=list)

    def note(self, request: bytes, _answer: bytes) -> None:
        """Take down a request and let the answer pass."""
        whole, rest = take(request)
        assert whole is not None and not rest
        self.requests.append(whole)

    def writes(self, since: int = 0) -> list[Sent]:
        """What was asked to be written."""
        return [one for request in self.requests[since:] for one in request.writes]

    def created(self) -> Counter[tuple[str, str]]:
        """How often each record was asked to be made."""
        return Counter((one.set, one.id) for one in self.writes() if one.op == "create")

    def biggest_batch(self) -> int:
        """The most records that one request was to make."""
        return max(sum(one.op == "create" for one in request.writes) for request in self.requests)


@dataclass(frozen=True)
class Overhead:
    """Requests of an undisturbed run and of one that was killed at a share of them and resumed, and creates that were sent
    again.
    """

    at: float
    undisturbed: int
    killed: int
    again: int
    batch: int
    wrong: str

    @property
    def share(self) -> float:
        """How many requests more it took."""
        return (self.killed - self.undisturbed) / self.undisturbed

    @property
    def met(self) -> bool:
        """Whether it took little more, and ended as it must."""
        return self.share <= _MOST and self.again <= self.batch and not self.wrong


def kill_at(size: int, shares: Sequence[float]) -> list[Overhead]:
    """Run a demo undisturbed, and once more for each share of the requests, with its engine killed when these have come."""
    with _company(size) as (company, door):
        company.coupler("run", *QUIETLY, timeout=_PATIENCE)
        whole = Whole(company)
        undisturbed, batch = len(door.requests), door.biggest_batch()
    return [_kill(size, at, undisturbed, batch, whole) for at in shares]


def _kill(size: int, at: float, undisturbed: int, batch: int, whole: Whole) -> Overhead:
    with _company(size) as (company, door):
        process = company.start("run", *QUIETLY)
        while len(door.requests) < undisturbed * at:
            assert process.poll() is None, f"it ended before {at:.0%}"
            time.sleep(0.002)
        company.signal_engine()
        process.communicate(timeout=_PATIENCE)
        company.coupler("resume", *QUIETLY, timeout=_PATIENCE)
        again = sum(times - 1 for times in door.created().values())
        return Overhead(at, undisturbed, len(door.requests), again, batch, whole.differences(Whole(company)))


def _nothing(_: Company) -> None:
    """Nobody works on either side."""


@dataclass(frozen=True)
class Second:
    """Requests of a run, and of a `second` one behind it, what that one `writes` after what was done meanwhile, and what
    its jobs say that is not so.
    """

    first: int
    second: int
    writes: list[Sent]
    wrong: list[str]

    @property
    def met(self) -> bool:
        """Whether it compared all and wrote nothing."""
        return self.second > 0 and not self.writes and not self.wrong


def run_twice(size: int, meanwhile: Callable[[Company], None] = _nothing) -> Second:
    """Run a demo, and once more after what is done meanwhile."""
    with _company(size) as (company, door):
        company.coupler("run", *QUIETLY, timeout=_PATIENCE)
        assert door.writes(), "the first run writes"
        first, before = len(door.requests), company.status()["jobs"]
        meanwhile(company)
        company.coupler("run", *QUIETLY, timeout=_PATIENCE)
        found = company.status()
        assert found["state"] == "finished"
        requests, writes = len(door.requests) - first, door.writes(first)
        return Second(first, requests, writes, compared(before, found["jobs"], taking_part(company), writes))


_TAKING_PART = {
    "CURRENCY": (("nav", "Currency", ""),),
    "SALEPEOPLE": (
        ("crm", "systemusers", "isdisabled eq false and islicensed eq true and isintegrationuser eq false"),
    ),
    "UNITOFMEASURE": (("nav", "Unit_of_Measure", ""),),
    "CUSTOMER": (
        ("nav", "Customer", "Blocked eq ' '"),
        ("crm", "accounts", "statecode eq 0 and customertypecode eq 3"),
    ),
    "CONTACTS": (
        ("nav", "Contact", "Type eq 'Person' and Company_No ne ''"),
        ("crm", "contacts", "statecode eq 0 and _parentcustomerid_value ne null"),
    ),
    "RESOURCE-PRODUCT": (
        ("nav", "Resource", "Blocked eq false"),
        ("crm", "products", "producttypecode eq 3 and statecode eq 0"),
    ),
    "ITEM-PRODUCT": (
        ("nav", "Item", "Blocked eq false"),
        ("crm", "products", "producttypecode eq 1 and statecode eq 0"),
    ),
}
"""Which records each job must read, of both sides."""


def taking_part(company: Company) -> dict[str, int]:
    """How many records the servers have for each job."""
    return {
        job: sum(len((company.nav if side == "nav" else company.crm)(name, where=where)) for side, name, where in parts)
        for job, parts in _TAKING_PART.items()
    }


def compared(before: Sequence[Row], jobs: Sequence[Row], there: Mapping[str, int], writes: Sequence[Sent]) -> list[str]:
    """What is wrong with the counters of a second run: all that is there must have been read and found unchanged, but for
    what was written and what the run `before` could not do either.
    """
    earlier = {one["job"]: one for one in before}
    wrong = [f"no job {job}" for job in there.keys() - {one["job"] for one in jobs}]
    for one in jobs:
        job, same = one["job"], one["modified"] + one["unchanged"]
        if one["read"] != there[job]:
            wrong.append(f"{job}: {one['read']} read, {there[job]} are there")
        if same + one["failed"] + one["skipped"] != there[job]:
            wrong.append(f"{job}: {same} are the same, {there[job]} are there")
        wrong += [
            f"{job}: {one[name]} {name}, {earlier[job][name]} before"
            for name in ("failed", "skipped")
            if one[name] > earlier[job][name]
        ]
        wrong += [f"{job}: {one[name]} {name}" for name in ("inserted", "coupled") if one[name]]
    if (modified := sum(one["modified"] for one in jobs)) != (written := len({(one.set, one.id) for one in writes})):
        wrong.append(f"{modified} modified, {written} written")
    return wrong


@contextmanager
def _company(size: int) -> Iterator[tuple[Company, Door]]:
    """A demo whose servers are reached through a door each."""
    door = Door()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        company = stack.enter_context(contextlib.closing(Company(folder, "--demo-size", str(size))))
        for side in ("nav", "crm"):
            between = stack.enter_context(contextlib.closing(Between(company.port(side), door.note)))
            company.lead(side, between.port)
        yield company, door


def _measure_overhead() -> Measured:
    found = kill_at(SIZE, _SHARES)
    worst = max(found, key=lambda one: one.share)
    again = max(one.again for one in found)
    text = f"{worst.share:+.1%} at {worst.at:.0%} ({worst.undisturbed} -> {worst.killed}), {again} creates sent again"
    details = [
        f"at {one.at:.0%}: {one.killed} requests, not {one.undisturbed}; {one.wrong}" for one in found if not one.met
    ]
    return Measured(text, not details, tuple(details))


def _measure_second_run() -> Measured:
    found = run_twice(_SMALL)
    text = f"{len(found.writes)} writes in {found.second} requests (the first run: {found.first})"
    return Measured(text, found.met, (*found.wrong, *map(str, found.writes[:20])))


LINES = (
    Line(
        "requests more after a kill at a quarter, half, three quarters of 10,000 records; creates sent again",
        "<= 5 %; <= 1 batch",
        _measure_overhead,
    ),
    Line("writes of a second run, on both sides", "0", _measure_second_run),
)
