"""$metadata: the page services as an EDMX document."""

from collections.abc import Iterable, Mapping
from xml.sax.saxutils import quoteattr

from sandbox.nav.schema import Column, PageService
from sandbox.odata.edm import EdmType

_COMPUTED = '<Annotation Term="Org.OData.Core.V1.Computed" Bool="true"/>'


def edmx(pages: Iterable[PageService]) -> bytes:
    """The document of page services, with keys and longest values."""
    return document("NAV", [(page.name, page.name, page.key, page.columns) for page in pages])


def document(namespace: str, sets: Iterable[tuple[str, str, str, Mapping[str, Column]]]) -> bytes:
    """A document with some sets: the name of each, of its type and of its key, and its properties."""
    types, names = [], []
    for name, type_name, key, columns in sets:
        properties = "".join(_property(one, column, is_key=one == key) for one, column in columns.items())
        types.append(f'<EntityType Name="{type_name}"><Key><PropertyRef Name="{key}"/></Key>{properties}</EntityType>')
        names.append(f'<EntitySet Name="{name}" EntityType="{namespace}.{type_name}"/>')
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        f'<Schema Namespace="{namespace}" xmlns="http://docs.oasis-open.org/odata/ns/edm">{"".join(types)}'
        f'<EntityContainer Name="NAV">{"".join(names)}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>'
    ).encode()


def _property(name: str, column: Column, *, is_key: bool) -> str:
    longest = max(map(len, column.options)) if column.options else column.max_length
    facets = f" MaxLength={quoteattr(str(longest))}" if longest is not None else ""
    facets += ' Nullable="false"' if is_key else ""
    facets += ' Scale="Variable"' if column.type is EdmType.DECIMAL else ""
    facets += ' Precision="3"' if column.type is EdmType.DATETIME else ""
    head = f'<Property Name="{name}" Type="{column.type.value}"{facets}'
    return f"{head}>{_COMPUTED}</Property>" if column.read_only else f"{head}/>"
