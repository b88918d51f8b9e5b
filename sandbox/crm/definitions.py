"""What the organization is made of, in the terms of the metadata: tables with their parts, keys, relationships."""

from collections.abc import Callable, Mapping

from sandbox.crm.attributes import ATTRIBUTE, OPTION_SET, attribute_row, option_set
from sandbox.crm.entities import NAMESPACE, Entity, logical_name
from sandbox.crm.kinds import Kind, kind, label, managed, metadata_id, schema_name
from sandbox.crm.privileges import privileges_of
from sandbox.crm.relationships import RELATIONSHIPS, Relationship
from sandbox.crm.schema import BY_LOGICAL_NAME, ENTITIES
from sandbox.crm.store import AlternateKey, Store
from sandbox.odata.edm import EdmType, Row

_TEXT, _YES, _DATA = EdmType.STRING, EdmType.BOOLEAN, EdmType.COMPLEX


def _key_row(entity: Entity, key: AlternateKey) -> Row:
    """An alternate key."""
    return {
        "MetadataId": key.id,
        "LogicalName": key.name.lower(),
        "SchemaName": key.name,
        "EntityLogicalName": entity.logical,
        "KeyAttributes": [logical_name(one) for one in key.columns],
        "EntityKeyIndexStatus": "Active" if key.active else "Failed",
        "DisplayName": label(key.name),
    }


_KEY = kind(
    "EntityKeyMetadata",
    {**dict.fromkeys(("LogicalName", "SchemaName", "EntityLogicalName", "EntityKeyIndexStatus"), _TEXT)}
    | {"KeyAttributes": _DATA, "DisplayName": _DATA},
    named=("LogicalName", "SchemaName"),
)
_RELATIONSHIP_FIELDS = (
    "SchemaName", "RelationshipType", "ReferencedEntity", "ReferencedAttribute",
    "ReferencedEntityNavigationPropertyName", "ReferencingEntity", "ReferencingAttribute",
    "ReferencingEntityNavigationPropertyName",
)  # fmt: skip
_RELATIONSHIP = kind("OneToManyRelationshipMetadata", dict.fromkeys(_RELATIONSHIP_FIELDS, _TEXT), named=("SchemaName",))


def _relationship_row(one: Relationship) -> Row:
    return {
        "@odata.type": f"#{NAMESPACE}.OneToManyRelationshipMetadata",
        "MetadataId": metadata_id(f"relationship:{one.name}"),
        "SchemaName": one.name,
        "RelationshipType": "OneToManyRelationship",
        "ReferencedEntity": one.referenced.logical,
        "ReferencedAttribute": one.referenced.key,
        "ReferencedEntityNavigationPropertyName": one.name,
        "ReferencingEntity": one.referencing.logical,
        "ReferencingAttribute": logical_name(one.column),
        "ReferencingEntityNavigationPropertyName": one.navigation,
    }


def _entity_row(entity: Entity) -> Row:
    return {
        "MetadataId": metadata_id(entity.logical),
        "LogicalName": entity.logical,
        "SchemaName": schema_name(entity.logical),
        "EntitySetName": entity.set,
        "LogicalCollectionName": entity.set,
        "PrimaryIdAttribute": entity.key,
        "PrimaryNameAttribute": entity.name,
        "OwnershipType": "UserOwned" if "_ownerid_value" in entity.columns else "OrganizationOwned",
        "IsPrivate": False,
        "IsCustomEntity": False,
        "IsActivity": False,
        "ChangeTrackingEnabled": entity.bulk,
        "CanChangeTrackingBeEnabled": managed(value=True, name="canchangetrackingbeenabled"),
        "DisplayName": label(schema_name(entity.logical)),
        "DisplayCollectionName": label(schema_name(entity.set)),
        "Privileges": privileges_of(entity),
    }


def _entity_of(row: Row) -> Entity:
    return BY_LOGICAL_NAME[row["LogicalName"]]


def _attributes(_store: Store, row: Row) -> list[Row]:
    entity = _entity_of(row)
    return [attribute_row(entity, name, column) for name, column in entity.columns.items()]


def _keys(store: Store, row: Row) -> list[Row]:
    entity = _entity_of(row)
    return [_key_row(entity, key) for key in store.keys[entity.set]]


def _leading_away(_store: Store, row: Row) -> list[Row]:
    return [_relationship_row(one) for one in RELATIONSHIPS if one.referencing is _entity_of(row)]


def _leading_here(_store: Store, row: Row) -> list[Row]:
    return [_relationship_row(one) for one in RELATIONSHIPS if one.referenced is _entity_of(row)]


def _none(_store: Store, _row: Row) -> list[Row]:
    return []


_ENTITY = kind(
    "EntityMetadata",
    {
        **dict.fromkeys(
            ("LogicalName", "SchemaName", "EntitySetName", "LogicalCollectionName", "OwnershipType"), _TEXT
        ),
        **dict.fromkeys(("PrimaryIdAttribute", "PrimaryNameAttribute"), _TEXT),
        **dict.fromkeys(("IsPrivate", "IsCustomEntity", "IsActivity", "ChangeTrackingEnabled"), _YES),
        **dict.fromkeys(("CanChangeTrackingBeEnabled", "DisplayName", "DisplayCollectionName", "Privileges"), _DATA),
    },
    parts={
        "Attributes": (ATTRIBUTE, _attributes),
        "Keys": (_KEY, _keys),
        "ManyToOneRelationships": (_RELATIONSHIP, _leading_away),
        "OneToManyRelationships": (_RELATIONSHIP, _leading_here),
        "ManyToManyRelationships": (_RELATIONSHIP, _none),
    },
)
_SHARED_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "budgetstatus": ("No Committed Budget", "May Buy", "Can Buy", "Will Buy"),
    "purchaseprocess": ("Individual", "Committee", "Unknown"),
    "purchasetimeframe": ("Immediate", "This Quarter", "Next Quarter", "This Year", "Unknown"),
}

COLLECTIONS: Mapping[str, tuple[Kind, Callable[[], list[Row]]]] = {
    "EntityDefinitions": (_ENTITY, lambda: [_entity_row(one) for one in ENTITIES.values()]),
    "RelationshipDefinitions": (_RELATIONSHIP, lambda: [_relationship_row(one) for one in RELATIONSHIPS]),
    "GlobalOptionSetDefinitions": (
        OPTION_SET,
        lambda: [
            {"@odata.type": f"#{NAMESPACE}.OptionSetMetadata"}
            | option_set(name, "Picklist", dict(enumerate(labels)), shared=True)
            for name, labels in _SHARED_OPTIONS.items()
        ],
    ),
}
"""What the metadata begins with, by the name of the set."""
