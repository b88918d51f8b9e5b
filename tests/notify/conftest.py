"""A store with its tables and nothing in them, on SQLite and on PostgreSQL."""

from tests.store.conftest import backend, cluster, ready_database, ready_file, store, url

__all__ = ["backend", "cluster", "ready_database", "ready_file", "store", "url"]
