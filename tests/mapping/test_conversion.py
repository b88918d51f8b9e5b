"""Values between NAV and CRM, without any service."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapping.defaults import default_mappings
from engine.mapping.options import option_partners
from engine.mapping.transfer import FROM, TO, Transferred, constant_fault, source_value, target_value, transfer
from engine.mapping.values import Unconvertible, Value, lenient, nav_json, normal
from engine.model.mapping import Direction, FieldKind, FieldMapping, TableMapping, Transformation

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.decimals(), st.text(max_size=30)),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)
KINDS = [kind for kind in FieldKind if kind not in (FieldKind.LOOKUP, FieldKind.CHOICE)]
LABELS = {1: "Net 30", 2: "2% 10, Net 30", 3: "Net 45", 4: "Net 60"}


def mapping_of(*fields: FieldMapping) -> TableMapping:
    return replace(default_mappings()[3], fields=fields)


def carried(
    field: FieldMapping, raw: Any, one_way: Direction = TO, partners: dict[str, dict[str, str]] | None = None
) -> Transferred:
    name = field.nav if one_way is TO else field.column
    return transfer(mapping_of(field), one_way, {name: raw}, partners or {}, {})


def value(field: FieldMapping, raw: Any, one_way: Direction = TO) -> Value:
    return carried(field, raw, one_way).values[field]


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        (FieldKind.TEXT, None, ""),
        (FieldKind.TEXT, "e\u0301 ", "é"),
        (FieldKind.CODE, " de ", "DE"),
        (FieldKind.DECIMAL, None, Decimal("0.00")),
        (FieldKind.DECIMAL, "12.345", Decimal("12.35")),
        (FieldKind.DECIMAL, 7, Decimal("7.00")),
        (FieldKind.BOOLEAN, None, False),
        (FieldKind.BOOLEAN, "Yes", True),
        (FieldKind.BOOLEAN, 0, False),
        (FieldKind.OPTION, "3", 3),
        (FieldKind.OPTION, Decimal("3.0"), 3),
        (FieldKind.OPTION, " ", None),
        (FieldKind.OPTION, "Ship", "Ship"),
        (FieldKind.DATE, "0001-01-01", ""),
        (FieldKind.DATE, "0001-01-01T00:00:00Z", ""),
        (FieldKind.DATE, None, ""),
        (FieldKind.DATE, "2024-02-29T23:30:00Z", "2024-02-29"),
        (FieldKind.LOOKUP, "ABCD", "abcd"),
    ],
)
def test_a_value_has_one_form_of_its_kind(kind: FieldKind, raw: Any, expected: Value) -> None:
    assert normal(kind, 2, raw) == expected


@pytest.mark.parametrize(
    ("kind", "raw", "said"),
    [
        (FieldKind.DECIMAL, "twelve", "'twelve' is not a number"),
        (FieldKind.DECIMAL, True, "'True' is not a number"),
        (FieldKind.DECIMAL, Decimal("NaN"), "'NaN' is not a number"),
        (FieldKind.DECIMAL, Decimal("1E+40"), "cannot|not a number"),
        (FieldKind.BOOLEAN, "maybe", "'maybe' is neither yes nor no"),
        (FieldKind.DATE, "29.02.2024", "'29.02.2024' is not a date"),
        (FieldKind.DATE, "2023-02-29", "'2023-02-29' is not a date"),
        (FieldKind.OPTION, Decimal("1.5"), "'1.5' is not an option"),
        (FieldKind.OPTION, [], "is not an option"),
    ],
)
def test_what_is_none_of_its_kind_is_said(kind: FieldKind, raw: Any, said: str) -> None:
    with pytest.raises(Unconvertible, match=said):
        normal(kind, 2, raw)


@given(st.sampled_from(FieldKind), JSON)
def test_a_value_is_converted_once_and_for_all_or_said_to_be_none_of_its_kind(kind: FieldKind, raw: Any) -> None:
    try:
        once = normal(kind, 2, raw)
    except Unconvertible:
        assert isinstance(lenient(kind, 2, raw), str)
    else:
        assert normal(kind, 2, once) == once
        back = normal(kind, 2, nav_json(kind, once))
        assert back == once or (once is None and back == "")


@given(st.sampled_from(KINDS), JSON, st.sampled_from([TO, FROM]))
def test_what_was_transferred_is_unchanged_on_the_way_back(kind: FieldKind, raw: Any, one_way: Direction) -> None:
    field = FieldMapping("Field", "column", kind=kind)
    there = carried(field, raw, one_way)
    if there.problem is None:
        stored = {field.nav if one_way is FROM else field.column: there.values[field]}
        assert target_value(field, one_way, stored) == there.values[field]


@pytest.mark.parametrize("one_way", [TO, FROM])
def test_a_conversion_that_fails_is_a_problem_of_the_record(one_way: Direction) -> None:
    problem = carried(FieldMapping("Rate", "rate", kind=FieldKind.DECIMAL), "much", one_way).problem
    assert problem is not None
    assert problem.code == "value"
    assert "cannot be converted: 'much' is not a number" in problem.message
    assert problem.hint.startswith(f"Mend the value in {'NAV' if one_way is TO else 'CRM'}")


@pytest.mark.parametrize(
    ("kind", "raw", "said", "nothing"),
    [
        (FieldKind.DECIMAL, "much", "'much' is not a number", 0),
        (FieldKind.BOOLEAN, "perhaps", "'perhaps' is neither yes nor no", False),
        (FieldKind.DATE, "soon", "'soon' is not a date", ""),
        (FieldKind.CODE, "TOO LONG", "'TOO LONG', 8 characters, but holds 5", ""),
    ],
)
@pytest.mark.parametrize("one_way", [TO, FROM])
def test_clear_value_on_failed_sync_makes_it_a_warning_and_clears_the_other_side(
    kind: FieldKind, raw: str, said: str, nothing: Any, one_way: Direction
) -> None:
    field = FieldMapping("Rate", "rate", kind=kind, clear_on_fail=True, nav_length=5, crm_length=5)
    there = carried(field, raw, one_way)
    assert there.problem is None
    assert there.values == {field: nothing}
    (warning,) = there.warnings
    assert said in warning.message
    assert f"{'rate' if one_way is TO else 'Rate'} was cleared" in warning.message


def test_clear_value_on_failed_sync_clears_an_option_that_is_not_mapped() -> None:
    field = replace(CHOICE, clear_on_fail=True)
    for raw, one_way, nothing in (("CASH", TO, None), (9, FROM, "")):
        partners = {"PAYMENT TERMS": option_partners(field, one_way, LABELS, ())}
        there = carried(field, raw, one_way, partners)
        assert there.values == {field: nothing}
        assert there.warnings[0].code == "option_not_mapped"
        assert "left as it is" not in there.warnings[0].message


def test_a_damaged_value_on_the_other_side_is_just_different() -> None:
    field = FieldMapping("Rate", "rate", kind=FieldKind.DECIMAL)
    assert target_value(field, TO, {"rate": "much"}) == "much"
    assert source_value(field, TO, {"Rate": "much"}) == "much"


def test_a_field_that_is_not_null_never_blanks_the_other_side() -> None:
    field = FieldMapping("Name", "name", not_null=True)
    assert field not in carried(field, " ").values
    assert value(field, "x") == "x"
    owner = FieldMapping("Code", "ownerid", kind=FieldKind.LOOKUP, lookup="SALEPEOPLE", not_null=True)
    assert owner not in carried(owner, "").values


@pytest.mark.parametrize(
    ("kind", "constant", "expected"),
    [
        (FieldKind.OPTION, "3", 3),
        (FieldKind.DECIMAL, "1.5", Decimal("1.50")),
        (FieldKind.BOOLEAN, "yes", True),
        (FieldKind.DATE, "2024-01-05", "2024-01-05"),
        (FieldKind.CODE, "eur", "EUR"),
    ],
)
def test_a_constant_is_read_as_what_its_field_holds(kind: FieldKind, constant: str, expected: Value) -> None:
    field = FieldMapping(crm="column", kind=kind, constant=constant)
    assert constant_fault(field) is None
    assert value(field, None) == expected


def test_a_constant_that_its_field_cannot_hold_is_found_when_it_is_loaded() -> None:
    fault = constant_fault(FieldMapping(crm="price", kind=FieldKind.DECIMAL, constant="dear"))
    assert fault == "The constant of price: 'dear' is not a number that can be kept with 2 decimals."


def test_the_constant_of_an_option_may_be_its_label() -> None:
    field = FieldMapping(crm="terms", kind=FieldKind.OPTION, constant="net 45")
    partners = {"terms": option_partners(field, TO, LABELS, ())}
    assert carried(field, None, TO, partners).values[field] == 3
    wrong = carried(replace(field, constant="Net 7"), None, TO, partners).problem
    assert wrong is not None
    assert "CRM's terms has no option 'Net 7'" in wrong.message


def test_dates_go_through_a_text_and_come_back() -> None:
    field = FieldMapping(
        "Day",
        "day",
        kind=FieldKind.DATE,
        transforms=(
            Transformation("date_format", ("%Y-%m-%d", "%d.%m.%Y"), TO),
            Transformation("date_format", ("%d.%m.%Y", "%Y-%m-%d"), FROM),
        ),
    )
    assert value(field, "2024-02-29", TO) == "29.02.2024"
    assert target_value(field, TO, {"day": "29.02.2024"}) == "29.02.2024"
    assert value(field, "29.02.2024", FROM) == "2024-02-29"
    assert value(field, None, FROM) == ""
    assert nav_json(field.kind, "") == "0001-01-01"


CHOICE = FieldMapping(
    "Payment_Terms_Code", "paymenttermscode", kind=FieldKind.CHOICE, options="PAYMENT TERMS", nav_length=10
)


def chosen(raw: Any, one_way: Direction, *pairs: tuple[str, int]) -> Transferred:
    partners = {"PAYMENT TERMS": option_partners(CHOICE, one_way, LABELS, pairs)}
    return carried(CHOICE, raw, one_way, partners)


@pytest.mark.parametrize(("code", "option"), [("NET 30", 1), ("2% 10, NET", 2), ("", None)])
def test_a_label_cut_to_ten_characters_is_the_code(code: str, option: int | None) -> None:
    assert chosen(code, TO).values[CHOICE] == option
    assert chosen(option, FROM).values[CHOICE] == code


def test_the_configuration_comes_before_the_labels() -> None:
    pairs = (("30d", 1), ("1M", 1))
    assert chosen("1m", TO, *pairs).values[CHOICE] == 1
    assert chosen("NET 30", TO, *pairs).values[CHOICE] == 1
    assert chosen(1, FROM, *pairs).values[CHOICE] == "30D"


@pytest.mark.parametrize(("raw", "one_way"), [("CASH", TO), (9, FROM)])
def test_an_option_that_is_not_mapped_is_a_warning_and_leaves_the_other_side(raw: Any, one_way: Direction) -> None:
    there = chosen(raw, one_way)
    assert there.problem is None
    assert CHOICE not in there.values
    assert there.warnings[0].code == "option_not_mapped"
    assert "[options.PAYMENT_TERMS]" in there.warnings[0].hint


def test_labels_that_give_the_same_code_give_none() -> None:
    labels = {1: "Delivered here", 2: "Delivered there"}
    assert option_partners(CHOICE, TO, labels, ()) == {}
    assert option_partners(CHOICE, FROM, labels, (("DDP", 2),)) == {"2": "DDP"}


@given(st.dictionaries(st.integers(0, 99), st.text(max_size=14), max_size=6))
def test_each_code_goes_to_an_option_that_comes_back_as_that_code(labels: dict[int, str]) -> None:
    there, back = (option_partners(CHOICE, one_way, labels, ()) for one_way in (TO, FROM))
    for option, code in back.items():
        assert there[code.casefold()] == option


def test_what_is_cut_is_said_with_both_lengths() -> None:
    field = FieldMapping("Name", "name", nav_length=5)
    there = carried(field, "abcd efgh", FROM)
    assert there.values[field] == "abcd"
    assert "name" not in there.warnings[0].cause
    assert "has 9 characters" in there.warnings[0].message and "cut to 5" in there.warnings[0].message


def test_a_code_is_never_cut() -> None:
    problem = carried(FieldMapping("Code", "code", kind=FieldKind.CODE, nav_length=3), "abcd", FROM).problem
    assert problem is not None
    assert problem.code == "too_long"
