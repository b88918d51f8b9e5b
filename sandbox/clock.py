"""The time of both servers, injected so that tests can choose it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def whole_seconds(moment: datetime) -> str:
    """The moment as CRM stores it: whole seconds, `Z` (reference/domain.md section 3.2)."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
