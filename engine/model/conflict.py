"""Conflicts that wait for an operator: fields that both sides changed, with both values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Shown = str | int | bool | None


class Choice(StrEnum):
    """The side whose value a field gets on both."""

    NAV = "nav"
    CRM = "crm"


@dataclass(frozen=True, slots=True)
class Clash:
    """A field that both sides changed differently since they were last the same. Texts may be hostile.

    `newer` is the side whose record had been modified last when these values were first seen, None where that could not
    be told: what is written to other fields meanwhile is a modification too, and says nothing of these.
    """

    nav: str
    crm: str
    nav_value: Shown
    crm_value: Shown
    choice: Choice | None = None
    newer: Choice | None = None
    crm_name: str = ""
    """What people read instead of CRM's value, where it is known: `NET30 (1)` for a choice that the mapping has a code
    for, the NAV number or code of the record that a lookup leads to.
    """

    @property
    def key(self) -> str:
        """What tells the field from the others of its record."""
        return f"{self.nav}={self.crm}"

    @property
    def same(self) -> tuple[str, str, Shown, Shown]:
        """What a choice is about: it says nothing of other values."""
        return (self.nav, self.crm, self.nav_value, self.crm_value)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A coupled record with fields in conflict; other fields are synchronized meanwhile."""

    mapping: str
    nav_id: str
    crm_id: str
    nav_no: str
    name: str
    run: int
    at: datetime
    fields: tuple[Clash, ...]

    @property
    def chosen(self) -> bool:
        """Whether nothing is left to be chosen."""
        return all(one.choice is not None for one in self.fields)


@dataclass(frozen=True, slots=True)
class ConflictPage:
    """Some of the conflicts that wait, in the order of mapping and NAV number, and how many there are."""

    total: int
    records: tuple[Conflict, ...]
