"""What the CRM organization insists on, table by table (reference/apis.md section 2)."""

from typing import Any

import pytest

from tests.sandbox.crm_tools import Crm, new_id, refusal

EURO: dict[str, Any] = {
    "isocurrencycode": "EUR", "currencyname": "Euro", "currencysymbol": "€", "currencyprecision": 2,
    "exchangerate": 0.9,
}  # fmt: skip


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


@pytest.mark.parametrize(
    "name", ["isocurrencycode", "currencyname", "currencysymbol", "currencyprecision", "exchangerate"]
)
def test_a_currency_needs(crm: Crm, name: str) -> None:
    assert refusal(crm.post("transactioncurrencies", without(EURO, name))) == (400, "0x80040203")


@pytest.mark.parametrize(("name", "value", "code"), [
    ("exchangerate", 0, "0x80044330"), ("exchangerate", -1, "0x80044330"), ("currencyprecision", 11, "0x8004432F"),
    ("isocurrencycode", "EUROES", "0x80044331"), ("currencyname", None, "0x80040203"),
])  # fmt: skip
def test_a_currency_is_refused_with(crm: Crm, name: str, value: Any, code: str) -> None:
    assert refusal(crm.post("transactioncurrencies", {**EURO, name: value})) == (400, code)


def test_a_currency_code_is_unique_and_set_on_create_only(crm: Crm) -> None:
    id = crm.new("transactioncurrencies", **EURO)
    assert refusal(crm.post("transactioncurrencies", {**EURO, "isocurrencycode": "eur"})) == (400, "0x80048cf3")
    crm.patch(f"transactioncurrencies({id})", {"isocurrencycode": "CHF", "exchangerate": 0.123456789012})
    row = crm.row("transactioncurrencies", id)
    assert (row["isocurrencycode"], row["exchangerate"]) == ("EUR", 0.123456789012)


def test_the_base_currency_cannot_be_changed_or_deleted(crm: Crm) -> None:
    url = f"transactioncurrencies({crm.state.base_currency_id})"
    assert refusal(crm.patch(url, {"exchangerate": 2})) == (400, "0x80040203")
    assert refusal(crm.patch(url, {"statecode": 1})) == (400, "0x80048cf4")
    assert refusal(crm.http.delete(url)) == (400, "0x80048cff")
    assert crm.patch(url, {"exchangerate": 1}).status_code == 204


def test_users_and_organizations_cannot_be_made_over_the_api(crm: Crm) -> None:
    assert refusal(crm.post("systemusers", {"firstname": "A"})) == (403, "0x80040220")
    assert refusal(crm.patch(f"systemusers({new_id()})", {"firstname": "A"})) == (403, "0x80040220")
    assert refusal(crm.post("organizations", {"name": "A"})) == (403, "0x80040220")
    assert refusal(crm.patch(f"organizations({crm.state.organization_id})", {"name": "A"})) == (403, "0x80040220")


def test_a_unit_group_is_born_with_its_base_unit(crm: Crm) -> None:
    group = crm.new("uomschedules", name="NAV BOX", baseuomname="BOX")
    (unit,) = crm.values(f"uoms?$filter=_uomscheduleid_value eq {group}")
    assert (unit["name"], unit["quantity"], unit["isschedulebaseuom"]) == ("BOX", 1, True)
    crm.patch(f"uomschedules({group})", {"baseuomname": "CASE"})
    assert crm.row("uomschedules", group)["baseuomname"] == "BOX"
    assert refusal(crm.http.delete(f"uoms({unit['uomid']})")) == (405, "0x80040227")
    assert [line["set"] for line in crm.audited()] == ["uomschedules", "uomschedules"]


def test_a_unit_belongs_to_a_group_and_counts_in_its_base_unit(crm: Crm) -> None:
    group, base = crm.unit("PCS")
    _, foreign = crm.unit("KG")
    assert refusal(crm.post("uoms", {"name": "BOX"})) == (400, "0x80040203")
    bind = f"/uomschedules({group})"
    box = crm.new("uoms", name="BOX", quantity=12, isschedulebaseuom=True, uomscheduleid__bind=bind)
    row = crm.row("uoms", box)
    assert (row["isschedulebaseuom"], row["_baseuom_value"]) == (False, base)
    assert refusal(crm.patch(f"uoms({box})", {"baseuom@odata.bind": f"/uoms({foreign})"})) == (400, "0x80040203")
    assert refusal(crm.patch(f"uoms({box})", {"quantity": -1})) == (400, "0x80044330")


def test_a_contacts_full_name_follows_its_parts(crm: Crm) -> None:
    id = crm.new("contacts", firstname="Åse", middlename="B.", lastname="Øst")
    assert crm.row("contacts", id)["fullname"] == "Åse B. Øst"
    crm.patch(f"contacts({id})", {"middlename": None})
    assert crm.row("contacts", id)["fullname"] == "Åse Øst"


def test_a_product_is_born_a_draft_whatever_the_body_says(crm: Crm) -> None:
    row = crm.row("products", crm.product("1", statecode=0, statuscode=1))
    assert (row["statecode"], row["statuscode"], row["productstructure"]) == (2, 0, 1)


@pytest.mark.parametrize(
    "name", ["productnumber", "quantitydecimal", "producttypecode", "defaultuomscheduleid__bind", "defaultuomid__bind"]
)
def test_a_product_needs(crm: Crm, name: str) -> None:
    with pytest.raises(AssertionError, match="0x80040203"):
        crm.product("1", **{name: None})


def test_a_product_number_is_unique(crm: Crm) -> None:
    first, second = crm.product("A1"), crm.product("A2")
    assert refusal(crm.patch(f"products({second})", {"productnumber": "a1"})) == (412, "0x80040237")
    assert crm.patch(f"products({first})", {"productnumber": "A1"}).status_code == 204
    with pytest.raises(AssertionError, match="0x80040237"):
        crm.product("a2")


@pytest.mark.parametrize("name", ["price", "currentcost", "standardcost", "quantityonhand", "stockweight"])
def test_a_product_has_no_negative(crm: Crm, name: str) -> None:
    assert refusal(crm.patch(f"products({crm.product()})", {name: -0.01})) == (400, "0x80044330")


def test_the_default_unit_belongs_to_the_unit_group(crm: Crm) -> None:
    id = crm.product()
    _, foreign = crm.unit("KG")
    assert refusal(crm.patch(f"products({id})", {"defaultuomid@odata.bind": f"/uoms({foreign})"})) == (
        400,
        "0x80040203",
    )


def line(crm: Crm, price_list: str, product: str, **more: Any) -> dict[str, Any]:
    unit = crm.row("products", product)["_defaultuomid_value"]
    return {
        "pricelevelid@odata.bind": f"/pricelevels({price_list})", "productid@odata.bind": f"/products({product})",
        "uomid@odata.bind": f"/uoms({unit})", "amount": 9.5, **more,
    }  # fmt: skip


def test_a_product_is_published_only_once_it_has_a_price(crm: Crm) -> None:
    product, price_list = crm.product(), crm.price_list()
    publish = {"statecode": 0, "statuscode": 1}
    assert refusal(crm.patch(f"products({product})", publish)) == (400, "0x80040203")
    assert crm.post("productpricelevels", line(crm, price_list, product)).status_code == 204
    assert crm.patch(f"products({product})", publish).status_code == 204
    assert crm.row("products", product)["statecode"] == 0
    crm.patch(f"products({product})", {"statecode": 1})
    row = crm.row("products", product)
    assert (row["statecode"], row["statuscode"]) == (1, 2)
    assert refusal(crm.patch(f"products({product})", {"statecode": 2})) == (400, "0x80040203")
    assert crm.patch(f"products({product})", {"statecode": 0}).status_code == 204


def test_a_price_line_is_unique_and_in_a_unit_of_the_product(crm: Crm) -> None:
    product, price_list = crm.product(), crm.price_list()
    id = crm.new("productpricelevels", **line(crm, price_list, product))
    row = crm.row("productpricelevels", id)
    assert row["_transactioncurrencyid_value"] == crm.state.base_currency_id
    assert (row["productnumber"], row["pricingmethodcode"], row["quantitysellingcode"]) == ("1000", 1, 1)
    assert refusal(crm.post("productpricelevels", line(crm, price_list, product))) == (400, "0x80043b08")
    other = crm.price_list("Other")
    assert crm.post("productpricelevels", line(crm, other, product)).status_code == 204
    _, foreign = crm.unit("KG")
    wrong = line(crm, crm.price_list("Third"), product, **{"uomid@odata.bind": f"/uoms({foreign})"})
    assert refusal(crm.post("productpricelevels", wrong)) == (400, "0x80040203")
    assert crm.patch(f"productpricelevels({id})", {"amount": 10}).status_code == 204
    assert refusal(crm.patch(f"productpricelevels({id})", {"amount": -1})) == (400, "0x80044330")


@pytest.mark.parametrize("name", ["pricelevelid@odata.bind", "productid@odata.bind", "uomid@odata.bind"])
def test_a_price_line_needs(crm: Crm, name: str) -> None:
    body = without(line(crm, crm.price_list(), crm.product()), name)
    assert refusal(crm.post("productpricelevels", body)) == (400, "0x80040203")


def test_a_price_list_has_a_currency_for_good(crm: Crm) -> None:
    assert refusal(crm.post("pricelevels", {"name": "No currency"})) == (400, "0x80040203")
    id, euro = crm.price_list(), crm.new("transactioncurrencies", **EURO)
    crm.patch(f"pricelevels({id})", {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({euro})"})
    row = crm.row("pricelevels", id)
    assert row["_transactioncurrencyid_value"] == crm.state.base_currency_id
    assert (row["statecode"], row["statuscode"]) == (0, 100001)


def test_a_price_list_is_no_part_of_a_new_product(crm: Crm) -> None:
    price_list = crm.price_list()
    bind = {"pricelevelid@odata.bind": f"/pricelevels({price_list})"}
    product = crm.product("1", **bind)
    assert crm.row("products", product)["_pricelevelid_value"] is None
    crm.patch(f"products({product})", bind)
    assert crm.row("products", product)["_pricelevelid_value"] == price_list


def test_a_status_belongs_to_its_state(crm: Crm) -> None:
    id = crm.new("accounts", name="A")
    assert refusal(crm.patch(f"accounts({id})", {"statecode": 1, "statuscode": 1})) == (400, "0x80048408")
    assert refusal(crm.patch(f"accounts({id})", {"statuscode": 2})) == (400, "0x80048408")
    assert crm.patch(f"accounts({id})", {"statecode": 1}).status_code == 204
    assert crm.row("accounts", id)["statuscode"] == 2


def test_what_others_use_cannot_be_deleted(crm: Crm) -> None:
    product = crm.row("products", crm.product())
    assert refusal(crm.http.delete(f"uomschedules({product['_defaultuomscheduleid_value']})")) == (405, "0x80040227")
    assert crm.row("uomschedules", product["_defaultuomscheduleid_value"])["name"] == "NAV U1000"
    assert len(crm.values("uoms")) == 1
    euro = crm.new("transactioncurrencies", **EURO)
    crm.new("accounts", name="A", transactioncurrencyid__bind=f"/transactioncurrencies({euro})")
    assert refusal(crm.http.delete(f"transactioncurrencies({euro})")) == (405, "0x80040227")


def test_a_state_cannot_be_taken_away(crm: Crm) -> None:
    account = crm.new("accounts", name="A")
    assert refusal(crm.patch(f"accounts({account})", {"statecode": None})) == (400, "0x80040203")
