"""The field mappings of a [mapping.NAME] table: changes of those there are, and new ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.config.check import Table, meant, nearest, short
from engine.config.values import NAME, fits, typed
from engine.mapping.defaults import DIRECTIONS
from engine.mapping.rules import RULES, rule_fault
from engine.mapping.transfer import FROM, TO, constant_fault
from engine.model.mapping import Direction, FieldKind, FieldMapping, Transformation

WAYS = tuple(DIRECTIONS)
KINDS = tuple(kind.value for kind in FieldKind)
_FIXED = ("constant", "kind", "lookup", "target", "navigation")
_NAME = NAME.pattern
_A_NAME = "the name of a field: letters, digits and _"
NEEDED: Mapping[str, tuple[str, ...]] = {
    "unit": ("name", "baseuomname"),
    "contact": ("parentcustomerid",),
    "product": ("price", "producttypecode", "quantitydecimal", "defaultuomscheduleid"),
}
"""By special handling: the CRM columns that it cannot do without."""


@dataclass(frozen=True, slots=True)
class Base:
    """What field mappings stand on: the mapping's direction and handling, its fields, those that are switched off, and
    the CRM set of each mapping that a lookup may name.
    """

    direction: Direction
    handling: str
    fields: tuple[FieldMapping, ...]
    extras: tuple[FieldMapping, ...]
    targets: Mapping[str, str]


def read_fields(table: Table, base: Base) -> tuple[FieldMapping, ...]:
    """All field mappings, in the order of the built-in ones, new ones last."""
    found: dict[tuple[str, str], FieldMapping] = {(one.nav, one.crm): one for one in base.fields}
    off = {(one.nav, one.crm): one for one in base.extras}
    seen: dict[tuple[str, str], Table] = {}
    for row in table.rows("fields"):
        pair = _pair(row)
        if pair is None:
            continue
        if pair in seen:
            row.add("crm" if pair[1] else "nav", f"{_shown(pair)} is there twice")
        seen[pair] = row
        one = _field(row, pair, base, found.get(pair), off.get(pair))
        row.end({})
        if one is None:
            found.pop(pair, None)
        else:
            found[pair] = one
    fields = tuple(_narrowed(one, base.direction) for one in found.values())
    _no_two_writers(table, fields, seen)
    return fields


def _pair(row: Table) -> tuple[str, str] | None:
    nav = row.optional("nav", pattern=_NAME, what=_A_NAME) or ""
    crm = row.optional("crm", pattern=_NAME, what=_A_NAME) or ""
    if not nav and not crm:
        row.add("nav", "a field mapping needs nav, crm or both")
        return None
    return nav, crm


def _field(
    row: Table, pair: tuple[str, str], base: Base, known: FieldMapping | None, extra: FieldMapping | None
) -> FieldMapping | None:
    """A field mapping as changed; None when it is switched off."""
    way = row.choice("direction", (*WAYS, "off"), "")
    on = row.flag("enabled", default=True) and way != "off"
    fixed = known is not None and (known.derived or known.crm in NEEDED.get(base.handling, ()))
    if fixed and (not on or any(row.has(name) for name in ("direction", *_FIXED))):
        row.add("crm" if pair[1] else "nav", "the special handling of this mapping needs it; it must stay as it is")
    if not on:
        if known is None and extra is None:
            names = [_shown((one.nav, one.crm)) for one in base.fields]
            row.add("direction" if way == "off" else "enabled", f"{_shown(pair)} is not mapped; {_hint(pair, names)}")
        _skip(row)
        return None
    one = known or extra or _new(row, pair)
    if extra is not None and known is None and not way:
        row.add("direction", f"{_shown(pair)} is off by default; say to, from or both to switch it on")
    one = replace(one, direction=_direction(row, way, one, base, known))
    one = _values(row, one, base)
    if not (fixed and known is not None and known.derived):
        _check(row, one, base, known)
    return one


def _new(row: Table, pair: tuple[str, str]) -> FieldMapping:
    nav, crm = pair
    kind = FieldKind.LOOKUP if row.has("lookup") or row.has("target") else _kind_of(row.peek("constant"), crm)
    return FieldMapping(nav=nav, crm=crm, kind=kind)


def _kind_of(constant: Any, crm: str) -> FieldKind:
    """The kind that a constant has when nothing else is said."""
    if isinstance(constant, bool):
        return FieldKind.BOOLEAN
    if isinstance(constant, int):
        return FieldKind.OPTION if crm else FieldKind.DECIMAL
    return FieldKind.TEXT


def _direction(row: Table, way: str, one: FieldMapping, base: Base, known: FieldMapping | None) -> Direction:
    """The direction of a field: a side that is alone can only be written to."""
    only = None if one.nav and one.crm else TO if one.crm else FROM
    if way not in DIRECTIONS:
        if known is not None:
            return known.direction
        found = only or base.direction
    else:
        found = DIRECTIONS[way]
        if only is not None and found is not only:
            row.add("direction", f"a field without the other side can only go {_word(only)}")
            return only
    if base.direction is not Direction.BIDIRECTIONAL and not found.includes(base.direction):
        row.add("direction", f"the mapping goes only {_word(base.direction)}")
    return found


def _values(row: Table, one: FieldMapping, base: Base) -> FieldMapping:
    """The field with everything that the row says of it."""
    lookup = row.optional("lookup")
    if lookup is not None and lookup not in base.targets:
        row.add("lookup", f'there is no mapping "{short(lookup)}"; {meant(lookup, base.targets)}')
    changed = replace(
        one,
        kind=FieldKind(kind) if (kind := row.choice("kind", KINDS, one.kind)) in KINDS else one.kind,
        lookup=one.lookup if lookup is None else lookup,
        target=row.optional("target", pattern=_NAME, what="the name of a CRM set")
        or (one.target if lookup is None else base.targets.get(lookup, "")),
        navigation=row.optional("navigation", pattern=_NAME, what=_A_NAME) or one.navigation,
        options=row.optional("options") or one.options,
        nav_length=row.whole("nav_length", one.nav_length, 0, 100_000),
        crm_length=row.whole("crm_length", one.crm_length, 0, 1_000_000),
        digits=row.whole("digits", one.digits, 0, 10),
        create_only=row.flag("create_only", default=one.create_only),
        initial=row.flag("initial", default=one.initial),
        not_null=row.flag("not_null", default=one.not_null),
        clear_on_fail=row.flag("clear_on_fail", default=one.clear_on_fail),
        validate=row.flag("validate", default=one.validate),
        case_sensitive=row.flag("case_sensitive", default=one.case_sensitive),
        transforms=_transforms(row, one),
    )
    constant = row.raw("constant")
    if isinstance(constant, float):
        constant = f"{constant}"  # as text it stays exact
    return changed if constant is None else replace(changed, constant=constant)


def _check(row: Table, one: FieldMapping, base: Base, known: FieldMapping | None) -> None:
    """Note what does not go together."""
    side, length = ("crm", one.crm_length) if one.crm else ("nav", one.nav_length)
    if one.constant is not None:
        if one.nav and one.crm:
            row.add("constant", "a constant has one side only; leave out nav or crm")
        elif fault := _constant_fault(one, side, row.peek("constant"), length):
            row.add("constant", fault)
        if one.transforms:
            row.add("transforms", "a constant is written as it is")
    elif not (one.nav and one.crm):
        row.add("nav" if one.crm else "crm", "is missing; a field with one side only needs a constant")
    if one.constant is not None and one.clear_on_fail:
        row.add("clear_on_fail", "a constant does not fail")
    if one.not_null and one.clear_on_fail:
        name = "clear_on_fail" if row.has("clear_on_fail") else "not_null"
        row.add(name, "clear_on_fail and not_null exclude each other")
    if one.kind is FieldKind.LOOKUP:
        if one.constant is None and not one.lookup:
            row.add("lookup", "is missing; it names the mapping whose couplings translate the value")
        if one.crm and not one.target and (not one.lookup or one.lookup in base.targets):
            row.add("target", "is missing; it is the CRM set that the column refers to, such as accounts")
        if row.has("transforms"):
            row.add("transforms", "a lookup is translated by couplings; rules do not apply")
    else:
        for name in ("lookup", "target", "navigation", "not_null"):
            if row.has(name) and row.peek(name):
                row.add(name, f"is for lookups; this field is of kind {one.kind}")
    if one.kind is FieldKind.CHOICE and not one.options:
        row.add("options", "is missing; it names the option mapping that translates the choice")
    if one.case_sensitive and known is None and one.kind not in (FieldKind.TEXT, FieldKind.CODE):
        row.add("case_sensitive", "is for texts")


def _constant_fault(one: FieldMapping, side: str, written: Any, length: int) -> str | None:
    if written is not None and (fault := typed(one.kind, side, written) or fits(length, written)):
        return fault
    return constant_fault(one)


def _transforms(row: Table, one: FieldMapping) -> tuple[Transformation, ...]:
    if not row.has("transforms"):
        row.raw("transforms")
        return one.transforms
    steps = []
    for step in row.rows("transforms"):
        name = step.text("rule")
        arguments = step.texts("arguments") or ()
        read = [*arguments] == (step.peek("arguments") or [])  # else it is said already what is wrong with them
        way = step.choice("direction", WAYS, "both")
        made = Transformation(name, arguments, DIRECTIONS.get(way, Direction.BIDIRECTIONAL))
        if name and name not in RULES:
            step.add("rule", f'"{short(name)}" is no transformation rule; {meant(name, RULES)}')
        elif name and read and (fault := rule_fault(made)):
            step.add("arguments", fault)
        step.end({})
        steps.append(made)
    return tuple(steps)


def _narrowed(one: FieldMapping, direction: Direction) -> FieldMapping:
    """A bidirectional field of a mapping that goes one way goes that way."""
    if one.direction is Direction.BIDIRECTIONAL and direction is not Direction.BIDIRECTIONAL:
        return replace(one, direction=direction)
    return one


def _no_two_writers(table: Table, fields: Sequence[FieldMapping], rows: Mapping[tuple[str, str], Table]) -> None:
    """Note fields that would overwrite each other."""
    for way in (TO, FROM):
        writers: dict[str, FieldMapping] = {}
        for one in fields:
            name = one.crm if way is TO else one.nav
            if not name or not one.direction.includes(way):
                continue
            other = writers.setdefault(name, one)
            mine, its = rows.get((one.nav, one.crm)), rows.get((other.nav, other.crm))
            if other is not one and (mine or its) is not None:
                text = f"{name} is written by {_shown((other.nav, other.crm))} too; switch one of them off"
                (mine or its or table).add("crm" if way is TO else "nav", text)


def _skip(row: Table) -> None:
    """What else is said of a field that is off does not matter, unless the key is unknown."""
    for name in (*_FIXED, "options", "nav_length", "crm_length", "digits", "create_only", "initial", "not_null",
                 "clear_on_fail", "validate", "case_sensitive", "transforms"):  # fmt: skip
        row.raw(name)


def _hint(pair: tuple[str, str], names: Sequence[str]) -> str:
    near = nearest(_shown(pair), names)
    return f'did you mean "{near}"?' if near else "`coupler mappings NAME --fields` lists what is"


def _shown(pair: tuple[str, str]) -> str:
    return short(" = ".join(filter(None, pair)))


def _word(way: Direction) -> str:
    return "to CRM" if way is TO else "to NAV"
