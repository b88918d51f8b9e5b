"""Virtual time, and what the world is going to do: servers that get to a request, people, operators."""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 8, 0, 0, tzinfo=UTC)
Action = Callable[[], None]


class Event:
    """Something that is going to happen unless it is called off."""

    __slots__ = ("action", "at")

    def __init__(self, at: float, action: Action) -> None:
        self.at = at
        self.action: Action | None = action

    def call_off(self) -> None:
        """It does not happen."""
        self.action = None


class Agenda:
    """The world's clock and what is due. It outlives engines: whatever is on its way arrives."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Event]] = []
        self._number = 0

    def moment(self, skew: float = 0.0) -> datetime:
        """The date and time, by a clock that is `skew` seconds ahead."""
        return START + timedelta(seconds=self.now + skew)

    def after(self, seconds: float, action: Action) -> Event:
        """Have something happen in a while."""
        event = Event(self.now + seconds, action)
        self._number += 1
        heapq.heappush(self._due, (event.at, self._number, event))
        return event

    def next(self) -> float | None:
        """When the next thing happens; None when nothing does."""
        while self._due and self._due[0][2].action is None:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def step(self) -> None:
        """Go on to the next thing and let it happen."""
        at, _, event = heapq.heappop(self._due)
        self.now = max(self.now, at)
        if event.action is not None:
            event.action()

    def pass_by(self, seconds: float) -> None:
        """Let time pass, with all that happens in it."""
        until = self.now + seconds
        while (at := self.next()) is not None and at <= until:
            self.step()
        self.now = until
