"""What is asked of the servers: how many requests more when an engine is killed on the way, and that a second run writes nothing.

All requests are counted on their way into the servers, whatever the engine says of them.
"""

import contextlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.line import Line, Measured
from tests.reliability.wire import Request, Sent, take
from tests.runs.between import Between
from tests.runs.company import QUIETLY, Company
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


def run_twice(size: int, meanwhile: Callable[[Company], None] = _nothing) -> tuple[int, int, list[Sent]]:
    """Requests of a run and of a second one behind it, and what the second one wrote after what was done meanwhile."""
    with _company(size) as (company, door):
        company.coupler("run", *QUIETLY, timeout=_PATIENCE)
        assert door.writes(), "the first run writes"
        first = len(door.requests)
        meanwhile(company)
        company.coupler("run", *QUIETLY, timeout=_PATIENCE)
        assert company.status()["state"] == "finished"
        return first, len(door.requests) - first, door.writes(first)


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
    first, second, writes = run_twice(_SMALL)
    details = tuple(map(str, writes[:20]))
    return Measured(
        f"{len(writes)} writes in {second} requests (the first run: {first})", second > 0 and not writes, details
    )


LINES = (
    Line(
        "requests more after a kill at a quarter, half, three quarters of 10,000 records; creates sent again",
        "<= 5 %; <= 1 batch",
        _measure_overhead,
    ),
    Line("writes of a second run, on both sides", "0", _measure_second_run),
)
