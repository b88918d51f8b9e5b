"""A compiled filter: the test, and what an index can know about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.odata.edm import Row

Test = Callable[[Row], bool]
Bounds = tuple[Any, Any]
"""Lowest and highest comparable value, both inclusive; None where it is open."""


@dataclass(frozen=True, slots=True)
class Predicate:
    """Whether a row is in the result.

    `keys` names one field and the comparable values (`edm.comparable`) it must have, so that a hash index narrows the
    search; `bounds` gives the range of fields, so that a sorted index does. `exact`: the test is the keys and no more.
    """

    test: Test
    keys: tuple[str, frozenset[Any]] | None = None
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    fields: frozenset[str] = frozenset()
    exact: bool = False

    def __call__(self, row: Row) -> bool:
        """Test a row."""
        return self.test(row)


def one_of(name: str, values: frozenset[Any], read: Callable[[Row], Any]) -> Predicate:
    """The field has one of the values."""
    known = [value for value in values if value is not None]
    bounds = {name: (min(known), max(known))} if known and len(known) == len(values) else {}
    return Predicate(lambda row: read(row) in values, (name, values), bounds, frozenset({name}), exact=True)


def negation(inner: Predicate) -> Predicate:
    """Not the inner one; no index helps."""
    test = inner.test
    return Predicate(lambda row: not test(row), fields=inner.fields)


def conjunction(parts: Sequence[Predicate]) -> Predicate:
    """All of them: the narrowest keys and the intersection of the ranges."""
    if len(parts) == 1:
        return parts[0]
    tests = [part.test for part in parts]
    keyed = [part.keys for part in parts if part.keys is not None]
    bounds: dict[str, Bounds] = {}
    for part in parts:
        for name, (low, high) in part.bounds.items():
            known_low, known_high = bounds.get(name, (None, None))
            bounds[name] = (_tightest(max, known_low, low), _tightest(min, known_high, high))
    return Predicate(
        lambda row: all(test(row) for test in tests),
        min(keyed, key=lambda keys: len(keys[1])) if keyed else None,
        bounds,
        frozenset().union(*(part.fields for part in parts)),
    )


def disjunction(parts: Sequence[Predicate], read: Callable[[str], Callable[[Row], Any]]) -> Predicate:
    """Any of them. A chain of `eq` on one field becomes one look-up; `read` gives the reader of a field."""
    if len(parts) == 1:
        return parts[0]
    names = {part.keys[0] if part.keys else None for part in parts}
    name = names.pop() if len(names) == 1 else None
    keys = None
    if name is not None:
        values = frozenset().union(*(part.keys[1] for part in parts if part.keys))
        if all(part.exact for part in parts):
            return one_of(name, values, read(name))
        keys = (name, values)
    bounds: dict[str, Bounds] = {}
    for shared in set.intersection(*(set(part.bounds) for part in parts)):
        lows = [part.bounds[shared][0] for part in parts]
        highs = [part.bounds[shared][1] for part in parts]
        bounds[shared] = (None if None in lows else min(lows), None if None in highs else max(highs))
    tests = [part.test for part in parts]
    fields: frozenset[str] = frozenset().union(*(part.fields for part in parts))
    return Predicate(lambda row: any(test(row) for test in tests), keys, bounds, fields)


def _tightest(choose: Callable[[Any, Any], Any], one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)
