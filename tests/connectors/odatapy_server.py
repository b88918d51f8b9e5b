"""An OData service that others wrote, odatapy, with customers below a company as NAV's page services have them."""

import itertools
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest
import uvicorn

pytest.importorskip("odatapy", reason="odatapy, the other OData server, is not installed")

from odatapy.data import Entity, ValueType
from odatapy.edm.csdl import (
    CsdlAbstractEdmProvider,
    CsdlEntityContainer,
    CsdlEntitySet,
    CsdlEntityType,
    CsdlNavigationProperty,
    CsdlNavigationPropertyBinding,
    CsdlProperty,
    CsdlPropertyRef,
    CsdlSchema,
)
from odatapy.server import OData
from odatapy.server.adapters import ODataASGIApp
from odatapy.server.inmemory import InMemoryDataStore, InMemoryProcessor
from odatapy.server.processor import CustomETagSupport

COMPANY = "CRONUS"
"""Without spaces: odatapy takes addresses in batches as they are, and does not undo their percent-encoding."""
FIELDS = {
    "SystemId": "Edm.Guid", "No": "Edm.String", "Name": "Edm.String", "City": "Edm.String", "Blocked": "Edm.String",
    "Currency_Code": "Edm.String", "CRM_Id": "Edm.String", "Credit_Limit_LCY": "Edm.Decimal",
}  # fmt: skip


@dataclass(frozen=True)
class Manner:
    """What differs between servers: whether links are relative, and how many rows a page has at most."""

    relative: bool = False
    page_size: int | None = None


class _Provider(CsdlAbstractEdmProvider):
    def get_schemas(self) -> list[CsdlSchema]:
        company = CsdlEntityType(
            name="Company",
            key=[CsdlPropertyRef(name="Name")],
            properties=[CsdlProperty(name="Name", type="Edm.String", nullable=False)],
            navigation_properties=[CsdlNavigationProperty(name="Customer", type="Collection(NAV.Customer)")],
        )
        customer = CsdlEntityType(
            name="Customer",
            key=[CsdlPropertyRef(name="SystemId")],
            properties=[CsdlProperty(name=name, type=type) for name, type in FIELDS.items()],
        )
        binding = CsdlNavigationPropertyBinding(path="Customer", target="Customers")
        sets = [
            CsdlEntitySet(name="Company", type="NAV.Company", navigation_property_bindings=[binding]),
            CsdlEntitySet(name="Customers", type="NAV.Customer"),
        ]
        container = CsdlEntityContainer(name="NAV", entity_sets=sets)
        return [CsdlSchema(namespace="NAV", entity_types=[company, customer], entity_container=container)]


class _ETags(CustomETagSupport):
    def has_etag(self, entity_set_or_singleton: Any) -> bool:
        return bool(entity_set_or_singleton.name == "Customers")

    def has_media_etag(self, entity_set_or_singleton: Any) -> bool:
        return False


class _Processor(InMemoryProcessor):
    """Numbers records, and links as its manner is."""

    def __init__(self, store: InMemoryDataStore, manner: Manner) -> None:
        super().__init__(store, page_size=manner.page_size)
        self._relative = manner.relative
        self._numbers = itertools.count(1)

    def _assign_keys(self, entity_set: Any, entity: Entity) -> None:
        if entity.get_value("SystemId") is None:
            _put(entity, "SystemId", uuid.uuid4())
        if not entity.get_value("No"):
            _put(entity, "No", f"N{next(self._numbers):05d}")
        for name in FIELDS.keys() - {"SystemId", "No"}:
            if entity.get_value(name) is None:
                _put(entity, name, Decimal(0) if name == "Credit_Limit_LCY" else "")

    def _next_link(self, request: Any, skiptoken: str) -> str:
        link = str(super()._next_link(request, skiptoken))
        return link.removeprefix(f"{self._base(request)}/") if self._relative else link


def _put(entity: Entity, name: str, value: Any) -> None:
    entity.set_property(name, value, ValueType.PRIMITIVE, FIELDS.get(name, "Edm.String"))


@contextmanager
def serving(manner: Manner, customers: list[dict[str, Any]]) -> Iterator[str]:
    """The address of a service with these customers, until the block ends."""
    store = InMemoryDataStore()
    company = Entity()
    _put(company, "Name", COMPANY)
    store.set_entities("Company", [company])
    odata = OData.new_instance()
    handler = odata.create_handler(odata.create_service_metadata(_Provider()))
    processor = _Processor(store, manner)
    handler.register(processor)
    handler.register(_ETags())
    rows = []
    for one in customers:
        entity = Entity()
        entity.etag = 'W/"1"'
        for name, value in one.items():
            _put(entity, name, value)
        processor._assign_keys(None, entity)
        rows.append(entity)
    store.set_entities("Customers", rows)
    store.set_relation(
        "Company", processor._key_of(handler.service_metadata.edm.get_entity_set("Company"), company), "Customer", rows
    )
    config = uvicorn.Config(ODataASGIApp(handler, "/ODataV4"), port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/ODataV4"
    finally:
        server.should_exit = True
        thread.join(10)
