"""Records that failed the last time they were worked on."""

from dataclasses import dataclass
from datetime import datetime

from engine.model.mapping import Direction

MESSAGE_SIZE = 250
"""Characters by which two failures count as the same (reference/domain.md section 3.8)."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An entry of the ledger. `times` is how often in a row the record failed with the same message; texts may be
    hostile.
    """

    mapping: str
    direction: Direction
    source_id: str
    code: str
    message: str
    nav_no: str
    name: str
    times: int
    skipped: bool
    run: int
    at: datetime


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """Some of the records that no run tries any more until somebody asks for it; `total` is how many there are."""

    total: int = 0
    records: tuple[Trouble, ...] = ()
