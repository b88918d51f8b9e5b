"""What a service says of its tables: the $metadata document, EDMX (OASIS CSDL 4.0).

The document is read as it streams through expat, without a tree. It comes from outside: document types and entities
are refused, because a few bytes of them can become gigabytes, and the client caps how much is read at all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from engine.connectors.client import ODataClient
from engine.connectors.urls import shown
from engine.model.errors import ConnectionLost

_NAMESPACE_MARK = "\n"
_DEEPEST = 64
_PATIENCE = 2.0
_MOST = 500_000
"""Elements that are kept, and columns of all sets with what they inherit; more would not fit into little memory."""


_KEPT = {
    **dict.fromkeys(("Property", "PropertyRef", "NavigationProperty", "Member"), 1),
    **dict.fromkeys(("Schema", "EntityType", "EnumType", "EntitySet"), 2),
}
"""What elements count for: those with things of their own take more memory."""
_TOO_MUCH = "it names more tables and columns than any service has"


class UnfitMetadata(ValueError):
    """A document that is no EDMX, or one that is not safe to read."""


@dataclass(frozen=True, slots=True)
class Property:
    """A column: its type, such as Edm.String, its longest text, None when unlimited, and the names of its options."""

    type: str
    max_length: int | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a table, its single-valued navigation properties, which bind lookups, and its primary key."""

    properties: Mapping[str, Property]
    navigations: frozenset[str] = frozenset()
    key: tuple[str, ...] = ()


@dataclass(slots=True)
class _Type:
    base: str = ""
    properties: dict[str, Property] = field(default_factory=dict)
    navigations: set[str] = field(default_factory=set)
    key: list[str] = field(default_factory=list)


async def read_metadata(client: ODataClient, patience: float | None = _PATIENCE) -> Mapping[str, Shape]:
    """The tables of a service by the names of their entity sets; raises ConnectionLost and AccessDenied.

    Where a person waits for it, what may pass is not waited out for long.
    """
    data = await client.document("$metadata", patience=patience)
    try:
        return parse(data)
    except UnfitMetadata as error:
        raise ConnectionLost(
            f"{shown(client.root)}/$metadata cannot be used: {error}.", "Check the address of the service."
        ) from error


def parse(data: bytes) -> Mapping[str, Shape]:
    """The tables of an EDMX document by the names of their entity sets; raises UnfitMetadata."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=_NAMESPACE_MARK)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    try:
        parser.Parse(data, True)
    except UnfitMetadata:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the two last: an encoding that nobody knows
        raise UnfitMetadata(f"it is no XML ({error})") from error
    if not reader.sets:
        raise UnfitMetadata("it names no entity set")
    return {name: reader.shape(type_name) for name, type_name in reader.sets.items()}


def _refuse(*_: object) -> int:
    raise UnfitMetadata("it declares a document type or entities")


class _Reader:
    """Gathers types while elements pass by. Types are kept under their qualified names; aliases are resolved."""

    def __init__(self) -> None:
        self.sets: dict[str, str] = {}
        self._types: dict[str, _Type] = {}
        self._options: dict[str, list[str]] = {}
        self._alias: dict[str, str] = {}
        self._namespace = ""
        self._type: _Type | None = None
        self._members: list[str] | None = None
        self._depth = 0
        self._named: dict[str, tuple[str, ...]] = {}
        self._elements = self._columns = _MOST

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise UnfitMetadata("its elements are nested too deeply")
        name = attributes.get("Name", "")
        kind = tag.rpartition(_NAMESPACE_MARK)[2]
        self._elements -= _KEPT.get(kind, 0)
        if self._elements < 0:
            raise UnfitMetadata(_TOO_MUCH)
        match kind:
            case "Schema":
                self._namespace = attributes.get("Namespace", "")
                if alias := attributes.get("Alias"):
                    self._alias[alias] = self._namespace
            case "EntityType":
                self._type = self._types.setdefault(f"{self._namespace}.{name}", _Type())
                self._type.base = attributes.get("BaseType", "")
            case "EnumType":
                self._members = self._options.setdefault(f"{self._namespace}.{name}", [])
            case "Member" if self._members is not None:
                self._members.append(name)
            case "Property" if self._type is not None:
                self._type.properties[name] = Property(attributes.get("Type", ""), _length(attributes))
            case "PropertyRef" if self._type is not None:
                self._type.key.append(name)
            case "NavigationProperty" if self._type is not None:
                if not attributes.get("Type", "").startswith("Collection("):
                    self._type.navigations.add(name)
            case "EntitySet":
                self.sets[name] = attributes.get("EntityType", "")

    def end(self, tag: str) -> None:
        self._depth -= 1
        match tag.rpartition(_NAMESPACE_MARK)[2]:
            case "EntityType":
                self._type = None
            case "EnumType":
                self._members = None

    def shape(self, type_name: str) -> Shape:
        """A type with what it inherits."""
        line: dict[str, _Type] = {}
        while type_name and (full := self._full(type_name)) in self._types and full not in line:
            found = line[full] = self._types[full]
            self._columns -= len(found.properties) + len(found.navigations)
            if self._columns < 0:
                raise UnfitMetadata(_TOO_MUCH)
            type_name = found.base
        properties: dict[str, Property] = {}
        navigations: set[str] = set()
        key: tuple[str, ...] = ()
        for one in reversed(line.values()):
            properties |= one.properties
            navigations |= one.navigations
            key = tuple(one.key) or key
        return Shape({name: self._with_options(one) for name, one in properties.items()}, frozenset(navigations), key)

    def _with_options(self, one: Property) -> Property:
        full = self._full(one.type)
        if full not in self._options:
            return one
        if full not in self._named:
            self._named[full] = tuple(map(_decoded, self._options[full]))
        return Property(one.type, None, self._named[full])

    def _full(self, name: str) -> str:
        prefix, dot, rest = name.rpartition(".")
        return f"{self._alias.get(prefix, prefix)}{dot}{rest}"


def _length(attributes: Mapping[str, str]) -> int | None:
    text = attributes.get("MaxLength", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _decoded(member: str) -> str:
    """The name of a NAV option: characters that names cannot have are written as _x0020_."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), member)
