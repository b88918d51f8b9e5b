"""Ids of records: what they look like, and those of NAV records where NAV has none."""

import re
from uuid import UUID, uuid5

GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
"""The pattern of the text of a GUID."""
_GUID = re.compile(GUID)
_NAMESPACE = UUID("b1b0f0a4-5d3c-5a5e-8a53-9c0d4c6c1f2e")


def is_guid(value: object) -> bool:
    """Whether the value is the text of a GUID."""
    return isinstance(value, str) and _GUID.fullmatch(value) is not None


def record_id(entity: str, number: str) -> str:
    """The id of the record of a page with a primary key. Keys of NAV do not differ by case."""
    return str(uuid5(_NAMESPACE, f"{entity}|{number.strip().upper()}"))
