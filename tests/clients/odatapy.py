"""A client of OData 4 that knows no product: it reads $metadata and goes by the standard, on NAV's page services."""

# package: odatapy[client]

import os
import ssl
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from odatapy.client import BearerAuth, EdmEnabledODataClient, HttpxTransport, ODataClientError

from tests.clients.report import feature, report

_ROOT = f"{os.environ['NAV_URL']}/Company('{quote('CRONUS International Ltd.')}')"
_TRUST = ssl.create_default_context(cafile=os.environ["CA_FILE"])
_CLIENT = EdmEnabledODataClient(
    _ROOT, HttpxTransport(auth=BearerAuth(os.environ["TOKEN"]), verify=_TRUST), odata_version="4.0"
)


def customer(number: str) -> Any:
    return _CLIENT.get_entity(_CLIENT.entity_uri("Customer", number))


def refusal(work: Callable[[], object]) -> str:
    """The status and the code with which something is refused."""
    try:
        work()
    except ODataClientError as error:
        return f"{error.status_code} {error.error_code}"
    raise AssertionError("it was taken")


def refused(number: str, etag: str | None, **values: Any) -> str:
    """The same of a change."""
    return refusal(lambda: _CLIENT.update_entity(_CLIENT.entity_uri("Customer", number), values, etag=etag))


def made(name: str, **more: Any) -> Any:
    return _CLIENT.create_entity("Customer", {"Name": name, **more})


@feature("metadata")
def metadata() -> None:
    edm = _CLIENT.get_edm()
    kind = edm.get_entity_set("Customer").entity_type
    assert list(kind.key_predicate_names) == ["No"]
    assert kind.get_structural_property("Credit_Limit_LCY").type_fqn == "Edm.Decimal"
    assert edm.get_entity_set("Item").entity_type.get_structural_property("SystemId").type_fqn == "Edm.Guid"


@feature("create")
def create() -> None:
    entity = made("Anna & Söhne", Credit_Limit_LCY=Decimal("12.50"))
    assert entity.get_value("No").startswith("C")
    assert entity.get_value("Credit_Limit_LCY") == Decimal("12.50")
    assert entity.etag


@feature("read")
def read() -> None:
    assert customer("10000").get_value("No") == "10000"


@feature("$filter")
def filtered() -> None:
    made("It's here + 50%")
    rows = _CLIENT.get_entity_set(_CLIENT.entity_set_uri("Customer").filter("Name eq 'It''s here + 50%'"))
    assert [row.get_value("Name") for row in rows.entities] == ["It's here + 50%"]


@feature("$select, $top, $skip")
def window() -> None:
    uri = _CLIENT.entity_set_uri("Customer").select("No").orderby("No").top(2).skip(1)
    assert [row.get_value("No") for row in _CLIENT.get_entity_set(uri).entities] == ["10010", "10020"]


@feature("paging")
def paging() -> None:
    pages = list(_CLIENT.iter_pages(_CLIENT.entity_set_uri("Customer"), max_page_size=10))
    numbers = [row.get_value("No") for page in pages for row in page.entities]
    assert len(pages) > 2
    assert len(set(numbers)) == len(numbers) == _CLIENT.get_count(_CLIENT.entity_set_uri("Customer"))


@feature("$count")
def count() -> None:
    found = _CLIENT.get_entity_set(_CLIENT.entity_set_uri("Customer").filter("No eq '10000'").count())
    assert found.count == 1
    assert _CLIENT.get_count(_CLIENT.entity_set_uri("Unit_of_Measure")) > 1


@feature("update")
def update() -> None:
    entity = made("Before")
    uri = _CLIENT.entity_uri("Customer", entity.get_value("No"))
    _CLIENT.update_entity(uri, {"Name": "After"}, etag=entity.etag)
    assert customer(entity.get_value("No")).get_value("Name") == "After"


@feature("etag preconditions")
def preconditions() -> None:
    entity = made("Old")
    number = entity.get_value("No")
    _CLIENT.update_entity(_CLIENT.entity_uri("Customer", number), {"City": "Ulm"}, etag="*")
    assert refused(number, entity.etag, City="Bonn") == "409 Request_EntityChanged"
    assert refused(number, None, City="Bonn") == "400 BadRequest_InvalidToken"


@feature("delete")
def delete() -> None:
    entity = made("Gone")
    uri = _CLIENT.entity_uri("Customer", entity.get_value("No"))
    _CLIENT.delete_entity(uri, etag=entity.etag)
    assert refusal(lambda: _CLIENT.get_entity(uri)) == "404 Internal_RecordNotFound"


@feature("error bodies and codes")
def errors() -> None:
    assert refused("10000", "*", City="x" * 31) == "400 Application_StringExceededLength"
    assert refused("10000", "*", Salesperson_Code="NOBODY") == "400 Internal_InvalidTableRelation"


@feature("$batch")
def batch() -> None:
    one = _CLIENT.batch(format="json", continue_on_error=True)
    one.add_retrieve(_CLIENT.entity_uri("Customer", "10000"))
    one.add_retrieve(_CLIENT.entity_uri("Customer", "NONE"))
    answer = _CLIENT.execute_batch(one)
    assert [part.status_code for part in answer] == [200, 404]


if __name__ == "__main__":
    report("odatapy", "NAV")
