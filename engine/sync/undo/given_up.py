"""Undos that an operator gave up: the removals that were under way when the last engine ended are looked at."""

from functools import partial

from engine.store import undoing
from engine.store.undoing import DONE, REMOVE, Ended
from engine.sync.context import Context
from engine.sync.undo.acting import BATCH, said
from engine.sync.undo.undone import place_of


async def settle_given_up(context: Context) -> None:
    """Uncouple what such an undo removed without having written it down; what it did not come to is dropped.

    Of each, one batch at most was under way (`Acting.act`). Any number of calls has the effect of one.

    Raises ConfigError when the mapping of that batch is not there any more: its couplings may lead to what is gone.
    """
    for run in await context.store.read(undoing.given_up):
        steps = await context.store.read(partial(undoing.upcoming, run=run, limit=BATCH))
        ended = []
        if steps and steps[0].kind == REMOVE:
            first, ids = steps[0], [step.id for step in steps]
            place = place_of(context.mappings, first.mapping, first.entity, first.direction)
            rows = await context.target(first.direction).fetch(first.entity, place.key, ids, (place.key,))
            ended = [Ended(step, DONE, said(step)) for step in steps if step.id not in rows]
        await context.store.write(partial(undoing.give_up, run=run, ended=ended, at=context.clock()))
