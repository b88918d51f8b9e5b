"""Statements about many rows or values, compiled once per database and given to its driver as they are: for each value
of theirs SQLAlchemy would take more time than the database.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from engine.store.chunks import CHUNK, chunks

Values = tuple[Any, ...]
_FEW = 16


class Prepared:
    """A statement with named parameters. `make` gives it for a connection's database, `names` are its parameters in the
    order in which values come. These are as the database keeps them: GUIDs bytes, moments milliseconds.
    """

    def __init__(self, make: Callable[[sa.Connection], sa.ClauseElement], names: Sequence[str]) -> None:
        self._make = make
        self._names = tuple(names)
        self._known: dict[str, tuple[str, Callable[[Values], Any]]] = {}

    def one(self, connection: sa.Connection, values: Values) -> sa.CursorResult[Any]:
        """Execute it once."""
        text, given = self._compiled(connection)
        return connection.exec_driver_sql(text, given(values))

    def many(self, connection: sa.Connection, rows: Iterable[Values]) -> int:
        """Execute it for each row; how many rows of the table that changed."""
        text, given = self._compiled(connection)
        options = {"preserve_rowcount": True}
        return connection.exec_driver_sql(text, list(map(given, rows)), execution_options=options).rowcount

    def _compiled(self, connection: sa.Connection) -> tuple[str, Callable[[Values], Any]]:
        name = connection.dialect.name
        if name not in self._known:
            compiled = self._make(connection).compile(dialect=connection.dialect, column_keys=self._names)
            self._known[name] = (str(compiled), self._given(getattr(compiled, "positiontup", None)))
        return self._known[name]

    def _given(self, order: Sequence[str] | None) -> Callable[[Values], Any]:
        """What makes of values what the driver takes: a tuple in the order of the statement, or values by name."""
        if order is None:
            return lambda values: dict(zip(self._names, values, strict=True))
        return itemgetter(*(self._names.index(name) for name in order))


class AmongValues:
    """A query for the rows that have one of any number of values in a column; `fixed` are its other parameters."""

    def __init__(
        self, query: Callable[[], sa.Select[Any]], column: sa.ColumnElement[Any], fixed: Sequence[str] = ()
    ) -> None:
        self._sizes = {size: _among(query, column, fixed, size) for size in (_FEW, CHUNK)}

    def rows(self, connection: sa.Connection, fixed: Values, values: Sequence[Any]) -> Iterator[Any]:
        """The rows, as the database keeps their values."""
        for chunk in chunks(values):
            size = _FEW if len(chunk) <= _FEW else CHUNK
            # no value is null, so that null stands for none
            yield from self._sizes[size].one(connection, (*fixed, *chunk, *(None,) * (size - len(chunk))))


def _among(
    query: Callable[[], sa.Select[Any]], column: sa.ColumnElement[Any], fixed: Sequence[str], size: int
) -> Prepared:
    names = [f"value_{number}" for number in range(size)]

    def make(_: sa.Connection) -> sa.Select[Any]:
        return query().where(column.in_([sa.bindparam(name, type_=column.type) for name in names]))

    return Prepared(make, [*fixed, *names])
