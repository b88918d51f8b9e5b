"""What a plan would do with records, and with the fields of one of them; texts and values may be hostile."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.model.conflict import Shown
from engine.model.mapping import Direction
from engine.model.snapshot import Counters


class Effect(StrEnum):
    """What would become of a record. A pair that is coupled by match and has fields to write is under both."""

    INSERTED = "inserted"
    COUPLED = "coupled"
    MODIFIED = "modified"
    UNCOUPLED = "uncoupled"
    AMBIGUOUS = "ambiguous"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNCHANGED = "unchanged"

    @property
    def listed(self) -> bool:
        """Whether a plan keeps which records these are; the unchanged, which may be millions, are only counted."""
        return self is not Effect.UNCHANGED

    @property
    def shows_fields(self) -> bool:
        """Whether there is something to compare on both sides."""
        return self in (Effect.INSERTED, Effect.COUPLED, Effect.MODIFIED)


def number(counters: Counters, effect: Effect) -> int:
    """How many records of a pass have an effect; those that failed without the ambiguous, which are counted apart."""
    if effect is Effect.FAILED:
        return counters.failed - counters.ambiguous
    found: int = getattr(counters, effect.value)
    return found


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A record of a plan. The side on which a record would be made has no id yet; `message` and what follows are of
    records that could not be written.
    """

    run: int
    seq: int
    mapping: str
    direction: Direction
    effect: Effect
    nav_no: str
    name: str
    nav_id: str | None
    crm_id: str | None
    code: str = ""
    message: str = ""
    hint: str = ""

    @property
    def source_id(self) -> str:
        """The record from which values would be carried over."""
        mine = self.nav_id if self.direction is Direction.TO_INTEGRATION_TABLE else self.crm_id
        return mine or ""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that would be written: its names in NAV and in CRM, one of them blank where a handling or a template sets
    it; what the source has, what stands on the target now, and what it would become. Lookups are numbers where these
    are known.
    """

    nav: str
    crm: str
    source: Shown
    now: Shown
    then: Shown


@dataclass(frozen=True, slots=True)
class Difference:
    """What would be written for one record, as it was computed `at` that moment from both sides.

    `effect` is what would become of it now, which may be another thing than the plan said; None when the record is not
    there any more or takes no part. `elsewhere` says that something is written besides fields of the record, such as
    its state.
    """

    at: datetime
    effect: Effect | None
    changes: tuple[FieldChange, ...] = ()
    message: str = ""
    hint: str = ""
    nav_no: str = ""
    name: str = ""
    nav_id: str | None = None
    crm_id: str | None = None
    elsewhere: bool = False
