"""Couplings as operators look through them, and the two records of one side by side; texts may be hostile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engine.model.conflict import Shown
from engine.model.mapping import Direction


class CoupledState(StrEnum):
    """How a pair ended the last time that it was worked on. That a record is gone is known of mappings whose deletion
    policy is none; the others have done something about it.
    """

    COUPLED = "coupled"
    NAV_GONE = "NAV record gone"
    CRM_GONE = "CRM record gone"
    SKIPPED = "skipped"
    """It failed twice alike, and is left alone until it is retried."""
    FAILED = "failed"
    CONFLICT = "conflict"
    """Fields of it wait for a choice."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of couplings: mapping by mapping, then by NAV number, then by NAV id."""

    mapping: str
    nav_no: str
    nav_id: str


@dataclass(frozen=True, slots=True)
class CoupledRow:
    """A coupled pair. `run` coupled it, at `at`; `message` says why it is not as it should be, as of `told`."""

    mapping: str
    nav_no: str
    nav_id: str
    crm_id: str
    run: int
    at: datetime
    state: CoupledState = CoupledState.COUPLED
    name: str = ""
    message: str = ""
    told: datetime | None = None


@dataclass(frozen=True, slots=True)
class CoupledPage:
    """Some couplings. `next` is the place behind which more follow, None at the end; `parts` are, by mapping, those
    whose records are uncoupled with its own, as contacts are with their customer.
    """

    rows: tuple[CoupledRow, ...] = ()
    next: Place | None = None
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Partner:
    """The record that somebody named as the partner of another one; `problem` says why it cannot be."""

    id: str = ""
    number: str = ""
    name: str = ""
    problem: str = ""


class Alike(StrEnum):
    """Whether a field means the same on both sides."""

    SAME = "same"
    DIFFERS = "differs"
    UNKNOWN = "unknown"
    """It cannot be told, such as where one record is gone, or a value cannot be converted."""


@dataclass(frozen=True, slots=True)
class FieldPair:
    """A field of a pair with both values in one normal form: lookups and options as NAV has them. `note` says what
    there is to say about it.
    """

    nav: str
    crm: str
    direction: Direction
    nav_value: Shown
    crm_value: Shown
    alike: Alike
    note: str = ""

    @property
    def key(self) -> str:
        """What tells the field from the others of its mapping."""
        return f"{self.nav}={self.crm}"


@dataclass(frozen=True, slots=True)
class OneRecord:
    """One record of a pair: its table, what people call it, and when it was modified, as its system says."""

    table: str
    id: str
    found: bool
    name: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class BothRecords:
    """The two records of a coupling as they are now."""

    mapping: str
    nav_no: str
    nav: OneRecord
    crm: OneRecord
    fields: tuple[FieldPair, ...]
