"""When an engine was held up by what says nothing of its pace: others that had the store, or somebody's pause."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

Span = tuple[datetime, datetime]
_KEPT = timedelta(seconds=900)
"""Longer than a forecast looks back."""
_BEATS = timedelta(seconds=2)
"""Within that, an engine that can write gives a sign of life."""

_NEAR = 0.001


class Held:
    """What one engine tells of it."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def add(self, begun: datetime, now: datetime) -> None:
        """It was held up since then, until now."""
        begun = min([begun, *(begin for begin, end in self._spans if end > begun)])
        self._spans = [*(one for one in self._spans if now - _KEPT < one[1] <= begun), (begun, now)]

    def stored(self) -> list[list[float]]:
        """As it goes with a sign of life."""
        return [[begin.timestamp(), end.timestamp()] for begin, end in self._spans]


def held(stored: Iterable[Sequence[float]], beat: datetime | None, now: datetime) -> list[Span]:
    """What an engine told with its last sign of life; where the next one does not come, others have the store since."""
    spans = [
        (datetime.fromtimestamp(begin, now.tzinfo), datetime.fromtimestamp(end, now.tzinfo)) for begin, end in stored
    ]
    return spans if beat is None or now - beat <= _BEATS else [*spans, (beat, now)]


def between(since: datetime, until: datetime, spans: Iterable[Span]) -> float:
    """Seconds from one moment to another, without those in which the engine was held up; the spans do not overlap."""
    lost = (min(until, end) - max(since, begin) for begin, end in spans)
    return (until - since).total_seconds() - sum(max(0.0, one.total_seconds()) for one in lost)


def back(now: datetime, seconds: float, spans: Sequence[Span]) -> datetime:
    """So many seconds ago, without those in which the engine was held up."""
    since = now
    while (missing := seconds - between(since, now, spans)) > _NEAR:
        since -= timedelta(seconds=missing)
    return since
