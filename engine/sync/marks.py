"""Partners that are told by the mark, the field of a NAV record with the id of the CRM row for which it was made.

A state store that was lost or set back has forgotten the pair. Where nothing else matches the records, both would be
made once more (reference/reliability.md section 2.5).
"""

from collections.abc import Sequence

from engine.connectors.protocol import Row
from engine.mapping.transfer import FROM, TO
from engine.model.mapping import Condition, TableMapping
from engine.model.outcome import Problem
from engine.model.records import is_guid
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.item import Item, Mode
from engine.sync.twins import marker_of


async def any_marked(context: Context, scope: Scope, mapping: TableMapping) -> bool:
    """Whether a pass may meet records that are marked. One to CRM sees the marks in what it reads; for one to NAV, one
    question tells that there are none, as in a company that has never been synchronized.
    """
    if scope.direction is TO:
        return marker_of(context, mapping, TO) is not None
    marker = context.nav.marker
    if marker is None:
        return False
    return (await context.nav.count(mapping.nav.entity, (Condition(marker, "ne", ""),))).number > 0


async def match_by_mark(
    context: Context, scope: Scope, mapping: TableMapping, items: Sequence[Item], claimed: set[str]
) -> None:
    """Couple uncoupled records with the partner that a mark names, where both are uncoupled; fail them where several
    records of NAV have the same mark.
    """
    marker = context.nav.marker
    if marker is None or not items:
        return
    to_crm = scope.direction is TO
    named = {item.id: str(item.row.get(marker) or "").lower() if to_crm else item.id for item in items}
    named = {id: mark for id, mark in named.items() if is_guid(mark)}
    if to_crm:
        free = await _free(context, mapping, list(named.values()))
        named = {id: mark for id, mark in named.items() if mark in free}
    marked = await _marked(context, mapping, marker, list(named.values()))
    for item in items:
        records = marked.get(named.get(item.id, ""), [])
        if not records:
            continue
        partner = named[item.id] if to_crm else str(records[0][mapping.nav.key])
        if len(records) > 1:
            item.fail(_several(mapping.nav.caption, marker, len(records)), ambiguous=True, one_way=scope.direction)
        elif partner not in claimed:
            item.mode = Mode.MATCHED
            item.target_id = partner
            item.target_number = "" if to_crm else str(records[0].get(mapping.nav.number) or "")
            claimed.add(partner)


async def _free(context: Context, mapping: TableMapping, ids: Sequence[str]) -> set[str]:
    """The rows of CRM, of those with these ids, that are there and not coupled."""
    if not ids:
        return set()
    table = mapping.crm
    there = await context.crm.fetch(table.entity, table.key, list(dict.fromkeys(ids)), (table.key,))
    return there.keys() - await context.taken(mapping.name, TO, list(there))


async def _marked(context: Context, mapping: TableMapping, marker: str, crm_ids: Sequence[str]) -> dict[str, list[Row]]:
    """By mark, the records of NAV that are not coupled."""
    if not crm_ids:
        return {}
    table = mapping.nav
    rows = await context.nav.find(table.entity, marker, crm_ids, (table.key, table.number, marker))
    ids = [str(row[table.key]).lower() for row in rows]
    taken = await context.taken(mapping.name, FROM, ids)
    found: dict[str, list[Row]] = {}
    for id, row in zip(ids, rows, strict=True):
        if id not in taken:
            found.setdefault(str(row[marker]).lower(), []).append(row)
    return found


def _several(caption: str, marker: str, number: int) -> Problem:
    return Problem(
        "ambiguous",
        f"several uncoupled records have the same {marker}",
        f"{number} uncoupled {caption} records have the mark of the same CRM record in {marker}; nothing was coupled "
        "or created.",
        f"Delete the ones too many in NAV, or clear {marker} in those that are records of their own, then run again.",
    )
