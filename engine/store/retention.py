"""Runs that are over and old, and their jobs and errors, may go; what is coupled stays."""

from datetime import datetime

import sqlalchemy as sa

from engine.model.snapshot import RunState
from engine.store import runs, undoing
from engine.store.schema import intent, overwritten, run

_OVER = (RunState.FINISHED.value, RunState.CANCELLED.value)


def forget(connection: sa.Connection, before: datetime) -> tuple[int, int] | None:
    """Delete runs that ended before that moment; the numbers of the first and the last one, None when there is none.

    Only the oldest ones go, up to the first that must stay: what a run wrote can only be taken back with all that came
    after it.
    """
    sent = sa.select(overwritten.c.run_id).where(overwritten.c.unsettled)
    unsettled = {*connection.scalars(sa.select(intent.c.run_id)), *connection.scalars(sent)}
    unsettled |= set(undoing.given_up(connection))
    chosen: list[int] = []
    for row in connection.execute(sa.select(run).order_by(run.c.id)):
        unfinished = row.kind in runs.RESUMED and row.state not in _OVER
        if unfinished or row.id in unsettled or (row.ended_at or row.created_at) >= before:
            break
        chosen.append(row.id)
    if not chosen:
        return None
    connection.execute(sa.delete(run).where(run.c.id <= chosen[-1]))
    return chosen[0], chosen[-1]
