"""The normal form of each kind of value, and the marks by which values are remembered."""

import unicodedata
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapping.transfer import FROM, TO, source_value, target_value
from engine.mapping.values import (
    HASH_SIZE,
    UNKNOWN,
    Unconvertible,
    Value,
    blank,
    folded,
    hashed,
    lenient,
    normal,
    rounded,
)
from engine.model.mapping import FieldKind, FieldMapping

TEXT, CODE, DECIMAL = FieldKind.TEXT, FieldKind.CODE, FieldKind.DECIMAL
BOOLEAN, OPTION, LOOKUP = FieldKind.BOOLEAN, FieldKind.OPTION, FieldKind.LOOKUP
CHOICE, DATE = FieldKind.CHOICE, FieldKind.DATE
GUID = "11111111-aaaa-4bbb-8ccc-222222222222"


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (TEXT, None, ""),
        (TEXT, "Contoso", "Contoso"),
        (TEXT, "Contoso  ", "Contoso"),
        (TEXT, "  Contoso", "  Contoso"),
        (TEXT, "   ", ""),
        (TEXT, "Cafe\u0301", "Caf\u00e9"),
        (TEXT, 12, "12"),
        (CODE, None, ""),
        (CODE, " usd ", "USD"),
        (CODE, "stra\u00dfe", "STRASSE"),
        (CODE, "\u0390", "\u03aa\u0301"),
        (DECIMAL, None, Decimal("0.00")),
        (DECIMAL, 1, Decimal("1.00")),
        (DECIMAL, 1.005, Decimal("1.01")),
        (DECIMAL, "2.5", Decimal("2.50")),
        (DECIMAL, Decimal("3.14159"), Decimal("3.14")),
        (BOOLEAN, True, True),
        (BOOLEAN, False, False),
        (BOOLEAN, None, False),
        (OPTION, 3, 3),
        (OPTION, " ", None),
        (OPTION, None, None),
        (CHOICE, 3, 3),
        (CHOICE, None, None),
        (DATE, None, ""),
        (DATE, "0001-01-01", ""),
        (DATE, "2026-03-01T23:30:00Z", "2026-03-01"),
        (LOOKUP, GUID.upper(), GUID),
        (LOOKUP, None, None),
        (LOOKUP, "", None),
    ],
)
def test_each_kind_has_one_normal_form(kind: FieldKind, raw: Any, value: Value) -> None:
    found = normal(kind, 2, raw)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("number", "digits", "result"),
    [
        ("0.125", 2, "0.13"),
        ("-0.125", 2, "-0.13"),
        ("2.5", 0, "3"),
        ("1234567890.12345678905", 10, "1234567890.1234567891"),
        ("-0.001", 2, "0.00"),
        ("-0", 2, "0.00"),
    ],
)
def test_halves_are_rounded_away_from_zero_and_there_is_one_zero(number: str, digits: int, result: str) -> None:
    assert str(rounded(Decimal(number), digits)) == result


@pytest.mark.parametrize(
    ("kind", "raw"), [(DECIMAL, "a lot"), (DECIMAL, True), (BOOLEAN, 2), (OPTION, 1.5), (DATE, "soon")]
)
def test_what_is_none_of_its_kind_is_refused_and_leniently_its_text(kind: FieldKind, raw: Any) -> None:
    with pytest.raises(Unconvertible):
        normal(kind, 2, raw)
    assert lenient(kind, 2, raw) == str(raw)


def test_the_lookup_of_a_nav_record_is_a_code_and_that_of_a_crm_row_an_id() -> None:
    field = FieldMapping("Currency_Code", "transactioncurrencyid", kind=LOOKUP)
    nav, crm = {"Currency_Code": " usd"}, {"_transactioncurrencyid_value": GUID.upper()}
    for one_way, source, target, values in ((TO, nav, crm, ("USD", GUID)), (FROM, crm, nav, (GUID, "USD"))):
        assert (source_value(field, one_way, source), target_value(field, one_way, target)) == values
    assert (source_value(field, TO, {}), target_value(field, TO, {})) == ("", None)


@pytest.mark.parametrize(
    ("value", "says_nothing"), [(None, True), ("", True), (0, False), (False, False), (" ", False)]
)
def test_zero_and_no_are_values_and_blank_is_none(value: Value, says_nothing: bool) -> None:
    assert blank(value) is says_nothing


def test_matching_sees_texts_without_case_and_surrounding_spaces_and_leaves_other_values() -> None:
    assert folded(" Stra\u00dfe ") == folded("STRASSE")
    assert folded(Decimal(1)) == Decimal(1)


anything = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.text(), st.decimals(-(10**9), 10**9, places=4)
)


@given(st.sampled_from([kind for kind in FieldKind if kind is not DECIMAL]), anything)
def test_a_normal_form_is_its_own_normal_form(kind: FieldKind, raw: Any) -> None:
    try:
        value = normal(kind, 2, raw)
    except Unconvertible:
        value = lenient(kind, 2, raw)
        assert lenient(kind, 2, value) == value
        return
    assert normal(kind, 2, value) == value
    assert hashed(normal(kind, 2, value)) == hashed(value)


@given(st.decimals(-(10**9), 10**9, allow_nan=False), st.integers(0, 10))
def test_a_rounded_number_stays_as_it_is_and_has_one_mark(number: Decimal, digits: int) -> None:
    value = rounded(number, digits)
    assert rounded(value, digits) == value
    assert abs(value - number) <= Decimal(5).scaleb(-digits - 1)
    assert hashed(value) == hashed(normal(DECIMAL, digits, str(value)))


@given(st.text())
def test_composed_and_decomposed_texts_are_the_same_on_both_sides(raw: str) -> None:
    for kind in (TEXT, CODE):
        assert normal(kind, 2, unicodedata.normalize("NFD", raw)) == normal(kind, 2, raw)
        assert hashed(normal(kind, 2, unicodedata.normalize("NFD", raw))) == hashed(normal(kind, 2, raw))


@given(anything, anything)
def test_two_values_have_the_same_mark_only_when_they_are_the_same(one: Any, other: Any) -> None:
    same = type(one) is type(other) and str(one) == str(other)
    assert (hashed(one) == hashed(other)) is same
    assert len(hashed(one)) == HASH_SIZE
    assert hashed(one) != UNKNOWN


def test_a_mark_is_the_same_for_ever() -> None:
    """They are stored: another way to make them would turn every pair into one without a base."""
    assert hashed("Contoso").hex() == "7c3af6b53d1e"
    assert hashed(Decimal("1.50")).hex() == "d96b68ae863d"
    assert hashed(None).hex() == "fb0cd4c65ac6"


def test_half_a_surrogate_pair_can_be_remembered() -> None:
    assert hashed("\ud800") != hashed("?")
