"""What lookups of CRM lead to, for people who compare.

Where the couplings know it, that is a NAV number or code, which `engine.sync` puts there. Here is what CRM calls the
rest, such as a user who is coupled with no salesperson.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from engine.model.conflict import Shown
from engine.model.coupled import BothRecords
from engine.model.errors import CouplerError
from engine.model.mapping import FieldKind, FieldMapping, Table, TableMapping
from engine.model.matches import Review
from engine.model.plan import Difference
from engine.sync.context import Context


async def difference_named(context: Context, mapping: TableMapping, found: Difference) -> Difference:
    """The fields of a record of a plan, with names for ids."""
    names = await _names(
        context, mapping, ((one.crm, value) for one in found.changes for value in (one.source, one.now, one.then))
    )
    changes = (
        replace(one, source=_of(names, one.source), now=_of(names, one.now), then=_of(names, one.then))
        for one in found.changes
    )
    return replace(found, changes=tuple(changes))


async def review_named(context: Context, mapping: TableMapping, found: Review) -> Review:
    """A record and its candidates, with names for ids."""
    columns = [one.crm for one in found.fields]
    values = [(one.crm, one.value) for one in found.fields]
    values += [pair for one in found.candidates for pair in zip(columns, one.values, strict=True)]
    names = await _names(context, mapping, values)
    return replace(
        found,
        fields=tuple(replace(one, value=_of(names, one.value)) for one in found.fields),
        candidates=tuple(
            replace(one, values=tuple(_of(names, value) for value in one.values)) for one in found.candidates
        ),
    )


async def both_named(context: Context, mapping: TableMapping, found: BothRecords) -> BothRecords:
    """Both records of a coupling, with names for ids."""
    names = await _names(context, mapping, ((one.crm, one.crm_value) for one in found.fields))
    fields = (replace(one, crm_value=_of(names, one.crm_value)) for one in found.fields)
    return replace(found, fields=tuple(fields))


def id_of(value: Shown) -> str:
    """A value that is an id, in canonical form; blank for any other."""
    try:
        return str(UUID(value)) if isinstance(value, str) else ""
    except ValueError:
        return ""


def _of(names: dict[str, str], value: Shown) -> Shown:
    return names.get(id_of(value), value)


async def _names(context: Context, mapping: TableMapping, values: Iterable[tuple[str, Shown]]) -> dict[str, str]:
    """By id, what CRM calls the records that lookup columns of a mapping lead to; where it does not tell, an id stays
    one: that is no reason to show nothing.
    """
    tables = {one.crm: _table(context, one) for one in mapping.fields if one.kind is FieldKind.LOOKUP}
    wanted: dict[Table, set[str]] = {}
    for column, value in values:
        if (table := tables.get(column)) is not None and (id := id_of(value)):
            wanted.setdefault(table, set()).add(id)
    found: dict[str, str] = {}
    for table, ids in wanted.items():
        with suppress(CouplerError):
            rows = await context.crm.fetch(table.entity, table.key, sorted(ids), (table.name,))
            found |= {id: str(row[table.name]) for id, row in rows.items() if row.get(table.name)}
    return found


def _table(context: Context, field: FieldMapping) -> Table | None:
    """The table that a lookup leads to, where a mapping knows it."""
    if field.lookup in context.mappings:
        return context.mappings[field.lookup].crm
    return next((one.crm for one in context.mappings.values() if one.crm.entity == field.target), None)
