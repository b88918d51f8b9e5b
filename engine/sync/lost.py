"""Lookups whose partner was deleted: CRM deletes contacts with their account, and either side empties what named a
record that is gone (reference/domain.md sections 1.4 and 3.5).
"""

from collections.abc import Sequence
from dataclasses import replace

from engine.mapping.transfer import FROM, TO, Waiting, source_value, target_value
from engine.mapping.values import Value, blank
from engine.model.mapping import Direction, FieldKind, FieldMapping, TableMapping
from engine.model.outcome import Problem
from engine.sync.context import Context
from engine.sync.item import Item


async def hold_back_lost(context: Context, mapping: TableMapping, one_way: Direction, items: Sequence[Item]) -> None:
    """Let lookups whose partner was deleted wait for a new one, where the field mapping lets them (`clear_on_fail`).

    What such a deletion emptied is not emptied on the other side too, nor is in NAV what is not coupled
    (reference/domain.md section 1.4). A lookup that may not wait fails a record whose own partner is made again. Only
    values that differ are looked at, so that records that are right cost nothing.
    """
    for field in mapping.fields:
        if field.kind is not FieldKind.LOOKUP or field.lookup not in context.mappings:
            continue
        found = [
            (item, value, held)
            for item in items
            if field in item.wanted.values and (field.clear_on_fail or item.lost is not None)
            if (value := item.wanted.values[field]) != (held := _held(field, one_way, item))
        ]
        await _without_lost(
            context, field, one_way, [(item, str(value)) for item, value, _ in found if not blank(value)]
        )
        if field.clear_on_fail:
            emptied = [(item, str(held)) for item, value, held in found if blank(value) and not blank(held)]
            await _keep_lost(context, field, one_way, emptied)


async def _without_lost(
    context: Context, field: FieldMapping, one_way: Direction, found: Sequence[tuple[Item, str]]
) -> None:
    """Hold back the values that are not there on the other side."""
    there = await _existing(context, field.lookup, one_way, {value for _, value in found})
    for item, value in found:
        if value in there:
            continue
        source = str(source_value(field, one_way, item.row))
        if field.clear_on_fail:
            _lose(item, field, Waiting(field, source))
        else:
            item.fail(_partner_gone(field, source), one_way=one_way)


async def _keep_lost(
    context: Context, field: FieldMapping, one_way: Direction, found: Sequence[tuple[Item, str]]
) -> None:
    """Keep the values of the other side whose partner is gone; in NAV also those that have none."""
    back = FROM if one_way is TO else TO
    values = sorted({value for _, value in found})
    known = await context.store.read(
        lambda connection: context.couplings.partners(connection, field.lookup, back, values)
    )
    there = await _existing(context, field.lookup, back, set(known.values()))
    for item, value in found:
        if (value in known or one_way is FROM) and known.get(value) not in there:
            _lose(item, field)


async def _existing(context: Context, name: str, one_way: Direction, values: set[str]) -> set[str]:
    """Which lookup values name a record of a mapping on the side that is written to; of a plan, also what it would
    make.
    """
    ordered = sorted(values)
    if not ordered:
        return set()
    mapping = context.mappings[name]
    if one_way is not TO:
        numbers = [value for value in ordered if value]
        rows = await context.nav.find(mapping.nav.entity, mapping.nav.number, numbers, (mapping.nav.number,))
        return {"", *(str(row[mapping.nav.number]) for row in rows)}
    there = set(await context.crm.fetch(mapping.crm.entity, mapping.crm.key, ordered, (mapping.crm.key,)))
    if context.plan:
        pairs = await context.store.read(lambda connection: context.couplings.of(connection, name, FROM, ordered))
        there |= {id for id, pair in pairs.items() if pair.planned}
    return there


def _held(field: FieldMapping, one_way: Direction, item: Item) -> Value:
    """What the other side of a record has; nothing when there is none yet."""
    return None if item.target is None else target_value(field, one_way, item.target)


def _lose(item: Item, field: FieldMapping, *waiting: Waiting) -> None:
    """Leave a lookup as it is on the other side."""
    old = item.wanted
    values = {one: value for one, value in old.values.items() if one is not field}
    item.wanted = replace(old, values=values, waiting=(*old.waiting, *waiting), lost=(*old.lost, field))


def _partner_gone(field: FieldMapping, value: str) -> Problem:
    name = field.nav or field.crm
    return Problem(
        "partner_gone",
        f"{name}: the partner of the {field.lookup} record is gone",
        f"The record cannot be made again, because the partner of its {field.lookup} record, {name} '{value}', was "
        "deleted too.",
        f"Restore the partner of the {field.lookup} record or remove its coupling first, then run again.",
    )
