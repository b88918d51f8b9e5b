"""What the organization says of itself: EntityDefinitions, the message filters, and $metadata."""

import re
import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any
from xml.sax.saxutils import quoteattr

from sandbox.crm.bulk import MESSAGES
from sandbox.crm.columns import Column
from sandbox.crm.entities import Entity, logical_name
from sandbox.crm.messages import Request, Response, json_response
from sandbox.crm.privileges import privileges_of
from sandbox.crm.refusals import unknown_segment
from sandbox.crm.schema import BY_LOGICAL_NAME, ENTITIES
from sandbox.odata.edm import Dialect, EdmType, EntityType, Row
from sandbox.odata.errors import ODataError
from sandbox.odata.query import parse_query, project

_TEXTS = ("LogicalName", "EntitySetName", "PrimaryIdAttribute", "PrimaryNameAttribute")
_DEFINITION = EntityType(
    "Microsoft.Dynamics.CRM.EntityMetadata",
    {"MetadataId": EdmType.GUID, **dict.fromkeys((*_TEXTS, "Privileges"), EdmType.STRING)}
    | {"ChangeTrackingEnabled": EdmType.BOOLEAN},
    Dialect.CRM,
)
_FILTER = EntityType(
    "Microsoft.Dynamics.CRM.sdkmessagefilter",
    {"sdkmessagefilterid": EdmType.GUID, "primaryobjecttypecode": EdmType.STRING, "sdkmessageid/name": EdmType.STRING},
    Dialect.CRM,
)
_CHOICES = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
_CHOICE = EntityType(_CHOICES, {"LogicalName": EdmType.STRING}, Dialect.CRM)
_EXPANDED_CHOICE = re.compile(r"(?:,?(?:OptionSet|GlobalOptionSet)(?:\(\$select=Options\))?)+")
_OPTIONS = frozenset({"$select", "$filter", "$expand"})
_ATTRIBUTE_FIELDS = ("LogicalName", "AttributeType", "MaxLength")
_NAMESPACE = "Microsoft.Dynamics.CRM"


def definitions(request: Request) -> Response:
    """The list of table definitions."""
    rows = [_definition(entity) for entity in ENTITIES.values()]
    query = parse_query(request.query, _DEFINITION, _OPTIONS)
    attributes = _attributes_asked(query.raw.get("$expand"))
    value = [
        {**project(row, query.select), **_expanded(row, attributes)}
        for row in rows
        if query.predicate is None or query.predicate.test(row)
    ]
    return json_response({"@odata.context": f"{request.root}$metadata#EntityDefinitions", "value": value})


def definition(key: str, rest: Sequence[str], request: Request) -> Response:
    """One table definition, or its Attributes."""
    found = re.fullmatch(r"LogicalName='(\w+)'", key)
    entity = BY_LOGICAL_NAME.get(found[1]) if found is not None else None
    if entity is None:
        raise ODataError(404, "0x80060888", f"Could not find an entity with the key {key}.")
    context = f"{request.root}$metadata#EntityDefinitions"
    if list(rest) == ["Attributes"]:
        return json_response({"@odata.context": f"{context}({key})/Attributes", "value": _attributes(entity)})
    if list(rest) == ["Attributes", _CHOICES]:
        value = _choices(entity, request)
        return json_response({"@odata.context": f"{context}({key})/Attributes/{_CHOICES}", "value": value})
    if rest:
        raise unknown_segment(rest[0])
    query = parse_query(request.query, _DEFINITION, _OPTIONS)
    row = _definition(entity)
    expanded = _expanded(row, _attributes_asked(query.raw.get("$expand")))
    return json_response({"@odata.context": f"{context}/$entity", **project(row, query.select), **expanded})


def message_filters(request: Request) -> Response:
    """The bulk messages of each table; an empty answer means that a table has none (reference/apis.md section 1)."""
    rows: list[Row] = [
        {"sdkmessagefilterid": _metadata_id(f"{entity.logical}/{message}"),
         "primaryobjecttypecode": entity.logical, "sdkmessageid/name": message}
        for entity in ENTITIES.values() if entity.bulk for message in MESSAGES
    ]  # fmt: skip
    query = parse_query(request.query, _FILTER)
    chosen = query.select or ("sdkmessagefilterid", "primaryobjecttypecode")
    value = [project(row, chosen) for row in rows if query.predicate is None or query.predicate.test(row)]
    return json_response({"@odata.context": f"{request.root}$metadata#sdkmessagefilters", "value": value})


@cache
def edmx() -> bytes:
    """The $metadata document."""
    sets = "".join(
        f"<EntitySet Name={quoteattr(one.set)} EntityType={quoteattr(one.type_name)}/>" for one in ENTITIES.values()
    )
    types = "".join(_edmx_type(entity) for entity in ENTITIES.values())
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        f'<Schema Namespace="{_NAMESPACE}" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
        f'{types}<EntityContainer Name="System">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>'
    ).encode()


def _edmx_type(entity: Entity) -> str:
    properties = "".join(_edmx_property(name, column) for name, column in entity.columns.items())
    navigations = "".join(
        f'<NavigationProperty Name="{name}" Type="{ENTITIES[one.target].type_name}" Nullable="true">'
        f'<ReferentialConstraint Property="{one.column}" ReferencedProperty="{ENTITIES[one.target].key}"/>'
        "</NavigationProperty>"
        for name, one in entity.navigations().items()
    )
    key = f'<Key><PropertyRef Name="{entity.key}"/></Key>'
    return f'<EntityType Name="{entity.logical}">{key}{properties}{navigations}</EntityType>'


def _edmx_property(name: str, column: Column) -> str:
    length = f' MaxLength="{column.max_length}"' if column.max_length is not None else ""
    scale = f' Scale="{column.precision}"' if column.type is EdmType.DECIMAL else ""
    return f'<Property Name="{name}" Type="{column.type.value}"{length}{scale}/>'


def _definition(entity: Entity) -> Row:
    return {
        "MetadataId": _metadata_id(entity.logical),
        "LogicalName": entity.logical,
        "EntitySetName": entity.set,
        "PrimaryIdAttribute": entity.key,
        "PrimaryNameAttribute": entity.name,
        "ChangeTrackingEnabled": entity.bulk,
        "Privileges": privileges_of(entity),
    }


def _attributes(entity: Entity) -> list[dict[str, Any]]:
    return [
        {"LogicalName": logical_name(name), "AttributeType": column.kind, "MaxLength": column.max_length}
        for name, column in entity.columns.items()
    ]


def _choices(entity: Entity, request: Request) -> list[Row]:
    """The columns that are choices; with $expand their options, labels in the one language that there is."""
    query = parse_query(request.query, _CHOICE, _OPTIONS)
    expand = query.raw.get("$expand")
    if expand is not None and _EXPANDED_CHOICE.fullmatch(expand) is None:
        raise Dialect.CRM.bad_query(f"The $expand expression '{expand}' is not supported.")
    found: list[Row] = []
    for name, column in entity.columns.items():
        row = {"MetadataId": _metadata_id(f"{entity.logical}.{name}"), "LogicalName": name}
        if column.kind == "Picklist" and (query.predicate is None or query.predicate.test(row)):
            options = {"OptionSet": _option_set(column), "GlobalOptionSet": None} if expand is not None else {}
            found.append({"@odata.type": f"#{_CHOICES}", **row, **options})
    return found


def _option_set(column: Column) -> Row:
    labels = {value: {"Label": label, "LanguageCode": 1033} for value, label in column.options.items()}
    return {
        "Options": [
            {"Value": value, "Label": {"LocalizedLabels": [label], "UserLocalizedLabel": label}}
            for value, label in labels.items()
        ]
    }


def _attributes_asked(expand: str | None) -> tuple[str, ...]:
    """The fields of the Attributes that $expand asks for; none when it does not."""
    if expand is None:
        return ()
    found = re.fullmatch(r"Attributes(?:\(\$select=([\w,\s]+)\))?", expand)
    if found is None:
        raise Dialect.CRM.bad_query(f"The $expand expression '{expand}' is not supported.")
    asked = tuple(name.strip() for name in found[1].split(",")) if found[1] else _ATTRIBUTE_FIELDS
    for name in asked:
        if name not in _ATTRIBUTE_FIELDS:
            raise Dialect.CRM.bad_query(
                f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.AttributeMetadata'."
            )
    return asked


def _expanded(row: Row, fields: Sequence[str]) -> Row:
    if not fields:
        return {}
    return {"Attributes": [project(one, fields) for one in _attributes(BY_LOGICAL_NAME[row["LogicalName"]])]}


def _metadata_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"crm-metadata:{name}"))
