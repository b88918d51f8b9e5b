"""The ids under which new rows are made, where a side takes ids of ours (design.md section 6)."""

from collections.abc import Sequence
from functools import partial

from engine.mapping.transfer import TO
from engine.store.couplings import generations
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.item import Item


async def choose_ids(context: Context, scope: Scope, creates: Sequence[Item]) -> None:
    """Give records the ids that their partners are going to have, and tell those whose id was used already.

    Uncoupling deletes nothing: what was made of a record then is still there under its id, and may be the partner of
    another one by now. Such a record gets the next id.
    """
    for item in creates:
        item.target_id = context.new_id(scope.mapping, item.id, item.generation)
    to_crm = scope.direction is TO
    by_nav = {item.id if to_crm else str(item.target_id): item for item in creates}
    again = await context.store.read(partial(generations, mapping=scope.mapping, nav_ids=list(by_nav)))
    if not again:
        return
    used = [by_nav[id] for id in again]
    for item, number in zip(used, again.values(), strict=True):
        item.used = True
        item.generation = max(item.generation, number)
        item.target_id = context.new_id(scope.mapping, item.id, item.generation)

    taken = await context.taken(scope.mapping, scope.direction, [str(item.target_id) for item in used])
    for item in used:
        if item.target_id in taken:
            item.generation += 1
            item.target_id = context.new_id(scope.mapping, item.id, item.generation)
