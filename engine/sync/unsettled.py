"""Updates of engines that broke off before they could commit what came of them: what they sent is nobody's edit."""

from collections.abc import Sequence
from functools import partial

from engine.mapping.transfer import FROM, TO
from engine.model.mapping import TableMapping
from engine.store.traces import unsettled
from engine.sync.context import Context
from engine.sync.item import Item


async def recall(context: Context, mapping: TableMapping, items: Sequence[Item]) -> None:
    """Give coupled records what was sent to either side and no committed page has seen since."""
    if not context.broken_off:
        return
    pairs = [(item, item.coupling) for item in items if item.coupling is not None and item.coupling.base is not None]
    to_nav, to_crm = [
        await context.store.read(partial(unsettled, entity=entity, ids=ids))
        for entity, ids in (
            (mapping.nav.entity, [pair.nav_id for _, pair in pairs]),
            (mapping.crm.entity, [pair.crm_id for _, pair in pairs]),
        )
    ]
    for item, pair in pairs:
        sent = {FROM: to_nav.get(pair.nav_id, ()), TO: to_crm.get(pair.crm_id, ())}
        item.unsettled = {way: [one.new for one in rows] for way, rows in sent.items() if rows}
