"""From the fields of a source record to the values that its partner should have (reference/domain.md section 3.7)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.mapping.values import Value, blank, crm_value, nav_value, normal
from engine.model.mapping import Direction, FieldKind, FieldMapping, TableMapping
from engine.model.outcome import Problem

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
Partners = Mapping[str, Mapping[str, str]]
"""By mapping: what a lookup value of the source is on the other side. A value that is not in it is not coupled."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A lookup that could not be written yet because its partner is not coupled."""

    field: FieldMapping
    value: str


@dataclass(frozen=True, slots=True)
class Transferred:
    """Values in normal form, by field. Fields without a value here are left as they are on the other side."""

    values: Mapping[FieldMapping, Value]
    waiting: tuple[Waiting, ...] = ()
    warnings: tuple[Problem, ...] = ()
    problem: Problem | None = None


_TRANSFORMS: Mapping[str, Callable[[Value], Value]] = {
    "unit_group": lambda value: f"NAV {value}",
    "not_negative": lambda value: max(value, Decimal(0)) if isinstance(value, Decimal) else value,
}


def transfer(
    mapping: TableMapping, one_way: Direction, row: Mapping[str, Any], partners: Partners, derived: Mapping[str, Value]
) -> Transferred:
    """The values for the other side of a record. `derived` has those of derived fields, by destination name."""
    values: dict[FieldMapping, Value] = {}
    waiting: list[Waiting] = []
    warnings: list[Problem] = []
    for field in mapping.fields:
        seeding = field.seed and one_way is FROM
        if not (field.direction.includes(one_way) or seeding):
            continue
        name = field.crm if one_way is TO else field.nav
        if field.derived:
            if name in derived:
                values[field] = normal(field.kind, field.digits, derived[name])
            continue
        if field.constant is not None:
            values[field] = field.constant
            continue
        source = source_value(field, one_way, row)
        if field.kind is FieldKind.LOOKUP:
            if blank(source) and field.not_null:
                continue
            found = _partner(field, one_way, source, partners)
            if found is not _NOT_COUPLED:
                values[field] = found
            elif seeding:
                continue
            elif field.clear_on_fail:
                waiting.append(Waiting(field, str(source)))
            else:
                return Transferred(values, problem=not_coupled(field, str(source)))
            continue
        if field.transform and one_way is TO:
            source = _TRANSFORMS[field.transform](source)
        limit = field.crm_length if one_way is TO else field.nav_length
        if limit and isinstance(source, str) and len(source) > limit:
            if seeding:
                continue
            if field.kind is FieldKind.CODE:
                return Transferred(values, problem=_too_long(field, name, source, limit))
            warnings.append(_cut(name, source, limit))
            source = source[:limit].rstrip()
        values[field] = source
    return Transferred(values, tuple(waiting), tuple(warnings))


def source_value(field: FieldMapping, one_way: Direction, row: Mapping[str, Any]) -> Value:
    """The value of a field in a source record."""
    return nav_value(field, row) if one_way is TO else crm_value(field, row)


def target_value(field: FieldMapping, one_way: Direction, row: Mapping[str, Any]) -> Value:
    """The value of a field in a destination record."""
    return crm_value(field, row) if one_way is TO else nav_value(field, row)


def match_value(field: FieldMapping, one_way: Direction, row: Mapping[str, Any], partners: Partners) -> Value:
    """What a field of the partner must have for a match, whatever the field's own direction is; blank when unknown."""
    source = source_value(field, one_way, row)
    if field.kind is FieldKind.LOOKUP:
        found = _partner(field, one_way, source, partners)
        return None if found is _NOT_COUPLED else found
    return _TRANSFORMS[field.transform](source) if field.transform and one_way is TO else source


def not_coupled(field: FieldMapping, value: str) -> Problem:
    """A lookup whose partner is not coupled."""
    return Problem(
        "not_coupled",
        f"{field.nav or field.crm}: the {field.lookup} record is not coupled",
        f"{field.nav or field.crm} '{value}' must be coupled through {field.lookup} before this record can be written.",
        f"Synchronize {field.lookup} first, or mend its failed records, and run again.",
    )


_NOT_COUPLED = "\0not coupled"


def _partner(field: FieldMapping, one_way: Direction, source: Value, partners: Partners) -> Value:
    """The other side of a lookup; a blank one is blank there too, unless the mapping gives it a partner (local
    currency).
    """
    known = partners.get(field.lookup, {})
    found = known.get(str(source or ""))
    if found is not None:
        return found if one_way is FROM else found or None
    if blank(source):
        return None if one_way is TO else ""
    return _NOT_COUPLED


def _too_long(field: FieldMapping, name: str, text: str, limit: int) -> Problem:
    return Problem(
        "too_long",
        f"{name}: longer than {limit} characters",
        f"{name} would be '{text}', {len(text)} characters, but holds {limit}.",
        f"Shorten {field.nav or name} or map another field; a code is never cut.",
    )


def _cut(name: str, text: str, limit: int) -> Problem:
    return Problem(
        "cut",
        f"{name}: cut to {limit} characters",
        f"{name} has {len(text)} characters on this side and was cut to {limit} on the other.",
        "Shorten the text, or leave it: the longer text is kept where it is.",
    )
