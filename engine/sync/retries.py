"""Records that have their turn before those that were modified: the failed ones, those with a conflict that an operator
chose for, or that a mapping which asks no more is to settle, and those to which engines that broke off sent something.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from engine.connectors.protocol import Row
from engine.mapping.transfer import TO
from engine.model.mapping import ConflictPolicy
from engine.store import conflicts, troubles
from engine.store.chunks import chunks
from engine.store.pages import add_page
from engine.sync.page import Pass, work_page
from engine.sync.twins import marked_columns
from engine.sync.unsettled import to_look_at

_IDS = 400
"""Ids in one question, as in the products (reference/domain.md section 3.1)."""


async def retry_first(one: Pass) -> Pass:
    """Work on them, and return the pass that leaves them out.

    What is outside the table filter stays in the ledger; what does not exist any more leaves it.
    """
    context, scope = one.context, one.scope
    ids = await context.store.read(partial(_waiting, one=one))
    for number, chunk in enumerate(chunks(ids, _IDS), 1):
        await context.checkpoint()
        rows = await _rows(one, chunk)
        if not rows:
            continue
        result = replace(await work_page(one, rows, None), last_key=f"retry {number}")
        at = context.clock()
        await context.store.write(partial(add_page, scope=scope, result=result, at=at))
    return replace(one, handled=frozenset(ids))


def _waiting(connection: sa.Connection, one: Pass) -> list[str]:
    scope = one.scope
    failed = troubles.to_retry(connection, scope.mapping, scope.direction)
    asks = one.mapping.conflict is ConflictPolicy.ASK
    settled = (conflicts.chosen if asks else conflicts.listing)(connection, scope.mapping)
    mine = (pair.nav_id if scope.direction is TO else pair.crm_id for pair in settled)
    return list(dict.fromkeys([*failed, *mine, *to_look_at(connection, one.context, one.mapping, scope.direction)]))


async def _rows(one: Pass, ids: Sequence[str]) -> list[Row]:
    scope = one.scope
    source = one.context.source(scope.direction)
    table = one.mapping.table(scope.direction)
    columns = marked_columns(one.context, one.mapping, scope.direction)
    rows = await source.find(table.entity, table.key, ids, columns, table.filter)
    found = {str(row[table.key]).lower() for row in rows}
    if missing := [id for id in ids if id not in found]:
        present = await source.fetch(table.entity, table.key, missing, (table.key,))
        lost = [id for id in missing if id not in present]
        await one.context.store.write(
            partial(troubles.forget, mapping=scope.mapping, one_way=scope.direction, ids=lost)
        )
    return rows
