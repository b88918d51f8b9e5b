"""A table in memory: rows by key, indexes that are built when first asked for, and reads in pages."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from sandbox.journal import Journal
from sandbox.odata.edm import Dialect, EdmType, EntityType, Row, comparable
from sandbox.odata.predicate import Predicate
from sandbox.odata.query import Order, sort_key

_ABOVE = 2  # sorts after True, the first member of the next field in a sort key
_FEW = 500  # rows that are sorted for one page rather than looked for in an index that is sorted already


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its type and, for text, the longest value in characters."""

    type: EdmType
    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order, and whether more follow."""

    rows: list[Row]
    more: bool


class _Sorted:
    """The keys of all rows in one order, with `True` and the row's own key as the last members."""

    def __init__(self, key: Callable[[Row], tuple[Any, ...]], rows: Iterable[Row]) -> None:
        self.key = key
        self.keys = sorted(key(row) for row in rows)

    def swap(self, old: Row | None, new: Row | None) -> None:
        before = self.key(old) if old is not None else None
        after = self.key(new) if new is not None else None
        if before == after:
            return
        if before is not None:
            del self.keys[bisect_left(self.keys, before)]
        if after is not None:
            insort(self.keys, after)


class _Hashed:
    """The keys of the rows that hold each value of one field, in order of arrival."""

    def __init__(self, field: str, change: Callable[[Any], Any], key: str, rows: Iterable[Row]) -> None:
        self._field, self._change, self._key = field, change, key
        self._groups: dict[Any, dict[str, None]] = {}
        for row in rows:
            self.swap(None, row)

    def _value(self, row: Row) -> Any:
        value = row.get(self._field)
        return value if value is None else self._change(value)

    def swap(self, old: Row | None, new: Row | None) -> None:
        if old is not None:
            value = self._value(old)
            group = self._groups[value]
            if new is not None and self._value(new) == value and old[self._key] == new[self._key]:
                return
            del group[old[self._key]]
            if not group:
                del self._groups[value]
        if new is not None:
            self._groups.setdefault(self._value(new), {})[new[self._key]] = None

    def find(self, value: Any) -> Collection[str]:
        return self._groups.get(value, ())


class Table:
    """Rows by the value of their key field. A row is never changed in place: an update puts a new one.

    `rows` may be read by anybody; `counter` gives version numbers and may be shared by the tables of one database.
    """

    def __init__(
        self,
        name: str,
        fields: Mapping[str, Field],
        key: str,
        dialect: Dialect,
        *,
        type_name: str = "",
        journal: Journal | None = None,
        counter: "count[int] | None" = None,
    ) -> None:
        self.name = name
        self.fields = fields
        self.key = key
        self.entity = EntityType(type_name or name, {name: field.type for name, field in fields.items()}, dialect)
        self.rows: dict[str, Row] = {}
        self.journal = journal if journal is not None else Journal()
        self._counter = counter if counter is not None else count(1)
        self._hashed: dict[str, _Hashed] = {}
        self._sorted: dict[tuple[Order, ...], _Sorted] = {}
        self._followers: list[Callable[[Row | None, Row | None], None]] = []

    def follow(self, tell: Callable[[Row | None, Row | None], None]) -> None:
        """Have a function called with the old and the new row, None for none, whenever a row changes."""
        self._followers.append(tell)

    def next_version(self) -> int:
        """A version number above all that were given out."""
        return next(self._counter)

    def insert(self, row: Row) -> None:
        """Add a row; raises KeyError when its key is taken."""
        if row[self.key] in self.rows:
            raise KeyError(row[self.key])
        self._swap(None, row)

    def update(self, key: str, changes: Mapping[str, Any]) -> Row:
        """Put a copy with the changes in the place of a row, and return it; raises KeyError when there is none.

        A change of the key field renames the row; raises KeyError when the new key is taken.
        """
        old = self.rows[key]
        new = {**old, **changes}
        if new[self.key] != key and new[self.key] in self.rows:
            raise KeyError(new[self.key])
        self._swap(old, new)
        return new

    def delete(self, key: str) -> Row:
        """Remove a row and return it; raises KeyError when there is none."""
        old = self.rows[key]
        self._swap(old, None)
        return old

    def find(self, field: str, value: Any) -> list[Row]:
        """The rows whose field equals a stored (not yet comparable) value; null finds rows without one."""
        wanted = value if value is None else self._change(field)(value)
        return [self.rows[key] for key in self._hash_index(field).find(wanted)]

    def select(
        self, predicate: Predicate | None, order: tuple[Order, ...], limit: int, after: Mapping[str, Any] | None = None
    ) -> Page:
        """At most `limit` rows in order that satisfy the predicate and come after the row `after` (its order values).

        The key field is the last member of every order, so that paging never repeats or loses a row.
        """
        complete = self.complete(order)
        matches = iter(self._matches(predicate, complete, after))
        rows = list(islice(matches, limit))
        return Page(rows, next(matches, None) is not None)

    def count(self, predicate: Predicate | None) -> int:
        """How many rows satisfy the predicate."""
        return (
            len(self.rows) if predicate is None else sum(1 for _ in self._matches(predicate, self.complete(()), None))
        )

    def complete(self, order: tuple[Order, ...]) -> tuple[Order, ...]:
        """The order with the key field as the last resort."""
        return order if any(one.field == self.key for one in order) else (*order, Order(self.key))

    def _matches(
        self, predicate: Predicate | None, order: tuple[Order, ...], after: Mapping[str, Any] | None
    ) -> Iterator[Row]:
        if predicate is not None and predicate.keys is not None:
            field, values = predicate.keys
            index = self._hash_index(field)
            if sum(len(index.find(value)) for value in values) <= _FEW:
                found = (self.rows[key] for value in values for key in index.find(value))
                make = sort_key(order, self.entity)
                rows = sorted(filter(predicate.test, found), key=make)
                start = 0 if after is None else bisect_right(rows, make(dict(after)), key=make)
                return islice(iter(rows), start, None)
        rows_in_order = self._in_order(order, predicate, after)
        return rows_in_order if predicate is None else filter(predicate.test, rows_in_order)

    def _in_order(
        self, order: tuple[Order, ...], predicate: Predicate | None, after: Mapping[str, Any] | None
    ) -> Iterator[Row]:
        index = self._sort_index(order)
        keys = index.keys
        start, stop = 0, len(keys)
        if predicate is not None and not order[0].descending:
            low, high = predicate.bounds.get(order[0].field, (None, None))
            if low is not None:
                start = bisect_left(keys, (True, low))
            if high is not None:
                stop = bisect_right(keys, (True, high, _ABOVE))
        if after is not None:
            start = max(start, bisect_right(keys, index.key(dict(after))))
        return (self.rows[key[-1]] for key in islice(keys, start, stop))

    def _change(self, field: str) -> Callable[[Any], Any]:
        return comparable(self.entity.type_of(field), self.entity.dialect)

    def _hash_index(self, field: str) -> _Hashed:
        index = self._hashed.get(field)
        if index is None:
            index = self._hashed[field] = _Hashed(field, self._change(field), self.key, self.rows.values())
        return index

    def _sort_index(self, order: tuple[Order, ...]) -> _Sorted:
        index = self._sorted.get(order)
        if index is None:
            make, name = sort_key(order, self.entity), self.key
            index = self._sorted[order] = _Sorted(lambda row: (*make(row), True, row[name]), self.rows.values())
        return index

    def _swap(self, old: Row | None, new: Row | None) -> None:
        if old is not None:
            del self.rows[old[self.key]]
        if new is not None:
            self.rows[new[self.key]] = new
        for hashed in self._hashed.values():
            hashed.swap(old, new)
        for ordered in self._sorted.values():
            ordered.swap(old, new)
        for tell in self._followers:
            tell(old, new)
        self.journal.on_rollback(lambda: self._swap(new, old))
