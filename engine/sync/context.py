"""What all jobs of one run share."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from engine.connectors.protocol import Side
from engine.mapping.identity import created_id
from engine.model.mapping import Direction, TableMapping
from engine.store.couplings import Couplings
from engine.store.database import Store
from engine.store.runs import Beat
from engine.sync.organization import Organization

Clock = Callable[[], datetime]


class StopRequested(Exception):
    """An operator wants the run to stop; `cancel` when it is not to be resumed."""

    def __init__(self, *, cancel: bool) -> None:
        super().__init__("cancel" if cancel else "stop")
        self.cancel = cancel


def system_clock() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def steady_clock() -> Clock:
    """A clock that begins with the present moment and is not set any more: whoever sets the machine's clock back or
    ahead changes nothing of how long something took, or must be waited for.
    """
    begun, at = system_clock(), _passed()
    return lambda: begun + timedelta(seconds=_passed() - at)


def _passed() -> float:
    """Seconds that nobody sets; also those that the machine slept, where it tells."""
    sleeping = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if sleeping is None else time.clock_gettime(sleeping)


@dataclass(frozen=True, slots=True)
class Context:
    """The store, both sides and everything that a job may ask. `checkpoint` waits while paused and raises to stop.

    `wait_for` shows operators what is waited for; blank when it is over. `broken_off`: whether it is not known what
    came of updates, most often as an engine ended before it could say so. `beats` are the last signs of life of
    earlier engines, by run. `settle_wait` and `crm_settle_wait` are the seconds after which NAV, or CRM, does nothing
    any more of what it was sent (reference/perf.md 1.1, 1.2).
    """

    store: Store
    nav: Side
    crm: Side
    mappings: Mapping[str, TableMapping]
    environment: str
    company: str
    product_name: str
    settle_wait: float
    crm_settle_wait: float
    page_size: int
    organization: Organization
    couplings: Couplings
    plan: bool
    checkpoint: Callable[[], Awaitable[None]]
    sleep: Callable[[float], Awaitable[None]]
    wait_for: Callable[[str], None]
    clock: Clock
    broken_off: bool = False
    beats: Mapping[int, Beat] = field(default_factory=dict)

    def source(self, one_way: Direction) -> Side:
        """The side that a pass reads from."""
        return self.nav if one_way is Direction.TO_INTEGRATION_TABLE else self.crm

    def target(self, one_way: Direction) -> Side:
        """The side that a pass writes to."""
        return self.crm if one_way is Direction.TO_INTEGRATION_TABLE else self.nav

    def arrived(self, one_way: Direction, left: datetime) -> datetime:
        """When all has arrived at the target, or never will, that left at a moment at the latest."""
        to_crm = one_way is Direction.TO_INTEGRATION_TABLE
        return left + timedelta(seconds=self.crm_settle_wait if to_crm else self.settle_wait)

    async def taken(self, mapping: str, one_way: Direction, ids: Sequence[str]) -> set[str]:
        """Which of these destination records of a pass are coupled already, with whatever record."""
        if not ids:
            return set()
        return await self.store.read(partial(self.couplings.taken, mapping=mapping, one_way=one_way, ids=ids))

    def new_id(self, kind: str, key: str, generation: int = 0) -> str:
        """The id under which a record is created: a source record of a mapping, or something that comes with it."""
        return created_id(self.environment, self.company, kind, key, generation)
