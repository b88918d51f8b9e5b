"""$metadata: the page services as an EDMX document."""

from xml.sax.saxutils import quoteattr

from sandbox.nav.schema import PAGES, Column, PageService
from sandbox.odata.edm import EdmType

_COMPUTED = '<Annotation Term="Org.OData.Core.V1.Computed" Bool="true"/>'


def edmx() -> bytes:
    """The document, with keys and longest values."""
    types = "".join(_entity_type(page) for page in PAGES.values())
    sets = "".join(f'<EntitySet Name="{page.name}" EntityType="NAV.{page.name}"/>' for page in PAGES.values())
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        '<Schema Namespace="NAV" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
        f'{types}<EntityContainer Name="NAV">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>'
    ).encode()


def _entity_type(page: PageService) -> str:
    properties = "".join(_property(name, column, is_key=name == page.key) for name, column in page.columns.items())
    return f'<EntityType Name="{page.name}"><Key><PropertyRef Name="{page.key}"/></Key>{properties}</EntityType>'


def _property(name: str, column: Column, *, is_key: bool) -> str:
    longest = max(map(len, column.options)) if column.options else column.max_length
    facets = f" MaxLength={quoteattr(str(longest))}" if longest is not None else ""
    facets += ' Nullable="false"' if is_key else ""
    facets += ' Scale="Variable"' if column.type is EdmType.DECIMAL else ""
    facets += ' Precision="3"' if column.type is EdmType.DATETIME else ""
    head = f'<Property Name="{name}" Type="{column.type.value}"{facets}'
    return f"{head}>{_COMPUTED}</Property>" if column.read_only else f"{head}/>"
