"""How long jobs and errors are kept: until an operator says so."""

from datetime import timedelta

from engine.runs.control import refuse_busy
from engine.store import retention
from engine.store.database import Store
from engine.sync.context import Clock, system_clock


def forget_older(store: Store, days: int, *, clock: Clock = system_clock) -> tuple[int, int] | None:
    """Delete runs that ended more than so many days ago; the first and the last of them, None when there is none.

    Couplings, and failures that are not over, stay. Raises LockHeld when an engine works on the store.
    """
    refuse_busy(store)
    before = clock() - timedelta(days=days)
    with store.writing() as connection:
        return retention.forget(connection, before)
