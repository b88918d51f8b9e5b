"""Match before create: find the one uncoupled record on the other side that means the same (design.md section 5)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engine.connectors.protocol import Row, Side
from engine.mapping.transfer import FROM, TO, Partners, match_value, target_value
from engine.mapping.values import Value, blank, folded
from engine.model.mapping import Condition, FieldMapping, MatchRule, TableMapping
from engine.model.outcome import Problem
from engine.model.records import is_guid
from engine.store.work import Scope
from engine.sync.context import Context
from engine.sync.item import Item, Mode

Key = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The uncoupled records of the other side that match a record by one rule, and how many uncoupled source records
    match them.
    """

    rows: Sequence[Row]
    rivals: int


async def find_partners(
    context: Context,
    scope: Scope,
    mapping: TableMapping,
    items: Sequence[Item],
    partners: Partners,
    claimed: set[str],
) -> None:
    """Couple each uncoupled record with its only match, fail it when there are several, else leave it to be created.

    `claimed` are destination records that other records of this pass, committed or not, have taken.
    """
    one_way = scope.direction
    table = mapping.crm if one_way is TO else mapping.nav
    left = [item for item in items if item.open and item.mode is Mode.CREATE]
    for rule in mapping.match:
        found = await candidates(context, scope, mapping, rule, left, partners, claimed, table.match_filter)
        for item in left:
            if (one := found.get(item.id)) is None:
                continue
            if one.rivals > 1:
                problem = _ambiguous(rule, one.rivals, mapping.table(one_way).caption)
                item.fail(problem, ambiguous=True, one_way=one_way)
            elif len(one.rows) > 1:
                item.fail(_ambiguous(rule, len(one.rows), table.caption), ambiguous=True, one_way=one_way)
            elif one.rows[0][table.key] not in claimed:
                item.mode = Mode.MATCHED
                item.target_id = str(one.rows[0][table.key])
                item.target_number = str(one.rows[0].get(table.number) or "")
                claimed.add(item.target_id)
        left = [item for item in left if item.open and item.mode is Mode.CREATE]


async def candidates(
    context: Context,
    scope: Scope,
    mapping: TableMapping,
    rule: MatchRule,
    items: Sequence[Item],
    partners: Partners,
    claimed: set[str],
    conditions: tuple[Condition, ...],
) -> dict[str, Found]:
    """By id, what matches these uncoupled records by a rule, among the records of the other side that meet the
    conditions and are neither coupled nor claimed; records without a match are not in it.
    """
    one_way = scope.direction
    side = context.target(one_way)
    table = mapping.crm if one_way is TO else mapping.nav
    fields = [rule_field(mapping, nav, crm) for nav, crm in rule.pairs]
    first = fields[0]
    keyed: list[tuple[Item, Key]] = []
    sought: dict[str, None] = {}
    for item in items:
        values = tuple(match_value(field, one_way, item.row, partners) for field in fields)
        if not any(blank(value) for value in values):
            keyed.append((item, rule_key(fields, values)))
            sought[str(values[0])] = None
    if not keyed:
        return {}
    column = first.column if one_way is TO else first.nav
    columns = dict.fromkeys(
        [table.key, table.number, *(field.column if one_way is TO else field.nav for field in fields)]
    )
    if side.marker:
        columns[side.marker] = None
    rows_of: dict[Key, list[Row]] = {}
    for row in await side.find(table.entity, column, list(sought), tuple(columns), conditions):
        key = rule_key(fields, [target_value(field, one_way, row) for field in fields])
        rows_of.setdefault(key, []).append(row)
    if not rows_of:
        return {}
    ids = [str(row[table.key]) for rows in rows_of.values() for row in rows]
    taken = await context.taken(mapping.name, one_way, ids)
    marks = {_mark(side, row) for rows in rows_of.values() for row in rows if row[table.key] not in taken}
    owners = await _owners(context, mapping, marks, {item.id for item in items})
    free = {
        item.id: [
            row
            for row in rows_of.get(key, ())
            if row[table.key] not in taken
            and row[table.key] not in claimed
            and ((mark := _mark(side, row)) == item.id or mark not in owners)
        ]
        for item, key in keyed
    }
    found = [(item, key) for item, key in keyed if free[item.id]]
    rivals = await _rivals(context, scope, mapping, fields, found, partners)
    return {item.id: Found(free[item.id], rivals[key]) for item, key in found}


async def _rivals(
    context: Context,
    scope: Scope,
    mapping: TableMapping,
    fields: Sequence[FieldMapping],
    found: Sequence[tuple[Item, Key]],
    partners: Partners,
) -> Counter[Key]:
    """How many uncoupled source records have each key: of two that match one partner, neither gets it."""
    one_way = scope.direction
    number: Counter[Key] = Counter()
    if not found:
        return number
    table = mapping.table(one_way)
    names = [field.nav if one_way is TO else field.column for field in fields]
    sought = list(dict.fromkeys(str(item.row[names[0]]) for item, _ in found))
    columns = tuple(dict.fromkeys((table.key, *names)))
    rows = {
        str(row[table.key]).lower(): row
        for row in await context.source(one_way).find(table.entity, names[0], sought, columns, table.filter)
    }
    coupled = await context.store.read(
        lambda connection: context.couplings.of(connection, mapping.name, one_way, list(rows))
    )
    for id, row in rows.items():
        if id not in coupled:
            number[rule_key(fields, [match_value(field, one_way, row, partners) for field in fields])] += 1
    return number


def rule_key(fields: Sequence[FieldMapping], values: Sequence[Value]) -> Key:
    """What equal records have in common: texts without case, unless their field minds it."""
    return tuple(
        value.strip() if field.case_sensitive and isinstance(value, str) else folded(value)
        for field, value in zip(fields, values, strict=True)
    )


def rule_field(mapping: TableMapping, nav: str, crm: str) -> FieldMapping:
    """The field mapping of a pair of a match rule."""
    return next(
        (field for field in mapping.fields if field.nav == nav and field.crm == crm), FieldMapping(nav=nav, crm=crm)
    )


async def _owners(context: Context, mapping: TableMapping, marks: set[str], present: set[str]) -> set[str]:
    """Of the CRM records that marks name, those that are there, as the `present` ones, or are coupled: what carries the
    mark of such a one belongs to it. A record whose former partner is gone, or was made again, belongs to nobody.
    """
    sought = sorted(mark for mark in marks - present if is_guid(mark))
    if not sought:
        return present
    table = mapping.crm
    there = await context.crm.fetch(table.entity, table.key, sought, (table.key,))
    coupled = await context.store.read(lambda connection: context.couplings.of(connection, mapping.name, FROM, sought))
    return present | there.keys() | coupled.keys()


def _mark(side: Side, row: Row) -> str:
    """Which record a record was made for, as its marker says; blank where it says nothing."""
    return str(row.get(side.marker) or "").lower() if side.marker else ""


def _ambiguous(rule: MatchRule, number: int, caption: str) -> Problem:
    by = " and ".join(nav for nav, _ in rule.pairs)
    return Problem(
        "ambiguous",
        f"several uncoupled records match by {by}",
        f"{number} uncoupled {caption} records have the same {by}; nothing was coupled or created.",
        "Merge the duplicates or couple the right one by hand, then run again.",
    )
