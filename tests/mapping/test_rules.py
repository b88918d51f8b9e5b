import time
from contextlib import suppress
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapping.patterns import pattern_fault
from engine.mapping.rules import LONGEST_TEXT, RULES, rule_fault, transformed
from engine.mapping.values import Value
from engine.model.mapping import Direction, FieldMapping, Transformation

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
VALUES = st.one_of(st.text(max_size=60), st.decimals(allow_nan=False), st.booleans(), st.integers(), st.none())


def apply(rule: str, value: Value, *arguments: str) -> Value:
    return transformed(FieldMapping(transforms=(Transformation(rule, arguments),)), TO, value)


@pytest.mark.parametrize(
    ("rule", "arguments", "value", "expected"),
    [
        ("trim", (), "  a b ", "a b"),
        ("upper", (), "Straße", "STRASSE"),
        ("lower", (), "ABC", "abc"),
        ("title", (), "it's  PAT o'hara", "It's  Pat O'hara"),
        ("substring", ("2", "3"), "abcdef", "bcd"),
        ("substring", ("9", "3"), "abcdef", ""),
        ("replace", ("GmbH", "Ltd."), "A GmbH", "A Ltd."),
        ("regex", (r"(\w+), (\w+)", r"\2 \1"), "Hill, Jane", "Jane Hill"),
        ("date_format", ("%Y-%m-%d", "%d.%m.%Y"), "2024-02-29", "29.02.2024"),
        ("date_format", ("%Y-%m-%d", "%d.%m.%Y"), "0001-01-01", ""),
        ("lookup", ("DE", "Germany", "FR", "France"), "FR", "France"),
        ("lookup", ("DE", "Germany", "FR", "France"), "US", "US"),
        ("lookup", ("DE", "Germany", "Elsewhere"), "US", "Elsewhere"),
        ("prefix", ("NAV ",), "PCS", "NAV PCS"),
        ("prefix", ("No. ",), Decimal("1.50"), "No. 1.50"),
        ("not_negative", (), Decimal(-4), Decimal(0)),
        ("not_negative", (), Decimal(4), Decimal(4)),
    ],
)
def test_a_rule_does_what_its_name_says(rule: str, arguments: tuple[str, ...], value: Value, expected: Value) -> None:
    assert rule_fault(Transformation(rule, arguments)) is None
    assert apply(rule, value, *arguments) == expected


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"lookup"}))
def test_a_value_that_says_nothing_stays_as_it_is(rule: str) -> None:
    arguments = ("1", "2") if rule == "substring" else ("%Y",) * 2 if rule == "date_format" else ("a", "b")
    assert apply(rule, "", *arguments[: RULES[rule].least]) == ""
    assert apply(rule, None, *arguments[: RULES[rule].least]) is None


def test_steps_are_taken_in_order_and_only_on_their_way() -> None:
    field = FieldMapping(
        transforms=(
            Transformation("trim"),
            Transformation("upper", direction=TO),
            Transformation("prefix", ("x",), FROM),
        )
    )
    assert transformed(field, TO, " a ") == "A"
    assert transformed(field, FROM, " a ") == "xa"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Transformation("shout"), "There is no transformation rule 'shout'; the rules are date_format, lookup, lower"),
        (Transformation("upper", ("x",)), "takes 0 arguments, not 1"),
        (Transformation("replace", ("x",)), "takes 2 arguments, not 1"),
        (Transformation("lookup", ()), "takes at least 2 arguments, not 0"),
        (Transformation("substring", ("0", "1")), "must be the number of the first character, from 1"),
        (Transformation("substring", ("1", "two")), "must be the number of the first character, from 1"),
        (Transformation("replace", ("", "x")), "the text to replace is blank"),
        (Transformation("regex", ("(", "")), "is not valid"),
        (Transformation("regex", ("(a)", r"\2")), "is not valid"),
        (Transformation("regex", ("x" * 201, "")), "has 201 characters, at most 200"),
        (Transformation("regex", ("(a+)+$", "")), "repeats a group that repeats"),
        (Transformation("regex", ("a*a*a*", "")), "repeats the same characters several times in a row"),
        (Transformation("regex", ("[[]", "")), "'[[]' has [, --, &&, ~~ or || in a set of characters"),
        (Transformation("date_format", ("%Y-%q", "%d")), "a form of a date is wrong"),
    ],
)
def test_a_step_that_cannot_be_taken_is_found_when_it_is_loaded(step: Transformation, said: str) -> None:
    fault = rule_fault(step)
    assert fault is not None
    assert said in fault


@pytest.mark.parametrize(
    "pattern",
    [
        *("(a+)+b", "((a*))*b", "(a|a)*b", "(?:x+y?)+", "([)]+)+", r"(\(+){2,}", "(a)(b+)+", r"(a*)\1", "(a?)*"),
        *("a*a*a*a*a*a*b", "a?" * 12 + "a" * 12, "(a|a)" * 11 + "b", "(a|a){11}b", ".*a.*a.*b", "(ab)*(ab)*(ab)*c"),
        *(r"\w+\ba+\b[ab]+c", "a*(?!b)a*(?!b)a*c", "(a*|b)a*(a*|c)d", r"\x41*\u0041*A*b", "(?i)a*A*a*b"),
        *("(?x)a* a* a*b", "a*(?#c)*", "(a)?(?(1)a|b)"),
    ],
)
def test_a_pattern_that_can_take_for_ever_is_refused(pattern: str) -> None:
    assert pattern_fault(pattern, "") is not None


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"^\s+|\s+$", r"[(]+x", r"(\d{3})-(\d+)", "(ab)+", r"\(+a+\)", "[]*+]+", "(?:ab)?c*", r"^0*(\d+)$"),
        *(r"(\w+) +(\w+) +(\w+) +(\w+)", "[^,]*,[^,]*,[^,]*,(.*)", r"(?P<last>.+), (?P<first>.+)"),
        *(r"^(\+49|0049|0)?\s*(\d{2,5})[ /-]*(\d{3,8})$", r"(Mr|Mrs|Dr)\.? (\w+)", "([A-Z]+)([a-z]+)([A-Z]+)"),
        *(
            "a{",
            "a{,3}b{2}",
            r"(?i)gmbh\s*$",
            r"^https?://(?:www\.)?([^/]+)/?.*$",
            r"^0?(\d+) ?(\d+)$",
            r"^0?\d+\s?\s*x",
        ),
        r"^(?:\+|00)(\d{2})\s*\(?0?\)?\s*(\d+)$",
    ],
)
def test_a_plain_pattern_is_taken(pattern: str) -> None:
    assert pattern_fault(pattern, "") is None


def test_a_regular_expression_is_not_tried_on_a_very_long_text() -> None:
    assert apply("regex", "a" * LONGEST_TEXT, "a$", "b") == "a" * (LONGEST_TEXT - 1) + "b"
    with pytest.raises(ValueError, match="takes 1000 characters, the text has 1001"):
        apply("regex", "a" * (LONGEST_TEXT + 1), "a", "b")


def test_what_is_no_date_is_said() -> None:
    with pytest.raises(ValueError, match=r"'31\.02\.2024' is not a date of the form"):
        apply("date_format", "31.02.2024", "%d.%m.%Y", "%Y-%m-%d")


@given(VALUES, st.sampled_from(sorted(RULES)), st.lists(st.text(max_size=12), max_size=4))
def test_a_rule_that_was_loaded_gives_a_value_or_says_why_not(value: Value, rule: str, arguments: list[str]) -> None:
    if rule_fault(Transformation(rule, tuple(arguments))) is None:
        with suppress(ValueError):
            apply(rule, value, *arguments)


@given(st.text(max_size=40), st.text(max_size=12))
def test_any_pattern_is_refused_or_ends_soon(text: str, pattern: str) -> None:
    if rule_fault(Transformation("regex", (pattern, ""))) is None:
        started = time.monotonic()
        with suppress(ValueError):
            apply("regex", text, pattern, "")
        assert time.monotonic() - started < 2


@given(st.dates(min_value=date(1000, 1, 1)))
def test_a_date_comes_back_as_it_went(day: date) -> None:
    there = apply("date_format", str(day), "%Y-%m-%d", "%d/%m/%Y")
    back = apply("date_format", there, "%d/%m/%Y", "%Y-%m-%d")
    assert back == str(day)
