"""CURRENCY (reference/domain.md section 1.1)."""

from decimal import Decimal
from typing import Any

import pytest

from tests.sync.faults import Fault, at, creating, lost_after, lost_before
from tests.sync.world import Make, counters


def currency(code: str, rate: str = "1.25", **more: Any) -> dict[str, Any]:
    values = {"Code": code, "Description": f"the {code}", "ISO_Code": code[:3], "Symbol": ""}
    return {**values, "Exchange_Rate_Amount": Decimal(rate), **more}


async def test_rates_are_units_for_one_of_crms_base_currency(make: Make) -> None:
    world = make(
        {"Currency": [currency("USD", Description="US Dollar", Symbol="$"), currency("GBP", "0.5")]}, base="USD"
    )
    run = await world.run("CURRENCY")
    assert counters(run, "CURRENCY") == {"inserted": 1, "unchanged": 1, "coupled": 1}
    (pound,) = world.crm("transactioncurrencies", isocurrencycode="GBP")
    assert pound["exchangerate"] == Decimal("0.4")
    (euro,) = world.crm("transactioncurrencies", isocurrencycode="EUR")
    assert euro["exchangerate"] == Decimal("0.8"), "the local currency is made on demand"
    assert (euro["currencyname"], euro["currencysymbol"]) == ("EUR", "EUR")


async def test_a_new_currency_has_the_organizations_decimals_and_a_symbol(make: Make) -> None:
    world = make({"Currency": [currency("GBP", Symbol="£"), currency("SEK", "11.2435", Symbol="")]})
    run = await world.run("CURRENCY")
    assert counters(run, "CURRENCY") == {"inserted": 2}
    found = {one["isocurrencycode"]: one for one in world.crm("transactioncurrencies")}
    assert [found[code]["currencysymbol"] for code in ("GBP", "SEK")] == ["£", "SEK"]
    assert {one["currencyprecision"] for one in found.values()} == {2}
    assert found["SEK"]["exchangerate"] == Decimal("11.2435")
    assert found["SEK"]["currencyname"] == "the SEK"


async def test_older_versions_of_nav_send_the_code_as_symbol(make: Make) -> None:
    world = make({"Currency": [currency("GBP", Symbol="£")]}, version="2018")
    await world.run("CURRENCY")
    assert world.crm("transactioncurrencies", isocurrencycode="GBP")[0]["currencysymbol"] == "GBP"


async def test_a_currency_without_a_rate_fails_and_the_others_go_on(make: Make) -> None:
    world = make({"Currency": [currency("PLN", "0"), currency("GBP"), currency("HUF", "0")]})
    run = await world.run("CURRENCY")
    assert counters(run, "CURRENCY") == {"inserted": 1, "failed": 2}
    assert world.codes(run) == {"HUF": "no_exchange_rate", "PLN": "no_exchange_rate"}
    assert world.outcomes(run)[0].cause == "no exchange rate"
    assert len(world.crm("transactioncurrencies")) == 2


async def test_a_rate_that_is_entered_later_makes_the_currency(make: Make) -> None:
    world = make({"Currency": [currency("PLN", "0")]})
    await world.run("CURRENCY")
    world.edit_nav("Currency", "PLN", Exchange_Rate_Amount=4.25)
    run = await world.run("CURRENCY")
    assert counters(run, "CURRENCY") == {"inserted": 1}
    world.edit_nav("Currency", "PLN", Exchange_Rate_Amount=4.5)
    run = await world.run("CURRENCY")
    assert counters(run, "CURRENCY") == {"modified": 1}
    assert world.crm("transactioncurrencies", isocurrencycode="PLN")[0]["exchangerate"] == Decimal("4.5")


async def test_crm_that_counts_in_a_currency_without_a_rate_ends_the_run(make: Make) -> None:
    world = make({"Currency": [currency("GBP")]}, base="USD")
    run = await world.run("CURRENCY")
    assert (run.state, run.code) == ("stopped", "connection")
    assert "USD" in run.message
    assert world.audit() == []


async def test_a_currency_is_coupled_by_its_code_and_not_made_again(make: Make) -> None:
    there = {"isocurrencycode": "GBP", "currencyname": "old", "currencysymbol": "x", "currencyprecision": 4}
    world = make({"Currency": [currency("GBP", Symbol="£")]}, {"transactioncurrency": [{**there, "exchangerate": "3"}]})
    run = await world.run("CURRENCY")
    assert counters(run, "CURRENCY") == {"modified": 1, "coupled": 1}
    (pound,) = world.crm("transactioncurrencies", isocurrencycode="GBP")
    assert (pound["currencyname"], pound["currencysymbol"], pound["exchangerate"]) == ("the GBP", "£", Decimal("1.25"))
    assert pound["currencyprecision"] == 4, "only new currencies get the organization's decimals"


async def test_a_code_that_is_no_iso_code_is_not_cut(make: Make) -> None:
    world = make({"Currency": [currency("EURO-OLD"), currency("GBP")]})
    run = await world.run("CURRENCY")
    assert counters(run, "CURRENCY") == {"inserted": 1, "failed": 1}
    assert world.codes(run) == {"EURO-OLD": "too_long"}


async def test_what_crm_refuses_is_the_records_own_failure(make: Make) -> None:
    world = make({"Currency": [currency("JPY", "1000000000000"), currency("GBP")]}, base="USD")
    world.add_nav("Currency", **{**currency("USD"), "Exchange_Rate_Amount": 1.25})
    run = await world.run("CURRENCY")
    assert counters(run, "CURRENCY")["inserted"] == 1
    (one,) = world.outcomes(run)
    assert (one.nav_no, one.kind) == ("JPY", "failed")
    assert "outside the valid range" in one.message


async def test_crms_base_currency_is_coupled_and_left_as_it_is(make: Make) -> None:
    world = make({"Currency": [currency("USD", Description="Greenback")]}, base="USD")
    run = await world.run("CURRENCY")
    assert counters(run, "CURRENCY") == {"unchanged": 1, "coupled": 1}
    assert world.audit(op="update") == []


@pytest.mark.parametrize("fault", [lost_before, lost_after])
async def test_a_lost_answer_to_the_local_currency_is_looked_up(make: Make, fault: Fault) -> None:
    world = make({"Currency": [currency("USD", Description="US Dollar", Symbol="$")]}, base="USD")
    run = await world.run("CURRENCY", plan=at("crm", creating, fault))
    assert counters(run, "CURRENCY") == {"unchanged": 1, "coupled": 1}
    assert sorted(one["isocurrencycode"] for one in world.crm("transactioncurrencies")) == ["EUR", "USD"]


@pytest.mark.parametrize("bad", ["much", "NaN", "1e40"])
async def test_a_rate_that_is_no_number_fails_its_currency_and_the_others_go_on(make: Make, bad: str) -> None:
    world = make({"Currency": [currency("GBP", "0.5"), currency("SEK")]})
    world.sandbox.nav.tables["Currency"].update("SEK", {"Exchange_Rate_Amount": bad})
    run = await world.run("CURRENCY")
    assert counters(run, "CURRENCY") == {"inserted": 1, "failed": 1}
    assert world.codes(run) == {"SEK": "no_exchange_rate"}
