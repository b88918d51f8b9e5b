"""Updates of engines that broke off before they could commit what came of them: what they sent is nobody's edit.

It stays so while it may still arrive: nobody can tell an update that comes late from an edit. The server does an update
to the version only that it was sent for, so that it is over with it once the row has another one.
"""

from collections.abc import Sequence
from functools import partial

import sqlalchemy as sa

from engine.connectors.protocol import ETAG, Row
from engine.mapping.transfer import FROM, TO
from engine.model.mapping import Direction, Table, TableMapping
from engine.store import troubles
from engine.store.traces import Sent, Values, unsettled, unsettled_rows
from engine.sync.context import Context
from engine.sync.item import Item
from engine.sync.settling import GRACE, left_at


async def recall(context: Context, mapping: TableMapping, one_way: Direction, items: Sequence[Item]) -> None:
    """Give coupled records what was sent to either side and no committed page has seen since."""
    if not context.broken_off:
        return
    pairs = [(item, item.coupling) for item in items if item.coupling is not None and item.coupling.base is not None]
    to_nav, to_crm = [
        await context.store.read(partial(unsettled, mapping=mapping.name, entity=entity, ids=ids))
        for entity, ids in (
            (mapping.nav.entity, [pair.nav_id for _, pair in pairs]),
            (mapping.crm.entity, [pair.crm_id for _, pair in pairs]),
        )
    ]
    written = {FROM: mapping.nav, TO: mapping.crm}
    for item, pair in pairs:
        sent = {FROM: to_nav.get(pair.nav_id, ()), TO: to_crm.get(pair.crm_id, ())}
        rows = {way: (item.target if way is one_way else item.row) or {} for way in sent}
        item.unsettled = {way: [one.values.in_question for one in some] for way, some in sent.items() if some}
        moved = {
            way: [one.values for one in some if one.values.etag not in ("", str(rows[way].get(ETAG) or ""))]
            for way, some in sent.items()
        }
        item.moved = {way: [one.in_question for one in some] for way, some in moved.items()}
        item.earlier = {way: [_as_it_was(one, written[way]) for one in some] for way, some in moved.items()}
        item.under_way = frozenset(
            way for way, some in sent.items() if any(_may_arrive(context, way, one, rows[way]) for one in some)
        )


def _as_it_was(sent: Values, table: Table) -> Row:
    """What stood before an update where it is not known what came of it, with when the row was modified then."""
    old = {column: value for column, value in sent.old.items() if column not in sent.known}
    return {**old, table.modified: sent.modified} if table.modified else old


def to_look_at(connection: sa.Connection, context: Context, mapping: TableMapping, one_way: Direction) -> list[str]:
    """The source records of a mapping to which, or to whose partners, something was sent of which nobody knows what
    came of it: they need not have been modified since. Those that are left alone are not among them.
    """
    if not context.broken_off:
        return []
    to_nav, to_crm = (unsettled_rows(connection, mapping.name, table.entity) for table in (mapping.nav, mapping.crm))
    pairs = [
        *context.couplings.of(connection, mapping.name, TO, to_nav).values(),
        *context.couplings.of(connection, mapping.name, FROM, to_crm).values(),
    ]
    ids = list(dict.fromkeys(pair.nav_id if one_way is TO else pair.crm_id for pair in pairs))
    known = troubles.of(connection, mapping.name, one_way, ids)
    return [id for id in ids if id not in known or not known[id].skipped]


def _may_arrive(context: Context, way: Direction, sent: Sent, row: Row) -> bool:
    """Whether an update may still be done to a row as it was just seen."""
    if sent.values.etag and sent.values.etag != row.get(ETAG):
        return False
    left = left_at(context, sent.at, context.beats.get(sent.run))
    return context.clock() <= context.arrived(way, left) + GRACE
