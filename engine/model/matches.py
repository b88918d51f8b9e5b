"""Records that several others match, and what they look like beside these; texts and values may be hostile."""

from dataclasses import dataclass
from datetime import datetime

from engine.model.conflict import Shown
from engine.model.mapping import Direction


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """An uncoupled record that the match rules could not couple, because there is a choice; `run` met it last."""

    mapping: str
    direction: Direction
    source_id: str
    nav_no: str
    name: str
    message: str
    run: int
    at: datetime


@dataclass(frozen=True, slots=True)
class AmbiguousPage:
    """Some of these records, by mapping and NAV number, those of NAV first, and how many there are; where that is not
    `exact`, there are more.
    """

    total: int
    records: tuple[Ambiguous, ...]
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that matches. Of the fields that have a value on either side, `same` are the same by the rules of the
    mapping; `values` and `agrees` are those of `Review.fields`, in their order.
    """

    id: str
    number: str
    name: str
    same: int
    values: tuple[Shown, ...]
    agrees: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class ReviewField:
    """A field beside which candidates are laid: its names, what the record has, and whether it is one to match by."""

    nav: str
    crm: str
    value: Shown
    rule: bool


@dataclass(frozen=True, slots=True)
class Review:
    """A record with its candidates, as both sides were `at` that moment.

    `rivals` are the uncoupled records of the side of the record that have the same key, itself among them; `more` the
    candidates that were left out of a long list. `message` says why there is nothing to choose.
    """

    at: datetime
    fields: tuple[ReviewField, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    more: int = 0
    rivals: int = 1
    message: str = ""
