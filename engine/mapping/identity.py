"""Ids of records that we create: the same source record always gets the same id, so that no repeat can make a second
one.
"""

from hashlib import sha1
from uuid import UUID

_NAMESPACE = UUID("6d1c0f6e-3a1b-5f0e-9f53-2c8f7c0a4e11")


def created_id(environment: str, company: str, mapping: str, source_id: str, generation: int = 0) -> str:
    """The id under which a source record is created on the other side (design.md section 6): `uuid5`, made quickly.

    `generation` counts how often a deleted partner was restored on purpose.
    """
    name = f"{environment}|{company}|{mapping}|{source_id}|{generation}"
    text = sha1(_NAMESPACE.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"
