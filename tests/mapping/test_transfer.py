"""What the other side of a record should be: each option of a field mapping, in both directions."""

from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapping.transfer import FROM, TO, match_value
from engine.mapping.values import Value
from engine.model.mapping import Direction, FieldKind, FieldMapping, Transformation
from tests.mapping.tools import BOTH, LOOKUP, NOT_NEGATIVE, UNIT_GROUP, mapping_of, moved, only_value, text

USD, LOCAL = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
CURRENCY = FieldMapping("Currency_Code", "transactioncurrencyid", **LOOKUP)
TO_CRM = {"CURRENCY": {"USD": USD, "": LOCAL, "EUR": LOCAL}}
TO_NAV = {"CURRENCY": {USD: "USD", LOCAL: ""}}


def test_every_option_of_a_field_mapping_is_known_to_this_specification() -> None:
    assert {one.name for one in fields(FieldMapping)} == {
        *("nav", "crm", "direction", "kind", "constant", "lookup", "target", "navigation", "nav_length", "crm_length"),
        *("digits", "create_only", "initial", "derived", "seed", "not_null", "clear_on_fail", "validate", "transforms"),
        *("late", "options", "overwrites", "case_sensitive"),
    }


@pytest.mark.parametrize(
    ("direction", "one_way", "moves"), [(BOTH, TO, True), (BOTH, FROM, True), (TO, TO, True), (TO, FROM, False), (FROM, FROM, True), (FROM, TO, False)]
)  # fmt: skip
def test_a_field_moves_in_its_own_direction(direction: Direction, one_way: Direction, moves: bool) -> None:
    field = text(direction=direction)
    found = moved(field, one_way, {"Name": "Contoso", "name": "Contoso"})
    assert dict(found.values) == ({field: "Contoso"} if moves else {})


@pytest.mark.parametrize(
    ("kind", "constant", "value"),
    [
        (FieldKind.TEXT, "Person", "Person"),
        (FieldKind.TEXT, 3, "3"),
        (FieldKind.OPTION, 3, 3),
        (FieldKind.BOOLEAN, True, True),
    ],
)
def test_a_constant_is_written_whatever_the_record_has(kind: FieldKind, constant: Any, value: Value) -> None:
    field = FieldMapping(crm="type", direction=TO, kind=kind, constant=constant)
    found = only_value(field, TO, {"type": "something else"})
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("option", ["create_only", "initial", "not_null", "clear_on_fail"])
def test_options_about_when_to_write_do_not_change_what_is_written(option: str) -> None:
    options: dict[str, Any] = {option: True}
    assert only_value(text(**options), TO, {"Name": " Contoso "}) == " Contoso"


@pytest.mark.parametrize(
    ("field", "one_way", "row", "value"),
    [
        (text(), TO, {"Name": "Contoso "}, "Contoso"),
        (text(), FROM, {"name": None}, ""),
        (text(kind=FieldKind.CODE), FROM, {"name": " de "}, "DE"),
        (text(kind=FieldKind.DECIMAL), TO, {"Name": 1.005}, Decimal("1.01")),
        (text(kind=FieldKind.DECIMAL, digits=0), TO, {"Name": 1.5}, Decimal(2)),
        (text(kind=FieldKind.BOOLEAN), TO, {"Name": True}, True),
        (text(kind=FieldKind.OPTION), TO, {"Name": 0}, 0),
    ],
)
def test_values_arrive_in_their_normal_form(field: FieldMapping, one_way: Direction, row: Any, value: Value) -> None:
    assert only_value(field, one_way, row) == value


def test_a_derived_value_comes_from_the_special_handling_in_normal_form() -> None:
    field = FieldMapping("Symbol", "currencysymbol", TO, derived=True)
    assert moved(field, TO, {"Symbol": "ignored"}, currencysymbol="$ ").values == {field: "$"}
    rate = FieldMapping(crm="exchangerate", direction=TO, kind=FieldKind.DECIMAL, digits=4, derived=True)
    assert moved(rate, TO, {}, exchangerate=Decimal("1.23456")).values == {rate: Decimal("1.2346")}


def test_a_derived_field_without_a_value_is_left_as_it_is() -> None:
    field = FieldMapping("Symbol", "currencysymbol", TO, derived=True)
    assert moved(field, TO, {"Symbol": "$"}).values == {}


@pytest.mark.parametrize(
    ("step", "value", "to_crm", "to_nav"),
    [(UNIT_GROUP, "PCS", "NAV PCS", "PCS"), (NOT_NEGATIVE, -1, Decimal(0), Decimal(-1)), (NOT_NEGATIVE, 1, Decimal(1), Decimal(1))],
)  # fmt: skip
def test_a_transformation_for_crm_is_for_crm_only(
    step: Transformation, value: Any, to_crm: Value, to_nav: Value
) -> None:
    kind = FieldKind.TEXT if isinstance(value, str) else FieldKind.DECIMAL
    field = text(transforms=(step,), kind=kind)
    assert only_value(field, TO, {"Name": value}) == to_crm
    assert only_value(field, FROM, {"name": value}) == to_nav


# Seeds: one side leads in them, but a record that is made there starts with the other side's values.


def test_a_seed_goes_to_crm_always_and_to_nav_too() -> None:
    field = text(direction=TO, seed=True)
    assert only_value(field, TO, {"Name": "1000"}) == "1000"
    assert only_value(field, FROM, {"name": "1000"}) == "1000"


def test_a_seed_that_crm_leads_in_goes_to_crm_too() -> None:
    field = text(direction=FROM, seed=True, crm_length=4)
    assert only_value(field, FROM, {"name": "1000"}) == "1000"
    assert only_value(field, TO, {"Name": "1000"}) == "1000"
    assert moved(field, TO, {"Name": "10000"}).values == {}, "what CRM cannot hold is left out"


def test_a_seed_that_nav_cannot_hold_is_left_out_without_a_word() -> None:
    field = text(direction=TO, seed=True, nav_length=3)
    found = moved(field, FROM, {"name": "1000"})
    assert (found.values, found.warnings, found.problem) == ({}, (), None)


def test_a_seed_whose_partner_is_not_coupled_is_left_out_without_a_word() -> None:
    field = FieldMapping("Currency_Code", "transactioncurrencyid", TO, seed=True, **LOOKUP)
    found = moved(field, FROM, {"_transactioncurrencyid_value": USD})
    assert (found.values, found.waiting, found.problem) == ({}, (), None)
    assert moved(field, TO, {"Currency_Code": "USD"}).problem is not None


# Lookups.


@pytest.mark.parametrize(
    ("one_way", "row", "value"),
    [
        (TO, {"Currency_Code": "USD"}, USD),
        (TO, {"Currency_Code": "usd "}, USD),
        (TO, {"Currency_Code": ""}, LOCAL),
        (TO, {}, LOCAL),
        (TO, {"Currency_Code": "EUR"}, LOCAL),
        (FROM, {"_transactioncurrencyid_value": USD.upper()}, "USD"),
        (FROM, {"_transactioncurrencyid_value": LOCAL}, ""),
        (FROM, {"_transactioncurrencyid_value": None}, ""),
    ],
)
def test_a_lookup_is_what_its_partner_is_called_there(one_way: Direction, row: Any, value: Value) -> None:
    assert only_value(CURRENCY, one_way, row, TO_CRM if one_way is TO else TO_NAV) == value


def test_a_blank_lookup_is_blank_there_when_the_mapping_gives_it_no_partner() -> None:
    assert only_value(CURRENCY, TO, {"Currency_Code": ""}) is None
    assert only_value(CURRENCY, FROM, {"_transactioncurrencyid_value": None}) == ""


@pytest.mark.parametrize(
    ("one_way", "row", "said"), [(TO, {"Currency_Code": "GBP"}, "GBP"), (FROM, {"_transactioncurrencyid_value": USD}, USD)]
)  # fmt: skip
def test_a_lookup_whose_partner_is_not_coupled_fails_the_record(one_way: Direction, row: Any, said: str) -> None:
    found = moved(CURRENCY, one_way, row, {"CURRENCY": {"": LOCAL}})
    assert found.problem is not None
    assert found.problem.code == "not_coupled"
    assert found.problem.cause == "Currency_Code: the CURRENCY record is not coupled"
    assert f"Currency_Code '{said}' must be coupled through CURRENCY" in found.problem.message


def test_a_lookup_that_may_be_cleared_waits_for_its_partner_and_is_left_as_it_is_until_then() -> None:
    field = FieldMapping("Contact_No", "primarycontactid", kind=FieldKind.LOOKUP, lookup="CONTACTS", clear_on_fail=True)
    found = moved(field, TO, {"Contact_No": "CT1"})
    assert (found.values, found.problem) == ({}, None)
    assert [(one.field, one.value) for one in found.waiting] == [(field, "CT1")]
    assert moved(field, TO, {"Contact_No": ""}).values == {field: None}


def test_a_lookup_that_must_not_be_null_leaves_the_other_side_alone_when_it_is_blank() -> None:
    field = FieldMapping("Salesperson_Code", "ownerid", TO, FieldKind.LOOKUP, lookup="SALEPEOPLE", not_null=True)
    assert moved(field, TO, {"Salesperson_Code": ""}).values == {}
    assert moved(field, TO, {"Salesperson_Code": "BC"}, {"SALEPEOPLE": {"BC": USD}}).values == {field: USD}
    assert moved(field, TO, {"Salesperson_Code": "BC"}).problem is not None


# Lengths.


@pytest.mark.parametrize(("one_way", "limit"), [(TO, 5), (FROM, 3)])
def test_a_text_is_cut_to_what_the_other_side_holds_with_a_warning_that_has_both_lengths(
    one_way: Direction, limit: int
) -> None:
    field = text(nav_length=3, crm_length=5)
    found = moved(field, one_way, {"Name": "ABCDEFG", "name": "ABCDEFG"})
    assert found.values == {field: "ABCDEFG"[:limit]}
    (warning,) = found.warnings
    assert warning.code == "cut"
    name = "name" if one_way is TO else "Name"
    assert warning.cause == f"{name}: cut to {limit} characters"
    assert "7 characters" in warning.message
    assert f"cut to {limit}" in warning.message


def test_a_text_that_just_fits_is_not_cut_and_what_is_cut_does_not_end_in_a_space() -> None:
    field = text(crm_length=5)
    exact = moved(field, TO, {"Name": "ABCDE"})
    assert (exact.values, exact.warnings) == ({field: "ABCDE"}, ())
    assert moved(field, TO, {"Name": "ABCD EF"}).values == {field: "ABCD"}
    assert moved(text(crm_length=0), TO, {"Name": "A" * 9999}).warnings == ()


@pytest.mark.parametrize(
    ("raw", "limit", "value", "units"),
    [
        ("ab😀", 4, "ab😀", None),
        ("ab😀", 3, "ab", 4),
        ("😀😀", 3, "😀", 4),
        ("a 😀", 3, "a", 4),
        ("😀", 1, "", 2),
        ("äöü", 3, "äöü", None),
    ],
)
def test_lengths_are_utf_16_code_units_and_a_character_is_never_split(
    raw: str, limit: int, value: str, units: int | None
) -> None:
    field = text(crm_length=limit)
    found = moved(field, TO, {"Name": raw})
    assert found.values == {field: value}
    assert [f"has {units} characters" in one.message for one in found.warnings] == ([] if units is None else [True])


def test_a_code_is_measured_in_utf_16_code_units_too() -> None:
    field = FieldMapping("Code", "code", TO, FieldKind.CODE, crm_length=3)
    assert only_value(field, TO, {"Code": "A😀"}) == "A😀"
    problem = moved(field, TO, {"Code": "AB😀"}).problem
    assert problem is not None
    assert "'AB😀', 4 characters, but holds 3" in problem.message


def test_a_transformed_text_is_measured_as_it_is_written() -> None:
    found = moved(text(transforms=(UNIT_GROUP,), crm_length=6), TO, {"Name": "PCS"})
    assert [warning.cause for warning in found.warnings] == ["name: cut to 6 characters"]


def test_a_code_that_is_too_long_fails_the_record_because_a_cut_code_is_another_code() -> None:
    field = FieldMapping("Code", "isocurrencycode", TO, FieldKind.CODE, nav_length=10, crm_length=5)
    found = moved(field, TO, {"Code": "BITCOIN"})
    assert found.problem is not None
    assert found.problem.code == "too_long"
    assert found.problem.cause == "isocurrencycode: longer than 5 characters"
    assert found.problem.message == "isocurrencycode would be 'BITCOIN', 7 characters, but holds 5."


def test_a_lookup_is_not_measured() -> None:
    field = FieldMapping("Currency_Code", "transactioncurrencyid", crm_length=3, nav_length=3, **LOOKUP)
    assert only_value(field, TO, {"Currency_Code": "USD"}, TO_CRM) == USD


@given(st.text(), st.integers(1, 12), st.integers(1, 12))
def test_what_is_written_always_fits_and_is_the_beginning_of_what_there_was(raw: str, nav: int, crm: int) -> None:
    field = text(nav_length=nav, crm_length=crm)
    for one_way, limit in ((TO, crm), (FROM, nav)):
        found = moved(field, one_way, {"Name": raw, "name": raw})
        value = found.values[field]
        whole = only_value(text(), one_way, {"Name": raw, "name": raw})
        assert isinstance(value, str)
        assert isinstance(whole, str)
        assert len(value.encode("utf-16-le", "surrogatepass")) <= 2 * limit
        assert whole.startswith(value)
        assert bool(found.warnings) is (value != whole)


def test_the_first_trouble_of_a_record_ends_its_transfer() -> None:
    from engine.mapping.transfer import transfer

    lost = FieldMapping("Currency_Code", "transactioncurrencyid", **LOOKUP)
    found = transfer(mapping_of(lost, text()), TO, {"Currency_Code": "GBP", "Name": "Contoso"}, {}, {})
    assert found.problem is not None


# What a partner must have to be matched.


def test_a_match_compares_what_would_be_written_whatever_the_direction_of_the_field_is() -> None:
    assert match_value(text(direction=FROM), TO, {"Name": "Contoso "}, {}) == "Contoso"
    assert match_value(text(transforms=(UNIT_GROUP,)), TO, {"Name": "PCS"}, {}) == "NAV PCS"
    assert match_value(text(transforms=(UNIT_GROUP,)), FROM, {"name": "NAV PCS"}, {}) == "NAV PCS"
    assert match_value(CURRENCY, TO, {"Currency_Code": "USD"}, TO_CRM) == USD


def test_a_lookup_whose_partner_is_not_coupled_matches_nothing() -> None:
    assert match_value(CURRENCY, TO, {"Currency_Code": "GBP"}, TO_CRM) is None
