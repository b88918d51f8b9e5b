"""INSERT ... ON CONFLICT for both databases."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert(connection: sa.Connection, table: sa.Table) -> sqlite.Insert:
    """An insert that can say what happens to rows that exist; both dialects spell it the same."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)  # type: ignore[return-value]  # same methods, no common type
    return sqlite.insert(table)
