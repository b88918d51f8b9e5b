"""What somebody waits for at a screen is read from both sides in half a minute, or not at all."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.config import Settings
from engine.model.coupled import CoupledRow
from engine.model.errors import ConnectionLost
from engine.model.mapping import Direction
from engine.model.matches import Ambiguous
from engine.model.plan import Effect, Foreseen
from engine.runs import browsing, plans, reviews, sides
from engine.store.database import Store
from tests.sync.world import Make

TO = Direction.TO_INTEGRATION_TABLE
ID = "00000001-0000-4000-8000-000000000000"
AT = datetime(2026, 3, 12, tzinfo=UTC)
FORESEEN = Foreseen(1, 1, "CUSTOMER", TO, Effect.INSERTED, "C1", "", ID, None)
AMBIGUOUS = Ambiguous("CUSTOMER", TO, ID, "C1", "", "", 1, AT)
READS: dict[str, Callable[[Store, Settings], Any]] = {
    "a record of a plan": lambda store, settings: plans.difference(store, settings, FORESEEN),
    "candidates": lambda store, settings: reviews.candidates(store, settings, AMBIGUOUS),
    "both records": lambda store, settings: browsing.both_records(
        store, settings, CoupledRow("CUSTOMER", "C1", ID, ID, 1, AT)
    ),
}


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("read", READS)
async def test_servers_that_do_not_answer_are_told(
    make: Make, silent: str, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    monkeypatch.setattr(sides, "PATIENCE", 0.5)
    world = make()
    own = world.settings
    settings = replace(own, nav=replace(own.nav, url=f"{silent}/BC/ODataV4"), crm=replace(own.crm, url=silent))
    with pytest.raises(ConnectionLost, match=r"have not answered within 0\.5 seconds"):
        async with asyncio.timeout(10):
            await asyncio.to_thread(READS[read], world.store, settings)
