"""Ids of NAV records where NAV has none."""

from uuid import UUID, uuid5

_NAMESPACE = UUID("b1b0f0a4-5d3c-5a5e-8a53-9c0d4c6c1f2e")


def record_id(entity: str, number: str) -> str:
    """The id of the record of a page with a primary key. Keys of NAV do not differ by case."""
    return str(uuid5(_NAMESPACE, f"{entity}|{number.strip().upper()}"))
