"""$filter: what a predicate accepts, what it tells an index, what is refused."""

from typing import Any

import pytest

from sandbox.odata.edm import Dialect, EdmType, guid_order
from sandbox.odata.errors import ODataError, crm_body, nav_body
from sandbox.odata.filter import compile_filter
from sandbox.odata.predicate import Predicate

LOW = "ffffffff-ffff-ffff-ffff-000000000001"
HIGH = "00000000-0000-0000-0000-000000000002"
FIELDS = {
    "name": EdmType.STRING, "city": EdmType.STRING, "id": EdmType.GUID, "amount": EdmType.DECIMAL,
    "open": EdmType.BOOLEAN,
    "at": EdmType.DATETIME, "day": EdmType.DATE,
}  # fmt: skip
ROW: dict[str, Any] = {
    "name": "O'Neill Ébène", "city": None, "id": LOW, "amount": 10, "open": True,
    "at": "2024-05-01T12:00:00Z", "day": "2024-05-01",
}  # fmt: skip


def crm(text: str, **aliases: str) -> Predicate:
    return compile_filter(
        text, FIELDS, Dialect.CRM, type_name="Some.type", aliases={f"@{name}": value for name, value in aliases.items()}
    )


def nav(text: str) -> Predicate:
    return compile_filter(text, FIELDS, Dialect.NAV, type_name="NAV.Thing")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name eq 'O''Neill Ébène'", True),
        ("name ne 'O''Neill Ébène'", False),
        ("amount gt 9.5 and amount le 10", True),
        ("amount lt 10 or amount ge 11", False),
        ("not (amount eq 10)", False),
        ("not amount eq 11 and open eq true", True),
        ("city eq null", True),
        ("city ne null", False),
        ("city ne 'Oslo'", True),
        ("city gt 'A'", False),
        ("startswith(name,'O''N')", True),
        ("endswith(name,'ène')", True),
        ("contains(name,'zz')", False),
        ("contains(city,'a')", False),
        ("at eq 2024-05-01T14:00:00+02:00", True),
        ("at gt 2024-05-01T11:59:59.999Z", True),
        ("at ge 2024-05-02", False),
        ("day eq 2024-05-01", True),
        (f"id eq {LOW.upper()}", True),
    ],
)
def test_both_dialects_read_the_same_expressions(text: str, expected: bool) -> None:
    assert crm(text)(ROW) is expected
    assert nav(text)(ROW) is expected


def test_and_binds_before_or_and_parentheses_before_both() -> None:
    assert crm("open eq true or amount eq 11 and open eq false")(ROW)
    assert not crm("(open eq true or amount eq 11) and open eq false")(ROW)


def test_crm_compares_text_without_case_and_nav_with_it() -> None:
    assert crm("name eq 'o''neill ÉBÈNE'")(ROW)
    assert crm("contains(name,'NEILL')")(ROW)
    assert crm("tolower(name) eq 'O''NEILL Ébène'")(ROW)
    assert not nav("name eq 'o''neill ÉBÈNE'")(ROW)
    assert nav("tolower(name) eq 'o''neill ébène'")(ROW)
    assert nav("contains(toupper(name),'NEILL')")(ROW)


def test_guids_compare_as_sql_server_does_last_six_bytes_first() -> None:
    assert guid_order(LOW) < guid_order(HIGH)
    assert crm(f"id lt {HIGH}")(ROW)
    assert nav(f"id lt {HIGH}")(ROW)
    swapped = ("00000001-0000-0000-0000-000000000000", "01000000-0000-0000-0000-000000000000")
    assert guid_order(swapped[1]) < guid_order(swapped[0])


def test_a_chain_of_equalities_on_one_field_is_one_look_up() -> None:
    found = crm("name eq 'A' or name eq 'b' or name eq 'B'")
    assert found.keys == ("name", frozenset({"a", "b"}))
    assert found.exact


def test_an_equality_in_a_conjunction_is_a_look_up_and_a_negation_is_none() -> None:
    assert crm("amount gt 3 and (name eq 'A')").keys == ("name", frozenset({"a"}))
    assert crm("not (name eq 'A')").keys is None
    assert crm("name eq 'A' or amount eq 1").keys is None
    assert crm("tolower(name) eq 'a'").keys is None


def test_ranges_are_told_to_a_sorted_index() -> None:
    assert crm("amount gt 3 and amount le 9").bounds["amount"] == (3, 9)
    assert crm("amount gt 5 or (amount eq 5 and name gt 'x')").bounds == {"amount": (5, None)}
    assert crm("amount gt 5 or name gt 'x'").bounds == {}


def test_crm_in_takes_its_list_from_parameter_aliases() -> None:
    found = crm(
        "Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)", p1="'id'", p2=f'["{LOW.upper()}","{HIGH}"]'
    )
    assert found(ROW)
    assert found.keys == ("id", frozenset({guid_order(LOW), guid_order(HIGH)}))
    assert crm("Microsoft.Dynamics.CRM.In(PropertyName='amount',PropertyValues=['10','11'])")(ROW)
    assert crm("name eq @p", p="'o''neill ébène'")(ROW)


def test_crm_takes_a_quoted_guid_and_nav_does_not() -> None:
    assert crm(f"id eq '{LOW}'")(ROW)
    with pytest.raises(ODataError, match="incompatible types"):
        nav(f"id eq '{LOW}'")


def test_nav_refuses_or_across_distinct_fields() -> None:
    with pytest.raises(ODataError, match="The 'OR' operator is not supported on distinct fields on an OData filter."):
        nav("name eq 'A' or city eq 'B'")
    with pytest.raises(ODataError, match="OR"):
        nav("(amount gt 1 and day gt 2024-01-01) or (amount eq 1 and day eq 2024-01-01)")
    assert nav("amount eq 1 or amount gt 9")(ROW)


@pytest.mark.parametrize(
    "text",
    [
        "name eq", "name", "eq 'a'", "(name eq 'a'", "name eq 'a' and", "name like 'a'", "name eq 'a' name eq 'b'",
        'name eq "a"', "name eq 5", "amount eq 'x'", "open eq 1", "contains(amount,'1')", "amount gt @missing",
        "name in ('a','b')", "at eq 2024-13-01T00:00:00Z", "length(name) eq 1", "",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ODataError) as refused:
        crm(text)
    assert (refused.value.status, refused.value.code) == (400, "0x80060888")


def test_an_unknown_property_is_named_with_its_type() -> None:
    with pytest.raises(ODataError, match="Could not find a property named 'colour' on type 'Some.type'."):
        crm("colour eq 'red'")
    with pytest.raises(ODataError, match="Could not find a property named 'colour' on type 'NAV.Thing'."):
        nav("colour eq 'red'")


def test_error_bodies_have_the_shape_of_each_product() -> None:
    error = ODataError(404, "Code", "Not here.")
    assert crm_body(error) == b'{"error":{"code":"Code","message":"Not here."}}'
    assert b'"message":"Not here.  CorrelationId:  ' in nav_body(error)
