"""One mapping for the screen about it: what it says, and how it stands in the store."""

import sqlalchemy as sa

from engine.config import Settings
from engine.config.detail import mapping_detail
from engine.model.detail import Ledger, MappingDetail
from engine.model.errors import ConfigError
from engine.model.states import JobState
from engine.runs import snapshots
from engine.store.database import Store
from engine.store.schema import conflict, trouble
from engine.sync.context import Clock, system_clock

_COUNTED = (JobState.OK, JobState.PART)
"""A job of a plan that came to its end: one that was stopped on the way tells too few."""


def detail(store: Store, settings: Settings, name: str, *, clock: Clock = system_clock) -> MappingDetail:
    """All about a mapping; raises ConfigError when it is not configured."""
    home = snapshots.home(store, settings, clock=clock)
    standing = next((one for one in home.mappings if one.name == name), None)
    if standing is None:
        raise ConfigError(f"There is no mapping {name}.", "`coupler mappings` lists them.")
    plan = snapshots.latest(store, "plan", clock=clock)
    jobs = () if plan is None or plan.ended is None else plan.jobs
    counted = next((one for one in jobs if one.mapping == name and one.state in _COUNTED), None)
    return MappingDetail(
        home.now,
        standing,
        _ledger(store, name),
        mapping_detail(settings, name),
        counted,
        None if plan is None or counted is None else plan.ended,
        home.going or home.active,
    )


def _ledger(store: Store, name: str) -> Ledger:
    """A record that failed in both directions is one for each."""
    t = trouble.c
    number = sa.func.count()
    failed = sa.select(number, number.filter(t.skipped)).where(t.mapping == name)
    waiting = sa.select(number).select_from(conflict).where(conflict.c.mapping == name)
    with store.reading() as connection:
        all_, skipped = connection.execute(failed).one()
        return Ledger(int(all_), int(skipped), int(connection.scalar(waiting) or 0))
