"""Transformation rules: steps that a value goes through on its way (reference/domain.md section 3.7, rule 10)."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from engine.mapping.values import Value
from engine.model.mapping import Direction, FieldMapping

Rule = Callable[[Value, tuple[str, ...]], Value]


def transformed(field: FieldMapping, one_way: Direction, value: Value) -> Value:
    """The value after the steps of its field that are for this way."""
    for step in field.transforms:
        if step.direction.includes(one_way):
            value = RULES[step.rule](value, step.arguments)
    return value


def _prefix(value: Value, arguments: tuple[str, ...]) -> Value:
    return f"{arguments[0]}{value}" if value not in (None, "") else value


def _not_negative(value: Value, _: tuple[str, ...]) -> Value:
    return max(value, Decimal(0)) if isinstance(value, Decimal) else value


RULES: Mapping[str, Rule] = {"prefix": _prefix, "not_negative": _not_negative}
"""By name, as config.toml gives it."""
