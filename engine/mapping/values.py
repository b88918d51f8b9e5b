"""One normal form per kind of value, so that both sides can be compared (reference/domain.md section 3.7).

Text is NFC without trailing spaces and "" when there is none, codes are trimmed and upper-case, numbers are `Decimal`,
dates are yyyy-mm-dd or "", lookups are lower-case ids or None, options are numbers or names.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache, partial
from typing import Any

from xxhash import xxh3_64_digest

from engine.model.mapping import FieldKind

Value = str | Decimal | bool | int | None
HASH_SIZE = 6
"""Bytes of a remembered value: two different values look alike once in 2 to the 48."""

NO_DATE = "0001-01-01"
"""How NAV writes that there is no date (reference/apis.md section 3)."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ].*)?", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,10}")
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}
_CODES = 4096
"""Codes and names of options whose normal form is kept."""
UNKNOWN = bytes(HASH_SIZE)
_BLANK = xxh3_64_digest(b"str:")[:HASH_SIZE]


class Unconvertible(ValueError):
    """A value that is none of its kind; the message says what it is and what it should be."""


Form = Callable[[Any], Value]
"""Brings a value, as JSON, a constant or a rule gives it, into the normal form of its kind."""


def normal(kind: FieldKind, digits: int, raw: Any) -> Value:
    """A value in the normal form of its kind; raises Unconvertible."""
    return form(kind, digits)(raw)


def lenient(kind: FieldKind, digits: int, raw: Any) -> Value:
    """The normal form of what may be of another kind: then its text, which is equal to no value of the kind."""
    return lenient_form(kind, digits)(raw)


@cache
def form(kind: FieldKind, digits: int) -> Form:
    """`normal` of a kind."""
    return partial(_number, digits=digits) if kind is FieldKind.DECIMAL else _FORMS[kind]


@cache
def lenient_form(kind: FieldKind, digits: int) -> Form:
    """`lenient` of a kind."""
    strict = form(kind, digits)
    if kind in _ANYTHING:
        return strict

    def read(raw: Any) -> Value:
        try:
            return strict(raw)
        except Unconvertible:
            return _text(raw)

    return read


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
    if value == "":
        return _BLANK
    if type(value) is str:
        text = value.encode() if value.isascii() else value.encode("utf-8", "surrogatepass")
        digest = xxh3_64_digest(b"str:" + text)[:HASH_SIZE]
    else:
        digest = xxh3_64_digest(f"{type(value).__name__}:{value}".encode("utf-8", "surrogatepass"))[:HASH_SIZE]
    return digest if digest != UNKNOWN else b"\x01" * HASH_SIZE


@lru_cache(maxsize=_CODES, typed=True)
def hashed_code(value: Value) -> bytes:
    """The same of what is no number, and of which there are few, in many records."""
    return hashed(value)


@cache
def _unit(digits: int) -> Decimal:
    return Decimal(1).scaleb(-digits)


def _number(raw: Any, digits: int) -> Decimal:
    if raw is None or raw == "":
        return rounded(Decimal(0), digits)
    try:
        number = raw if isinstance(raw, Decimal) else Decimal(str(raw))
        if not isinstance(raw, bool) and number.is_finite():
            return rounded(number, digits)
    except ArithmeticError as error:  # no number, or more digits than are kept exactly
        raise Unconvertible(f"{shown(raw)} is not a number that can be kept with {digits} decimals") from error
    raise Unconvertible(f"{shown(raw)} is not a number")


def _yes_or_no(raw: Any) -> bool:
    if raw is None or isinstance(raw, bool):
        return bool(raw)
    if isinstance(raw, (str, int, Decimal)) and (found := _WORDS.get(str(raw).strip().lower())) is not None:
        return found
    raise Unconvertible(f"{shown(raw)} is neither yes nor no")


def _date(raw: Any) -> str:
    """The day of a date or moment as yyyy-mm-dd; NAV's blank date is year 1."""
    text = _text(raw).strip()
    if not text or text.startswith(NO_DATE):
        return ""
    try:
        if _DAY.fullmatch(text) is None:
            raise ValueError(text)
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError as error:
        raise Unconvertible(f"{shown(raw)} is not a date of the form yyyy-mm-dd") from error


def _option(raw: Any) -> Value:
    """A number, or the name of an option; NAV's blank option is no value."""
    if raw is None or isinstance(raw, int):
        return raw
    if isinstance(raw, Decimal) and raw.is_finite() and raw == int(raw):
        return int(raw)
    if isinstance(raw, str):
        return _named(raw)
    raise Unconvertible(f"{shown(raw)} is not an option")


@lru_cache(maxsize=_CODES)
def _named(raw: str) -> Value:
    """An option of which a text has the name or the number."""
    text = _text(raw).strip()
    return int(text) if _WHOLE.fullmatch(text) else text or None


def shown(raw: Any) -> str:
    """A value as messages give it."""
    text = str(raw)
    return f"'{text[:60]}{'...' if len(text) > 60 else ''}'"


def nav_json(kind: FieldKind, value: Value) -> Value:
    """A value as NAV's pages take it: a blank date is year 1, a blank option a space, and nothing is null."""
    if blank(value):
        return {FieldKind.DATE: NO_DATE, FieldKind.OPTION: " "}.get(kind, "")
    return value


def _text(raw: Any) -> str:
    if type(raw) is not str:
        raw = "" if raw is None else str(raw)
    return raw.rstrip() if raw.isascii() else unicodedata.normalize("NFC", raw).rstrip()


def _code(raw: Any) -> str:
    return _coded(raw) if type(raw) is str else _coded(_text(raw))


@lru_cache(maxsize=_CODES)
def _coded(raw: str) -> str:
    """A text as a code: there are few, in many records."""
    return _composed(_text(raw).strip().upper())


def _id(raw: Any) -> str | None:
    return str(raw).lower() if raw else None


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


_FORMS: Mapping[FieldKind, Form] = {
    FieldKind.TEXT: _text,
    FieldKind.CODE: _code,
    FieldKind.BOOLEAN: _yes_or_no,
    FieldKind.LOOKUP: _id,
    FieldKind.DATE: _date,
    FieldKind.OPTION: _option,
    FieldKind.CHOICE: _option,
}
_ANYTHING = (FieldKind.TEXT, FieldKind.CODE, FieldKind.LOOKUP)
"""Kinds of which everything is one."""
