"""What the last plan said of each record, and what it would write for one of them.

A plan keeps which records it is about, and no values: those of millions would fill the store, and be old at once. The
fields of a record are compared when somebody asks for them. That takes no lock and writes nothing, and is no run.
"""

from collections.abc import Sequence

from engine.config import Settings
from engine.connectors.protocol import Side
from engine.model.errors import RunError
from engine.model.mapping import Direction
from engine.model.plan import Difference, Effect, Foreseen
from engine.runs.context import looking
from engine.runs.leads import difference_named
from engine.runs.sides import read_now
from engine.store import foreseen
from engine.store.database import Store
from engine.store.work import Scope
from engine.sync.context import Clock, system_clock
from engine.sync.difference import Noticing
from engine.sync.difference import difference as computed


def last(store: Store) -> int | None:
    """The newest plan that came to its end, whose records are known."""
    with store.reading() as connection:
        return foreseen.last_plan(connection)


def records(
    store: Store,
    run: int,
    seq: int,
    one_way: Direction,
    effect: Effect,
    *,
    limit: int = 50,
    offset: int = 0,
    words: Sequence[str] = (),
) -> list[Foreseen]:
    """The records of a pass of a plan with an effect, in the order of NAV numbers; with `words`, those that have each
    of them in their number or name.

    Those that are to be written are only known of the last plan.
    """
    with store.reading() as connection:
        return foreseen.listing(connection, run, seq, one_way, effect, limit, offset, words)


def difference(store: Store, settings: Settings, record: Foreseen) -> Difference:
    """What would be written for a record of a plan, from both sides as they are now.

    Raises ConnectionLost when a side cannot be read, or not within half a minute, RunError when the configuration has
    no such mapping any more.
    """
    return read_now(settings, lambda nav, crm: difference_of(store, settings, nav, crm, record))


async def difference_of(
    store: Store, settings: Settings, nav: Side, crm: Side, record: Foreseen, *, clock: Clock = system_clock
) -> Difference:
    """The same with both sides at hand."""
    context = await looking(
        store, settings, Noticing(nav), Noticing(crm, settings.mappings), planned_by=record.run, clock=clock
    )
    if record.mapping not in context.mappings:
        raise RunError(f"The configuration has no mapping {record.mapping} any more.", "Count anew.")
    scope = Scope(record.run, record.seq, record.mapping, record.direction, plan=True)
    found = await computed(context, scope, record.source_id, effect=record.effect)
    return await difference_named(context, context.mappings[record.mapping], found)
