"""A glance at a store that must cost nothing: without SQLAlchemy, without waiting, and without making or changing
anything.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

_SECONDS = 0.2


def newest_runs(url: str, limit: int) -> list[tuple[int, str, str]]:
    """Number, kind and stored state of the newest runs of a SQLite store; none where it cannot be read at once, and
    none of another database.
    """
    path = url.removeprefix("sqlite:///")
    if path == url:
        return []
    where = f"file:{quote(path)}?mode=ro"
    if not Path(f"{path}-wal").exists():
        where += "&immutable=1"  # nobody has it open: else even a reader leaves a -wal and a -shm file
    query = "SELECT id, kind, state FROM run ORDER BY id DESC LIMIT ?"
    try:
        with closing(sqlite3.connect(where, uri=True, timeout=_SECONDS)) as connection:
            return connection.execute(query, (limit,)).fetchall()
    except sqlite3.Error:
        return []
