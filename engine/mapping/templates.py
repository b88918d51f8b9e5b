"""Templates: what new records start with (reference/domain.md section 1.0, config templates)."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from operator import ge, gt, le, lt
from typing import Any

from engine.mapping.transfer import TO
from engine.mapping.values import Value, blank, folded
from engine.model.mapping import Condition, Direction, TableMapping, Template

_ORDER: Mapping[str, Callable[[Any, Any], Any]] = {"gt": gt, "ge": ge, "lt": lt, "le": le}


def template_values(mapping: TableMapping, one_way: Direction, row: Mapping[str, Any]) -> dict[str, Value]:
    """The values that a new record made from `row` starts with: those of the first template whose conditions hold."""
    for one in _templates(mapping, one_way):
        if all(holds(condition, row) for condition in one.conditions):
            return dict(one.values)
    return {}


def template_columns(mapping: TableMapping, one_way: Direction) -> tuple[str, ...]:
    """The columns of a source record that conditions of templates look at."""
    return tuple(condition.field for one in _templates(mapping, one_way) for condition in one.conditions)


def holds(condition: Condition, row: Mapping[str, Any]) -> bool:
    """Whether a record meets a condition; texts compare without case, and what cannot be compared does not meet it."""
    given, wanted = _plain(row.get(condition.field)), _plain(condition.value)
    if isinstance(wanted, Decimal):
        try:
            given = Decimal(str(0 if blank(given) else given))
        except InvalidOperation:
            return condition.operator == "ne"
    same = given == wanted or (blank(given) and blank(wanted))
    if condition.operator in ("eq", "ne"):
        return same is (condition.operator == "eq")
    if blank(given) or blank(wanted) or type(given) is not type(wanted):
        return False
    return bool(_ORDER[condition.operator](given, wanted))


def _plain(value: Any) -> Any:
    """A value as conditions compare it: numbers as Decimal, dates as their texts."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return folded(value.isoformat() if isinstance(value, date) else value)


def _templates(mapping: TableMapping, one_way: Direction) -> list[Template]:
    side = "crm" if one_way is TO else "nav"
    return [one for one in mapping.templates if one.side == side]
