"""The $metadata document: every table with its columns, key and navigation properties."""

from functools import cache
from xml.sax.saxutils import quoteattr

from sandbox.crm.columns import Column
from sandbox.crm.entities import NAMESPACE, Entity
from sandbox.crm.relationships import TO
from sandbox.crm.schema import ENTITIES
from sandbox.odata.edm import EdmType


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
        f'<Schema Namespace="{NAMESPACE}" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
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
    navigations += "".join(
        f'<NavigationProperty Name="{name}" Type="Collection({one.referencing.type_name})" Partner="{one.navigation}"/>'
        for name, one in TO[entity.set].items()
    )
    key = f'<Key><PropertyRef Name="{entity.key}"/></Key>'
    return f'<EntityType Name="{entity.logical}">{key}{properties}{navigations}</EntityType>'


def _edmx_property(name: str, column: Column) -> str:
    length = f' MaxLength="{column.max_length}"' if column.max_length is not None else ""
    scale = f' Scale="{column.precision}"' if column.type is EdmType.DECIMAL else ""
    return f'<Property Name="{name}" Type="{column.type.value}"{length}{scale}/>'
