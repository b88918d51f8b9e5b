import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.connectors import urls
from engine.connectors.filters import (
    Dialect,
    checked_name,
    comparison,
    condition,
    conjunction,
    distinct,
    list_item,
    literal,
    packed,
    selected,
)
from engine.model.errors import ConfigError
from engine.model.mapping import Condition, FieldKind
from sandbox.odata.edm import Dialect as SandboxDialect
from sandbox.odata.edm import EdmType
from sandbox.odata.filter import compile_filter
from sandbox.odata.lexer import tokens
from sandbox.odata.query import options

ID = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
texts = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (-7, "-7"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.10"), "0.10"),
        ("O'Brien", "'O''Brien'"),
        ("", "''"),
        (UUID(ID), ID),
        (date(2026, 2, 1), "2026-02-01"),
        (datetime(2026, 2, 1, 3, tzinfo=UTC), "2026-02-01T03:00:00Z"),
    ],
)
def test_a_literal_is_typed_by_its_value(value: Any, text: str) -> None:
    assert literal(value) == text


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), b"x", [1], datetime(2026, 1, 1)])  # noqa: DTZ001
def test_what_has_no_literal_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="no OData literal"):
        literal(value)


@given(texts)
def test_no_text_ends_its_literal(text: str) -> None:
    sent = urls.query([("$filter", f"Name eq {literal(text)}")])
    assert re.fullmatch(r"[A-Za-z0-9$=%(),:*._~-]*", sent), "percent-encoded once, spaces as %20"
    name, operator, value, end = tokens(options(sent)["$filter"], SandboxDialect.NAV)
    assert (name.text, operator.text, value.kind, value.value, end.kind) == ("Name", "eq", "string", text, "end")


@given(st.lists(texts, min_size=1, max_size=6))
def test_a_list_for_in_holds_exactly_the_values(values: list[str]) -> None:
    item = "[" + ",".join(map(list_item, values)) + "]"
    assert json.loads(unquote(urls.percent(item))) == values


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6), st.integers(-(2**62), 2**62))
def test_numbers_are_read_back_equal(number: Decimal, whole: int) -> None:
    for value in (number, whole):
        found = next(tokens(literal(value), SandboxDialect.CRM))
        assert (found.kind, found.value) == ("number", value)


@pytest.mark.parametrize(
    ("one", "dialect", "text"),
    [
        (Condition("Blocked", "eq", " "), Dialect.NAV, "Blocked eq ' '"),
        (Condition("Blocked", "eq", None), Dialect.NAV, "Blocked eq ''"),
        (Condition("Amount", "gt", None, FieldKind.DECIMAL), Dialect.NAV, "Amount gt 0"),
        (Condition("Blocked", "ne", None, FieldKind.BOOLEAN), Dialect.NAV, "Blocked ne false"),
        (Condition("_parentcustomerid_value", "ne", None), Dialect.CRM, "_parentcustomerid_value ne null"),
        (Condition("_ownerid_value", "eq", ID.upper()), Dialect.CRM, f"_ownerid_value eq {ID}"),
        (Condition("ownerid", "eq", ID, FieldKind.LOOKUP), Dialect.CRM, f"ownerid eq {ID}"),
        (Condition("name", "eq", ID), Dialect.CRM, f"name eq '{ID}'"),
        (Condition("statecode", "le", 0), Dialect.CRM, "statecode le 0"),
        (Condition("isdisabled", "eq", value=False), Dialect.CRM, "isdisabled eq false"),
    ],
)
def test_a_condition_speaks_the_dialect(one: Condition, dialect: Dialect, text: str) -> None:
    assert condition(one, dialect) == text


def test_conditions_hold_together() -> None:
    both = (Condition("a", "ge", 1), Condition("b", "lt", 2))
    assert conjunction(both, Dialect.CRM) == "a ge 1 and b lt 2"
    assert conjunction((), Dialect.CRM) == ""


@pytest.mark.parametrize("name", ["", "1a", "a b", "a'", "a/b", "a" * 129, "Ä", "a\n"])
def test_a_name_that_is_none_is_a_fault_of_the_configuration(name: str) -> None:
    with pytest.raises(ConfigError):
        checked_name(name)
    with pytest.raises(ConfigError):
        condition(Condition(name, "eq", 1), Dialect.CRM)
    with pytest.raises(ConfigError):
        selected(["Name", name])


def test_an_unknown_operator_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="or 1 eq"):
        condition(Condition("a", "or 1 eq", 1), Dialect.CRM)


def test_columns_are_selected_once_and_annotations_come_by_themselves() -> None:
    assert selected(("No", "Name", "@odata.etag"), "No", "SystemId") == "No,Name,SystemId"


def test_values_are_distinct_without_case() -> None:
    assert distinct(["A", "a", None, 1, "b", 1]) == ["a", 1, "b"]


@pytest.mark.parametrize("value", ["Zoé", "ZOÉ", "zoé", "42", ID, "O'BRIEN"])
def test_nav_finds_texts_in_any_case(value: str) -> None:
    test = compile_filter(comparison("Name", value), {"Name": EdmType.STRING}, SandboxDialect.NAV)
    assert test({"Name": value})
    assert test({"Name": value.lower()})


def test_a_guid_is_compared_as_text_unless_its_column_has_guids() -> None:
    assert comparison("CRM_Id", ID) == f"CRM_Id eq '{ID}'"
    assert comparison("SystemId", ID, guids=True) == f"SystemId eq {ID}"
    with pytest.raises(ValueError, match="not a GUID"):
        comparison("SystemId", "x' or true", guids=True)


@given(st.lists(texts, max_size=40), st.integers(20, 400), st.integers(1, 9))
def test_packed_terms_keep_to_length_and_count_and_lose_nothing(values: list[str], length: int, count: int) -> None:
    terms = [literal(value) for value in values]
    encoded = list(packed(terms, " or ", length, count))
    assert all(urls.percent(chunk) is chunk for chunk in encoded), "they are encoded once"
    chunks = [unquote(chunk) for chunk in encoded]
    assert " or ".join(chunks) == " or ".join(terms)
    found = [[one for one in tokens(chunk, SandboxDialect.NAV) if one.kind == "string"] for chunk in chunks]
    assert [one.value for chunk in found for one in chunk] == values
    for chunk, members in zip(encoded, found, strict=True):
        assert len(members) <= count
        assert len(members) == 1 or len(chunk) <= length
