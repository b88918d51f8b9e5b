"""Conflicts that arise between the reading of a record and our update of its partner.

Where the record wins that was modified last, that update is a modification too: whoever meets such a conflict later
would take what the partner had before for newer than the edit.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.connectors.protocol import ETAG
from engine.mapping.decide import Decision, Settled, decide, settled
from engine.mapping.transfer import Partners, Transferred
from engine.model.conflict import Clash
from engine.model.mapping import ConflictPolicy, TableMapping
from engine.store.work import Scope
from engine.sync.columns import source_columns
from engine.sync.context import Context
from engine.sync.item import Item
from engine.sync.lookups import partners


async def edited_meanwhile(
    context: Context,
    scope: Scope,
    mapping: TableMapping,
    items: Sequence[Item],
    transferred: Callable[[Item, Partners], Transferred],
) -> list[Item]:
    """The records to decide on once more, as they are now, with who was newer before we wrote to their partners.

    Looked at are those whose partner we wrote to while it kept a change of its own, as only these can be in conflict.
    """
    updated = [item for item in items if item.open and item.settled and item.before is not None]
    if context.plan or not updated or mapping.conflict not in (ConflictPolicy.LATEST, ConflictPolicy.ASK):
        return []
    table, ids = mapping.table(scope.direction), [item.id for item in updated]
    columns = source_columns(mapping, scope.direction)
    rows = await context.source(scope.direction).fetch(table.entity, table.key, ids, columns)
    found = await partners(context, mapping, scope.direction, rows.values())
    again: list[Item] = []
    for item in updated:
        row = rows.get(item.id)
        if row is None or row.get(ETAG) == item.row.get(ETAG):
            continue
        now = replace(item, row=row)
        now.wanted = transferred(now, found)
        if now.wanted.problem is None and (known := _arisen(mapping, scope, item, now)):
            item.row, item.wanted, item.known = row, now.wanted, known
            item.settled = False
            again.append(item)
    return again


def _arisen(mapping: TableMapping, scope: Scope, item: Item, now: Item) -> tuple[Clash, ...]:
    """All that is known of a record's conflicts, if since it was read one arose that is not left as it is."""
    asking = replace(mapping, conflict=ConflictPolicy.ASK)
    before = _decision(asking, scope, item, item.known).clashes
    carried = {field.nav for field in _decision(mapping, scope, item, item.known).values}
    after = _decision(asking, scope, now, before).clashes
    old = {one.same for one in before}
    new = [one for one in after if one.same not in old and one.nav not in carried]
    left = [settled(mapping.conflict, scope.direction, one.newer, one.choice) is Settled.LEAVE for one in new]
    return () if all(left) else after


def _decision(mapping: TableMapping, scope: Scope, item: Item, known: Sequence[Clash]) -> Decision:
    """What was to be done with a record and its partner as that was before our update."""
    base = item.coupling.base if item.coupling is not None else None
    return decide(
        mapping,
        scope.direction,
        item.row,
        item.before or {},
        item.wanted,
        base=base,
        first=base is None,
        known=known,
        unsettled=item.unsettled,
        moved=item.moved,
    )
