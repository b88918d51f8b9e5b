"""Service protection limits: what one user may use within a window that slides, and what is said when it is more.

The figures and codes: reference/apis.md section 1, Service protection, and section 3, Limits.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

_LOGGED = 100_000


@dataclass(frozen=True, slots=True)
class Rules:
    """What one user may use. Seconds; `execution` is the sum of the execution times of a window, None for no bound.

    Of more than `concurrent` requests at once, `queued` wait for their turn, no longer than `patience`; none where it
    is 0. `tells` is whether answers say how long to wait and what is left.
    """

    window: float
    requests: int
    execution: float | None
    concurrent: int
    queued: int = 0
    patience: float = 0.0
    tells: bool = True

    def scaled(self, by: float) -> "Rules":
        """The same rates over a window that is shorter by a factor."""
        return replace(
            self,
            window=self.window / by,
            requests=max(1, round(self.requests / by)),
            execution=None if self.execution is None else self.execution / by,
            patience=self.patience / by,
        )


DATAVERSE = Rules(window=300, requests=6000, execution=1200, concurrent=52)
BUSINESS_CENTRAL = Rules(window=300, requests=6000, execution=None, concurrent=5, queued=95, patience=480, tells=False)
RULES = {"dataverse": DATAVERSE, "bc": BUSINESS_CENTRAL}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not served, and after how many whole seconds it may be repeated."""

    code: str
    message: str
    retry_after: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A line of the log. `into_pause` is how long before, in seconds, the user was told to wait, while that holds."""

    at: float
    refused: str
    into_pause: float | None


class Meter:
    """What one user has used of `rules`."""

    def __init__(self, rules: Rules, clock: Callable[[], float]) -> None:
        self.rules = rules
        self.log: deque[Arrival] = deque(maxlen=_LOGGED)
        self.used = 0.0
        self._clock = clock
        self._arrived: deque[float] = deque()
        self._executed: deque[tuple[float, float]] = deque()
        self._spent = 0.0
        self._present = 0
        self._told_at = -math.inf
        self._until = -math.inf
        self._pushes = 0

    def arrive(self) -> Refusal | None:
        """Let a request in, to be followed by `leave`, or say why not. Who comes during a pause makes it longer."""
        now = self._clock()
        self._slide(now)
        into = now - self._told_at if now < self._until else None
        refusal = self._refusal(now)
        self.log.append(Arrival(now, "" if refusal is None else refusal.code, into))
        if refusal is None:
            self._pushes = 0
            self._present += 1
            self._arrived.append(now)
        return refusal

    def leave(self, seconds: float) -> None:
        """Note that a request was served, and how long it was executed."""
        self._present -= 1
        self._spent += seconds
        self.used += seconds
        self._executed.append((self._clock(), seconds))

    @property
    def requests_left(self) -> int:
        """How many requests the window still takes."""
        self._slide(self._clock())
        return max(0, self.rules.requests - len(self._arrived))

    @property
    def seconds_left(self) -> float:
        """How much execution time the window still takes."""
        self._slide(self._clock())
        return math.inf if self.rules.execution is None else max(0.0, self.rules.execution - self._spent)

    def _slide(self, now: float) -> None:
        while self._arrived and self._arrived[0] <= now - self.rules.window:
            self._arrived.popleft()
        while self._executed and self._executed[0][0] <= now - self.rules.window:
            self._spent -= self._executed.popleft()[1]

    def _refusal(self, now: float) -> Refusal | None:
        rules = self.rules
        span = f"over time window of {rules.window:g} seconds."
        if self._present >= rules.concurrent + rules.queued:
            text = f"Number of concurrent requests exceeded the limit of {rules.concurrent}."
            return Refusal("0x80072326", text, self._pause(now, now))
        if len(self._arrived) >= rules.requests:
            text = f"Number of requests exceeded the limit of {rules.requests} {span}"
            return Refusal("0x80072322", text, self._pause(now, self._arrived[0] + rules.window))
        if rules.execution is not None and self._spent >= rules.execution:
            text = (
                "Combined execution time of incoming requests exceeded limit of "
                f"{rules.execution * 1000:,.0f} milliseconds {span}"
            )
            return Refusal("0x80072321", text, self._pause(now, self._enough(rules.execution)))
        return None

    def _enough(self, execution: float) -> float:
        """When so much has left the window that a request is taken again."""
        over = self._spent - execution
        for at, seconds in self._executed:
            over -= seconds
            if over < 0:
                return at + self.rules.window
        return self._clock()

    def _pause(self, now: float, free: float) -> int:
        """Whole seconds until `free`, at least one, and one more for each request that did not wait."""
        if now < self._until:
            self._pushes += 1
        seconds = max(1, math.ceil(free - now)) + self._pushes
        self._told_at = now
        self._until = now + seconds
        return seconds
