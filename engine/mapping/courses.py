"""How each field of a mapping gets to the other side, found out once per mapping and direction."""

from dataclasses import dataclass
from functools import lru_cache

from engine.mapping.rules import transformed, transforms
from engine.mapping.values import Form, Value, form, lenient_form, normal
from engine.model.mapping import Direction, FieldKind, FieldMapping

_TO, _FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


@dataclass(frozen=True, slots=True)
class Course:
    """How a field gets from one side to the other, found out once: `source` and `name` are what it is called on either,
    `read` brings the source's value into its normal form.

    `convert` takes the value there; None where the value does not come from the record's own field. It is `plain` when
    it gives the value as the source has it. `nothing` is what the other side has when there is no value.
    """

    field: FieldMapping
    source: str
    name: str
    read: Form
    seeding: bool
    convert: Form | None
    plain: bool
    nothing: Value
    options: str
    limit: int


@lru_cache(maxsize=256)
def courses(fields: tuple[FieldMapping, ...], one_way: Direction) -> tuple[Course, ...]:
    """The courses of the fields that go this way."""
    found = []
    for field in fields:
        seeding = field.seed and not field.direction.includes(one_way)
        if not (field.direction.includes(one_way) or seeding):
            continue
        elsewhere = field.derived or field.constant is not None or field.kind is FieldKind.LOOKUP
        found.append(
            Course(
                field,
                source=field.nav if one_way is _TO else field.column,
                name=field.crm if one_way is _TO else field.nav,
                read=reader(field, one_way)[1],
                seeding=seeding,
                convert=None if elsewhere else _converter(field, one_way),
                plain=not transforms(field, one_way),
                nothing=normal(kind_of(field, _FROM if one_way is _TO else _TO), field.digits, None),
                options=options_name(field),
                limit=field.crm_length if one_way is _TO else field.nav_length,
            )
        )
    return tuple(found)


@lru_cache(maxsize=4096)
def reader(field: FieldMapping, one_way: Direction) -> tuple[str, Form]:
    """Where a field of a source record is, and what brings it into its normal form."""
    name = field.nav if one_way is _TO else field.column
    return name, lenient_form(kind_of(field, one_way), field.digits)


def options_name(field: FieldMapping) -> str:
    """Under which name the options of a choice or option are among the partners; blank for other kinds."""
    return (field.options or field.crm) if field.kind in (FieldKind.CHOICE, FieldKind.OPTION) else ""


def kind_of(field: FieldMapping, one_way: Direction) -> FieldKind:
    """The kind of a field on the side that a pass reads: in NAV lookups and choices are codes."""
    coded = one_way is _TO and field.kind in (FieldKind.LOOKUP, FieldKind.CHOICE)
    return FieldKind.CODE if coded else field.kind


def _converter(field: FieldMapping, one_way: Direction) -> Form:
    """What makes the value of the source into one after its rules, of the kind of the field; it raises ValueError.

    The kind is what NAV's field holds. To CRM a rule may make something else of it, such as a date a text; from CRM
    it may start with something else.
    """
    kind, digits = kind_of(field, one_way), field.digits
    strict = form(kind, digits)
    if not transforms(field, one_way):
        return strict
    if one_way is _TO:
        return lambda raw: transformed(field, _TO, strict(raw))
    start = lenient_form(kind, digits)
    return lambda raw: strict(transformed(field, _FROM, start(raw)))
