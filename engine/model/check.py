"""What a check of both sides finds."""

from dataclasses import dataclass
from enum import StrEnum


class What(StrEnum):
    """The kinds of findings, in the order in which they are reported."""

    DUPLICATES = "duplicates"
    UNCOUPLED = "uncoupled"
    DANGLING = "dangling"
    DIFFERS = "differs"
    INTENTS = "intents"
    LINKS = "links"
    FLAGS = "flags"
    COUNTERS = "counters"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found; texts may be hostile. A note is worth knowing, a fault should not be."""

    what: What
    fault: bool
    mapping: str
    message: str
    nav_no: str = ""
    name: str = ""
    nav_id: str | None = None
    crm_id: str | None = None
