"""The lists of a [mapping.NAME] table: conditions of filters, match rules, templates."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.config import toml
from engine.config.check import Table, meant, short
from engine.config.values import NAME, fits, typed
from engine.mapping.defaults import column_is_lookup
from engine.model.mapping import OPERATORS, Condition, Direction, FieldKind, FieldMapping, MatchRule, Template

SIDES = ("nav", "crm")
Fields = Sequence[FieldMapping]


def read_conditions(table: Table, key: str, side: str, fields: Fields) -> tuple[Condition, ...]:
    """A filter: a list of [field, operator, value]; a blank text stands for no value."""
    found = table.raw(key)
    if found is None:
        return ()
    if not isinstance(found, list):
        table.add(key, f"must be a list of [field, operator, value], not {toml.kind(found)}")
        return ()
    kinds = {(one.nav if side == "nav" else one.column): one for one in fields if one.nav or one.crm}
    return tuple(one for row in found if (one := _condition(table, key, row, side, kinds)) is not None)


def read_match(table: Table, fields: Fields, default: tuple[MatchRule, ...]) -> tuple[MatchRule, ...]:
    """The match rules in the order in which they are tried; each is a list of [NAV field, CRM column] pairs."""
    found = table.raw("match")
    if found is None:
        return default
    if not isinstance(found, list) or not all(_is_rule(rule) for rule in found):
        table.add("match", 'must be a list of rules, each a list of pairs, such as [[["No", "accountnumber"]]]')
        return default
    pairs = {(one.nav, one.crm) for one in fields if one.nav and one.crm}
    for nav, crm in (pair for rule in found for pair in rule):
        if (nav, crm) not in pairs:
            names = [f"{one[0]} = {one[1]}" for one in pairs]
            said = short(f"{nav} = {crm}")
            table.add("match", f'"{said}" is not mapped, so records cannot be matched by it; {meant(said, names)}')
    return tuple(MatchRule(tuple((nav, crm) for nav, crm in rule)) for rule in found)


def read_templates(table: Table, fields: Fields, default: tuple[Template, ...]) -> tuple[Template, ...]:
    """What new records start with."""
    if not table.has("templates"):
        table.raw("templates")
        return default
    return tuple(one for row in table.rows("templates") if (one := _template(row, fields)) is not None)


def _template(row: Table, fields: Fields) -> Template | None:
    side = row.choice("side", SIDES, "")
    if side not in SIDES:
        if not row.has("side"):
            row.add("side", "is missing; it is the side of the new record, nav or crm")
        side = ""
    values = row.table("values", needs="the fields of a new record with their values")
    found = [(name, value) for name, value in values.items() if _starts(values, side, name, value, fields)]
    conditions = read_conditions(row, "conditions", "nav" if side == "crm" else "crm", fields)
    row.end({})
    return Template(side, tuple(found), conditions) if side else None


def _starts(values: Table, side: str, name: str, value: Any, fields: Fields) -> bool:
    """Whether a new record can start with a value; says why not."""
    if not NAME.fullmatch(name):
        values.add(name, "is no name of a field")
        return False
    if type(value) not in (str, int, bool):
        values.add(name, f"must be text, a whole number, true or false, not {toml.kind(value)}")
        return False
    way = Direction.TO_INTEGRATION_TABLE if side == "crm" else Direction.FROM_INTEGRATION_TABLE
    for one in fields:
        if (one.crm if side == "crm" else one.nav) != name or not one.direction.includes(way):
            continue
        if one.kind is FieldKind.LOOKUP or one.derived:
            values.add(name, "is a lookup or worked out, so it cannot come from a template")
            return False
        if one.direction is way and not (one.create_only or one.initial):
            values.add(
                name,
                "the next synchronization would overwrite it with the transferred value; change its field mapping",
            )
            return False
        if fault := typed(one.kind, side, value):
            values.add(name, fault)
            return False
        if fault := fits(one.crm_length if side == "crm" else one.nav_length, value):
            values.add(name, fault)
            return False
    return True


def _condition(table: Table, key: str, row: Any, side: str, kinds: Mapping[str, FieldMapping]) -> Condition | None:
    if not isinstance(row, list) or len(row) != 3 or not isinstance(row[0], str) or not isinstance(row[1], str):
        table.add(key, 'each condition must be [field, operator, value], such as ["Blocked", "eq", " "]')
        return None
    field, operator, value = row
    if not NAME.fullmatch(field):
        table.add(key, f'"{short(field)}" is no name of a field')
        return None
    if operator not in OPERATORS:
        table.add(key, f'{field}: "{short(operator)}" is no operator; {meant(operator, OPERATORS)}')
        return None
    if type(value) not in (str, int, bool):
        table.add(key, f"{field}: the value must be text, a whole number, true or false, not {toml.kind(value)}")
        return None
    known = kinds.get(field)
    if known is not None and value != "" and (fault := typed(known.kind, side, value)):
        table.add(key, f"{field}: the value {fault}")
        return None
    if value == "" and (side == "crm" or column_is_lookup(field)):
        value = None
    return Condition(field, operator, value, known.kind if known is not None else FieldKind.TEXT)


def _is_rule(rule: Any) -> bool:
    return (
        isinstance(rule, list)
        and bool(rule)
        and all(
            isinstance(pair, list) and len(pair) == 2 and all(isinstance(name, str) and name for name in pair)
            for pair in rule
        )
    )
