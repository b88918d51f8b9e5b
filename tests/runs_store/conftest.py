"""A store with its tables and nothing in them, on SQLite and on PostgreSQL, and settings that name no server there is."""

from pathlib import Path

import pytest

from engine.config import Settings
from tests.runs_store.tools import settings_of
from tests.store.conftest import backend, cluster, ready_database, ready_file, store, url

__all__ = ["backend", "cluster", "ready_database", "ready_file", "settings", "store", "url"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path)
