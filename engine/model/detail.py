"""A mapping in all that it says, beside what it says by default, with where that is changed; texts may be hostile."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.model.mapping import Direction
from engine.model.snapshot import JobSnapshot, MappingSnapshot


class Differs(StrEnum):
    """How something differs from the default."""

    NOT = ""
    CHANGED = "changed"
    ADDED = "added"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that a mapping says. `default` is what it says by default, where that is something else; `change` the
    key of config.toml that changes it, blank where nothing does; `more` what else there is to say about it.
    """

    section: str
    name: str
    value: str
    differs: Differs = Differs.NOT
    default: str = ""
    change: str = ""
    more: str = ""
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What waits of a mapping: records that failed the last time, how many of them are skipped until they are retried,
    and records with conflicts.
    """

    failed: int = 0
    skipped: int = 0
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class MappingDetail:
    """A mapping with how it stands. `counted` is its job in the newest plan, `counted_at` when that ended."""

    now: datetime
    standing: MappingSnapshot
    ledger: Ledger
    settings: tuple[Setting, ...]
    counted: JobSnapshot | None = None
    counted_at: datetime | None = None
