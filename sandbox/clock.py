"""The time of both servers and the ids they give, injected so that tests can choose them."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
NewId = Callable[[], str]


def system_clock() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def random_id() -> str:
    """An id for a new row."""
    return str(uuid.uuid4())


def whole_seconds(moment: datetime) -> str:
    """The moment as CRM stores it: whole seconds, `Z` (reference/domain.md section 3.2)."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
