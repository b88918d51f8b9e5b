"""What a run of the benchmark found, as it is kept in a file."""

import os
import platform
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from bench.contenders import Run

ROOT = Path(__file__).parents[1]
LATEST = Path(__file__).parent / "results" / "latest.json"
_PACKAGES = ("httpx", "msgspec", "sqlalchemy", "sniffio")


class Once(msgspec.Struct, frozen=True):
    """One run: seconds of CPU and of wall time, bytes of memory, and what the services counted."""

    cpu: float
    wall: float
    memory: int
    requests: int
    writes: int
    bytes: int
    created: int
    updated: int
    server_cpu: float

    @classmethod
    def of(cls, run: Run) -> "Once":
        """What is kept of a run."""
        cost, tally = run.cost, run.tally
        traffic = tally.received + tally.sent
        return cls(*cost, tally.requests, tally.writes, traffic, tally.created, tally.updated, tally.cpu)


class Series(msgspec.Struct, frozen=True):
    """The rounds of one contender doing one thing: `first`, `again` with nothing changed, `changed` one in a hundred.

    `floor` are the first runs of the floor before, between and after them; none where it is not compared.
    """

    contender: str
    what: str
    size: int
    batch: int
    runs: list[Once]
    floor: list[Once] = []
    delay: float = 0.0


class Machine(msgspec.Struct, frozen=True):
    """Where it was, and how busy that was at the beginning."""

    processor: str
    cores: int
    memory: int
    system: str
    python: str
    packages: dict[str, str]
    load: float


class Results(msgspec.Struct):
    """All of one run. `instructions` are those of a record, by contender and batch."""

    at: str
    commit: str
    machine: Machine
    series: list[Series] = []
    instructions: dict[str, float] = {}
    left_out: list[str] = []
    """What could not be measured, and why."""

    def of(self, contender: str, what: str, batch: int | None = None, *, delay: bool = False) -> Iterator[Series]:
        """The series of a contender, the smallest first."""
        chosen = (one for one in self.series if (one.contender, one.what) == (contender, what))
        chosen = (one for one in chosen if batch in (None, one.batch) and bool(one.delay) == delay)
        return iter(sorted(chosen, key=lambda one: one.size))


def begin() -> Results:
    """Results without any yet."""
    commit = subprocess.run(
        ("git", "describe", "--always", "--dirty"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    return Results(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", commit.stdout.strip() or "unknown", _machine())


def keep(results: Results, path: Path) -> None:
    """Write them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


def kept(path: Path) -> Results:
    """Read them; raises OSError and msgspec's errors."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def _machine() -> Machine:
    processor = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return Machine(
        processor[1] if processor is not None else platform.machine(),
        len(os.sched_getaffinity(0)),
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        f"{platform.system()} {platform.release()}",
        platform.python_version(),
        {name: version(name) for name in _PACKAGES},
        os.getloadavg()[0],
    )
