"""What a run about couplings is asked for, as it is kept in the run."""

from typing import Any

import msgspec

from engine.model.mapping import Direction


class Couple(msgspec.Struct, frozen=True, tag="couple"):
    """Couple two records, or make the partner of one: of `nav`, a number or an id, or of `crm`, an id.

    With `lead`, the pair is synchronized in that direction, and the source's values stand.
    """

    mapping: str
    nav: str = ""
    crm: str = ""
    lead: Direction | None = None

    @property
    def create(self) -> bool:
        """Whether only one record is named, and its partner is to be made."""
        return not (self.nav and self.crm)


class Match(msgspec.Struct, frozen=True, tag="match"):
    """Couple uncoupled records by the match rules of the mappings; `create` makes CRM rows for those without a match,
    whatever the mappings say.
    """

    mappings: tuple[str, ...] = ()
    create: bool = False


class Uncouple(msgspec.Struct, frozen=True, tag="uncouple"):
    """Remove the couplings of NAV records, by number or id; of all of the mapping when none is named."""

    mapping: str
    records: tuple[str, ...] = ()


class Mend(msgspec.Struct, frozen=True, tag="mend"):
    """Find couplings with a lost partner: `action` is blank (only say so), "restore" or "remove".

    `records` are ids of NAV records of the mapping, for these alone.
    """

    mapping: str = ""
    action: str = ""
    records: tuple[str, ...] = ()


class Import(msgspec.Struct, frozen=True, tag="import"):
    """Store the couplings of a file whose content has that SHA-256."""

    path: str
    digest: str
    mappings: tuple[str, ...]
    mapping: str = ""
    skip_bad: bool = False
    dry_run: bool = False


Request = Couple | Match | Uncouple | Mend | Import


def packed(request: Request) -> dict[str, Any]:
    """The request as JSON."""
    found: dict[str, Any] = msgspec.to_builtins(request)
    return found


def unpacked(value: Any) -> Request:
    """The request again."""
    return msgspec.convert(value, Request)  # type: ignore[no-any-return]  # a union is no type to mypy
