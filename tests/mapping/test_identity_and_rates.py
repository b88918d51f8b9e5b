"""Ids of created records, which must never change, and exchange rates as CRM counts them."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.mapping.currency import exchange_rate, rate_of
from engine.mapping.identity import created_id
from engine.model.outcome import Problem

SOURCE = "11111111-aaaa-4bbb-8ccc-222222222222"


def test_a_source_record_is_always_created_under_the_same_id() -> None:
    """Golden: a change of these makes every record that is in doubt a second one."""
    assert created_id("production", "CRONUS", "CUSTOMER", SOURCE) == "b4127ed6-71d9-566d-acb2-53255ed19a63"
    assert created_id("production", "CRONUS", "CUSTOMER", SOURCE, 1) == "9ec903f7-b5a0-59a7-b7db-670267d47706"


def test_an_id_is_of_one_environment_company_mapping_record_and_generation() -> None:
    parts = ["production", "CRONUS", "CUSTOMER", SOURCE]
    ids = {created_id("production", "CRONUS", "CUSTOMER", SOURCE)}
    for number, other in enumerate(("test", "OTHER", "CONTACTS", SOURCE.replace("1", "3"))):
        changed = [*parts]
        changed[number] = other
        environment, company, mapping, source = changed
        ids.add(created_id(environment, company, mapping, source))
    ids.add(created_id("production", "CRONUS", "CUSTOMER", SOURCE, 1))
    assert len(ids) == 6
    assert {UUID(id).version for id in ids} == {5}
    assert all(id == id.lower() for id in ids)


RATES = {"USD": Decimal("1.25"), "JPY": Decimal("130.5"), "ZZZ": Decimal(0)}


@pytest.mark.parametrize(
    ("code", "local", "base", "rate"),
    [
        ("EUR", "EUR", "EUR", "1"),
        ("USD", "EUR", "EUR", "1.2500000000"),
        ("JPY", "EUR", "EUR", "130.5000000000"),
        ("USD", "EUR", "USD", "1"),
        ("EUR", "EUR", "USD", "0.8000000000"),
        ("JPY", "EUR", "USD", "104.4000000000"),
        ("USD", "EUR", "JPY", "0.0095785441"),
        ("ZZZ", "EUR", "ZZZ", "1"),
    ],
)
def test_crm_counts_units_for_one_unit_of_its_base_currency(code: str, local: str, base: str, rate: str) -> None:
    assert exchange_rate(code, RATES, local, base) == Decimal(rate)


@pytest.mark.parametrize("code", ["GBP", "ZZZ"])
def test_a_currency_without_a_rate_cannot_be_in_crm(code: str) -> None:
    found = exchange_rate(code, RATES, "EUR", "EUR")
    assert isinstance(found, Problem)
    assert found.code == "no_exchange_rate"
    assert code in found.message
    assert code not in found.cause


@pytest.mark.parametrize("base", ["GBP", "ZZZ"])
def test_without_a_rate_of_crms_base_currency_nothing_can_be_calculated(base: str) -> None:
    found = exchange_rate("USD", RATES, "EUR", base)
    assert isinstance(found, Problem)
    assert found.code == "no_base_rate"
    assert base in found.message
    assert "USD" in found.message


rates = st.decimals(Decimal("0.01"), Decimal(1000), places=4)


@given(rates, rates)
def test_to_the_base_and_back_is_the_same_amount(one: Decimal, other: Decimal) -> None:
    known = {"AAA": one, "BBB": other}
    there, back = exchange_rate("AAA", known, "EUR", "BBB"), exchange_rate("BBB", known, "EUR", "AAA")
    assert isinstance(there, Decimal)
    assert isinstance(back, Decimal)
    assume(min(there, back) > Decimal("0.001"))
    assert abs(there * back - 1) < Decimal("0.0001")


@pytest.mark.parametrize("raw", [None, "", "much", "NaN", "1e40", True])
def test_what_is_no_number_is_no_rate(raw: object) -> None:
    assert rate_of(raw) == 0


def test_a_rate_that_crm_cannot_hold_is_a_problem_of_its_currency() -> None:
    problem = exchange_rate("PLN", {"PLN": rate_of("1e17"), "USD": rate_of("1e-10")}, "EUR", "USD")
    assert isinstance(problem, Problem)
    assert problem.code == "rate_out_of_range"
