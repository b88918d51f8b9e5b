"""The shape of an entity: key, columns, states, navigation properties."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sandbox.crm.columns import Column, identifier, lookup, moment
from sandbox.odata.edm import EdmType

NAMESPACE = "Microsoft.Dynamics.CRM"
"""Of the types, functions and actions of an organization."""

States = Mapping[int, tuple[str, Mapping[int, str]]]
"""statecode -> its label and the statuscodes it allows, the first being the default."""

ACTIVE_INACTIVE: States = MappingProxyType({0: ("Active", {1: "Active"}), 1: ("Inactive", {2: "Inactive"})})


@dataclass(frozen=True, slots=True)
class Navigation:
    """A navigation property: the lookup column it writes and the set it leads to."""

    column: str
    target: str


@dataclass(frozen=True, slots=True)
class Entity:
    """One table. `columns` are named as rows name them: a lookup `x` is `_x_value`.

    `natural` lists the columns by which seeds may name a row that they look up, instead of by its id. `bulk`: it has
    CreateMultiple, UpdateMultiple and UpsertMultiple, and change tracking. `creatable`: its rows can be created, and
    deleted. `named_key`: its key may be given as `set(keyname=guid)`.
    """

    logical: str
    set: str
    key: str
    name: str
    columns: Mapping[str, Column]
    states: States = field(default_factory=dict)
    natural: tuple[str, ...] = ()
    bulk: bool = False
    creatable: bool = True
    updatable: bool = True
    named_key: bool = True

    @property
    def type_name(self) -> str:
        """The qualified name, as @odata.type and error messages give it."""
        return f"{NAMESPACE}.{self.logical}"

    def navigations(self) -> dict[str, Navigation]:
        """Navigation properties by name; a lookup with several targets has one for each, except an owner."""
        found: dict[str, Navigation] = {}
        for name, column in self.columns.items():
            for target in column.targets:
                alone = len(column.targets) == 1
                suffix = "" if alone else f"_{_SINGULAR[target]}"
                found[logical_name(name) + suffix] = Navigation(name, target)
        return found


_SINGULAR = {"accounts": "account", "contacts": "contact"}


def logical_name(column: str) -> str:
    """The logical name of a column: `_parentcustomerid_value` is parentcustomerid."""
    return column[1:-6] if column.startswith("_") and column.endswith("_value") else column


def entity(
    logical: str,
    set: str,
    name: str,
    columns: Mapping[str, Column],
    *,
    states: States | None = None,
    natural: tuple[str, ...] = (),
    bulk: bool = False,
    creatable: bool = True,
    updatable: bool = True,
    named_key: bool = True,
    state_on_create: bool = False,
) -> Entity:
    """An entity with the columns every table has added to its own; lookups get their row names."""
    key = f"{logical}id"
    own = {
        f"_{column_name}_value" if column.targets else column_name: column for column_name, column in columns.items()
    }
    status = {}
    if states:
        status["statecode"] = Column(
            EdmType.INT,
            kind="State",
            create=state_on_create,
            options={value: label for value, (label, _) in states.items()},
        )
        statuses = {value: label for _, allowed in states.values() for value, label in allowed.items()}
        status["statuscode"] = Column(EdmType.INT, kind="Status", create=state_on_create, options=statuses)
    system = {
        "createdon": moment(create=False, update=False),
        "modifiedon": moment(create=False, update=False),
        "_createdby_value": lookup("systemusers", create=False, update=False),
        "_modifiedby_value": lookup("systemusers", create=False, update=False),
        "versionnumber": Column(EdmType.LONG, kind="BigInt", create=False, update=False),
    }
    return Entity(
        logical=logical,
        set=set,
        key=key,
        name=name,
        columns={key: identifier(update=False), **own, **status, **system},
        states=states or {},
        natural=natural,
        bulk=bulk,
        creatable=creatable,
        updatable=updatable,
        named_key=named_key,
    )
