"""Attributes in the terms of the metadata: their derived types, and the options of choices."""

from collections.abc import Mapping

from sandbox.crm.columns import Column
from sandbox.crm.entities import NAMESPACE, Entity, logical_name
from sandbox.crm.kinds import Kind, Part, kind, label, managed, metadata_id, schema_name
from sandbox.crm.schema import BY_LOGICAL_NAME, ENTITIES
from sandbox.crm.store import Store
from sandbox.odata.edm import EdmType, Row

_TEXT, _YES, _INT, _NUMBER, _DATA = (
    EdmType.STRING, EdmType.BOOLEAN, EdmType.INT, EdmType.DECIMAL, EdmType.COMPLEX,
)  # fmt: skip


def _option(value: int, text: str) -> Row:
    return {"Value": value, "Label": label(text), "Description": {"LocalizedLabels": [], "UserLocalizedLabel": None}}


def option_set(name: str, of: str, options: Mapping[int, str], *, shared: bool = False) -> Row:
    """A set of options; those of a Boolean have names of their own."""
    found: Row = {
        "MetadataId": metadata_id(f"options:{name}"),
        "Name": name,
        "IsGlobal": shared,
        "OptionSetType": of,
        "DisplayName": label(name),
    }
    if of == "Boolean":
        return found | {"TrueOption": _option(1, options[1]), "FalseOption": _option(0, options[0])}
    return found | {"Options": [_option(value, text) for value, text in options.items()]}


OPTION_SET = kind(
    "OptionSetMetadata",
    {"Name": _TEXT, "IsGlobal": _YES, "OptionSetType": _TEXT, "DisplayName": _DATA, "Options": _DATA}
    | {"TrueOption": _DATA, "FalseOption": _DATA},
    named=("Name",),
)


def _own_options(_store: Store, row: Row) -> Row:
    name, entity = row["LogicalName"], BY_LOGICAL_NAME[row["EntityLogicalName"]]
    return option_set(f"{entity.logical}_{name}", row["AttributeType"], entity.columns[name].options)


def _no_options(_store: Store, _row: Row) -> None:
    return None


_WITH_OPTIONS: Mapping[str, tuple[Kind, Part]] = {
    "OptionSet": (OPTION_SET, _own_options),
    "GlobalOptionSet": (OPTION_SET, _no_options),
}
_ATTRIBUTE_FIELDS: Mapping[str, EdmType] = {
    **dict.fromkeys(("LogicalName", "SchemaName", "EntityLogicalName", "AttributeType", "AttributeOf"), _TEXT),
    **dict.fromkeys(("IsPrimaryId", "IsPrimaryName", "IsCustomAttribute", "IsLogical"), _YES),
    **dict.fromkeys(("IsValidForCreate", "IsValidForUpdate", "IsValidForRead"), _YES),
    **dict.fromkeys(("AttributeTypeName", "RequiredLevel", "DisplayName", "Description"), _DATA),
}
ATTRIBUTE = kind("AttributeMetadata", _ATTRIBUTE_FIELDS)
_RANGE = {"MinValue": _NUMBER, "MaxValue": _NUMBER}
_LENGTH = {"MaxLength": _INT, "Format": _TEXT, "FormatName": _DATA}
_TYPED: Mapping[str, tuple[Mapping[str, EdmType], Mapping[str, tuple[Kind, Part]]]] = {
    "String": (_LENGTH, {}),
    "Memo": (_LENGTH, {}),
    "Integer": ({**_RANGE, "Format": _TEXT}, {}),
    "BigInt": (_RANGE, {}),
    "Decimal": ({**_RANGE, "Precision": _INT}, {}),
    "Money": ({**_RANGE, "Precision": _INT, "PrecisionSource": _INT}, {}),
    "DateTime": ({"Format": _TEXT, "DateTimeBehavior": _DATA}, {}),
    "Lookup": ({"Targets": _DATA}, {}),
    "UniqueIdentifier": ({}, {}),
    "Boolean": ({"DefaultValue": _YES}, _WITH_OPTIONS),
    "Picklist": ({"DefaultFormValue": _INT}, _WITH_OPTIONS),
    "State": ({"DefaultFormValue": _INT}, _WITH_OPTIONS),
    "Status": ({"DefaultFormValue": _INT}, _WITH_OPTIONS),
}
CASTS: Mapping[str, Kind] = {
    f"{NAMESPACE}.{name}AttributeMetadata": kind(
        f"{name}AttributeMetadata", {**_ATTRIBUTE_FIELDS, **fields}, parts=parts
    )
    for name, (fields, parts) in _TYPED.items()
}
"""The derived types of attributes, by qualified name."""

_METADATA_NAMES = {"Uniqueidentifier": "UniqueIdentifier", "Customer": "Lookup", "Owner": "Lookup"}


def attribute_row(entity: Entity, name: str, column: Column) -> Row:
    """One attribute with the fields of its derived type."""
    logical = logical_name(name)
    required = "SystemRequired" if column.required or name == entity.key else "None"
    return {
        "@odata.type": f"#{NAMESPACE}.{_METADATA_NAMES.get(column.kind, column.kind)}AttributeMetadata",
        "MetadataId": metadata_id(f"{entity.logical}.{logical}"),
        "LogicalName": logical,
        "SchemaName": schema_name(logical),
        "EntityLogicalName": entity.logical,
        "AttributeType": column.kind,
        "AttributeTypeName": {"Value": f"{column.kind}Type"},
        "AttributeOf": None,
        "IsPrimaryId": name == entity.key,
        "IsPrimaryName": name == entity.name,
        "IsCustomAttribute": False,
        "IsLogical": False,
        "IsValidForCreate": column.create,
        "IsValidForUpdate": column.update,
        "IsValidForRead": True,
        "RequiredLevel": managed(required, "canmodifyrequirementlevelsettings"),
        "DisplayName": label(schema_name(logical)),
        "Description": label(""),
        **_typed_fields(column),
    }


def _typed_fields(column: Column) -> Row:
    match column.kind:
        case "String":
            return {"MaxLength": column.max_length, "Format": "Text", "FormatName": {"Value": "Text"}}
        case "Memo":
            return {"MaxLength": column.max_length, "Format": "TextArea", "FormatName": {"Value": "TextArea"}}
        case "Integer":
            return {"MinValue": column.low, "MaxValue": column.high, "Format": "None"}
        case "BigInt":
            return {"MinValue": -(2**63), "MaxValue": 2**63 - 1}
        case "Decimal":
            return {"MinValue": column.low, "MaxValue": column.high, "Precision": column.precision}
        case "Money":
            limits = {"MinValue": column.low, "MaxValue": column.high, "Precision": column.precision}
            return {**limits, "PrecisionSource": 1}
        case "DateTime":
            return {"Format": "DateAndTime", "DateTimeBehavior": {"Value": "UserLocal"}}
        case "Lookup" | "Customer" | "Owner":
            return {"Targets": [ENTITIES[target].logical for target in column.targets]}
        case "Boolean":
            return {"DefaultValue": bool(column.default)}
        case "Picklist" | "State" | "Status":
            return {"DefaultFormValue": -1 if column.default is None else column.default}
        case _:
            return {}
