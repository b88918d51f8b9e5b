"""A record that several others match, beside these: for somebody who chooses. Only reads."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from engine.connectors.protocol import Row
from engine.mapping.transfer import FROM, TO, Partners, target_value, transfer
from engine.mapping.values import Value, blank, folded
from engine.model.conflict import Shown
from engine.model.mapping import Direction, FieldKind, FieldMapping, MatchRule, TableMapping
from engine.model.matches import Candidate, Review, ReviewField
from engine.store.couplings import Couplings
from engine.store.work import Scope
from engine.sync.columns import source_columns, target_columns
from engine.sync.context import Context
from engine.sync.difference import shown
from engine.sync.item import Item, Mode
from engine.sync.lookups import choices, partners
from engine.sync.matching import Found, candidates, rule_field
from engine.sync.naming import called, names

_SHOWN = 50
"""Candidates that are compared; who has more of them has to mend more than a coupling."""


async def review(context: Context, scope: Scope, source_id: str) -> Review:
    """The record and its candidates by the first rule that finds any, as both sides are now."""
    mapping, one_way = context.mappings[scope.mapping], scope.direction
    source, target = mapping.table(one_way), mapping.crm if one_way is TO else mapping.nav
    columns = source_columns(mapping, one_way)
    rows = await context.source(one_way).find(source.entity, source.key, [source_id], columns, source.filter)
    if not rows:
        return Review(context.clock(), message=f"The {source.caption} record is not there any more, or takes no part.")
    coupled = await context.store.read(
        partial(context.couplings.of, mapping=mapping.name, one_way=one_way, ids=[source_id])
    )
    if coupled:
        return Review(context.clock(), message="The record is coupled by now.")
    # what a plan would couple tells what lookups mean, and never who is free
    planned = replace(context, couplings=Couplings(scope.run, context.mappings.values()))
    found = await partners(planned, mapping, one_way, rows)
    lookups: Partners = {**found, **await choices(context, mapping, one_way)}
    item = Item(source_id, rows[0], str(rows[0].get(source.number) or ""), "", mode=Mode.CREATE)
    for rule in mapping.match:
        matches = await candidates(context, scope, mapping, rule, [item], lookups, set(), target.match_filter)
        if (one := matches.get(source_id)) is not None:
            return await _compared(planned, mapping, one_way, item.row, one, rule, lookups)
    return Review(context.clock(), message=f"No uncoupled {target.caption} record matches it any more.")


async def _compared(
    context: Context,
    mapping: TableMapping,
    one_way: Direction,
    row: Row,
    found: Found,
    rule: MatchRule,
    lookups: Partners,
) -> Review:
    target, side = mapping.crm if one_way is TO else mapping.nav, context.target(one_way)
    ids = sorted(str(each[target.key]) for each in found.rows)
    there = await side.fetch(target.entity, target.key, ids[:_SHOWN], target_columns(mapping, one_way))
    by_rule = [rule_field(mapping, nav, crm) for nav, crm in rule.pairs]
    others = [each for each in mapping.fields if each.nav and each.crm and each not in by_rule]
    wanted = transfer(mapping, one_way, row, lookups, {}).values
    numbers = await _numbers(context, [*by_rule, *others], [row, *there.values()])
    fields, kept = [], []
    for field in (*by_rule, *others):
        ours = _value(field, one_way is TO, row, numbers)
        if field in by_rule or any(not blank(each) for each in (ours, *_there(field, one_way, there, numbers))):
            kept.append(field)
            fields.append(ReviewField(field.nav, field.crm, ours, field in by_rule))
    own = names(context, mapping)
    made = []
    for id, partner in there.items():
        values = tuple(_value(field, one_way is not TO, partner, numbers) for field in kept)
        pairs = zip(kept, fields, values, strict=True)
        agrees = tuple(_same(field, one_way, wanted, partner, ours.value, value) for field, ours, value in pairs)
        number = "" if target.number == target.name else str(partner.get(target.number) or "")
        name = str(partner.get(target.name) or "")
        told = values if one_way is not TO else tuple(map(called, values, (own.get(one.crm, {}) for one in kept)))
        made.append(Candidate(id, number, name, sum(agrees), told, agrees))
    if one_way is not TO:
        fields = [replace(one, value=called(one.value, own.get(one.crm, {}))) for one in fields]
    made.sort(key=lambda one: (-one.same, one.number, one.id))
    more = max(0, len(ids) - _SHOWN)
    return Review(context.clock(), tuple(fields), tuple(made), more, found.rivals)


def _there(
    field: FieldMapping, one_way: Direction, there: Mapping[str, Row], numbers: Mapping[str, str]
) -> Sequence[Shown]:
    return [_value(field, one_way is not TO, partner, numbers) for partner in there.values()]


def _value(field: FieldMapping, of_nav: bool, row: Row, numbers: Mapping[str, str]) -> Shown:  # noqa: FBT001 - one of two sides
    """The value of a field on one of the sides; lookups of CRM by NAV number, where that is known."""
    value = shown(row.get(field.nav if of_nav else field.column))
    return numbers.get(str(value), value) if field.kind is FieldKind.LOOKUP and not of_nav else value


def _same(
    field: FieldMapping,
    one_way: Direction,
    wanted: Mapping[FieldMapping, Value],
    partner: Row,
    ours: Shown,
    theirs: Shown,
) -> bool:
    """Whether both sides mean the same, by the rules of the mapping, or because they read the same."""
    if field in wanted and wanted[field] == target_value(field, one_way, partner):
        return True
    return folded(ours or "") == folded(theirs or "")


async def _numbers(context: Context, fields: Sequence[FieldMapping], rows: Sequence[Row]) -> dict[str, str]:
    """What the CRM ids of lookups are in NAV, and the local currency, which is coupled with nothing."""
    found = {context.organization.local_currency_id: context.organization.local_currency}
    for field in fields:
        if field.kind is FieldKind.LOOKUP and field.lookup:
            ids = [str(value) for row in rows if (value := row.get(field.column))]
            known = partial(context.couplings.partners, mapping=field.lookup, one_way=FROM, values=ids)
            found.update(await context.store.read(known))
    return found
