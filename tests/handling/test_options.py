"""Payment terms, shipment methods and shipping agents are options in CRM (reference/domain.md section 1.8)."""

import pytest

from engine.model.mapping import Direction, OptionMapping
from tests.sync.faults import always, answered
from tests.sync.test_customers import account, customer
from tests.sync.world import Make, counters

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
CODES = {"Payment_Terms_Code": "NET 30", "Shipment_Method_Code": "FOB", "Shipping_Agent_Code": "POSTAL MAI"}
COLUMNS = ("paymenttermscode", "address1_freighttermscode", "address1_shippingmethodcode")
NOT_MAPPED = "option_not_mapped"


async def test_codes_are_the_options_whose_labels_begin_with_them(make: Make) -> None:
    world = make({"Customer": [customer(**CODES)]})
    run = await world.run("CUSTOMER")
    assert counters(run, "CUSTOMER") == {"inserted": 1, "unchanged": 1}
    (found,) = world.crm("accounts")
    assert [found[name] for name in COLUMNS] == [1, 1, 5]
    before = len(world.audit())
    await world.run("CUSTOMER")
    assert world.audit(before) == []


async def test_options_become_the_codes_of_a_new_customer(make: Make) -> None:
    world = make({}, {"account": [account(paymenttermscode=2, address1_shippingmethodcode=7)]})
    await world.run("CUSTOMER")
    (found,) = world.nav("Customer")
    assert [found[name] for name in CODES] == ["2% 10, NET", "", "WILL CALL"]


async def test_either_side_may_change_an_option(make: Make) -> None:
    world = make({"Customer": [customer(**CODES)]})
    await world.run("CUSTOMER")
    (found,) = world.crm("accounts")
    world.edit_crm("accounts", found["accountid"], paymenttermscode=4)
    world.edit_nav("Customer", "C1", Shipment_Method_Code="", Shipping_Agent_Code="DHL")
    await world.run("CUSTOMER")
    (row,) = world.crm("accounts")
    assert [row[name] for name in COLUMNS] == [4, None, 2]
    assert world.nav("Customer")[0]["Payment_Terms_Code"] == "NET 60"


@pytest.mark.parametrize("version", ["2018", "2016"])
async def test_in_older_versions_options_go_to_crm_only(make: Make, version: str) -> None:
    world = make(
        {"Customer": [customer(**CODES)]},
        {"account": [account("Neu", "n@x.example", paymenttermscode=3)]},
        version=version,
    )
    await world.run("CUSTOMER")
    rows = {one["name"]: one["paymenttermscode"] for one in world.crm("accounts")}
    assert rows == {"Firm C1": 1, "Neu": 3}
    assert {one["Name"]: one["Payment_Terms_Code"] for one in world.nav("Customer")} == {
        "Firm C1": "NET 30",
        "Neu": "NET 45",
    }
    for id in [one["accountid"] for one in world.crm("accounts")]:
        world.edit_crm("accounts", id, paymenttermscode=4)
    await world.run("CUSTOMER")
    assert {one["name"]: one["paymenttermscode"] for one in world.crm("accounts")} == rows, "NAV leads from then on"


async def test_a_code_without_an_option_is_a_warning_and_crm_is_left_alone(make: Make) -> None:
    world = make({"Customer": [customer(Payment_Terms_Code="NET 30")]})
    await world.run("CUSTOMER")
    world.edit_nav("Customer", "C1", Payment_Terms_Code="CASH", City="Bonn")
    run = await world.run("CUSTOMER")
    (found,) = world.crm("accounts")
    assert (found["paymenttermscode"], found["address1_city"]) == (1, "Bonn")
    (warning,) = world.outcomes(run)
    assert (warning.code, warning.nav_no, warning.kind) == (NOT_MAPPED, "C1", "warning")
    assert "'CASH' has no option" in warning.message
    assert "[options.PAYMENT_TERMS]" in warning.hint
    assert world.nav("Customer")[0]["Payment_Terms_Code"] == "CASH", "and NAV is not taken back"


async def test_the_configuration_maps_codes_of_its_own(make: Make) -> None:
    world = make(
        {"Customer": [customer(Payment_Terms_Code="1M(8D)")]},
        {"account": [account("Neu", "n@x.example", paymenttermscode=3)]},
    )
    world.mapping("CUSTOMER", options=(OptionMapping("PAYMENT TERMS", (("1M(8D)", 2), ("45D", 3))),))
    run = await world.run("CUSTOMER")
    assert world.outcomes(run) == []
    assert {one["name"]: one["paymenttermscode"] for one in world.crm("accounts")} == {"Firm C1": 2, "Neu": 3}
    assert {one["Name"]: one["Payment_Terms_Code"] for one in world.nav("Customer")} == {
        "Firm C1": "1M(8D)",
        "Neu": "45D",
    }


async def test_without_the_right_to_see_labels_only_the_configuration_counts(make: Make) -> None:
    world = make({"Customer": [customer("C1", Payment_Terms_Code="NET 30"), customer("C2", Payment_Terms_Code="N60")]})
    world.mapping("CUSTOMER", options=(OptionMapping("PAYMENT TERMS", (("N60", 4),)),))
    denied = answered(
        403,
        b'{"error": {"code": "0x80040220", "message": "prvReadAttribute is missing"}}',
        content_type="application/json",
    )
    plan = always("crm", lambda seen: "PicklistAttributeMetadata" in seen.path, denied)
    run = await world.run("CUSTOMER", plan=plan)
    assert world.codes(run) == {"C1": NOT_MAPPED}
    assert {one["name"]: one.get("paymenttermscode") for one in world.crm("accounts")} == {
        "Firm C1": None,
        "Firm C2": 4,
    }
