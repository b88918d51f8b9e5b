"""Transformation rules: steps that a value goes through on its way (reference/domain.md section 3.7, rule 10).

Rules work on a copy of the source's value before it is compared; they never change the source. What is not a text is
taken as its text by the rules for texts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache

from engine.mapping.patterns import pattern_fault
from engine.mapping.values import NO_DATE, Value
from engine.model.mapping import Direction, FieldMapping, Transformation

LONGEST_TEXT = 1000
"""Characters of a text that a regular expression is tried on."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it does with a value, how many arguments it takes (`most` None: any number), and what else the
    arguments must be.

    `apply` raises ValueError when the value cannot be transformed.
    """

    apply: Callable[[Value, tuple[str, ...]], Value]
    least: int = 0
    most: int | None = 0
    fault: Callable[[tuple[str, ...]], str | None] = lambda _: None


def transformed(field: FieldMapping, one_way: Direction, value: Value) -> Value:
    """The value after the steps of its field that are for this way; raises ValueError when a step cannot be taken."""
    for step in field.transforms:
        if step.direction.includes(one_way):
            value = RULES[step.rule].apply(value, step.arguments)
    return value


def transforms(field: FieldMapping, one_way: Direction) -> bool:
    """Whether the field has a step for this way."""
    return any(step.direction.includes(one_way) for step in field.transforms)


def rule_fault(step: Transformation) -> str | None:
    """What is wrong with a step, for whoever wrote it into config.toml; None when nothing is."""
    rule = RULES.get(step.rule)
    if rule is None:
        return f"There is no transformation rule '{step.rule}'; the rules are {', '.join(sorted(RULES))}."
    number = len(step.arguments)
    if number < rule.least or (rule.most is not None and number > rule.most):
        wanted = str(rule.least) if rule.least == rule.most else f"at least {rule.least}"
        return f"Transformation rule '{step.rule}' takes {wanted} arguments, not {number}."
    fault = rule.fault(step.arguments)
    return None if fault is None else f"Transformation rule '{step.rule}': {fault}"


def _text_rule(change: Callable[..., str]) -> Callable[[Value, tuple[str, ...]], Value]:
    """A rule for texts; a value that says nothing stays as it is."""

    def apply(value: Value, arguments: tuple[str, ...]) -> Value:
        return value if value is None or value == "" else change(str(value), *arguments)

    return apply


def _title(text: str) -> str:
    return re.sub(r"\S+", lambda word: word[0][:1].upper() + word[0][1:].lower(), text)


def _substring(text: str, start: str, length: str) -> str:
    first = int(start) - 1
    return text[first : first + int(length)]


def _substring_fault(arguments: tuple[str, ...]) -> str | None:
    start, length = arguments
    if start.isdecimal() and length.isdecimal() and int(start) >= 1:
        return None
    return f"'{start}' and '{length}' must be the number of the first character, from 1, and how many to take."


def _replace(text: str, old: str, new: str) -> str:
    return text.replace(old, new) if old else text


def _replace_fault(arguments: tuple[str, ...]) -> str | None:
    return None if arguments[0] else "the text to replace is blank."


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _regex(text: str, pattern: str, replacement: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"a regular expression takes {LONGEST_TEXT} characters, the text has {len(text)}")
    try:
        return _compiled(pattern).sub(replacement, text)
    except (re.error, IndexError) as error:
        raise ValueError(f"'{pattern}' cannot be applied: {error}") from error


def _date_format(text: str, given: str, wanted: str) -> str:
    if text.startswith(NO_DATE):
        return ""
    try:
        return datetime.strptime(text, given).strftime(wanted)  # noqa: DTZ007 - a date has no time zone
    except ValueError as error:
        raise ValueError(f"'{text}' is not a date of the form {given}") from error


def _date_format_fault(arguments: tuple[str, ...]) -> str | None:
    try:
        for form in arguments:
            datetime.strptime(datetime(2001, 2, 3, 4, 5, 6).strftime(form), form)  # noqa: DTZ001, DTZ007 - as above
    except (ValueError, re.error) as error:
        return f"a form of a date is wrong: {error}"
    return None


def _lookup(text: str, *pairs: str) -> str:
    default = pairs[-1] if len(pairs) % 2 else text
    return dict(zip(pairs[::2], pairs[1::2], strict=False)).get(text, default)


def _not_negative(value: Value, _: tuple[str, ...]) -> Value:
    return max(value, Decimal(0)) if isinstance(value, Decimal) else value


RULES: Mapping[str, Rule] = {
    "trim": Rule(_text_rule(str.strip)),
    "upper": Rule(_text_rule(str.upper)),
    "lower": Rule(_text_rule(str.lower)),
    "title": Rule(_text_rule(_title)),
    "substring": Rule(_text_rule(_substring), 2, 2, _substring_fault),
    "replace": Rule(_text_rule(_replace), 2, 2, _replace_fault),
    "regex": Rule(_text_rule(_regex), 2, 2, lambda arguments: pattern_fault(*arguments)),
    "date_format": Rule(_text_rule(_date_format), 2, 2, _date_format_fault),
    "lookup": Rule(_text_rule(_lookup), 2, None),
    "prefix": Rule(_text_rule(lambda text, start: f"{start}{text}"), 1, 1),
    "not_negative": Rule(_not_negative),
}
"""By name, as config.toml gives it.

`substring` takes the number of the first character, from 1, and how many; `replace` and `regex` what to find and what
to put there; `date_format` the form that dates have and the one they get, as strptime writes them; `lookup` pairs of a
value and what becomes of it, and at the end, if any, what becomes of all others.
"""
