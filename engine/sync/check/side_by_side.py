"""The two records of a coupling beside each other, field by field, in one normal form; nothing is written.

What a field should be on the other side is found out as a pass does it: lookups by couplings, options by labels, the
values of the special handling, transformation rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from engine.connectors.protocol import Row
from engine.mapping.courses import options_name
from engine.mapping.decide import alike
from engine.mapping.transfer import FROM, TO, Partners, source_of, source_value, target_value, transfer
from engine.mapping.values import Value, blank
from engine.model.conflict import Shown
from engine.model.coupled import Alike, BothRecords, FieldPair, OneRecord
from engine.model.mapping import Direction, FieldKind, FieldMapping, Table, TableMapping
from engine.store.couplings import Coupling
from engine.store.work import Scope
from engine.sync.columns import source_columns
from engine.sync.context import Context
from engine.sync.lookups import choices, partners
from engine.sync.naming import Names, called, names
from engine.sync.page import Pass

_LEFT_OUT = "The special handling of the mapping says whether it is written."


@dataclass(frozen=True, slots=True)
class _Way:
    """One direction: the source record, its partner, the other side of its lookups, and values of its handling."""

    mapping: TableMapping
    one_way: Direction
    source: Row
    target: Row
    found: Partners
    derived: Mapping[str, Any]

    def look(self, field: FieldMapping) -> "_Look":
        """Whether the partner has what it should."""
        wanted = transfer(replace(self.mapping, fields=(field,)), self.one_way, self.source, self.found, self.derived)
        if wanted.problem is not None:
            return _Look(Alike.UNKNOWN, wanted.problem.message)
        current = target_value(field, self.one_way, self.target)
        given = source_of(wanted, field, self.one_way, self.source)
        if field in wanted.values:
            desired = wanted.values[field]
            same = alike(field, self.one_way, given, desired, current)
            note = " ".join(one.message for one in wanted.warnings)
            return _Look(Alike.SAME if same else Alike.DIFFERS, note, desired)
        if wanted.waiting:
            value = wanted.waiting[0].value
            return _Look(Alike.DIFFERS, f"{field.nav or field.crm} '{value}' is not coupled through {field.lookup}.")
        if field.not_null and blank(given):
            return _Look(Alike.SAME if blank(current) else Alike.UNKNOWN, "A blank leaves the other side as it is.")
        return _Look(Alike.UNKNOWN, _LEFT_OUT if field.derived else "")


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found of a field in one direction: `note` says why it cannot be told, `desired` what the partner should
    have.
    """

    alike: Alike
    note: str
    desired: Value = None


async def side_by_side(context: Context, mapping: TableMapping, pair: Coupling) -> BothRecords:
    """Both records of a pair as they are now; raises ConnectionLost or AccessDenied when a side cannot be read."""
    nav, crm = mapping.nav, mapping.crm
    ours = (await context.nav.fetch(nav.entity, nav.key, [pair.nav_id], source_columns(mapping, TO))).get(pair.nav_id)
    theirs = (await context.crm.fetch(crm.entity, crm.key, [pair.crm_id], source_columns(mapping, FROM))).get(
        pair.crm_id
    )
    ways: dict[Direction, _Way] = {}
    back: Partners = {}
    if theirs is not None:
        back = {**await partners(context, mapping, FROM, [theirs]), **await choices(context, mapping, FROM)}
    if ours is not None and theirs is not None:
        rows = {TO: (ours, theirs), FROM: (theirs, ours)}
        ways = {one_way: await _way(context, mapping, one_way, *rows[one_way]) for one_way in mapping.direction.passes}
    own = names(context, mapping)
    return BothRecords(
        mapping.name,
        pair.nav_no,
        _record(nav, pair.nav_id, ours),
        _record(crm, pair.crm_id, theirs),
        tuple(_with_names(_pair(field, ours, theirs, back, ways), own) for field in mapping.fields),
    )


async def _way(context: Context, mapping: TableMapping, one_way: Direction, source: Row, target: Row) -> _Way:
    scope = Scope(0, 0, mapping.name, one_way, plan=True)
    one = await Pass.of(context, scope, only_coupled=True)
    found = {**await partners(context, mapping, one_way, [source]), **one.options}
    id = str(source[mapping.table(one_way).key]).lower()
    prepared = await one.handling.prepare({id: source})
    return _Way(mapping, one_way, source, target, found, prepared.derived.get(id, {}))


def _pair(
    field: FieldMapping, ours: Row | None, theirs: Row | None, back: Partners, ways: Mapping[Direction, _Way]
) -> FieldPair:
    looks = {one_way: way.look(field) for one_way, way in ways.items() if field.direction.includes(one_way)}
    found = [one.alike for one in looks.values()]
    verdict = next((one for one in (Alike.SAME, Alike.DIFFERS) if one in found), Alike.UNKNOWN)
    note = next((one.note for one in looks.values() if one.alike is verdict and one.note), "")
    if verdict is Alike.DIFFERS and not note:
        note = _when(field)
    return FieldPair(
        field.nav,
        field.crm,
        field.direction,
        _shown(_value(field, TO, ours) if field.nav else _made(field, looks.get(TO))),
        _shown(_as_in_nav(field, _value(field, FROM, theirs), back) if field.crm else _made(field, looks.get(FROM))),
        verdict,
        note,
    )


def _with_names(one: FieldPair, found: Names) -> FieldPair:
    """The field with what values of CRM are called; where NAV has no field, they stand on its side, too."""
    own = found.get(one.crm, {})
    nav_value = one.nav_value if one.nav else called(one.nav_value, own)
    return replace(one, nav_value=nav_value, crm_value=called(one.crm_value, own))


def _made(field: FieldMapping, look: _Look | None) -> Value:
    """Where one side has no field: what the other one should have, which the mapping or its special handling makes."""
    return field.constant if look is None or blank(look.desired) else look.desired


def _when(field: FieldMapping) -> str:
    if field.create_only:
        return "It is written with a new record only."
    return "It is written when a record is made or coupled, not afterwards." if field.initial else ""


def _value(field: FieldMapping, side: Direction, row: Row | None) -> Value:
    return None if row is None else source_value(field, side, row)


def _as_in_nav(field: FieldMapping, value: Value, back: Partners) -> Value:
    """Lookups and options of CRM as the numbers, codes and names that NAV has; what is not coupled stays as it is."""
    name = field.lookup if field.kind is FieldKind.LOOKUP else options_name(field)
    return value if blank(value) else back.get(name, {}).get(str(value), value)


def _shown(value: Value) -> Shown:
    return str(value) if isinstance(value, Decimal) else value


def _record(table: Table, id: str, row: Row | None) -> OneRecord:
    if row is None:
        return OneRecord(table.caption, id, found=False)
    modified = str(row.get(table.modified) or "") if table.modified else ""
    return OneRecord(table.caption, id, True, str(row.get(table.name) or ""), modified)
