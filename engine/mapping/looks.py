"""How a field is compared and remembered, found out once per field and direction."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from hashlib import blake2b

from engine.mapping.courses import reader
from engine.mapping.values import Form, Value, hashed, hashed_code
from engine.model.mapping import Direction, FieldKind, FieldMapping

MARK_SIZE = 4
_TO, _FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


class When(Enum):
    """When a field of a pair is compared."""

    NEVER = auto()
    FIRST = auto()
    ALWAYS = auto()


@dataclass(frozen=True, slots=True)
class Look:
    """Where each side has a field, and what reads it there; of one that is remembered its mark, and what makes a hash
    of its values; whether it `goes` this way, and when it is compared.
    """

    name: str
    read: Form
    there: str
    read_there: Form
    mark: bytes | None
    hashed: Callable[[Value], bytes]
    goes: bool
    when: When


@lru_cache(maxsize=4096)
def look_at(field: FieldMapping, one_way: Direction) -> Look:
    """The look at a field in a pass."""
    few = field.kind not in (FieldKind.TEXT, FieldKind.DECIMAL)
    when = When.FIRST if field.initial else When.ALWAYS
    goes = field.direction.includes(one_way)
    if field.create_only or not goes:
        when = When.NEVER
    there = _FROM if one_way is _TO else _TO
    kept = hashed_code if few else hashed
    return Look(*reader(field, one_way), *reader(field, there), mark_of(field), kept, goes, when)


@lru_cache(maxsize=4096)
def mark(field: FieldMapping) -> bytes:
    """What a field means: another pair, or other rules, are not what was remembered."""
    return blake2b(f"{field.nav}={field.crm}{field.transforms or ''}".encode(), digest_size=MARK_SIZE).digest()


@lru_cache(maxsize=4096)
def stamp_mark(field: FieldMapping, read_by: Direction) -> bytes:
    """The mark under which a value of a field keeps the stamp of its record, on the side that a pass of a direction
    reads.
    """
    return blake2b(mark(field) + read_by.value.encode(), digest_size=MARK_SIZE).digest()


@lru_cache(maxsize=4096)
def mark_of(field: FieldMapping) -> bytes | None:
    """The mark of a field that is remembered: bidirectional ones, so that it can be told which side changed one; and
    those that one side leads in and that can be blank, so that a blank only overwrites what that side once had.
    """
    starts = field.create_only or field.initial or field.constant is not None
    never_blank = field.derived or field.kind in (FieldKind.DECIMAL, FieldKind.BOOLEAN)
    if field.direction is not Direction.BIDIRECTIONAL and (starts or never_blank):
        return None
    return mark(field)
