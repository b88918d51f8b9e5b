"""Names and values of mappings in config.toml: what fits which field."""

import re
from typing import Any

from engine.config import toml
from engine.mapping.lengths import units
from engine.model.mapping import FieldKind
from engine.model.records import is_guid

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def typed(kind: FieldKind, side: str, value: Any) -> str | None:
    """What is wrong with a value for a field of this kind on that side, "nav" or "crm", if anything."""
    wanted: tuple[type, ...] = (str,)
    words = "text in quotes"
    match kind:
        case FieldKind.BOOLEAN:
            wanted, words = (bool,), "true or false"
        case FieldKind.DECIMAL:
            wanted, words = (int, float), "a number"
        case FieldKind.CHOICE if side == "crm":
            wanted, words = (int, str), "the value of the choice, a whole number, or its label in quotes"
        case FieldKind.OPTION if side == "crm":
            wanted, words = (int, bool), "a whole number (the value of the choice) or true or false"
        case FieldKind.OPTION | FieldKind.CHOICE:
            wanted, words = (str, bool), "text in quotes (the name of the option) or true or false"
        case FieldKind.DATE:
            words = 'a date in quotes, such as "2026-01-31"'
        case FieldKind.LOOKUP:
            words = "the id of a record in quotes" if side == "crm" else "a code in quotes"
    if type(value) not in wanted:
        return f"must be {words}, not {toml.kind(value)}"
    if kind is FieldKind.DATE and not _DATE.fullmatch(value):
        return f"must be {words}"
    if kind is FieldKind.LOOKUP and side == "crm" and not is_guid(value):
        return f"must be {words}"
    return None


def fits(length: int, value: Any) -> str | None:
    """What is wrong with the length of a value, if anything; 0 is unlimited."""
    if length and isinstance(value, str) and units(value) > length:
        return f"is longer than {length} characters"
    return None
