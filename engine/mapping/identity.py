"""Ids of records that we create: the same source record always gets the same id, so that no repeat can make a second
one.
"""

from uuid import UUID, uuid5

_NAMESPACE = UUID("6d1c0f6e-3a1b-5f0e-9f53-2c8f7c0a4e11")


def created_id(environment: str, company: str, mapping: str, source_id: str, generation: int = 0) -> str:
    """The id under which a source record is created on the other side (design.md section 6).

    `generation` counts how often a deleted partner was restored on purpose.
    """
    return str(uuid5(_NAMESPACE, f"{environment}|{company}|{mapping}|{source_id}|{generation}"))
