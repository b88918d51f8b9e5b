"""Kinds of CRM columns and what the server checks of each (reference/apis.md sections 1 and 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from sandbox.odata.edm import EdmType
from sandbox.tables import Field

OnDelete = Literal["remove_link", "cascade", "restrict"]


@dataclass(frozen=True, slots=True)
class Column(Field):
    """A column: `kind` is its AttributeType, `create` and `update` say when a client's value is taken.

    `low`, `high` and `precision` (decimals kept) are of numbers, `options` of choices, `targets` (sets) of lookups.
    `required` columns are those the server itself insists on, and a null never gets in.
    """

    kind: str = "String"
    create: bool = True
    update: bool = True
    required: bool = False
    default: Any = None
    low: Decimal | None = None
    high: Decimal | None = None
    precision: int = 0
    options: Mapping[int, str] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    on_delete: OnDelete = "remove_link"


_MONEY_HIGH = Decimal(100_000_000_000)


def text(length: int, **rest: Any) -> Column:
    """A line of text."""
    return Column(EdmType.STRING, length, kind="String", **rest)


def memo(length: int = 2000) -> Column:
    """Several lines of text."""
    return Column(EdmType.STRING, length, kind="Memo")


def integer(low: int, high: int, **rest: Any) -> Column:
    """A whole number."""
    return Column(EdmType.INT, kind="Integer", low=Decimal(low), high=Decimal(high), **rest)


def decimal(low: str, high: str, precision: int, **rest: Any) -> Column:
    """A decimal number; more decimals than its precision are rounded."""
    return Column(EdmType.DECIMAL, kind="Decimal", low=Decimal(low), high=Decimal(high), precision=precision, **rest)


def money(low: int | None = None) -> Column:
    """An amount with two decimals, the pricing precision of a new organization."""
    lowest = -_MONEY_HIGH if low is None else Decimal(low)
    return Column(EdmType.DECIMAL, kind="Money", low=lowest, high=_MONEY_HIGH, precision=2)


def yes_no(*, default: bool | None = False, **rest: Any) -> Column:
    """Yes or no."""
    return Column(EdmType.BOOLEAN, kind="Boolean", options={1: "Yes", 0: "No"}, default=default, **rest)


def choice(*labels: str, **rest: Any) -> Column:
    """One of the labels; values count from 1."""
    return Column(EdmType.INT, kind="Picklist", options=dict(enumerate(labels, 1)), **rest)


def moment(**rest: Any) -> Column:
    """A date and time."""
    return Column(EdmType.DATETIME, kind="DateTime", **rest)


def identifier(**rest: Any) -> Column:
    """A GUID that is not a lookup."""
    return Column(EdmType.GUID, kind="Uniqueidentifier", **rest)


def lookup(*targets: str, kind: str = "Lookup", **rest: Any) -> Column:
    """A reference to a row of one of the sets."""
    return Column(EdmType.GUID, kind=kind, targets=targets, **rest)
