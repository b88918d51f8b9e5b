"""Comparing both sides with what is recorded. It takes no lock and writes nothing, and is no run."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from engine.config import Settings
from engine.connectors.protocol import Side
from engine.model.check import Finding
from engine.runs.context import looking
from engine.runs.control import refuse_busy
from engine.runs.sides import connected
from engine.store.database import Store
from engine.sync.check.duplicates import Duplicates
from engine.sync.check.pairs import Noting, dangling, differing
from engine.sync.check.recorded import recorded

_LATER = "Check again when it is done, or with --while-running: what it is doing would be reported as faults."
Tell = Callable[[Finding], None]
Working = Callable[[str], None]


def check(
    store: Store,
    settings: Settings,
    *,
    only: Sequence[str] = (),
    while_running: bool = False,
    tell: Tell,
    working: Working,
) -> None:
    """Tell every finding, of all mappings or `only` some; `working` hears which mapping is looked at.

    Raises LockHeld when an engine works on this store, ConnectionLost when a side cannot be read.
    """
    if not while_running:
        refuse_busy(store, _LATER)
    asyncio.run(_check(store, settings, only, tell, working))


async def _check(store: Store, settings: Settings, only: Sequence[str], tell: Tell, working: Working) -> None:
    async with connected(settings) as (nav, crm):
        async for found in findings(store, settings, nav, crm, only, working):
            tell(found)


async def findings(
    store: Store, settings: Settings, nav: Side, crm: Side, only: Sequence[str] = (), working: Working | None = None
) -> AsyncIterator[Finding]:
    """Everything that is found, mapping by mapping."""
    for found in await store.read(partial(recorded, mappings=settings.mappings, chosen=only)):
        yield found
    context = await looking(store, settings, Noting(nav), Noting(crm))
    for mapping in settings.mappings:
        if only and mapping.name not in only:
            continue
        if working is not None:
            working(mapping.name)
        async for found in Duplicates(context, mapping).find():
            yield found
        async for found in dangling(context, mapping):
            yield found
        async for found in differing(context, mapping):
            yield found
