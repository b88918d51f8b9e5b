"""What follows once a product itself is right, and how it fails."""

from collections.abc import Mapping, Sequence

from engine.connectors.protocol import Result, Row, Status, Write
from engine.mapping.base import base_with
from engine.mapping.transfer import TO
from engine.model.mapping import Direction
from engine.model.outcome import Problem
from engine.store.traces import Extra
from engine.store.work import Scope, intend
from engine.sync.context import Context
from engine.sync.item import Item
from engine.sync.traces import overwrites

_WHAT = {
    "price": "the price list line cannot be written",
    "publish": "the product cannot be published",
    "state": "the state of the product cannot be changed",
}


async def record(
    context: Context,
    scope: Scope,
    updates: Sequence[tuple[Row, Write]],
    extras: Sequence[Extra] = (),
    bases: Mapping[str, bytes | None] | None = None,
) -> None:
    """Make durable what is about to be overwritten or made, each row with what it holds, and what the couplings of rows
    remember; in a plan nothing is.
    """
    if context.plan or not (updates or extras):
        return
    old, at = overwrites(updates, bases or {}), context.clock()
    await context.store.write(lambda connection: intend(connection, scope, (), old, at, extras))


def note(left: dict[str, Item], id: str, result: Result, step: str, one_way: Direction = TO) -> None:
    """Take what is done or refused off the list; what is stale or unknown stays for another look."""
    if result.status is Status.DONE:
        left[id].written = True
    elif result.status in (Status.REJECTED, Status.MISSING):
        item = left.pop(id)
        item.updated = True  # and it is known that nothing came of it
        _fail(item, step, result.message, one_way)


def give_up(left: Mapping[str, Item], step: str, one_way: Direction = TO) -> None:
    """Fail what is still on the list."""
    for item in left.values():
        item.left |= frozenset(item.late)
        _fail(item, step, "CRM did not settle on an answer.", one_way)


def _fail(item: Item, step: str, message: str, one_way: Direction) -> None:
    """The record fails, and all is remembered but what is missing: of that, what both sides had before."""
    what = _WHAT[step]
    problem = Problem(
        f"product_{step}",
        what,
        f"The product is in CRM and coupled, but {what}: {message}",
        "Mend the cause in CRM and run again; the product itself is not repeated.",
    )
    before = None if item.coupling is None else item.coupling.base
    item.base = base_with(item.base, dict.fromkeys(item.late, before))
    item.fail(problem, one_way=one_way)
