"""Records that wait for somebody to choose which of several they are: what there is, and each beside its candidates.

What was chosen is coupled by a run of its own, as `coupler couple` does (`engine.runs.coupling`). Looking at candidates
takes no lock and writes nothing, and is no run.
"""

from collections.abc import Sequence

from engine.config import Settings
from engine.connectors.protocol import Side
from engine.mapping.transfer import TO
from engine.model.errors import RunError
from engine.model.matches import Ambiguous, AmbiguousPage, Review
from engine.runs import coupling
from engine.runs.context import looking
from engine.runs.control import who
from engine.runs.leads import review_named
from engine.runs.requests import Couple
from engine.runs.sides import read_now
from engine.store import ambiguous
from engine.store.database import Store
from engine.store.work import Scope
from engine.sync.candidates import review
from engine.sync.context import Clock, system_clock
from engine.sync.dry import DrySide
from engine.sync.naming import Labelled


def page(store: Store, *, limit: int = 50, offset: int = 0, words: Sequence[str] = ()) -> AmbiguousPage:
    """Records that several others match, as the last run of their mapping, or the last plan, met them; with `words`,
    those that have each of them in their number or name.
    """
    with store.reading() as connection:
        return ambiguous.page(connection, limit, offset, words)


def candidates(store: Store, settings: Settings, record: Ambiguous) -> Review:
    """A record and its candidates as they are now.

    Raises ConnectionLost when a side cannot be read, or not within half a minute, RunError when the configuration has
    no such mapping any more.
    """
    return read_now(settings, lambda nav, crm: candidates_of(store, settings, nav, crm, record))


async def candidates_of(
    store: Store, settings: Settings, nav: Side, crm: Side, record: Ambiguous, *, clock: Clock = system_clock
) -> Review:
    """The same with both sides at hand."""
    context = await looking(store, settings, DrySide(nav), Labelled(crm, settings.mappings), clock=clock)
    if record.mapping not in context.mappings:
        raise RunError(f"The configuration has no mapping {record.mapping} any more.", "Mend config.toml first.")
    scope = Scope(record.run, 0, record.mapping, record.direction, plan=True)
    found = await review(context, scope, record.source_id)
    return await review_named(context, context.mappings[record.mapping], found)


def begin(store: Store, settings: Settings, record: Ambiguous, partner: str) -> int:
    """Commit a run that couples the record with the partner of that id; an engine must be spawned for it.

    Raises LockHeld when an engine works on this store, OnHold while an undo is not finished.
    """
    nav, crm = (record.source_id, partner) if record.direction is TO else (partner, record.source_id)
    return coupling.start(store, settings, Couple(record.mapping, nav, crm), by=who())
