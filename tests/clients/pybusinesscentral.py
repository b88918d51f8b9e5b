"""A client that was generated from Microsoft's description of API v2.0: each operation with its own types."""

import os
import uuid
from collections.abc import Callable

from pybusinesscentral import ApiClient, Configuration
from pybusinesscentral.api.company_api import CompanyApi
from pybusinesscentral.api.customer_api import CustomerApi
from pybusinesscentral.api.vendor_api import VendorApi
from pybusinesscentral.exceptions import ApiException
from pybusinesscentral.model.customer import Customer
from pybusinesscentral.model.post_customer_request import PostCustomerRequest
from pybusinesscentral.model.post_vendor_request import PostVendorRequest

from tests.clients.report import feature, report

_CLIENT = ApiClient(
    Configuration(
        host=os.environ["NAV_URL"].replace("/ODataV4", "/api/v2.0"),
        access_token=os.environ["TOKEN"],
        ssl_ca_cert=os.environ["CA_FILE"],
    )
)
_CUSTOMERS = CustomerApi(_CLIENT)
_JSON = "application/json"


def company() -> str:
    (found,) = CompanyApi(_CLIENT).list_companies().value
    return str(found.id)


def made(name: str, **more: str) -> Customer:
    return _CUSTOMERS.post_customer(company(), _JSON, PostCustomerRequest(displayName=name, **more))


def refusal(work: Callable[[], object]) -> tuple[int, str]:
    """The status and the body with which something is refused."""
    try:
        work()
    except ApiException as error:
        return int(error.status), str(error.body)
    raise AssertionError("it was taken")


def etag(customer: Customer) -> str:
    answer = _CUSTOMERS.get_customer_with_http_info(company(), customer.id)
    return next(str(value) for name, value in answer.headers.items() if name.lower() == "etag")


@feature("companies")
def companies() -> None:
    (found,) = CompanyApi(_CLIENT).list_companies().value
    assert found.name == "CRONUS International Ltd."
    assert CompanyApi(_CLIENT).get_company(found.id).display_name == found.name


@feature("create")
def create() -> None:
    found = made("Anna & Söhne", city="Köln", email="a@x.example")
    assert found.number
    assert (found.display_name, found.city) == ("Anna & Söhne", "Köln")


@feature("create under an id")
def create_under_an_id() -> None:
    id = str(uuid.uuid4())
    assert made("Chosen", id=id).id == id


@feature("read")
def read() -> None:
    customer = made("Read")
    assert _CUSTOMERS.get_customer(company(), customer.id).display_name == "Read"


@feature("$filter")
def filtered() -> None:
    made("It's here")
    found = _CUSTOMERS.list_customers(company(), filter="displayName eq 'It''s here'").value
    assert [one.display_name for one in found] == ["It's here"]


@feature("$select, $top, $skip")
def window() -> None:
    rows = _CUSTOMERS.list_customers(company(), top=3, skip=2, select=["number"]).value
    rest = _CUSTOMERS.list_customers(company(), top=5, select=["number"]).value
    assert [one.number for one in rows] == [one.number for one in rest][2:]
    assert rows[0].display_name is None


@feature("update")
def update() -> None:
    customer = made("Before")
    change = PostCustomerRequest(displayName="After")
    assert _CUSTOMERS.patch_customer(company(), customer.id, _JSON, etag(customer), change).display_name == "After"


@feature("etag preconditions")
def preconditions() -> None:
    customer = made("Old")
    stale = etag(customer)
    _CUSTOMERS.patch_customer(company(), customer.id, _JSON, "*", PostCustomerRequest(city="Ulm"))
    change = PostCustomerRequest(city="Bonn")
    status, body = refusal(lambda: _CUSTOMERS.patch_customer(company(), customer.id, _JSON, stale, change))
    assert status == 409
    assert "Request_EntityChanged" in body


@feature("delete")
def delete() -> None:
    customer = made("Gone")
    _CUSTOMERS.delete_customer(company(), customer.id)
    assert refusal(lambda: _CUSTOMERS.get_customer(company(), customer.id))[0] == 404


@feature("error bodies and codes")
def errors() -> None:
    nameless = PostCustomerRequest(city="Ulm")
    status, body = refusal(lambda: _CUSTOMERS.post_customer(company(), _JSON, nameless))
    assert status == 400
    assert 'A \\"displayName\\" must be provided.' in body


@feature("vendors")
def vendors() -> None:
    api = VendorApi(_CLIENT)
    vendor = api.post_vendor(company(), _JSON, PostVendorRequest(displayName="Vendor"))
    assert vendor.id in {one.id for one in api.list_vendors(company()).value}


if __name__ == "__main__":
    report("pybusinesscentral", "NAV")
