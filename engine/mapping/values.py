"""One normal form per kind of value, so that both sides can be compared (reference/domain.md section 3.7).

Text is NFC without trailing spaces and "" when there is none, codes are trimmed and upper-case, numbers are `Decimal`,
lookups are lower-case ids or None.
"""

import unicodedata
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from hashlib import blake2b
from typing import Any

from engine.model.mapping import FieldKind, FieldMapping

Value = str | Decimal | bool | int | None
HASH_SIZE = 6
"""Bytes of a remembered value: two different values look alike once in 2 to the 48."""

UNKNOWN = bytes(HASH_SIZE)


def nav_value(field: FieldMapping, row: Mapping[str, Any]) -> Value:
    """The field of a NAV record in normal form; lookups are the code or number of the partner."""
    return normal(FieldKind.CODE if field.kind is FieldKind.LOOKUP else field.kind, field.digits, row.get(field.nav))


def crm_value(field: FieldMapping, row: Mapping[str, Any]) -> Value:
    """The column of a CRM row in normal form."""
    return normal(field.kind, field.digits, row.get(field.column))


def normal(kind: FieldKind, digits: int, raw: Any) -> Value:
    """A decoded JSON value in the normal form of its kind; what is of another kind is compared as text."""
    match kind:
        case FieldKind.TEXT:
            return _text(raw)
        case FieldKind.CODE:
            return _composed(_text(raw).strip().upper())
        case FieldKind.DECIMAL:
            return rounded(Decimal(0) if raw is None else _decimal(raw), digits)
        case FieldKind.LOOKUP:
            return str(raw).lower() if raw else None
        case FieldKind.OPTION | FieldKind.BOOLEAN:
            return raw if isinstance(raw, bool | int | str) else None


def rounded(number: Decimal, digits: int) -> Decimal:
    """A number with a fixed count of decimals, halves away from zero, as money is rounded; there is one zero."""
    result = number.quantize(_unit(digits), ROUND_HALF_UP)
    return result or abs(result)


def folded(value: Value) -> Value:
    """A value as matching sees it: texts without case and surrounding spaces."""
    return value.strip().casefold() if isinstance(value, str) else value


def blank(value: Value) -> bool:
    """Whether a value says nothing."""
    return value is None or value == ""


def hashed(value: Value) -> bytes:
    """A value as it is remembered; never `UNKNOWN`."""
    digest = blake2b(f"{type(value).__name__}:{value}".encode("utf-8", "surrogatepass"), digest_size=HASH_SIZE).digest()
    return digest if digest != UNKNOWN else b"\x01" * HASH_SIZE


@cache
def _unit(digits: int) -> Decimal:
    return Decimal(1).scaleb(-digits)


def _decimal(raw: Any) -> Decimal:
    return raw if isinstance(raw, Decimal) else Decimal(str(raw))


def _text(raw: Any) -> str:
    if raw is None:
        return ""
    text = raw if isinstance(raw, str) else str(raw)
    return _composed(text).rstrip()


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)
