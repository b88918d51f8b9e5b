"""A mapping in all that it says, beside what it says by default, with where that is changed; texts may be hostile."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.model.mapping import Direction
from engine.model.snapshot import JobSnapshot, MappingSnapshot, RunSnapshot


class Differs(StrEnum):
    """How something differs from the default."""

    NOT = ""
    CHANGED = "changed"
    ADDED = "added"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that a mapping says. `default` is what it says by default, where that is something else; `change` the
    key of config.toml that changes it, blank where nothing does; `more` what else there is to say about it. `key` names
    it where it can be changed one by one (`engine.config.changes`).
    """

    section: str
    name: str
    value: str
    differs: Differs = Differs.NOT
    default: str = ""
    change: str = ""
    more: str = ""
    direction: Direction | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a setting can have, with what it does."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Change:
    """A setting of a mapping that is to be changed, as config.toml has it. What it can be is one of `choices`, or where
    there are none a text that is typed. `default` is what it is where nothing is `written`, None where something must.
    `left_out` are sentences about choices that this mapping cannot have; where it can have none, it stays as it is.
    """

    mapping: str
    key: str
    help: tuple[str, ...]
    choices: tuple[Choice, ...]
    value: str
    default: str | None
    written: bool
    left_out: tuple[str, ...] = ()


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
    """A mapping with how it stands. `counted` is its job in the newest plan, `counted_at` when that ended. `holds` is
    the run that goes on with the mappings as they are: one that an engine works on, else one that is not finished or
    answered.
    """

    now: datetime
    standing: MappingSnapshot
    ledger: Ledger
    settings: tuple[Setting, ...]
    counted: JobSnapshot | None = None
    counted_at: datetime | None = None
    holds: RunSnapshot | None = None
