"""What happened to one record."""

from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """The counter under which a record goes (reference/domain.md section 3.2)."""

    INSERTED = "inserted"
    MODIFIED = "modified"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"
    COUPLED = "coupled"
    UNCOUPLED = "uncoupled"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a record failed, was skipped or deserves a look. `cause` is the same text for equal problems, `message` has
    the values.
    """

    code: str
    cause: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one source record in one pass."""

    source_id: str
    action: Action
    nav_no: str = ""
    name: str = ""
    nav_id: str | None = None
    crm_id: str | None = None
    coupled: bool = False
    ambiguous: bool = False
    set_aside: bool = False
    """It failed as it did before, and is left alone from now on, until an operator asks to retry it."""
    problem: Problem | None = None
    warnings: tuple[Problem, ...] = field(default=())
