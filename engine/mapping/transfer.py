"""From the fields of a source record to the values that its partner should have (reference/domain.md section 3.7)."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.mapping.courses import Course, courses, kind_of, options_name, reader
from engine.mapping.lengths import cut, longer, units
from engine.mapping.rules import transformed
from engine.mapping.values import Unconvertible, Value, blank, normal
from engine.model.mapping import Direction, FieldKind, FieldMapping, TableMapping
from engine.model.outcome import Problem

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
Partners = Mapping[str, Mapping[str, str]]
"""By mapping: what a lookup value of the source is on the other side. A value that is not in it is not coupled.

Under the name of an option mapping, or of a CRM column that is an option: what a code or name, casefolded, or the text
of a value is on the other side (`engine.mapping.options`).
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A lookup that could not be written yet because its partner is not coupled, or was deleted."""

    field: FieldMapping
    value: str


@dataclass(frozen=True, slots=True)
class Transferred:
    """Values in normal form, by field. Fields without a value here are left as they are on the other side; `lost` are
    the lookups among them whose partner was deleted. `cleared` are fields whose value could not be carried over.
    `sources` are values as the source has them, where they are known already (`source_of`).
    """

    values: Mapping[FieldMapping, Value]
    waiting: tuple[Waiting, ...] = ()
    warnings: tuple[Problem, ...] = ()
    problem: Problem | None = None
    lost: tuple[FieldMapping, ...] = ()
    cleared: tuple[FieldMapping, ...] = ()
    sources: Mapping[FieldMapping, Value] = dataclasses.field(default_factory=dict)


def transfer(
    mapping: TableMapping, one_way: Direction, row: Mapping[str, Any], partners: Partners, derived: Mapping[str, Value]
) -> Transferred:
    """The values for the other side of a record. `derived` has those of derived fields, by destination name.

    With `clear_on_fail` a field whose value cannot be carried over is cleared on the other side, which is a warning; a
    lookup waits for its partner, and is left as it is until then.
    """
    values: dict[FieldMapping, Value] = {}
    sources: dict[FieldMapping, Value] = {}
    waiting: list[Waiting] = []
    warnings: list[Problem] = []
    cleared: list[FieldMapping] = []
    for one in courses(mapping.fields, one_way):
        if one.convert is None:
            problem = _filled_in(one, one_way, row, partners, derived, values, sources, waiting)
            if problem is not None:
                return Transferred(values, problem=problem)
            continue
        try:
            source = one.convert(row.get(one.source))
        except ValueError as error:
            if one.seeding:
                continue
            problem = _unconvertible(one.field, one_way, error)
            if not one.field.clear_on_fail:
                return Transferred(values, problem=problem)
            values[one.field] = one.nothing
            warnings.append(_cleared(one.name, problem))
            cleared.append(one.field)
            continue
        if one.plain:
            sources[one.field] = source
        if one.options and (options := partners.get(one.options)) is not None:
            chosen = options.get(str(source).casefold())
            if chosen is None and not blank(source):
                problem = _unmapped(one.field, one_way, source)
                if one.field.clear_on_fail:
                    values[one.field] = one.nothing
                    problem = _cleared(one.name, problem)
                    cleared.append(one.field)
                warnings.append(problem)
                continue
            if chosen is not None:
                source = int(chosen) if one_way is TO else chosen
        if source is None or source == "":
            source = one.nothing
            if one.field.not_null and blank(source):
                continue
        if one.limit and isinstance(source, str) and longer(source, one.limit):
            if one.seeding:
                continue
            if one.field.kind is not FieldKind.CODE:
                warnings.append(_cut(one.name, source, one.limit))
                source = cut(source, one.limit)
            elif one.field.clear_on_fail:
                warnings.append(_cleared(one.name, _too_long(one.field, one.name, source, one.limit)))
                cleared.append(one.field)
                source = one.nothing
            else:
                return Transferred(values, problem=_too_long(one.field, one.name, source, one.limit))
        values[one.field] = source
    return Transferred(values, tuple(waiting), tuple(warnings), cleared=tuple(cleared), sources=sources)


def _filled_in(
    one: Course,
    one_way: Direction,
    row: Mapping[str, Any],
    partners: Partners,
    derived: Mapping[str, Value],
    values: dict[FieldMapping, Value],
    sources: dict[FieldMapping, Value],
    waiting: list[Waiting],
) -> Problem | None:
    """A field that takes its value from elsewhere: the special handling, the mapping, or the couplings of another
    mapping. Returns why it cannot be carried over.
    """
    field = one.field
    if field.derived:
        if one.name in derived:
            values[field] = normal(field.kind, field.digits, derived[one.name])
        return None
    if field.constant is not None:
        try:
            values[field] = constant_value(field, one_way, partners)
        except ValueError as error:
            return _unconvertible(field, one_way, error)
        return None
    sources[field] = source = one.read(row.get(one.source))
    found = None if blank(source) and field.not_null else _partner(field, one_way, source, partners)
    if found is not _NOT_COUPLED:
        if not (field.not_null and blank(found)):
            values[field] = found
    elif one.seeding:
        return None
    elif field.clear_on_fail:
        waiting.append(Waiting(field, str(source)))
    else:
        return not_coupled(field, str(source), one_way)
    return None


def source_value(field: FieldMapping, one_way: Direction, row: Mapping[str, Any]) -> Value:
    """The value of a field in a source record; what is none of its kind is a text."""
    name, read = reader(field, one_way)
    return read(row.get(name))


def source_of(wanted: Transferred, field: FieldMapping, one_way: Direction, row: Mapping[str, Any]) -> Value:
    """`source_value` of a record that has been transferred."""
    known = wanted.sources
    return known[field] if field in known else source_value(field, one_way, row)


def target_name(field: FieldMapping, one_way: Direction) -> str:
    """What a field is called on the side that is written to; blank where it has none there."""
    return field.crm if one_way is TO else field.nav


def target_value(field: FieldMapping, one_way: Direction, row: Mapping[str, Any]) -> Value:
    """The value of a field in a destination record; what is none of its kind is a text, and so differs."""
    return source_value(field, FROM if one_way is TO else TO, row)


def constant_value(field: FieldMapping, one_way: Direction, partners: Partners) -> Value:
    """A constant in the normal form of its field; a name of an option of CRM is its value. Raises Unconvertible."""
    value = normal(kind_of(field, FROM if one_way is TO else TO), field.digits, field.constant)
    options = partners.get(options_name(field))
    if options is None or one_way is FROM or not isinstance(value, str):
        return value
    if value.casefold() not in options:
        raise Unconvertible(f"CRM's {field.crm} has no option '{value}'")
    return int(options[value.casefold()])


def constant_fault(field: FieldMapping) -> str | None:
    """What is wrong with a constant, for whoever wrote it into config.toml; None when nothing is."""
    if field.constant is None:
        return None
    try:
        constant_value(field, TO if field.crm else FROM, {})
    except Unconvertible as error:
        return f"The constant of {field.crm or field.nav}: {error}."
    return None


def match_value(field: FieldMapping, one_way: Direction, row: Mapping[str, Any], partners: Partners) -> Value:
    """What a field of the partner must have for a match, whatever the field's own direction is; blank when unknown."""
    source = source_value(field, one_way, row)
    if field.kind is FieldKind.LOOKUP:
        found = _partner(field, one_way, source, partners)
        return None if found is _NOT_COUPLED else found
    try:
        return transformed(field, one_way, source)
    except ValueError:
        return None


def not_coupled(field: FieldMapping, value: str, one_way: Direction) -> Problem:
    """A lookup whose partner is not coupled."""
    if one_way is FROM and field.target == _USERS:
        return Problem(
            "owner_not_coupled",
            "the owner is a team, or a user that is not coupled",
            f"{field.nav} cannot be filled in: only an owner of type systemuser can be mapped to a salesperson, and "
            f"'{value}' is a team or a user that is not coupled.",
            f"Give the record to a user in CRM, or synchronize {field.lookup} first, and run again.",
        )
    return Problem(
        "not_coupled",
        f"{field.nav or field.crm}: the {field.lookup} record is not coupled",
        f"{field.nav or field.crm} '{value}' must be coupled through {field.lookup} before this record can be written.",
        f"Synchronize {field.lookup} first, or mend its failed records, and run again.",
    )


_NOT_COUPLED = "\0not coupled"
_USERS = "systemusers"


def _cleared(name: str, problem: Problem) -> Problem:
    return replace(problem, message=f"{problem.message} {name} was cleared, as its field mapping says.")


def _unconvertible(field: FieldMapping, one_way: Direction, error: ValueError) -> Problem:
    name = field.nav if one_way is TO else field.crm
    side = "NAV" if one_way is TO else "CRM"
    return Problem(
        "value",
        f"{name}: a value cannot be converted",
        f"{name} in {side} cannot be converted: {error}.",
        f"Mend the value in {side}, or the field mapping, and run again.",
    )


def _unmapped(field: FieldMapping, one_way: Direction, value: Value) -> Problem:
    name = options_name(field)
    left = "" if field.clear_on_fail else "; it was left as it is"
    if one_way is TO:
        what = f"{field.nav} '{value}' has no option in CRM's {field.crm}{left}."
    else:
        what = f"{field.crm} has option {value} in CRM, for which NAV's {field.nav} has no code{left}."
    return Problem(
        "option_not_mapped",
        f"{field.nav}: the option is not mapped",
        what,
        f"Add the option in CRM, or the pair to [options.{name.replace(' ', '_')}] in config.toml, and run again.",
    )


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
        f"{name} would be '{text}', {units(text)} characters, but holds {limit}.",
        f"Shorten {field.nav or name} or map another field; a code is never cut.",
    )


def _cut(name: str, text: str, limit: int) -> Problem:
    return Problem(
        "cut",
        f"{name}: cut to {limit} characters",
        f"{name} has {units(text)} characters on this side and was cut to {limit} on the other.",
        "Shorten the text, or leave it: the longer text is kept where it is.",
    )
