"""Finding records by what people call them."""

from collections.abc import Sequence

import sqlalchemy as sa


def called(table: sa.FromClause, words: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    """Of a table with NAV numbers and names, the records that have each of the words in one of the two. Case does not
    matter where the database folds it, which SQLite does for ASCII letters only.
    """
    both = [sa.type_coerce(table.c[name], sa.String) for name in ("nav_no", "name")]
    return [sa.or_(*(column.icontains(word, autoescape=True) for column in both)) for word in words]
