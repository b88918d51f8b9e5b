"""What the model takes for granted, each with its source; all of it can be changed on the command line."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import NamedTuple

_KNOWN = "reference/apis.md section 1"
_BC = "reference/apis.md section 3"
_NONE = "assumed, without a source"
_DIVIDED_BY = frozenset({
    "page_size", "batch", "crm_places", "nav_places", "pages", "pace", "window", "crm_requests", "crm_execution",
    "web_servers", "nav_requests", "server_cores",
})  # fmt: skip


def _taken(value: float, unit: str, text: str, source: str) -> float:
    default: float = field(default=value, metadata={"unit": unit, "text": text, "source": source})
    return default


class Told(NamedTuple):
    """An assumption as it is printed."""

    name: str
    value: float
    unit: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The figures. Limits are of one user, those of CRM on one web server."""

    cpu: float = _taken(
        300,
        "µs",
        "CPU of a record in a pass, all processes of a worker, which has one core",
        "`make bench`: 155 (quiet machine) to 262 (busy) for 20,000 customers, 1,000 a request; "
        "contacts and products were not measured",
    )
    start: float = _taken(2, "s", "before the first record", "`make bench`: 1.3 s of CPU, and a few requests")
    page_size: float = _taken(1000, "records", "in a page", "config.toml")
    batch: float = _taken(100, "records", "in a request that writes to CRM", "config.toml")
    crm_places: float = _taken(
        16,
        "requests",
        "at once to CRM, of one user: 4 times x-ms-dop-hint, at most 48",
        "docs/decisions/0012-the-pace.md; a hint of 4, as in Microsoft's samples (reference/perf.md 1.1)",
    )
    nav_places: float = _taken(5, "requests", "at once to NAV, of one user; 95 more may wait, none does", _BC)
    pages: float = _taken(3, "pages", "of a worker at a time towards CRM; towards NAV it is 1", "engine/sync/passes.py")
    pace: float = _taken(0.99, "", "of what the windows allow is used", "docs/decisions/0012-the-pace.md")
    window: float = _taken(300, "s", "the sliding window of both services", f"{_KNOWN} and 3")
    crm_requests: float = _taken(6000, "requests", "to CRM within a window", _KNOWN)
    crm_execution: float = _taken(1200, "s", "execution time in CRM within a window", _KNOWN)
    web_servers: float = _taken(
        1,
        "",
        "web servers of CRM among which requests spread",
        "a trial has one; Microsoft does not say how many others have",
    )
    nav_requests: float = _taken(6000, "requests", "to Business Central within a window", _BC)
    nav_environment: float = _taken(
        0,
        "requests",
        "to Business Central within a window, of all users together; 0: no such limit",
        "older editions of Microsoft's page: 600 in a minute, 3000 here (reference/perf.md 1.2)",
    )
    network: float = _taken(40, "ms", "there and back, each request", "reference/perf.md 3.3")
    crm_request: float = _taken(30, "ms", "of execution, each request to CRM", "reference/perf.md 3.3")
    crm_create: float = _taken(
        11, "ms", "of execution for a row made by CreateMultiple", "a blog's measurement (reference/perf.md 1.3)"
    )
    crm_batch: float = _taken(
        60,
        "ms",
        "of execution for a row made or changed in $batch",
        "a blog's measurement, updates (reference/perf.md 1.3)",
    )
    crm_read: float = _taken(0.5, "ms", "of execution for a row that is read", _NONE)
    bulk: float = _taken(
        1,
        "",
        "1: accounts, contacts and products have CreateMultiple, price lines do not; 0: all rows go in $batch",
        f"{_KNOWN}; of price lines nothing is known",
    )
    nav_request: float = _taken(30, "ms", "each request to NAV takes", _NONE)
    nav_read: float = _taken(1, "ms", "a record takes that is read", _NONE)
    nav_write: float = _taken(20, "ms", "a record takes that is made in NAV", "assumed in reference/perf.md 1.4")
    commit: float = _taken(
        5,
        "ms",
        "a commit waits for the disk; there are 3 for a page",
        "a slow disk; 0.16 ms here (reference/engine.md 6)",
    )
    row: float = _taken(
        37, "µs", "a connection is busy with a coupling", "PostgreSQL on loopback (reference/engine.md 7)"
    )
    server_row: float = _taken(
        19, "µs", "of PostgreSQL's CPU for a coupling", "PostgreSQL on loopback (reference/engine.md 2: 9.5 ms for 500)"
    )
    server_cores: float = _taken(4, "", "cores of PostgreSQL's machine", _NONE)
    changed: float = _taken(1, "%", "of all records, changed in NAV, in the runs of that name", "the question")
    primary: float = _taken(
        50, "%", "of all customers have a primary contact", "between 4 (AdventureWorks) and 87 (the demo)"
    )
    fixed: float = _taken(50, "records", "in each of CURRENCY, SALEPEOPLE and UNITOFMEASURE, at any size", _NONE)
    customers: float = _taken(40, "", "parts of all others that are customers", f"{_NONE}; AdventureWorks: 92")
    contacts: float = _taken(45, "", "parts that are persons of these", f"{_NONE}; AdventureWorks: 4")
    resources: float = _taken(1, "", "parts that are resources", f"{_NONE}; AdventureWorks: 1")
    items: float = _taken(14, "", "parts that are items", f"{_NONE}; AdventureWorks: 2")

    def __post_init__(self) -> None:
        """Raise ValueError for figures with which nothing can be computed."""
        for one in fields(self):
            value = getattr(self, one.name)
            if value < 0 or (value == 0 and one.name in _DIVIDED_BY):
                raise ValueError(f"{one.name} must be {'more than 0' if one.name in _DIVIDED_BY else '0 or more'}")
        if self.customers + self.contacts + self.resources + self.items <= 0:
            raise ValueError("there are no records but the fixed ones")

    def told(self) -> Iterator[Told]:
        """All of them, as they are printed."""
        for one in fields(self):
            yield Told(one.name, getattr(self, one.name), **one.metadata)
