"""Integration table mappings and their field mappings (reference/domain.md sections 1 and 4)."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Direction(StrEnum):
    """Which way data flows; a bidirectional mapping runs to the integration table first, then from it."""

    TO_INTEGRATION_TABLE = "ToIntegrationTable"
    FROM_INTEGRATION_TABLE = "FromIntegrationTable"
    BIDIRECTIONAL = "Bidirectional"

    @property
    def passes(self) -> tuple["Direction", ...]:
        """The one-way passes of a job, in the order in which they run."""
        if self is Direction.BIDIRECTIONAL:
            return (Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE)
        return (self,)

    def includes(self, one_way: "Direction") -> bool:
        """Whether a pass in that direction moves what has this direction."""
        return self is one_way or self is Direction.BIDIRECTIONAL

    @property
    def arrow(self) -> str:
        """Two characters, NAV left and CRM right."""
        return {"ToIntegrationTable": "->", "FromIntegrationTable": "<-", "Bidirectional": "<>"}[self]


class FieldKind(StrEnum):
    """How a value is read, compared and written."""

    TEXT = "text"
    CODE = "code"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    OPTION = "option"
    CHOICE = "choice"
    DATE = "date"
    LOOKUP = "lookup"


class ConflictPolicy(StrEnum):
    """What to do when both sides changed a bidirectional field differently since they were last the same."""

    NONE = "none"
    SEND_UPDATE = "send_update"
    GET_UPDATE = "get_update"
    LATEST = "latest"
    ASK = "ask"


class DeletionPolicy(StrEnum):
    """What to do when the coupled partner is gone."""

    NONE = "none"
    RESTORE_RECORDS = "restore_records"
    REMOVE_COUPLING = "remove_coupling"


OPERATORS = ("eq", "ne", "gt", "ge", "lt", "le")


@dataclass(frozen=True, slots=True)
class Condition:
    """One term of a table filter; all terms of a filter must hold. `operator` is one of `OPERATORS`; a value of None
    stands for no value.
    """

    field: str
    operator: str
    value: str | int | bool | date | None
    kind: FieldKind = FieldKind.TEXT


@dataclass(frozen=True, slots=True)
class Transformation:
    """One step that a value goes through on its way; `direction` says on which way. Rules: `engine.mapping.rules`."""

    rule: str
    arguments: tuple[str, ...] = ()
    direction: Direction = Direction.BIDIRECTIONAL


@dataclass(frozen=True, slots=True)
class OptionMapping:
    """NAV codes and the values of a CRM choice that mean the same, such as PAYMENT TERMS (reference/domain.md 1.8).

    The labels of the choice, cut to ten characters and upper-case, are the codes by themselves; `pairs`, from
    [options.PAYMENT_TERMS] in config.toml (blanks of the name are _ there), come before them. When several codes have
    one value, the first is NAV's.
    """

    name: str
    pairs: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class FieldMapping:
    """A NAV field and a CRM column; a side that is blank makes the other one a constant.

    `crm` names a lookup as it is written (`ownerid`), `navigation` the property that binds it when that has another
    name, `lookup` the mapping whose couplings translate it and `target` the CRM set of the partner. Lengths are in
    UTF-16 code units, 0 when unlimited; `digits` are decimal places in CRM. With `clear_on_fail` a value that cannot be
    carried over clears the other side, and a lookup that is not coupled waits, instead of failing the record.
    `create_only` fields are written with a new record, `initial` ones also when a pair is coupled; the value of a
    `derived` field comes from the mapping's special handling, which in CRM also writes `late` ones once the row itself
    is right. A `seed` goes one way, but a new record on the side that it comes from starts with it too. A blank value
    of a `not_null` field leaves the other side as it is; a `case_sensitive` field is matched with case. `options` names
    the option mapping of a choice. A field with `overwrites` is only written where the other side has that value.

    NAV validates fields in the order in which a request has them, so they are sent in the order of the mapping, and
    those with `validate` off last. That is all it can mean over OData: NAV validates every field that a page sends,
    but what is sent last stands, whatever the validation of an earlier field put there (a post code its city).
    """

    nav: str = ""
    crm: str = ""
    direction: Direction = Direction.BIDIRECTIONAL
    kind: FieldKind = FieldKind.TEXT
    constant: str | int | bool | None = None
    lookup: str = ""
    target: str = ""
    navigation: str = ""
    nav_length: int = 0
    crm_length: int = 0
    digits: int = 2
    create_only: bool = False
    initial: bool = False
    derived: bool = False
    seed: bool = False
    not_null: bool = False
    clear_on_fail: bool = False
    late: bool = False
    options: str = ""
    overwrites: str | bool | None = None
    validate: bool = True
    transforms: tuple[Transformation, ...] = ()
    case_sensitive: bool = False

    @property
    def column(self) -> str:
        """The CRM column as it is read."""
        return f"_{self.crm}_value" if self.kind is FieldKind.LOOKUP else self.crm


@dataclass(frozen=True, slots=True)
class Table:
    """One side of a mapping: an entity, its immutable key, what people call a record, and which records take part.

    `match_filter` limits the records that may be found as partners; `extra` are columns that are read besides the
    mapped.
    """

    entity: str
    caption: str
    key: str
    number: str
    name: str
    filter: tuple[Condition, ...] = ()
    match_filter: tuple[Condition, ...] = ()
    extra: tuple[str, ...] = ()
    modified: str = ""
    dated: bool = False
    """`modified` is a day without a time."""


@dataclass(frozen=True, slots=True)
class MatchRule:
    """Pairs of a NAV field and a CRM column that together tell that two records mean the same; blanks never match."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Template:
    """Values that a new record starts with when it meets the conditions; they override transferred ones.

    `side` is "nav" or "crm", the side that the new record is on; conditions are about the source record. The first
    template of a mapping and side whose conditions hold is used.
    """

    side: str
    values: tuple[tuple[str, str | int | bool], ...]
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class TableMapping:
    """An integration table mapping. `handling` names the special treatment that its records get."""

    name: str
    nav: Table
    crm: Table
    direction: Direction
    fields: tuple[FieldMapping, ...]
    match: tuple[MatchRule, ...] = ()
    only_coupled: bool = True
    depends: tuple[str, ...] = ()
    conflict: ConflictPolicy = ConflictPolicy.NONE
    deletion: DeletionPolicy = DeletionPolicy.NONE
    handling: str = ""
    templates: tuple[Template, ...] = ()
    options: tuple[OptionMapping, ...] = ()
    """What config.toml says of the option mappings that the fields name."""
    create_unmatched: bool = False
    """Match-based coupling makes new CRM rows for records without a match."""
    sync_after_coupling: bool = False
    builtin: bool = True

    def table(self, one_way: Direction) -> Table:
        """The source of a pass."""
        return self.nav if one_way is Direction.TO_INTEGRATION_TABLE else self.crm

    @property
    def bidirectional(self) -> tuple[FieldMapping, ...]:
        """The fields whose last common values are remembered, so that it can be told which side changed."""
        return tuple(one for one in self.fields if one.direction is Direction.BIDIRECTIONAL)
