"""Kinds of metadata: rows are plain, and their kind says which fields queries may name and which parts they have."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.crm.entities import NAMESPACE
from sandbox.crm.store import Store
from sandbox.odata.edm import Dialect, EdmType, EntityType, Row

_LANGUAGE = 1033

Part = Callable[[Store, Row], list[Row] | Row | None]
"""The rows, or the one row, that belong to a row."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of the metadata. `named` are the fields, beside MetadataId, by which a row may be addressed."""

    type: EntityType
    parts: Mapping[str, tuple["Kind", Part]]
    named: tuple[str, ...]


def metadata_id(name: str) -> str:
    """The id of a part of the metadata; it follows from its name, so that starts are alike."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"crm-metadata:{name}"))


def kind(
    name: str,
    fields: Mapping[str, EdmType],
    parts: Mapping[str, tuple[Kind, Part]] | None = None,
    named: tuple[str, ...] = ("LogicalName",),
) -> Kind:
    """A kind with the fields of its own beside the id that all have."""
    whole = EntityType(f"{NAMESPACE}.{name}", {"MetadataId": EdmType.GUID, **fields}, Dialect.CRM)
    return Kind(whole, parts or {}, named)


def label(text: str) -> Row:
    """A text for people in the one language that there is."""
    one = {"Label": text, "LanguageCode": _LANGUAGE, "IsManaged": True}
    return {"LocalizedLabels": [one], "UserLocalizedLabel": one}


def schema_name(logical: str) -> str:
    """The name with a capital, which the metadata has for tables and columns."""
    return logical[:1].upper() + logical[1:]


def managed(value: object, name: str) -> Row:
    """A managed property."""
    return {"Value": value, "CanBeChanged": False, "ManagedPropertyLogicalName": name}
