"""State stores that releases left behind in the middle of a run."""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from engine.store.database import Store
from engine.store.schema import metadata
from engine.store.work import open_intents
from tests.reliability.journal import go_on, stored


def test_a_journal_of_every_release_is_opened_with_the_tables_of_this_one(tmp_path: Path) -> None:
    assert [one.stem for one in stored()] == ["0001"]
    for journal in stored():
        path = tmp_path / f"{journal.stem}.db"
        with closing(sqlite3.connect(path)) as database:
            database.executescript(journal.read_text())
        store = Store.open(f"sqlite:///{path}")
        with store.reading() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            differences = compare_metadata(context, metadata)
            assert differences == [], "unless 0001 was released, make it anew: python -m tests.reliability.journal"
            assert sum(len(one.creates) for one in open_intents(connection)) == 8
        store.close()


def test_runs_of_all_releases_are_resumed_or_refused_in_words_and_nothing_is_lost_or_made_twice() -> None:
    assert go_on(stored()) == []
