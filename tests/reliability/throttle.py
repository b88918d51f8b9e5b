"""What an engine sends while a service has put it off, and how much more than it needs.

CRM enforces its limits for a user, over a shorter window, and something else works as the same user: now and then it uses
up all that is left, as fast as it can. All requests are timed in front of CRM. Which of them were sent in spite of an answer
cannot be seen there: what comes within a grace behind the answer was on its way. As an engine that is told what is left is
refused little, it also works where something in between takes that away.
"""

import asyncio
import contextlib
import re
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.reliability.line import Line, Measured
from tests.runs.between import Between, message, nothing
from tests.runs.company import QUIETLY, Company
from tests.runs.whole import Whole

SIZE = 1500
SCALE = 10.0
"""The window is half a minute long."""
_BURSTS = 3
_SMALL = ("page_size = 50", "batch = 10")
"""So that a run takes as many requests as that of a large company."""
_LATENCY = "20ms,0.4ms"
_MOST = 0.05
"""So much of the requests of a run without limits may come on top."""
GRACE = 0.5
"""Seconds; the shortest pause is one."""
_PATIENCE = 3600
_LEFT = re.compile(rb"(?i)\r\nx-ms-ratelimit[^\r]*")


@dataclass(frozen=True, slots=True)
class Passed:
    """A request and its answer, by a clock of seconds. `pause` is how long a 429 said to wait, 0.0 for other answers."""

    came: float
    answered: float
    pause: float = 0.0


def sent_in_pauses(passed: Sequence[Passed]) -> list[float]:
    """How far into a pause each request came that came in one, later than what may have been on its way."""
    pauses = [(one.answered, one.answered + one.pause) for one in passed if one.pause]
    depths = [max((one.came - begin for begin, end in pauses if begin < one.came < end), default=0.0) for one in passed]
    return [depth for depth in depths if depth > GRACE]


class Watch(Between):
    """Notes when each request came, and when its answer was handed over. What an answer says is left may be taken away.

    While it is `holding`, requests are on their way.
    """

    def __init__(self, port: int, *, told: bool) -> None:
        super().__init__(port, nothing)
        self.passed: list[Passed] = []
        self.holding = False
        self._told = told

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                first = await reader.readexactly(1)
                came = time.monotonic()
                request = first + await message(reader)
                while self.holding:  # noqa: ASYNC110 - another thread sets it
                    await asyncio.sleep(0.01)
                up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
                up_writer.write(request)
                answer = await message(up_reader)
                if not self._told:
                    answer = _LEFT.sub(b"", answer)
                up_writer.close()
                writer.write(answer)
                await writer.drain()
                self.passed.append(Passed(came, time.monotonic(), _pause(answer)))
        writer.close()


def _pause(answer: bytes) -> float:
    head = answer.partition(b"\r\n\r\n")[0].lower()
    return float(head.partition(b"\r\nretry-after: ")[2].split(b"\r\n")[0]) if b" 429 " in head[:13] else 0.0


@dataclass
class Rival:
    """Works as the same user: so many times, it asks until it is told to wait, does so, and leaves one window to others."""

    company: Company
    watch: Watch
    window: float
    most: int
    bursts: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """From the first request of the others on, until it is told to end."""
        headers = {"Authorization": f"Bearer {self.company.token}"}
        with httpx.Client(headers=headers, trust_env=False, timeout=60) as client:
            while not self.watch.passed:
                if self._over.wait(0.01):
                    return
            while self.bursts < self.most and not self._over.is_set():
                self.watch.holding = True  # those on their way find nothing left
                try:
                    while (answer := client.get(f"{self.company.crm_url}/WhoAmI")).status_code == 200:
                        pass
                finally:
                    self.watch.holding = False
                assert answer.status_code == 429, answer.text
                self.bursts += 1
                self._over.wait(float(answer.headers["Retry-After"]) + self.window)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Until the end of the block."""
        thread = threading.Thread(target=self.work)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()


@dataclass(frozen=True)
class Throttled:
    """Requests to CRM of a run without limits and of one that was put off `refused` times by `bursts` of others."""

    needed: int
    sent: int
    refused: int
    bursts: int
    in_pauses: tuple[float, ...]
    wrong: str

    @property
    def share(self) -> float:
        """How many more requests it took."""
        return (self.sent - self.needed) / self.needed


def run_throttled(size: int, scale: float, bursts: int, *only: str, told: bool) -> Throttled:
    """Run a demo, or only some of its jobs, without limits, and once more with those of Dataverse and a rival; `told` is
    whether answers say what is left.
    """
    run = ("run", *QUIETLY, *only)
    with _company("--demo-size", str(size), told=told) as (company, watch):
        company.coupler(*run, timeout=_PATIENCE)
        calm, needed = Whole(company), len(watch.passed)
    limits = ("--limits", "dataverse", "--limits-scale", str(scale), "--latency", _LATENCY)
    with _company("--demo-size", str(size), *limits, told=told) as (company, watch):
        rival = Rival(company, watch, 300 / scale, bursts)
        with rival.working():
            company.coupler(*run, timeout=_PATIENCE)
        time.sleep(300 / scale)  # the limits hold for whoever looks at the rows too
        passed = list(watch.passed)
        refused = sum(one.pause > 0 for one in passed)
        wrong = calm.differences(Whole(company), calm=True)
        return Throttled(needed, len(passed), refused, rival.bursts, tuple(sent_in_pauses(passed)), wrong)


@contextmanager
def _company(*options: str, told: bool) -> Iterator[tuple[Company, Watch]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(Company(Path(folder), *options)) as company,
        contextlib.closing(Watch(company.port("crm"), told=told)) as watch,
    ):
        company.lead("crm", watch.port, *_SMALL)
        yield company, watch


def _measure() -> Measured:
    found = [run_throttled(SIZE, SCALE, _BURSTS, told=told) for told in (True, False)]
    text = "; ".join(
        [
            str(sum(len(one.in_pauses) for one in found)),
            *(f"{one.share:+.1%} ({one.needed} -> {one.sent}, {one.refused} refused)" for one in found),
        ]
    )
    met = all(one.refused and not one.in_pauses and one.share <= _MOST and not one.wrong for one in found)
    return Measured(text, met, tuple(one.wrong for one in found if one.wrong))


LINES = (
    Line(
        "requests sent while throttled; requests over what was needed, what is left told or not", "0; <= 5 %", _measure
    ),
)
